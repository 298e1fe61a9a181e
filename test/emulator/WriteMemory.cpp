// Memory, and where control flows.
#include "test/emulator/Writer.h"

namespace lathe::emulator {

void Writer::cacheModifiers() {
  // How caches are to be used changes nothing here. Names with a colon: L1::no_allocate, L2::128B, L2::cache_hint and the like.
  while (takePrefix("L1::") || takePrefix("L2::") || takePrefix("level::"))
    ;
}

bool Writer::takeSpace(Space &space) {
  space = Space::generic;
  if (take("shared::cta") || take("shared"))
    space = Space::shared;
  else if (take("local"))
    space = Space::local;
  else if (take("param"))
    return false;
  else
    take("global") || take("const");
  return true;
}

void Writer::convertAddress() { // cvta
  bool back = take("to");
  Space space;
  takeSpace(space);
  Type type = takeType();
  expectOperands(2, 2);
  std::string value = raw(operands[1], type.bits);
  if (space == Space::shared)
    value = back ? value + " - shared + sharedStart" : value + " - sharedStart + shared";
  else if (space == Space::local)
    value += back ? " - t->local" : " + t->local";
  out(type, value);
}

void Writer::isSpace() { // isspacep
  Space space;
  takeSpace(space);
  expectOperands(2, 2);
  std::string value = raw(operands[1], 64), inShared = value + " - shared < t->sharedBytes", inLocal = value + " - t->local < t->localBytes";
  out({'p', 8}, space == Space::shared ? inShared : space == Space::local ? inLocal : "!(" + inShared + ") && !(" + inLocal + ")");
}

void Writer::load() { // ld, ldu
  take("volatile") || take("relaxed") || take("acquire") || take("weak");
  takeOneOf({"cta", "cluster", "gpu", "sys"});
  take("ca") || take("cg") || take("cs") || take("lu") || take("cv");
  take("nc");
  Space space;
  bool memory = takeSpace(space); // or parameters
  std::string vector = takeOneOf({"v2", "v4", "v8"});
  cacheModifiers();
  Type type = takeType();
  expectOperands(2, 3);
  std::vector<std::string> targets = elements(operands[0]);
  u32 count = vector.empty() ? 1 : u32(vector[1] - '0');
  if (targets.size() != count)
    refuse("expected " + std::to_string(count) + " registers");
  std::string at = temporary(), u = cUnsigned(type.bits);
  std::string host = memory ? access(operands[1], space, type.bytes() * count, "read") : address(operands[1]);
  emit("{ const u64 " + at + " = " + host + ";");
  // All before any: a target may be the address.
  if (count == 1) {
    out(targets[0], {type.kind == 's' ? 's' : 'b', type.bits}, "LOAD(" + u + ", " + at + ")");
    return emit("}");
  }
  for (u32 i = 0; i != count; ++i)
    emit("const " + u + " " + at + "_" + std::to_string(i) + " = LOAD(" + u + ", " + at + " + " + std::to_string(i * type.bytes()) + ");");
  for (u32 i = 0; i != count; ++i)
    out(targets[i], {type.kind == 's' ? 's' : 'b', type.bits}, at + "_" + std::to_string(i));
  emit("}");
}

void Writer::store() { // st
  take("volatile") || take("relaxed") || take("release") || take("weak");
  takeOneOf({"cta", "cluster", "gpu", "sys"});
  take("wb") || take("cg") || take("cs") || take("wt");
  Space space;
  bool memory = takeSpace(space); // or parameters
  std::string vector = takeOneOf({"v2", "v4", "v8"});
  cacheModifiers();
  Type type = takeType();
  expectOperands(2, 3);
  std::vector<std::string> sources = elements(operands[1]);
  u32 count = vector.empty() ? 1 : u32(vector[1] - '0');
  if (sources.size() != count)
    refuse("expected " + std::to_string(count) + " registers");
  std::string at = temporary(), u = cUnsigned(type.bits);
  std::string host = memory ? access(operands[0], space, type.bytes() * count, "write") : address(operands[0]);
  emit("{ const u64 " + at + " = " + host + ";");
  for (u32 i = 0; i != count; ++i)
    emit("STORE(" + u + ", " + at + " + " + std::to_string(i * type.bytes()) + ", " + raw(sources[i], type.bits) + ");");
  emit("}");
}

void Writer::atomic() { // atom, red: blocks run one after the other, and a thread goes on until it must wait
  bool result = parts[0] == "atom";
  take("relaxed") || take("acq_rel") || take("acquire") || take("release");
  takeOneOf({"cta", "cluster", "gpu", "sys"});
  take("noftz");
  Space space;
  if (!takeSpace(space))
    refuse("parameters are no memory for it");
  std::string operation = takeOneOf({"add", "min", "max", "and", "or", "xor", "exch", "cas", "inc", "dec"});
  cacheModifiers();
  Type type = takeType();
  bool swap = operation == "cas";
  size_t first = result ? 1 : 0; // the address
  expectOperands(first + (swap ? 3 : 2), first + (swap ? 3 : 2));
  std::string at = temporary(), old = at + "o", u = cUnsigned(type.bits * type.count);
  std::string host = access(operands[first], space, type.bytes(), "atomic");
  emit("{ const u64 " + at + " = " + host + ";");
  emit("const " + u + " " + old + " = LOAD(" + u + ", " + at + ");");
  bool half = (type.kind == 'f' || type.kind == 'B') && type.bits == 16, real = type.kind == 'f' && !half;
  std::string b = in(first + 1, type), value,
              a = half               ? old
                  : real             ? (type.bits == 32 ? "F32(" : "F64(") + old + ")"
                  : type.kind == 's' ? "(" + cType(type) + ")" + old
                                     : old;
  if (operation == "add" && half)
    value = (type.count == 2 ? "PAIR2(addHalf<" : "addHalf<") + std::string(type.kind == 'B' ? "Brain>" : "Half>") + (type.count == 2 ? ", " : "(") + a + ", " +
            b + ")";
  else if (half && operation != "exch")
    refuse("of f16 only additions are known");
  else if (operation == "add")
    value = real ? (type.bits == 32 ? "U32(" : "U64(") + a + " + " + b + ")" : a + " + " + b;
  else if (operation == "min" || operation == "max")
    value = std::string(operation == "min" ? "least<" : "greatest<") + cType(type) + ">(" + a + ", " + b + ")";
  else if (operation == "and" || operation == "or" || operation == "xor")
    value = old + (operation == "and" ? " & " : operation == "or" ? " | " : " ^ ") + b;
  else if (operation == "exch")
    value = b;
  else if (swap)
    value = old + " == " + b + " ? " + in(first + 2, type) + " : " + old;
  else if (operation == "inc")
    value = old + " >= " + b + " ? 0 : " + old + " + 1";
  else if (operation == "dec")
    value = old + " == 0 || " + old + " > " + b + " ? " + b + " : " + old + " - 1";
  else
    refuse("unknown atomic operation");
  emit("STORE(" + u + ", " + at + ", " + u + "(" + value + "));");
  if (result)
    out({'b', type.bits * type.count}, old);
  emit("}");
}

void Writer::prefetch() { // prefetch, prefetchu, discard: a hint; only its address is looked up
  std::fill(taken.begin(), taken.end(), true);
  (void)address(operands.at(0));
}

void Writer::cpAsync() {
  if (!take("async"))
    emulator::refuse(function.line + statement->line, "unknown instruction '" + statement->text + "'");
  if (take("commit_group"))
    return emit("t->services->cpCommit(t);");
  if (take("wait_all"))
    return emit("t->services->cpCommit(t); t->services->cpWait(t, &sites[" + site() + "], 0);");
  if (take("wait_group")) {
    expectOperands(1, 1);
    return emit("t->services->cpWait(t, &sites[" + site() + "], " + raw(operands[0], 32) + ");");
  }
  bool around = take("cg");
  if ((!around && !take("ca")) || (!take("shared") && !take("shared::cta")) || !take("global"))
    emulator::refuse(function.line + statement->line, "unknown instruction '" + statement->text + "'");
  cacheModifiers();
  expectOperands(3, 4);
  u64 bytes;
  if (!parseInteger(operands[2], bytes) || (bytes != 16 && (around || (bytes != 4 && bytes != 8))))
    refuse(around ? "expected 16 bytes" : "expected 4, 8 or 16 bytes");
  std::string source = address(operands[1]), valid = operands.size() == 4 ? raw(operands[3], 32) : std::to_string(bytes) + "u";
  emit("t->services->cpAsync(t, &sites[" + site() + "], " + address(operands[0]) + ", " + source + ", " + std::to_string(bytes) + ", " + valid + ");");
}

void Writer::branch() { // bra
  take("uni");
  expectOperands(1, 1);
  const Entity *label = find(operands[0]);
  if (!label || label->kind != Entity::Kind::label)
    refuse("unknown label '" + operands[0] + "'");
  emit("goto " + label->cname + ";");
}

void Writer::branchIndexed() { // brx.idx
  if (!take("idx"))
    refuse("expected .idx");
  take("uni");
  expectOperands(2, 2);
  const Entity *targets = find(operands[1]);
  if (!targets || targets->kind != Entity::Kind::targets)
    refuse("unknown list of labels '" + operands[1] + "'");
  emit("switch (" + raw(operands[0], 32) + ") {");
  std::vector<std::string> labels = targets->labels;
  for (size_t i = 0; i != labels.size(); ++i) {
    const Entity *label = find(labels[i]);
    if (!label || label->kind != Entity::Kind::label)
      refuse("unknown label '" + labels[i] + "'");
    emit("case " + std::to_string(i) + ": goto " + label->cname + ";");
  }
  emit("default: FAULT(trap, 0, 0, " + site() + ");");
  emit("}");
}

void Writer::call() {
  take("uni");
  expectOperands(1, 3);
  auto inParentheses = [](const std::string &text) { return text.starts_with("("); };
  auto list = [](const std::string &text) { return splitOperands(std::string_view(text).substr(1, text.size() - 2)); };
  size_t at = 0;
  std::vector<std::string> arguments;
  if (inParentheses(operands[0]))
    arguments = list(operands[at++]);
  if (at == operands.size())
    refuse("expected a function");
  auto called = names.functions.find(operands[at]);
  if (called == names.functions.end() || !called->second->defined)
    refuse("unknown function '" + operands[at] + "'");
  if (++at != operands.size() && inParentheses(operands[at]))
    for (const std::string &argument : list(operands[at]))
      arguments.push_back(argument);
  if (arguments.size() != called->second->results.size() + called->second->params.size())
    refuse("wrong number of arguments");
  layout.calls = true;
  std::string line = "f" + mangled(called->second->name) + "(t";
  for (const std::string &argument : arguments) {
    const Entity *entity = find(argument);
    if (!entity || entity->kind != Entity::Kind::callParam)
      refuse("expected a variable of .param (got '" + argument + "')");
    line += ", (u8 *)" + entity->cname;
  }
  emit(line + ");");
}

void Writer::leave() { // ret, exit
  take("uni");
  if (parts[0] == "exit" && !function.entry)
    refuse("exit is known in kernels only");
  emit("return;");
}

void Writer::trap() { emit("FAULT(trap, 0, 0, " + site() + ");"); }

void Writer::nothing() { // what concerns timing and other kernels only
  std::fill(taken.begin(), taken.end(), true);
}

void Writer::addMemory(std::unordered_map<std::string_view, Handler> &table) {
  table["cvta"] = &Writer::convertAddress;
  table["isspacep"] = &Writer::isSpace;
  table["ld"] = table["ldu"] = &Writer::load;
  table["st"] = &Writer::store;
  table["atom"] = table["red"] = &Writer::atomic;
  table["prefetch"] = table["prefetchu"] = &Writer::prefetch;
  table["cp"] = &Writer::cpAsync;
  table["bra"] = &Writer::branch;
  table["brx"] = &Writer::branchIndexed;
  table["call"] = &Writer::call;
  table["ret"] = table["exit"] = &Writer::leave;
  table["trap"] = &Writer::trap;
  table["nanosleep"] = table["pmevent"] = table["griddepcontrol"] = &Writer::nothing;
}

} // namespace lathe::emulator
