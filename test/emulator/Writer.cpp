#include "test/emulator/Writer.h"

#include <algorithm>
#include <cctype>

namespace lathe::emulator {

std::string cUnsigned(u32 bits) { return "u" + std::to_string(std::max(bits, 8u)); }

std::string cType(Type type) {
  if (type.count > 1)
    return "u32";
  if (type.kind == 's')
    return "s" + std::to_string(type.bits);
  if (type.kind == 'f' && type.bits > 16)
    return type.bits == 32 ? "float" : "double";
  return type.kind == 'p' ? "bool" : cUnsigned(type.bits);
}

std::string mangled(const std::string &name) {
  std::string result = "v_";
  for (char c : name)
    result += std::isalnum(static_cast<unsigned char>(c)) || c == '_' ? c : c == '%' ? 'r' : 'S';
  return result;
}

static std::string quoted(const std::string &text) {
  std::string result = "\"";
  for (char c : text)
    result += c == '\n' || c == '\t' ? ' ' : c == '"' || c == '\\' ? '\'' : c;
  return result + "\"";
}

//===- names
//-------------------------------------------------------------------------------------------------------------------------------------------------===//

const Entity *Writer::find(const std::string &name) {
  size_t digits = name.find_last_not_of("0123456789") + 1;
  for (auto scope = scopes.rbegin(); scope != scopes.rend(); ++scope) {
    if (auto found = scope->find(name); found != scope->end() && !found->second.count)
      return &found->second;
    if (digits != name.size())
      if (auto found = scope->find(name.substr(0, digits)); found != scope->end() && std::stoull(name.substr(digits)) < found->second.count)
        return &found->second;
  }
  auto found = names.entities.find(name);
  if (found != names.entities.end())
    return &found->second;
  // A shared variable of the module gets its place when it is used.
  for (const Declaration &shared : names.shared) {
    if (shared.name != name)
      continue;
    if (shared.align > sharedStart)
      emulator::refuse(shared.line,
                       "'" + name + "' is aligned to " + std::to_string(shared.align) + " bytes, of which " + std::to_string(sharedStart) + " are known");
    if (shared.external) {
      layout.dynamicShared = true;
      layout.dynamicAlign = std::max(layout.dynamicAlign, shared.align);
      return &(scopes.front()[name] = {Entity::Kind::dynamicShared, "", shared.type, 0, 0, {}});
    }
    auto [place, first] = layout.shared.try_emplace(name, 0);
    if (first) {
      place->second = (layout.sharedBytes + shared.align - 1) / shared.align * shared.align;
      layout.sharedBytes = place->second + shared.bytes();
    }
    return &(scopes.front()[name] = {Entity::Kind::shared, "", shared.type, place->second, 0, {}});
  }
  return nullptr;
}

void Writer::openScope(size_t at) {
  auto &scope = scopes.emplace_back();
  std::string suffix = scopeCount ? "_" + std::to_string(scopeCount) : "";
  ++scopeCount;
  int depth = 0;
  for (size_t i = at; i < function.body.size(); ++i) {
    const Statement &one = function.body[i];
    depth += one.kind == Statement::Kind::open ? 1 : one.kind == Statement::Kind::close ? -1 : 0;
    if (depth == 0)
      break;
    if (one.kind == Statement::Kind::label && depth == 1)
      scope[one.text] = {Entity::Kind::label, mangled(one.text) + suffix, {}, 0, 0, {}};
  }
}

void Writer::declare(const Statement &directive) {
  if (directive.text.starts_with(".pragma"))
    return;
  std::string suffix = scopes.size() > 1 ? "_" + std::to_string(scopeCount) : "";
  for (const Declaration &one : parseDeclarations(directive.text, function.line + directive.line)) {
    Entity entity{Entity::Kind::reg, mangled(one.name) + suffix, one.type, 0, 0, {}};
    if (one.space == "reg") {
      entity.count = one.many ? one.elements : 0;
    } else if (one.space == "param") {
      entity.kind = Entity::Kind::callParam;
      registers += "  alignas(16) u8 " + entity.cname + "[" + std::to_string(std::max<u64>(one.bytes(), 1)) + "];\n";
    } else if (one.space == "shared" || one.space == "local") {
      if (one.align > sharedStart)
        emulator::refuse(one.line,
                         "'" + one.name + "' is aligned to " + std::to_string(one.align) + " bytes, of which " + std::to_string(sharedStart) + " are known");
      u64 &bytes = one.space == "shared" ? layout.sharedBytes : layout.localBytes;
      entity.kind = one.space == "shared" ? Entity::Kind::shared : Entity::Kind::local;
      entity.offset = (bytes + one.align - 1) / one.align * one.align;
      bytes = entity.offset + one.bytes();
    } else {
      emulator::refuse(function.line + directive.line, "a variable of ." + one.space + " in a function");
    }
    scopes.back()[one.name] = entity;
  }
}

std::string Writer::lvalue(const std::string &reg, u32 &bits) {
  const Entity *entity = find(reg);
  if (!entity || entity->kind != Entity::Kind::reg)
    refuse("unknown register '" + reg + "'");
  bits = entity->type.kind == 'p' ? 1 : entity->type.bits * entity->type.count;
  std::string name = entity->cname;
  if (entity->count)
    name += "_" + reg.substr(reg.find_last_not_of("0123456789") + 1);
  if (usedRegisters.insert(name).second)
    registers += "  " + (bits == 1 ? "bool " + name + " = true" : cUnsigned(bits) + " " + name + " = POISON" + std::to_string(std::max(bits, 16u))) + ";\n";
  return name;
}

u32 Writer::registerBits(const std::string &operand) {
  const Entity *entity = find(operand);
  return entity && entity->kind == Entity::Kind::reg ? entity->type.bits * entity->type.count : 0;
}

//===- operands
//----------------------------------------------------------------------------------------------------------------------------------------------===//

size_t Writer::expectOperands(size_t least, size_t most) {
  if (operands.size() < least || operands.size() > most)
    refuse("expected " + std::to_string(least) + (least == most ? "" : " to " + std::to_string(most)) + " operands");
  return operands.size();
}

std::vector<std::string> Writer::elements(const std::string &operand) {
  if (!operand.starts_with("{") || !operand.ends_with("}"))
    return {operand};
  return splitOperands(std::string_view(operand).substr(1, operand.size() - 2));
}

std::string Writer::symbol(const Entity &entity, u64 addend) {
  std::string more = addend ? " + " + std::to_string(addend) + "ull" : "";
  switch (entity.kind) {
  case Entity::Kind::entryParam:
    return "((u64)t->params + " + std::to_string(entity.offset) + more + ")";
  case Entity::Kind::callParam:
    return "((u64)" + entity.cname + more + ")";
  case Entity::Kind::shared:
    return "(sharedStart + " + std::to_string(entity.offset) + more + ")";
  case Entity::Kind::dynamicShared:
    return "(sharedStart + dynamicShared" + more + ")";
  case Entity::Kind::local:
    return "(" + std::to_string(entity.offset) + "ull" + more + ")";
  case Entity::Kind::variable:
    return "(t->symbols[" + std::to_string(entity.offset) + "]" + more + ")";
  default:
    refuse("a name that has no address");
  }
}

static const char *specialRegister(const std::string &name) {
  static const std::unordered_map<std::string_view, const char *> table = {
      {"%tid.x", "t->tid[0]"},
      {"%tid.y", "t->tid[1]"},
      {"%tid.z", "t->tid[2]"},
      {"%ntid.x", "t->ntid[0]"},
      {"%ntid.y", "t->ntid[1]"},
      {"%ntid.z", "t->ntid[2]"},
      {"%ctaid.x", "t->ctaid[0]"},
      {"%ctaid.y", "t->ctaid[1]"},
      {"%ctaid.z", "t->ctaid[2]"},
      {"%nctaid.x", "t->nctaid[0]"},
      {"%nctaid.y", "t->nctaid[1]"},
      {"%nctaid.z", "t->nctaid[2]"},
      {"%laneid", "t->laneid"},
      {"%warpid", "t->warpid"},
      {"WARP_SZ", "32u"},
      {"%lanemask_eq", "(1u << t->laneid)"},
      {"%lanemask_lt", "((1u << t->laneid) - 1)"},
      {"%lanemask_le", "((2u << t->laneid) - 1)"},
      {"%lanemask_gt", "~((2u << t->laneid) - 1)"},
      {"%lanemask_ge", "~((1u << t->laneid) - 1)"},
      {"%nwarpid", "32u"},
      {"%smid", "0u"},
      {"%nsmid", "1u"},
  };
  auto found = table.find(name);
  return found == table.end() ? nullptr : found->second;
}

std::string Writer::raw(const std::string &operand, u32 bits) {
  std::string type = cUnsigned(bits);
  u64 value;
  if (operand.empty())
    refuse("an operand is missing");
  if (parseInteger(operand, value))
    return "(" + type + ")" + (value <= 0xffffffff ? std::to_string(value) + "u" : std::to_string(value) + "ull");
  if ((operand.starts_with("0f") || operand.starts_with("0F")) && operand.size() == 10)
    return "(" + type + ")0x" + operand.substr(2) + "u";
  if ((operand.starts_with("0d") || operand.starts_with("0D")) && operand.size() == 18)
    return "(" + type + ")0x" + operand.substr(2) + "ull";
  if (const char *special = specialRegister(operand))
    return "(" + type + ")" + special;
  size_t plus = operand.find_first_of("+-");
  std::string name = trimmed(operand.substr(0, plus));
  const Entity *entity = find(name);
  if (!entity)
    refuse("unknown operand '" + operand + "'");
  if (entity->kind == Entity::Kind::reg && plus == operand.npos) {
    u32 width;
    std::string reg = lvalue(operand, width);
    if (width == 1 || width < bits)
      refuse("register '" + operand + "' is narrower than the operation");
    return width == std::max(bits, 8u) ? reg : "(" + type + ")" + reg;
  }
  if (plus != operand.npos) {
    std::string rest = trimmed(operand.substr(operand[plus] == '+' ? plus + 1 : plus));
    if (!parseInteger(rest, value))
      refuse("expected a number after '" + name + "'");
  } else {
    value = 0;
  }
  return "(" + type + ")" + symbol(*entity, value);
}

std::string Writer::in(const std::string &operand, Type type) {
  if (type.kind == 'p')
    return predicate(operand);
  if (type.kind == 'f' && type.count == 1 && type.bits > 16) {
    // f64 operands of the f32 form and the other way round do not exist; 0d literals of f32 operations do.
    return (type.bits == 32 ? "F32(" : "F64(") + raw(operand, type.bits) + ")";
  }
  std::string value = raw(operand, type.bits * type.count);
  return type.kind == 's' ? "(" + cType(type) + ")" + value : value;
}

void Writer::out(const std::string &operand, Type type, const std::string &value) {
  if (type.kind == 'p') {
    u32 bits;
    if (operand != "_")
      emit(lvalue(operand, bits) + " = " + value + ";");
    return;
  }
  if (operand == "_") {
    emit("(void)(" + value + ");");
    return;
  }
  u32 width, bits = type.bits * type.count;
  std::string reg = lvalue(operand, width);
  if (width == 1 || width < bits)
    refuse("register '" + operand + "' is narrower than the result");
  closeGroups(reg);
  if (type.kind == 'f' && type.count == 1 && bits > 16)
    emit(reg + " = " + (bits == 32 ? "U32(" : "U64(") + value + ");");
  else if (width == bits)
    emit(reg + " = " + cUnsigned(bits) + "(" + value + ");");
  else if (type.kind == 's')
    emit(reg + " = " + cUnsigned(width) + "((s" + std::to_string(width) + ")(s" + std::to_string(bits) + ")(" + value + "));");
  else
    emit(reg + " = " + cUnsigned(bits) + "(" + value + ");");
}

std::string Writer::predicate(const std::string &operand) {
  bool negated = operand.starts_with("!");
  std::string name = trimmed(operand.substr(negated));
  u64 value;
  if (parseInteger(name, value))
    return (value != 0) != negated ? "true" : "false";
  u32 bits;
  std::string reg = lvalue(name, bits);
  if (bits != 1)
    refuse("'" + name + "' is no predicate");
  return (negated ? "!" : "") + reg;
}

std::string Writer::Address::textAt(u64 at) const {
  std::string sum = base.empty() ? std::to_string(at) + "ull"
                    : at == 0    ? "(u64)" + base
                    : narrow     ? "(u64)(u32)(" + base + " + " + std::to_string(u32(at)) + "u)"
                                 : base + " + " + std::to_string(at) + "ull";
  return "(" + sum + ")";
}

Writer::Address Writer::parseAddress(const std::string &operand) {
  if (!operand.starts_with("[") || !operand.ends_with("]"))
    refuse("expected an address in brackets (got '" + operand + "')");
  std::string inner = trimmed(operand.substr(1, operand.size() - 2));
  Address address;
  if (parseInteger(inner, address.addend))
    return address;
  size_t plus = inner.find_first_of("+-");
  std::string name = trimmed(inner.substr(0, plus));
  if (plus != inner.npos && !parseInteger(trimmed(inner.substr(inner[plus] == '+' ? plus + 1 : plus)), address.addend))
    refuse("expected a number after '" + name + "'");
  const Entity *entity = find(name);
  if (!entity)
    refuse("unknown operand '" + name + "'");
  if (entity->kind != Entity::Kind::reg) {
    address.base = symbol(*entity, 0);
    return address;
  }
  u32 bits;
  address.base = lvalue(name, bits);
  if (bits < 32)
    refuse("'" + name + "' is no address");
  address.narrow = bits == 32;
  return address;
}

//===- checks of addresses
//-----------------------------------------------------------------------------------------------------------------------------------===//

std::string Writer::access(const std::string &operand, Space space, u32 bytes, const char *kind) {
  Address address = parseAddress(operand);
  std::string place = site();
  size_t group = groups.size();
  if (!guarded)
    for (size_t one : openGroups)
      if (groups[one].low.base == address.base && groups[one].space == space)
        group = one;
  if (group == groups.size()) {
    groups.push_back({address, space, true, {}});
    if (!guarded)
      openGroups.push_back(group);
    body += "\1" + std::to_string(group) + "\n"; // where its check will stand
  }
  groups[group].places.push_back({address.addend, bytes, place});
  std::string host = space == Space::generic  ? address.text()
                     : space == Space::shared ? "(" + address.text() + " + shared - sharedStart)"
                                              : "(" + address.text() + " + t->local)";
  emit("ACCESS(" + host + ", " + std::to_string(bytes) + ", " + place + ", " + kind + ");");
  return host;
}

void Writer::closeGroups(const std::string &base) {
  std::erase_if(openGroups, [&](size_t group) { return base.empty() || groups[group].low.base == base; });
}

// The text of the function with the checks in their places, and the tables that they use.
std::string Writer::withChecks(std::string &ranges, std::string &places) {
  std::string text;
  u64 count = 0;
  for (size_t at = 0; at < body.size();) {
    size_t end = body.find('\n', at) + 1;
    if (body[at] != '\1') {
      text.append(body, at, end - at);
      at = end;
      continue;
    }
    size_t number = std::stoull(body.substr(at + 1, end - at - 2));
    at = end;
    const Group &group = groups[number];
    s64 low = INT64_MAX, high = INT64_MIN;
    u32 widest = 1;
    u64 residue = 0;
    for (const Group::Place &place : group.places) {
      low = std::min(low, s64(place.addend));
      high = std::max(high, s64(place.addend) + place.bytes);
      if (place.bytes > widest)
        widest = place.bytes, residue = place.addend;
    }
    // Where all are multiples of their sizes if the widest one is; if not, one of them is misaligned for sure.
    bool consistent = true;
    for (const Group::Place &place : group.places)
      consistent &= (place.addend - residue) % place.bytes == 0;
    ranges += "      {" + std::to_string(high - low) + "ull, " + std::to_string(consistent ? residue - u64(low) : 0) + "ull, " +
              (consistent ? std::to_string(widest - 1) + "ull" : "~0ull") + ", " + std::to_string(count) + ", " + std::to_string(group.places.size()) + "},\n";
    for (const Group::Place &place : group.places)
      places += "      {" + std::to_string(place.addend - u64(low)) + "ull, " + std::to_string(place.bytes) + ", " + place.site + "},\n";
    count += group.places.size();
    const char *check = group.space == Space::generic ? "CHECK_GENERIC" : group.space == Space::shared ? "CHECK_SHARED" : "CHECK_LOCAL";
    text += "  " + std::string(check) + "(" + group.low.textAt(u64(low)) + ", " + std::to_string(number) + ");\n";
  }
  return text;
}

std::string Writer::site() {
  sites += "      {" + quoted(statement->text) + ", " + std::to_string(statement->line) + "},\n";
  return std::to_string(siteCount++);
}

std::string Writer::temporary() { return "x" + std::to_string(temporaries++); }

//===- opcodes
//-----------------------------------------------------------------------------------------------------------------------------------------------===//

bool Writer::take(std::string_view part) {
  for (size_t i = 1; i < parts.size(); ++i)
    if (!taken[i] && parts[i] == part)
      return taken[i] = true;
  return false;
}

std::string Writer::takeOneOf(std::initializer_list<std::string_view> choices) {
  for (std::string_view choice : choices)
    if (take(choice))
      return std::string(choice);
  return "";
}

bool Writer::takePrefix(std::string_view prefix) {
  for (size_t i = 1; i < parts.size(); ++i)
    if (!taken[i] && parts[i].starts_with(prefix))
      return taken[i] = true;
  return false;
}

Type Writer::takeType() {
  for (size_t i = 1; i < parts.size(); ++i) {
    Type type = typeNamed(parts[i]);
    if (!taken[i] && type.kind) {
      taken[i] = true;
      return type;
    }
  }
  refuse("expected a type");
}

Rounding Writer::takeRounding() {
  std::string mode = takeOneOf({"rn", "rz", "rm", "rp"});
  return mode == "rz" ? Rounding::zero : mode == "rm" ? Rounding::down : mode == "rp" ? Rounding::up : Rounding::nearest;
}

const std::unordered_map<std::string_view, Writer::Handler> &Writer::handlers() {
  static const auto table = [] {
    std::unordered_map<std::string_view, Handler> result;
    addArithmetic(result);
    addMemory(result);
    addCollectives(result);
    return result;
  }();
  return table;
}

void Writer::instruction(const Statement &one) {
  statement = &one;
  std::string_view text = one.text;
  std::string guard;
  if (text.starts_with("@")) {
    size_t end = text.find_first_of(" \t");
    guard = predicate(trimmed(text.substr(1, end - 1)));
    text = text.substr(text.find_first_not_of(" \t", end));
  }
  size_t end = std::min(text.find_first_of(" \t\n"), text.size());
  std::string opcode(text.substr(0, end));
  operands = splitOperands(text.substr(end));
  parts.clear();
  for (size_t begin = 0; begin <= opcode.size();) {
    size_t point = std::min(opcode.find('.', begin), opcode.size());
    parts.push_back(opcode.substr(begin, point - begin));
    begin = point + 1;
  }
  while (parts.size() > 1 && parts.back().empty()) // some names that LLVM writes end in a point
    parts.pop_back();
  taken.assign(parts.size(), false);
  auto found = handlers().find(parts[0]);
  if (found == handlers().end())
    emulator::refuse(function.line + one.line, "unknown instruction '" + opcode + "'");
  guarded = !guard.empty();
  if (guarded)
    emit("if (" + guard + ") {");
  (this->*found->second)();
  for (size_t i = 1; i < parts.size(); ++i)
    if (!taken[i])
      emulator::refuse(function.line + one.line, "unknown instruction '" + opcode + "' ('." + parts[i] + "')");
  if (guarded)
    emit("}");
  if (parts[0] == "bra" || parts[0] == "brx" || parts[0] == "ret" || parts[0] == "exit" || parts[0] == "trap" || parts[0] == "call")
    closeGroups();
}

//===- functions
//---------------------------------------------------------------------------------------------------------------------------------------------===//

std::string Writer::prototype(const Function &function) {
  if (function.entry)
    return "extern \"C\" __attribute__((visibility(\"default\"))) void kernel(Thread *t)";
  std::string text = "static void f" + mangled(function.name) + "(Thread *t";
  for (const Declaration &result : function.results)
    text += ", u8 *" + mangled(result.name);
  for (const Declaration &param : function.params)
    text += ", u8 *" + mangled(param.name);
  return text + ")";
}

std::string Writer::run() {
  auto &outermost = scopes.emplace_back();
  u64 offset = 0;
  for (const Declaration &param : function.params) {
    offset = (offset + param.align - 1) / param.align * param.align;
    outermost[param.name] = {function.entry ? Entity::Kind::entryParam : Entity::Kind::callParam, mangled(param.name), param.type, offset, 0, {}};
    offset += param.bytes();
  }
  for (const Declaration &result : function.results)
    outermost[result.name] = {Entity::Kind::callParam, mangled(result.name), result.type, 0, 0, {}};
  for (size_t i = 0; i != function.body.size(); ++i) {
    const Statement &one = function.body[i];
    statement = &one;
    switch (one.kind) {
    case Statement::Kind::open:
      openScope(i);
      break;
    case Statement::Kind::close:
      scopes.pop_back();
      break;
    case Statement::Kind::directive:
      if (one.text.starts_with(".branchtargets")) {
        if (i == 0 || function.body[i - 1].kind != Statement::Kind::label)
          refuse("expected a label before it");
        Entity &entity = scopes.back()[function.body[i - 1].text];
        entity.kind = Entity::Kind::targets;
        entity.labels = splitOperands(std::string_view(one.text).substr(14));
      } else {
        declare(one);
      }
      break;
    case Statement::Kind::label:
      body += find(one.text)->cname + ":;\n";
      break;
    case Statement::Kind::instruction:
      instruction(one);
      break;
    }
  }
  std::string ranges, places, checked = withChecks(ranges, places);
  std::string text = prototype(function) + " {\n";
  if (siteCount)
    text += "  static const Site sites[] = {\n" + sites + "  };\n";
  if (!groups.empty())
    text += "  static const Place places[] = {\n" + places + "  };\n  static const Range ranges[] = {\n" + ranges + "  };\n";
  text += "  const u64 shared = t->shared;\n  bool carryFlag = false;\n";
  return text + registers + "  {\n" + checked + "  }\n}\n";
}

} // namespace lathe::emulator
