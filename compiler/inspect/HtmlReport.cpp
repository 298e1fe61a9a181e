// The index.html of a dump.

#include "compiler/inspect/HtmlReport.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Base64.h"
#include "llvm/Support/Compression.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
namespace json = llvm::json;

namespace lathe {

// The page, style and program of report/, as raw string literals (made by CMake).
static constexpr char pageText[] =
#include "compiler/inspect/report/page.html.inc"
    ;
static constexpr char styleText[] =
#include "compiler/inspect/report/style.css.inc"
    ;
// clang-format off: the pieces of the program build on each other
static constexpr char programText[] =
#include "compiler/inspect/report/diff.js.inc"
#include "compiler/inspect/report/rows.js.inc"
#include "compiler/inspect/report/views.js.inc"
#include "compiler/inspect/report/main.js.inc"
    ;
// clang-format on

/// JSON in a <script>: `</script>` or `<!--` inside a string would end it.
static std::string scriptSafe(std::string text) {
  std::string safe;
  safe.reserve(text.size());
  for (char c : text)
    c == '<' ? safe += "\\u003c" : safe += c;
  return safe;
}

/// JSON must be UTF-8; ONNX names and string attributes need not be.
static std::string utf8(StringRef text) { return json::isUTF8(text) ? text.str() : json::fixUTF8(text); }

/// Deflated where that is built in; the page tells by the first character which it is.
static std::string encode(const std::string &text) {
  if (!llvm::compression::zlib::isAvailable())
    return "=" + llvm::encodeBase64(text);
  SmallVector<uint8_t> packed;
  llvm::compression::zlib::compress(llvm::arrayRefFromStringRef(text), packed);
  return "z" + llvm::encodeBase64(packed);
}

void HtmlReport::add(ReportStep step, const ReadableIR *ir) {
  steps.push_back(std::move(step));
  lineCounts.push_back(ir ? ir->lineSets.size() - 1 : 0);
  if (!ir) {
    payloads.emplace_back();
    return;
  }
  std::string text;
  llvm::raw_string_ostream os(text);
  json::OStream out(os);
  out.object([&] {
    out.attribute("text", utf8(ir->text));
    // Run lengths: neighbouring lines mostly belong to the same nodes.
    out.attributeArray("sets", [&] {
      for (size_t i = 0; i < ir->lineSets.size();) {
        size_t end = i;
        while (end < ir->lineSets.size() && ir->lineSets[end] == ir->lineSets[i])
          ++end;
        out.value(int64_t(end - i));
        out.value(int64_t(ir->lineSets[i]));
        i = end;
      }
    });
  });
  payloads.push_back(encode(text));
}

static void writeStep(json::OStream &out, const ReportStep &step, size_t lines) {
  const StepRecord &record = step.record;
  auto counts = [&](StringRef key, const OpCounts &ops) {
    out.attributeObject(key, [&] {
      for (auto &[name, count] : ops)
        out.attribute(name, int64_t(count));
    });
  };
  out.object([&] {
    out.attribute("phase", utf8(record.phase));
    out.attribute("pass", utf8(record.pass));
    out.attribute("options", utf8(record.options));
    out.attribute("description", utf8(record.description));
    out.attribute("reason", utf8(record.reason));
    out.attribute("ms", record.milliseconds);
    out.attribute("verifyMs", record.verifyMilliseconds);
    out.attribute("failed", record.failed);
    out.attribute("file", step.file);
    out.attribute("isModule", step.isModule);
    out.attribute("lines", int64_t(lines));
    // Counts before are those after the step before it; only what a step changed is worth its bytes.
    if (!step.file.empty())
      counts("ops", record.opsAfter);
  });
}

std::string HtmlReport::render() const {
  std::string data;
  llvm::raw_string_ostream os(data);
  json::OStream out(os);
  out.object([&] {
    out.attribute("title", utf8(title));
    out.attributeArray("names", [&] {
      for (const std::string &name : nodeNames.names())
        out.value(utf8(name));
    });
    out.attributeArray("sets", [&] {
      for (const std::vector<unsigned> &set : nodeNames.sets())
        out.array([&] {
          for (unsigned id : set)
            out.value(int64_t(id));
        });
    });
    out.attributeArray("steps", [&] {
      for (auto [step, lines] : llvm::zip_equal(steps, lineCounts))
        writeStep(out, step, lines);
    });
  });

  std::string texts;
  for (auto [i, payload] : llvm::enumerate(payloads))
    if (!payload.empty())
      texts += "<script type=\"text/plain\" id=\"text" + std::to_string(i) + "\">" + payload + "</script>\n";

  std::string html = pageText;
  auto fill = [&](StringRef slot, const std::string &with) {
    size_t at = html.find(slot.str());
    html.replace(at, slot.size(), with);
  };
  // In this order: a later slot's name in earlier filled-in data would be taken for the slot.
  fill("@style@", styleText);
  fill("@program@", programText);
  fill("@texts@", texts);
  fill("@data@", scriptSafe(data));
  return html;
}

} // namespace lathe
