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

/// A script that holds data, by its attributes. `</script>` or `<!--` inside a string would end it.
static std::string dataScript(StringRef attributes, llvm::function_ref<void(json::OStream &)> write) {
  std::string text;
  llvm::raw_string_ostream os(text);
  json::OStream out(os);
  write(out);
  std::string script = ("<script type=\"application/json\" " + attributes + ">").str();
  script.reserve(script.size() + text.size() + 16);
  for (char c : text)
    c == '<' ? script += "\\u003c" : script += c;
  return script + "</script>\n";
}

std::string HtmlReport::begin(StringRef title, ArrayRef<std::pair<StringRef, StringRef>> phases) {
  std::string html = pageText;
  auto fill = [&](StringRef slot, const std::string &with) {
    size_t at = html.find(slot.str());
    html.replace(at, slot.size(), with);
  };
  fill("@style@", styleText);
  fill("@program@", programText);
  return html + dataScript("id=\"about\"", [&](json::OStream &out) {
           out.object([&] {
             out.attribute("title", utf8(title));
             out.attributeObject("phases", [&] {
               for (auto [name, description] : phases)
                 out.attribute(name, description);
             });
           });
         });
}

static void writeRecord(json::OStream &out, const StepRecord &record) {
  out.attribute("phase", utf8(record.phase));
  out.attribute("pass", utf8(record.pass));
  out.attribute("options", utf8(record.options));
  out.attribute("description", utf8(record.description));
  out.attribute("reason", utf8(record.reason));
  out.attribute("ms", record.milliseconds);
  out.attribute("verifyMs", record.verifyMilliseconds);
  out.attribute("failed", record.failed);
}

std::string HtmlReport::running(const StepRecord &record) const {
  return dataScript("class=\"record\"", [&](json::OStream &out) {
    out.object([&] {
      out.attribute("index", int64_t(steps));
      writeRecord(out, record);
      out.attribute("file", "");
      out.attribute("running", true);
    });
  });
}

/// Encoded text and nodes of the lines.
static std::string payload(const ReadableIR &ir) {
  std::string text;
  llvm::raw_string_ostream os(text);
  json::OStream out(os);
  out.object([&] {
    out.attribute("text", utf8(ir.text));
    // Run lengths: neighbouring lines mostly belong to the same nodes.
    out.attributeArray("sets", [&] {
      for (size_t i = 0; i < ir.lineSets.size();) {
        size_t end = i;
        while (end < ir.lineSets.size() && ir.lineSets[end] == ir.lineSets[i])
          ++end;
        out.value(int64_t(end - i));
        out.value(int64_t(ir.lineSets[i]));
        i = end;
      }
    });
  });
  return encode(text);
}

std::string HtmlReport::add(const ReportStep &step, const ReadableIR *ir) {
  std::string html;
  if (ir)
    html = "<script type=\"text/plain\" id=\"text" + std::to_string(steps) + "\">" + payload(*ir) + "</script>\n";
  html += dataScript("class=\"record\"", [&](json::OStream &out) {
    out.object([&] {
      out.attribute("index", int64_t(steps));
      writeRecord(out, step.record);
      out.attribute("file", step.file);
      out.attribute("isModule", step.isModule);
      out.attribute("lines", int64_t(ir ? ir->lineSets.size() - 1 : 0));
      // Counts before are those after the step before it; only what a step changed is worth its bytes.
      if (!step.file.empty())
        out.attributeObject("ops", [&] {
          for (auto &[name, count] : step.record.opsAfter)
            out.attribute(name, int64_t(count));
        });
      // Those that this text was the first to name.
      out.attributeArray("names", [&] {
        for (const std::string &name : ArrayRef(nodeNames.names()).drop_front(namesWritten))
          out.value(utf8(name));
      });
      out.attributeArray("sets", [&] {
        for (const std::vector<unsigned> &set : ArrayRef(nodeNames.sets()).drop_front(setsWritten))
          out.array([&] {
            for (unsigned id : set)
              out.value(int64_t(id));
          });
      });
    });
  });
  ++steps;
  namesWritten = nodeNames.names().size();
  setsWritten = nodeNames.sets().size();
  return html;
}

} // namespace lathe
