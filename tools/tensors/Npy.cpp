#include "tools/tensors/Npy.h"

#include "tools/support/Status.h"
#include "tools/tensors/File.h"

#include <cctype>
#include <cstring>
#include <string_view>

namespace lathe::tools {

static const struct {
  uint32_t dtype;
  const char *text;
} descriptions[] = {{LATHE_FLOAT32, "f4"}, {LATHE_FLOAT64, "f8"}, {LATHE_FLOAT16, "f2"}, {LATHE_INT8, "i1"},   {LATHE_INT16, "i2"},  {LATHE_INT32, "i4"},
                    {LATHE_INT64, "i8"},   {LATHE_UINT8, "u1"},   {LATHE_UINT16, "u2"},  {LATHE_UINT32, "u4"}, {LATHE_UINT64, "u8"}, {LATHE_BOOL, "b1"}};

namespace {

// The header is a Python dict literal of three known keys; this reads just that.
class HeaderParser {
public:
  HeaderParser(std::string_view text, const std::string &path) : text(text), path(path) {}

  void parse() {
    expect('{');
    while (!accept('}')) {
      std::string key = quoted();
      expect(':');
      if (key == "descr") {
        if (peek() != '\'' && peek() != '"')
          fail("has a structured type, expected a plain one");
        descr = quoted();
      } else if (key == "fortran_order") {
        fortranOrder = word() == "True";
      } else if (key == "shape") {
        shape();
      } else {
        fail("has the unknown header key '" + key + "'");
      }
      if (!accept(',') && peek() != '}')
        fail("has a damaged header");
    }
    if (descr.empty() || !hasShape)
      fail("has a header without type or shape");
  }

  std::string descr;
  bool fortranOrder = false;
  std::vector<int64_t> dims;

private:
  [[noreturn]] void fail(const std::string &why) { throw Failure(InvalidInput, path + ": " + why); }

  char peek() {
    while (at < text.size() && std::isspace((unsigned char)text[at]))
      ++at;
    return at < text.size() ? text[at] : '\0';
  }
  bool accept(char c) {
    if (peek() != c)
      return false;
    ++at;
    return true;
  }
  void expect(char c) {
    if (!accept(c))
      fail("has a damaged header");
  }
  std::string quoted() {
    char quote = peek();
    if (quote != '\'' && quote != '"')
      fail("has a damaged header");
    size_t end = text.find(quote, at + 1);
    if (end == std::string_view::npos)
      fail("has a damaged header");
    std::string result(text.substr(at + 1, end - at - 1));
    at = end + 1;
    return result;
  }
  std::string word() {
    peek();
    size_t begin = at;
    while (at < text.size() && std::isalnum((unsigned char)text[at]))
      ++at;
    return std::string(text.substr(begin, at - begin));
  }
  void shape() {
    expect('(');
    hasShape = true;
    while (!accept(')')) {
      std::string digits = word();
      if (digits.empty() || digits.size() > 18 || digits.find_first_not_of("0123456789") != std::string::npos)
        fail("has a damaged shape");
      dims.push_back(std::stoll(digits));
      if (dims.size() > 64)
        fail("has more than 64 dims");
      if (!accept(',') && peek() != ')')
        fail("has a damaged shape");
    }
  }

  std::string_view text;
  const std::string &path;
  size_t at = 0;
  bool hasShape = false;
};

} // namespace

static uint32_t dtypeOf(const std::string &descr, const std::string &path) {
  if (descr.size() >= 2 && descr[0] == '>')
    throw Failure(InvalidInput, path + ": is big-endian ('" + descr + "'), expected little-endian; in numpy: a.astype(a.dtype.newbyteorder('<'))");
  if (descr.size() >= 2 && (descr[0] == '<' || descr[0] == '|' || descr[0] == '='))
    for (const auto &known : descriptions)
      if (descr.compare(1, std::string::npos, known.text) == 0)
        return known.dtype;
  throw Failure(InvalidInput, path + ": has the type '" + descr + "', expected a float, integer or bool type");
}

Tensor parseNpy(const std::string &content, const std::string &path) {
  auto byte = [&](size_t i) { return uint32_t((unsigned char)content[i]); };
  if (content.size() < 10 || std::memcmp(content.data(), "\x93NUMPY", 6) != 0)
    throw Failure(InvalidInput, path + ": is not an .npy file");
  uint32_t major = byte(6), minor = byte(7);
  if (major < 1 || major > 3 || minor != 0)
    throw Failure(InvalidInput, path + ": has .npy format " + std::to_string(major) + "." + std::to_string(minor) + ", expected 1.0 to 3.0");
  size_t start = major == 1 ? 10 : 12;
  if (content.size() < start)
    throw Failure(InvalidInput, path + ": is cut off in its header");
  size_t length = major == 1 ? byte(8) | byte(9) << 8 : byte(8) | byte(9) << 8 | byte(10) << 16 | byte(11) << 24;
  if (length > content.size() - start)
    throw Failure(InvalidInput, path + ": is cut off in its header");
  HeaderParser header(std::string_view(content).substr(start, length), path);
  header.parse();
  uint32_t dtype = dtypeOf(header.descr, path);
  if (header.fortranOrder && header.dims.size() > 1)
    throw Failure(InvalidInput, path + ": is in Fortran order, expected C order; in numpy: np.ascontiguousarray(a)");

  // The size is checked against the file before memory is asked for.
  size_t available = content.size() - start - length, needed = lathe_dtype_size(dtype);
  for (int64_t dim : header.dims)
    if (__builtin_mul_overflow(needed, size_t(dim), &needed))
      throw Failure(InvalidInput, path + ": shape " + dimsText(header.dims) + " is too large");
  if (needed != available)
    throw Failure(InvalidInput, path + ": has " + std::to_string(available) + " bytes of data, expected " + std::to_string(needed) + " for " +
                                    dimsText(header.dims) + " " + lathe_dtype_name(dtype));
  Tensor tensor = Tensor::allocate(dtype, header.dims, path);
  if (needed)
    std::memcpy(tensor.data.get(), content.data() + start + length, needed);
  return tensor;
}

Tensor readNpy(const std::string &path) { return parseNpy(readFile(path), path); }

void writeNpy(const std::string &path, const Tensor &tensor) {
  std::string descr = "<u2";
  for (const auto &known : descriptions)
    if (known.dtype == tensor.dtype)
      descr = std::string(lathe_dtype_size(tensor.dtype) == 1 ? "|" : "<") + known.text;
  std::string dict = "{'descr': '" + descr + "', 'fortran_order': False, 'shape': (";
  for (int64_t dim : tensor.dims)
    dict += std::to_string(dim) + ",";
  dict += "), }";
  // Magic, version, length and dict together fill a multiple of 64 bytes, the dict ends in a newline: NumPy's own rule.
  dict.append(63 - (10 + dict.size()) % 64, ' ');
  dict += '\n';
  std::string head("\x93NUMPY\x01\x00", 8);
  head += char(dict.size() & 255);
  head += char(dict.size() >> 8);
  writeFile(path, head + dict, {reinterpret_cast<const char *>(tensor.data.get()), tensor.bytes});
}

} // namespace lathe::tools
