// One function of a PTX module, written as C++. The handlers of instructions lie by topic in Write*.cpp.
#ifndef TEST_EMULATOR_WRITER_H
#define TEST_EMULATOR_WRITER_H

#include "test/emulator/Translate.h"

#include <map>
#include <unordered_map>
#include <unordered_set>

namespace lathe::emulator {

// What a name of PTX stands for.
struct Entity {
  enum class Kind { reg, entryParam, callParam, shared, dynamicShared, local, variable, label, targets } kind;
  std::string cname;
  Type type;
  u64 offset = 0; // of shared, local and entry parameters; the number of a variable
  u64 count = 0;  // of numbered registers
  std::vector<std::string> labels;
};

// What all functions of a module share.
struct ModuleNames {
  std::unordered_map<std::string, Entity> entities; // variables of the module
  std::vector<Declaration> shared;
  std::unordered_map<std::string, const Function *> functions;
};

// Shared and local memory is laid out for a kernel and what it calls.
struct Layout {
  std::map<std::string, u64> shared; // the module's variables that are used
  u64 sharedBytes = 0, localBytes = 0;
  u32 dynamicAlign = 16;
  bool dynamicShared = false, collective = false, calls = false;
};

class Writer {
public:
  Writer(const Function &function, const ModuleNames &names, Layout &layout) : function(function), names(names), layout(layout) {}
  std::string run();
  static std::string prototype(const Function &function);

  using Handler = void (Writer::*)();

private:
  const Function &function;
  const ModuleNames &names;
  Layout &layout;
  std::vector<std::unordered_map<std::string, Entity>> scopes;
  std::string registers, body, sites;
  std::unordered_set<std::string> usedRegisters;
  u32 siteCount = 0, scopeCount = 0;

  // The instruction at hand.
  const Statement *statement = nullptr;
  std::vector<std::string> parts; // of the opcode
  std::vector<bool> taken;
  std::vector<std::string> operands;

  void declare(const Statement &directive);
  void openScope(size_t at);
  void instruction(const Statement &instruction);
  const Entity *find(const std::string &name);
  [[noreturn]] void refuse(const std::string &message) { emulator::refuse(function.line + statement->line, message + " in '" + statement->text + "'"); }

  // The opcode.
  bool take(std::string_view part);
  std::string takeOneOf(std::initializer_list<std::string_view> choices); // empty if none of them
  Type takeType();
  Rounding takeRounding(); // nearest if there is none
  bool takePrefix(std::string_view prefix);

  // Operands.
  size_t expectOperands(size_t least, size_t most);
  std::string raw(const std::string &operand, u32 bits); // as an unsigned integer of so many bits
  std::string in(const std::string &operand, Type type); // as a number of the type; f16 and packed ones stay raw
  std::string in(size_t operand, Type type) { return in(operands.at(operand), type); }
  void out(const std::string &operand, Type type, const std::string &value); // extended to the register's width
  void out(Type type, const std::string &value) { out(operands.at(0), type, value); }
  std::string predicate(const std::string &operand);
  // Of [ ]: what it is relative to, 32 or 64 bits wide, and the constant that is added.
  struct Address {
    std::string base;
    bool narrow = false;
    u64 addend = 0;
    std::string text() const { return textAt(addend); }
    std::string textAt(u64 addend) const;
  };
  Address parseAddress(const std::string &operand);
  std::string address(const std::string &operand) { return parseAddress(operand).text(); }
  // The address on the host, checked together with others that are relative to the same register as long as nothing is written to it and no other way joins.
  std::string access(const std::string &operand, Space space, u32 bytes, const char *kind);
  void closeGroups(const std::string &base = "");
  std::string valueOf(const std::string &name, u64 addend);
  std::string symbol(const Entity &entity, u64 addend);
  u32 registerBits(const std::string &operand);
  std::vector<std::string> elements(const std::string &operand); // of { }
  std::string lvalue(const std::string &reg, u32 &bits);
  std::string site();
  std::string temporary();
  void emit(const std::string &line) { body += "  " + line + "\n"; }
  void collective() { layout.collective = true; }
  bool takeSpace(Space &space); // false: parameters
  struct Group {
    Address low;
    Space space;
    bool open = true;
    struct Place {
      u64 addend;
      u32 bytes;
      std::string site;
    };
    std::vector<Place> places;
  };
  std::vector<Group> groups;
  std::vector<size_t> openGroups;
  bool guarded = false; // the instruction has a predicate
  std::string withChecks(std::string &ranges, std::string &places);
  u32 temporaries = 0;

  static const std::unordered_map<std::string_view, Handler> &handlers();
  static void addArithmetic(std::unordered_map<std::string_view, Handler> &table);
  static void addMemory(std::unordered_map<std::string_view, Handler> &table);
  static void addCollectives(std::unordered_map<std::string_view, Handler> &table);

  // WriteArithmetic.cpp
  void mov();
  void arithmetic();
  void multiply();
  void carry();
  void divide();
  void unary();
  void minMax();
  void fusedMultiply();
  void root();
  void approximate();
  void copySign();
  void testProperty();
  void logic();
  void shift();
  void funnelShift();
  void bitField();
  void bits();
  void permute();
  void logic3();
  void sad();
  void dot();
  void compare();
  void select();
  void selectSign();
  void convert();
  std::string floatResult(Type type, std::string value, bool flush, bool saturate);
  std::string floatInput(size_t operand, Type type, bool flush);
  std::string halves(Type type, const std::string &function, std::initializer_list<size_t> inputs, const std::string &more = "");

  // WriteMemory.cpp
  void convertAddress();
  void isSpace();
  void load();
  void store();
  void atomic();
  void prefetch();
  void cpAsync();
  void cacheModifiers();
  void branch();
  void branchIndexed();
  void call();
  void leave();
  void trap();
  void nothing();

  // WriteCollectives.cpp
  void barrier();
  void fence();
  void shuffle();
  void vote();
  void activeMask();
  void elect();
  void reduce();
  void loadMatrix();
  void multiplyMatrices();
};

std::string cType(Type type);
std::string cUnsigned(u32 bits);
std::string mangled(const std::string &name);

} // namespace lathe::emulator

#endif
