// PTX text as modules, functions and statements. What an instruction means is Translate.cpp's business.
#ifndef TEST_EMULATOR_PTX_H
#define TEST_EMULATOR_PTX_H

#include "test/emulator/Abi.h"

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace lathe::emulator {

// Text that is no PTX, or PTX that the emulator does not know.
struct PtxError : std::runtime_error {
  using std::runtime_error::runtime_error;
};
[[noreturn]] void refuse(u32 line, const std::string &message);

struct Type {
  char kind = 0; // u, s, b, f (f16, f32, f64), B (bf16), p (a predicate), t (tf32)
  u32 bits = 0;  // of one of `count` numbers
  u32 count = 1;
  u32 bytes() const { return bits * count / 8; }
};
// {} if `word` names no type.
Type typeNamed(std::string_view word);

struct Statement {
  enum class Kind { open, close, label, directive, instruction } kind;
  std::string text;
  u32 line;
};

// A variable, a parameter, or the registers name0 to name<count - 1>.
struct Declaration {
  std::string name;
  Type type;
  u64 elements = 1; // 0: as many as the launch says
  u32 align = 1;
  bool many = false; // registers with numbers
  bool external = false;
  std::string space; // reg, param, local, shared, global, const
  std::string initializer;
  u32 line = 0;
  u64 bytes() const { return elements * type.bytes(); }
};

struct Function {
  std::string name;
  bool entry = false, defined = false;
  std::vector<Declaration> params, results;
  u32 maxThreads = 0, requiredThreads[3] = {0, 0, 0};
  std::vector<Statement> body;
  u32 line = 0;
};

struct Module {
  u32 version = 0; // 70 is 7.0
  u32 target = 0;  // 80 is sm_80
  std::string targetName;
  std::vector<Declaration> variables;
  std::vector<Function> functions;
};

Module parsePtx(std::string_view text);

// `.reg .b32 %r<10>`, `.shared .align 4 .b8 name[16]` and the like, one or several with commas; `text` without the semicolon.
std::vector<Declaration> parseDeclarations(std::string_view text, u32 line);

std::string trimmed(std::string_view text);
// At commas that are in no brackets.
std::vector<std::string> splitOperands(std::string_view text);
bool parseInteger(std::string_view text, u64 &value);

} // namespace lathe::emulator

#endif
