#include "test/emulator/Translate.h"
#include "test/emulator/Writer.h"

#include <algorithm>
#include <cstring>

namespace lathe::emulator {

namespace {

u64 scalar(const Declaration &variable, std::string_view text) {
  u64 value;
  if (parseInteger(text, value))
    return value;
  std::string word = trimmed(text);
  if (word.starts_with("0f") || word.starts_with("0F") || word.starts_with("0d") || word.starts_with("0D"))
    return std::stoull(word.substr(2), nullptr, 16);
  refuse(variable.line, "expected a number in the content of '" + variable.name + "' (got '" + word + "')");
}

Variable makeVariable(const Declaration &declaration, const ModuleNames &names) {
  Variable variable;
  variable.name = declaration.name;
  variable.align = std::max(declaration.align, 16u);
  std::string_view text = declaration.initializer;
  std::vector<std::string> values;
  if (text.starts_with("{")) {
    // Nested braces are rows of the same array.
    std::string flat;
    for (char c : text)
      flat += c == '{' || c == '}' ? ' ' : c;
    values = splitOperands(flat);
  } else if (!text.empty()) {
    values = {trimmed(text)};
  }
  u32 size = declaration.type.bytes();
  variable.bytes = declaration.elements ? declaration.bytes() : values.size() * size;
  if (values.size() * size > variable.bytes)
    refuse(declaration.line, "'" + declaration.name + "' has more content than elements");
  variable.content.assign(variable.bytes, 0);
  for (size_t i = 0; i != values.size(); ++i) {
    std::string word = values[i];
    if (word.starts_with("generic(")) {
      size_t end = word.find(')');
      word = word.substr(8, end - 8) + word.substr(end + 1);
    }
    size_t plus = word.find('+');
    auto found = names.entities.find(trimmed(word.substr(0, plus)));
    u64 value = 0;
    if (found != names.entities.end()) {
      u64 addend = plus == word.npos ? 0 : scalar(declaration, trimmed(word.substr(plus + 1)));
      variable.references.push_back({i * size, u32(found->second.offset), addend});
    } else {
      value = scalar(declaration, word);
    }
    std::memcpy(variable.content.data() + i * size, &value, std::min<u32>(size, 8));
  }
  return variable;
}

KernelText makeKernel(const Function &entry, const Module &module, const ModuleNames &names) {
  KernelText kernel;
  kernel.name = entry.name;
  kernel.maxThreads = entry.maxThreads;
  std::memcpy(kernel.requiredThreads, entry.requiredThreads, sizeof kernel.requiredThreads);
  for (const Declaration &param : entry.params) {
    kernel.paramBytes = (kernel.paramBytes + param.align - 1) / param.align * param.align;
    kernel.paramOffsets.push_back(kernel.paramBytes);
    kernel.paramSizes.push_back(u32(param.bytes()));
    kernel.paramBytes += u32(param.bytes());
  }
  Layout layout;
  std::string code = Writer(entry, names, layout).run(), called;
  if (layout.calls) {
    std::string prototypes;
    for (const Function &function : module.functions)
      if (!function.entry && function.defined) {
        prototypes += Writer::prototype(function) + ";\n";
        called += Writer(function, names, layout).run();
      }
    called = prototypes + called;
  }
  kernel.dynamicShared = layout.dynamicShared;
  kernel.dynamicOffset = u32((layout.sharedBytes + layout.dynamicAlign - 1) / layout.dynamicAlign * layout.dynamicAlign);
  kernel.sharedBytes = u32(layout.sharedBytes);
  kernel.localBytes = u32((layout.localBytes + 15) / 16 * 16);
  kernel.collective = layout.collective;
  kernel.code = "static constexpr u64 dynamicShared = " + std::to_string(kernel.dynamicOffset) + ";\n" + called + code;
  return kernel;
}

} // namespace

ModuleText translate(std::string_view ptx) {
  Module module = parsePtx(ptx);
  ModuleText text;
  text.version = module.version;
  text.target = module.target;
  text.exactTarget = module.targetName.ends_with("a");
  ModuleNames names;
  for (const Declaration &variable : module.variables) {
    if (variable.space == "shared")
      names.shared.push_back(variable);
    else if (variable.external)
      refuse(variable.line, "unresolved external variable '" + variable.name + "'");
    else
      names.entities[variable.name] = {Entity::Kind::variable, "", variable.type, names.entities.size(), 0, {}};
  }
  for (const Declaration &variable : module.variables)
    if (variable.space != "shared")
      text.variables.push_back(makeVariable(variable, names));
  for (const Function &function : module.functions)
    if (!function.entry && (function.defined || !names.functions.count(function.name)))
      names.functions[function.name] = &function;
  for (const Function &function : module.functions)
    if (function.entry)
      text.kernels.push_back(makeKernel(function, module, names));
  return text;
}

} // namespace lathe::emulator
