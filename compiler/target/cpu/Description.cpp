#include "compiler/target/cpu/Description.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace lathe;
using llvm::StringRef;

namespace {

struct Number {
  StringRef key;
  int64_t TargetDescription::*member;
  int64_t max;
  bool ofGpu = false;
};

// Upper bounds are far above any machine; they keep a typing error from becoming an overflow in the cost model.
constexpr Number numbers[] = {
    {"vector_bits", &TargetDescription::vectorBits, 1024},
    {"registers", &TargetDescription::registers, 256},
    {"fma_per_cycle", &TargetDescription::fmaPerCycle, 64},
    {"loads_per_cycle", &TargetDescription::loadsPerCycle, 64},
    {"fma_latency", &TargetDescription::fmaLatency, 64},
    {"l1_bytes", &TargetDescription::l1Bytes, int64_t(1) << 40},
    {"l2_bytes", &TargetDescription::l2Bytes, int64_t(1) << 40},
    {"l3_bytes_per_cycle", &TargetDescription::l3BytesPerCycle, 1 << 20},
    {"memory_bytes_per_cycle", &TargetDescription::memoryBytesPerCycle, 1 << 20},
    {"multiprocessors", &TargetDescription::multiprocessors, 1 << 16, true},
    {"tensor_fma_per_cycle", &TargetDescription::tensorFmaPerCycle, 1 << 20, true},
    {"shared_bytes", &TargetDescription::sharedBytes, int64_t(1) << 30, true},
};

/// Reads one file's object; every failure says which key and which rule.
class Reader {
public:
  Reader(StringRef name, std::string &error) : name(name), error(error) {}

  std::optional<TargetDescription> read(const llvm::json::Object &root) {
    TargetDescription d;
    if (!knownKeys(root, "", {"family", "arch", "comment", "cpus", "features", "numbers"}) || !string(root, "family", d.family) ||
        !string(root, "arch", d.arch) || !strings(root, "cpus", d.cpus) || !strings(root, "features", d.features))
      return std::nullopt;
    if (d.arch != "x86_64" && d.arch != "aarch64" && d.arch != "nvptx64")
      return fail("arch", "x86_64, aarch64 or nvptx64", d.arch), std::nullopt;
    if (d.cpus.empty())
      return fail("cpus", "at least one name", "none"), std::nullopt;
    const llvm::json::Object *values = root.getObject("numbers");
    if (!values)
      return fail("numbers", "an object", "none"), std::nullopt;
    llvm::SmallVector<StringRef> keys;
    bool gpu = d.arch == "nvptx64";
    for (const Number &n : numbers)
      if (gpu || !n.ofGpu)
        keys.push_back(n.key);
    if (!knownKeys(*values, "numbers.", keys))
      return std::nullopt;
    for (const Number &n : numbers)
      if ((gpu || !n.ofGpu) && !number(*values, n, d))
        return std::nullopt;
    if (gpu ? d.vectorBits != 1024 : !llvm::is_contained({128, 256, 512}, d.vectorBits))
      return fail("numbers.vector_bits", gpu ? "1024, a warp's registers" : "128, 256 or 512", std::to_string(d.vectorBits)), std::nullopt;
    return d;
  }

private:
  bool fail(StringRef key, StringRef rule, StringRef got) {
    error = (name + ": '" + key + "' expects " + rule + " (got " + got + ")").str();
    return false;
  }

  bool knownKeys(const llvm::json::Object &object, StringRef prefix, llvm::ArrayRef<StringRef> known) {
    for (const auto &entry : object)
      if (!llvm::is_contained(known, StringRef(entry.first))) {
        error = (name + ": unknown key '" + prefix + StringRef(entry.first) + "'").str();
        return false;
      }
    return true;
  }

  bool string(const llvm::json::Object &object, StringRef key, std::string &to) {
    std::optional<StringRef> text = object.getString(key);
    if (!text || text->empty())
      return fail(key, "a string", text ? "an empty one" : "none");
    to = text->str();
    return true;
  }

  bool strings(const llvm::json::Object &object, StringRef key, std::vector<std::string> &to) {
    const llvm::json::Array *array = object.getArray(key);
    if (!array)
      return fail(key, "a list of strings", "none");
    for (const llvm::json::Value &value : *array) {
      std::optional<StringRef> text = value.getAsString();
      // A comma or a sign would become other features once they are joined for LLVM.
      if (!text || text->empty() || text->find_first_of(",+ ") != StringRef::npos)
        return fail(key, "a list of names", text ? text->str() : "something else");
      to.push_back(text->str());
    }
    return true;
  }

  bool number(const llvm::json::Object &object, const Number &number, TargetDescription &d) {
    std::string key = ("numbers." + number.key).str();
    const llvm::json::Object *entry = object.getObject(number.key);
    if (!entry || !knownKeys(*entry, key + ".", {"value", "source"}))
      return entry ? false : fail(key, "an object {\"value\", \"source\"}", "none");
    std::optional<int64_t> value = entry->getInteger("value");
    if (!value || *value < 1 || *value > number.max)
      return fail(key, "a whole number from 1 to " + std::to_string(number.max), value ? std::to_string(*value) : "none");
    if (entry->getString("source").value_or("").empty())
      return fail(key, "a source", "none");
    d.*number.member = *value;
    return true;
  }

  StringRef name;
  std::string &error;
};

struct File {
  StringRef name, text;
};
// Of the general ones the first whose features a CPU has is taken.
constexpr File files[] = {
    {
        "zen5.json",
#include "compiler/target/cpu/zen5.json.inc"
    },
    {
        "zen4.json",
#include "compiler/target/cpu/zen4.json.inc"
    },
    {
        "sapphirerapids.json",
#include "compiler/target/cpu/sapphirerapids.json.inc"
    },
    {
        "x86-64-v4.json",
#include "compiler/target/cpu/x86-64-v4.json.inc"
    },
    {
        "x86-64-v3.json",
#include "compiler/target/cpu/x86-64-v3.json.inc"
    },
    {
        "x86-64-v2.json",
#include "compiler/target/cpu/x86-64-v2.json.inc"
    },
    {
        "neoverse-n1.json",
#include "compiler/target/cpu/neoverse-n1.json.inc"
    },
    {
        "aarch64.json",
#include "compiler/target/cpu/aarch64.json.inc"
    },
    {
        "sm_80.json",
#include "compiler/target/nvptx/sm_80.json.inc"
    },
};

} // namespace

std::optional<TargetDescription> lathe::parseDescription(StringRef text, StringRef name, std::string &error) {
  llvm::Expected<llvm::json::Value> value = llvm::json::parse(text);
  if (!value) {
    // The parser's message has the place in it, and may have a second line.
    error = (name + ": " + StringRef(llvm::toString(value.takeError())).split('\n').first).str();
    return std::nullopt;
  }
  const llvm::json::Object *object = value->getAsObject();
  if (!object) {
    error = (name + ": expects a JSON object").str();
    return std::nullopt;
  }
  return Reader(name, error).read(*object);
}

std::optional<TargetDescription> lathe::readDescription(StringRef path, std::string &error) {
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/true);
  if (!buffer) {
    error = ("cannot read target description '" + path + "': " + buffer.getError().message()).str();
    return std::nullopt;
  }
  return parseDescription((*buffer)->getBuffer(), path, error);
}

llvm::ArrayRef<TargetDescription> lathe::builtinDescriptions() {
  static const std::vector<TargetDescription> descriptions = [] {
    std::vector<TargetDescription> all;
    for (const File &file : files) {
      std::string error;
      std::optional<TargetDescription> d = parseDescription(file.text, file.name, error);
      if (!d) // a unit test parses them all
        llvm::report_fatal_error(StringRef(error));
      all.push_back(std::move(*d));
    }
    return all;
  }();
  return descriptions;
}
