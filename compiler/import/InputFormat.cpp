#include "compiler/import/InputFormat.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/Twine.h"
#include <cmath>

using namespace lathe;
using llvm::StringRef;
using llvm::Twine;

namespace {

constexpr const char *kFormatRule = "expected NAME:u8|f32:nhwc|nchw[:HxW][:rgb|bgr], such as image:u8:nhwc:480x640";

class Parser {
public:
  explicit Parser(std::string &error) : error(error) {}
  std::map<std::string, InputFormat> formats;

  /// ONNX names may hold colons, so words are taken from the end as long as they are known.
  bool format(StringRef text) {
    InputFormat format;
    bool hasType = false, hasLayout = false, hasOrder = false;
    StringRef rest = text;
    while (!hasType) {
      auto [head, word] = rest.rsplit(':');
      if (head.size() == rest.size())
        return fail("--input-format is '" + text + "', " + kFormatRule);
      bool fits = true;
      if (word == "u8" || word == "f32") {
        hasType = true;
        format.isBytes = word == "u8";
      } else if (!hasLayout && (word == "nhwc" || word == "nchw")) {
        hasLayout = true;
        format.channelsLast = word == "nhwc";
      } else if (!hasOrder && !format.source && !hasLayout && (word == "rgb" || word == "bgr")) {
        hasOrder = true;
        format.reversed = word == "bgr";
      } else {
        fits = !format.source && !hasLayout && (format.source = size(word));
      }
      if (!fits)
        return fail("--input-format is '" + text + "': '" + word + "' does not fit there; " + kFormatRule);
      rest = head;
    }
    if (!hasLayout || rest.empty())
      return fail("--input-format is '" + text + "', " + kFormatRule);
    if (!formats.emplace(rest.str(), format).second)
      return fail("--input-format gives '" + rest + "' twice");
    return true;
  }

  bool numbers(const char *flag, StringRef text, std::vector<double> InputFormat::*member) {
    auto [owner, values] = ownerOf(flag, text);
    if (!owner)
      return false;
    std::vector<double> &list = owner->*member;
    if (!list.empty())
      return fail(Twine(flag) + " is given twice for one input");
    llvm::SmallVector<StringRef> words;
    values.split(words, ',');
    for (StringRef word : words) {
      double value;
      if (word.getAsDouble(value) || !std::isfinite(static_cast<float>(value)))
        return fail(Twine(flag) + " is '" + text + "', expected [NAME:]V or V,V,V, finite numbers");
      list.push_back(value);
    }
    return true;
  }

  bool resize(StringRef text) {
    auto [owner, value] = ownerOf("--resize", text);
    if (!owner)
      return false;
    if (owner->resize)
      return fail("--resize is given twice for one input");
    owner->resize = size(value);
    return owner->resize || fail("--resize is '" + text + "', expected [NAME:]HEIGHTxWIDTH, such as 224x224");
  }

private:
  bool fail(const Twine &text) {
    error = text.str();
    return false;
  }

  static std::optional<InputFormat::Size> size(StringRef text) {
    auto [height, width] = text.split('x');
    InputFormat::Size result;
    if (height.getAsInteger(10, result.height) || width.getAsInteger(10, result.width) || result.height < 1 || result.width < 1)
      return std::nullopt;
    return result;
  }

  std::pair<InputFormat *, StringRef> ownerOf(const char *flag, StringRef text) {
    auto none = [&](const Twine &reason) {
      fail(reason);
      return std::pair<InputFormat *, StringRef>(nullptr, "");
    };
    if (formats.empty())
      return none(Twine(flag) + " has no effect without --input-format");
    auto [name, value] = text.rsplit(':');
    if (name.size() == text.size()) {
      if (formats.size() > 1)
        return none(Twine(flag) + " is '" + text + "', which does not say for which input; expected NAME:… in front");
      return {&formats.begin()->second, text};
    }
    auto found = formats.find(name.str());
    if (found == formats.end())
      return none(Twine(flag) + " is for '" + name + "', for which there is no --input-format");
    return {&found->second, value};
  }

  std::string &error;
};

} // namespace

std::optional<std::map<std::string, InputFormat>> lathe::parseInputFormats(const std::vector<std::string> &formats, const std::vector<std::string> &means,
                                                                           const std::vector<std::string> &scales, const std::vector<std::string> &resizes,
                                                                           std::string &error) {
  Parser parser(error);
  for (const std::string &text : formats)
    if (!parser.format(text))
      return std::nullopt;
  for (const std::string &text : means)
    if (!parser.numbers("--mean", text, &InputFormat::mean))
      return std::nullopt;
  for (const std::string &text : scales)
    if (!parser.numbers("--scale", text, &InputFormat::scale))
      return std::nullopt;
  for (const std::string &text : resizes)
    if (!parser.resize(text))
      return std::nullopt;
  return std::move(parser.formats);
}
