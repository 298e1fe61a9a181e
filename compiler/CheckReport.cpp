#include "compiler/CheckReport.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace lathe;

static StringRef wordAfter(StringRef text, StringRef word) {
  size_t at = text.find(word);
  return at == StringRef::npos ? "" : text.substr(at + word.size()).take_while([](char c) { return isAlnum(c) || c == '_' || c == '-'; });
}

ReasonParts lathe::partsOf(StringRef reason) {
  constexpr StringRef kSupported = "; supported: ", kHint = "; hint: ";
  ReasonParts parts;
  size_t supported = reason.find(kSupported), hint = reason.find(kHint);
  parts.problem = reason.take_front(std::min(supported, hint));
  if (supported != StringRef::npos)
    parts.supported = reason.slice(supported + kSupported.size(), hint > supported ? hint : StringRef::npos);
  if (hint != StringRef::npos)
    parts.hint = reason.slice(hint + kHint.size(), supported > hint ? supported : StringRef::npos);
  parts.attribute = wordAfter(parts.problem, "attribute ");
  parts.input = wordAfter(parts.problem, "input ").take_while(isDigit);
  return parts;
}

static const char *kindOf(int code) {
  switch (code) {
  case ImportReport::usage:
    return "usage";
  case ImportReport::unsupportedModel:
    return "unsupported";
  case ImportReport::invalidModel:
    return "invalid";
  default:
    return "internal";
  }
}

void lathe::printCheckText(const ImportReport &report, StringRef model, raw_ostream &os) {
  if (!report.opset)
    return;
  os << model << ": opset " << report.opset << ", operators:";
  for (const auto &[op, count] : report.operators)
    os << ' ' << op << " x" << count;
  os << '\n';
  if (report.exitCode == ImportReport::ok)
    os << "every node can be compiled\n";
  else if (int64_t nodes = count_if(report.findings, [](const ImportReport::Finding &finding) { return !finding.op.empty(); }))
    os << nodes << " nodes cannot be compiled\n";
}

void lathe::printCheckJson(const ImportReport &report, StringRef model, raw_ostream &os) {
  json::OStream json(os, 2);
  // Of what the model says some may not be UTF-8: the writer asserts that all is.
  auto text = [&](StringRef key, StringRef value) {
    if (value.empty())
      json.attribute(key, nullptr);
    else
      json.attribute(key, json::fixUTF8(value));
  };
  json.object([&] {
    json.attribute("schema", "lathe-check/1");
    text("model", model);
    json.attribute("opset", report.opset ? json::Value(report.opset) : json::Value(nullptr));
    json.attribute("compilable", report.exitCode == ImportReport::ok);
    json.attribute("exit_code", report.exitCode);
    json.attributeObject("operators", [&] {
      for (const auto &[op, count] : report.operators)
        json.attribute(json::fixUTF8(op), count);
    });
    json.attributeArray("findings", [&] {
      for (auto [message, finding] : zip_equal(report.messages, report.findings))
        json.object([&] {
          ReasonParts parts = partsOf(finding.reason);
          json.attribute("kind", kindOf(finding.code));
          json.attribute("exit_code", finding.code);
          text("message", message);
          text("node", finding.node);
          text("op", finding.op);
          json.attribute("opset", finding.opset ? json::Value(finding.opset) : json::Value(nullptr));
          text("attribute", parts.attribute.empty() ? StringRef(finding.attribute) : parts.attribute);
          int64_t input;
          json.attribute("input", parts.input.getAsInteger(10, input) ? json::Value(nullptr) : json::Value(input));
          text("problem", parts.problem);
          text("supported", parts.supported);
          text("hint", parts.hint);
        });
    });
  });
  os << '\n';
}
