// What threads do together.
#include "test/emulator/Writer.h"

namespace lathe::emulator {

void Writer::barrier() { // bar, barrier
  take("cta");
  if (take("warp")) {
    if (!take("sync"))
      refuse("expected .sync");
    expectOperands(1, 1);
    collective();
    return emit("t->services->warpBarrier(t, &sites[" + site() + "], " + raw(operands[0], 32) + ");");
  }
  bool arrive = take("arrive");
  if (!arrive && !take("sync"))
    refuse("of barriers only .sync and .arrive are known");
  bool aligned = take("aligned") || parts[0] == "bar";
  expectOperands(arrive ? 2 : 1, 2);
  collective();
  std::string threads = operands.size() == 2 ? raw(operands[1], 32) : "0";
  emit("t->services->barrier(t, &sites[" + site() + "], " + raw(operands[0], 32) + ", " + threads + ", " + (arrive ? "false" : "true") + ", " +
       (aligned ? "true" : "false") + ");");
}

void Writer::fence() { // membar, fence: every store is seen at once here
  takeOneOf({"sc", "acq_rel", "acquire", "release"});
  takeOneOf({"cta", "cluster", "gpu", "gl", "sys"});
}

void Writer::shuffle() { // shfl.sync
  std::string mode = takeOneOf({"up", "down", "bfly", "idx"});
  if (!take("sync") || mode.empty() || !take("b32"))
    refuse("expected shfl.sync.<mode>.b32");
  expectOperands(5, 5);
  collective();
  size_t bar = operands[0].find('|');
  std::string target = trimmed(operands[0].substr(0, bar)), x = temporary();
  emit("{ bool " + x + "p; const u32 " + x + " = t->services->shfl(t, &sites[" + site() + "], Shuffle::" + mode + ", " + raw(operands[1], 32) + ", " +
       raw(operands[2], 32) + ", " + raw(operands[3], 32) + ", " + raw(operands[4], 32) + ", &" + x + "p);");
  out(target, {'b', 32}, x);
  if (bar != operands[0].npos)
    out(trimmed(operands[0].substr(bar + 1)), {'p', 8}, x + "p");
  emit("}");
}

void Writer::vote() {
  std::string mode = takeOneOf({"all", "any", "uni", "ballot"});
  if (!take("sync") || mode.empty())
    refuse("expected vote.sync.<mode>");
  Type type = takeType();
  expectOperands(3, 3);
  collective();
  out(type, "t->services->vote(t, &sites[" + site() + "], Vote::" + mode + ", " + predicate(operands[1]) + ", " + raw(operands[2], 32) + ")");
}

void Writer::activeMask() {
  Type type = takeType();
  expectOperands(1, 1);
  collective();
  out(type, "t->services->activeMask(t)");
}

void Writer::elect() { // the lowest lane of the mask
  if (!take("sync"))
    refuse("expected .sync");
  expectOperands(2, 2);
  collective();
  size_t bar = operands[0].find('|');
  if (bar == operands[0].npos)
    refuse("expected a register and a predicate");
  std::string x = temporary();
  emit("{ const u32 " + x + " = (u32)__builtin_ctz(t->services->vote(t, &sites[" + site() + "], Vote::ballot, true, " + raw(operands[1], 32) + "));");
  out(trimmed(operands[0].substr(0, bar)), {'b', 32}, x);
  out(trimmed(operands[0].substr(bar + 1)), {'p', 8}, x + " == t->laneid");
  emit("}");
}

void Writer::reduce() { // redux.sync
  static const std::pair<std::string_view, const char *> operations[] = {{"add", "add"},    {"and", "bitAnd"}, {"or", "bitOr"},
                                                                         {"xor", "bitXor"}, {"min", "min"},    {"max", "max"}};
  if (!take("sync"))
    refuse("expected .sync");
  for (auto [name, value] : operations) {
    if (!take(name))
      continue;
    Type type = takeType();
    expectOperands(3, 3);
    collective();
    bool sign = type.kind == 's' && (name == "min" || name == "max");
    if (type.kind == 'f')
      refuse("redux of floating-point numbers is not known");
    return out({'b', 32}, "t->services->redux(t, &sites[" + site() + "], Reduction::" + value + (sign ? "Signed" : "") + ", " + raw(operands[1], 32) + ", " +
                              raw(operands[2], 32) + ")");
  }
  refuse("unknown reduction");
}

void Writer::loadMatrix() { // ldmatrix
  bool transposed = take("trans");
  std::string count = takeOneOf({"x1", "x2", "x4"});
  if (!take("sync") || !take("aligned") || !take("m8n8") || count.empty() || (!take("shared") && !take("shared::cta")) || !take("b16"))
    refuse("expected ldmatrix.sync.aligned.m8n8.x<1, 2 or 4>.shared.b16");
  expectOperands(2, 2);
  collective();
  std::vector<std::string> targets = elements(operands[0]);
  if (targets.size() != size_t(count[1] - '0'))
    refuse("expected " + count.substr(1) + " registers");
  std::string x = temporary();
  emit("{ u32 " + x + "[4]; t->services->ldmatrix(t, &sites[" + site() + "], " + address(operands[1]) + ", " + count.substr(1) + ", " +
       (transposed ? "true" : "false") + ", " + x + ");");
  for (size_t i = 0; i != targets.size(); ++i)
    out(targets[i], {'b', 32}, x + "[" + std::to_string(i) + "]");
  emit("}");
}

void Writer::multiplyMatrices() { // mma
  bool saturate = take("satfinite");
  std::string shape = takeOneOf({"m16n8k4", "m16n8k8", "m16n8k16", "m16n8k32"});
  if (!take("sync") || !take("aligned") || shape.empty() || !take("row") || !take("col"))
    refuse("expected mma.sync.aligned.m16n8k<4, 8, 16 or 32>.row.col");
  // The types in the order of their letters: D, A, B, C.
  std::vector<std::string> types;
  for (size_t i = 1; i < parts.size(); ++i)
    if (!taken[i] && typeNamed(parts[i]).kind) {
      types.push_back(parts[i]);
      taken[i] = true;
    }
  u32 k = u32(std::stoi(shape.substr(6)));
  if (types.size() != 4 || types[0] != types[3])
    refuse("expected four types, and those of the accumulators the same");
  const std::string &a = types[1], &b = types[2], &d = types[0];
  bool integers = (a == "s8" || a == "u8") && (b == "s8" || b == "u8");
  bool known = (a == "f16" && b == a && (d == "f16" || d == "f32") && (k == 8 || k == 16)) || (a == "bf16" && b == a && d == "f32" && (k == 8 || k == 16)) ||
               (a == "tf32" && b == a && d == "f32" && (k == 4 || k == 8)) || (integers && d == "s32" && (k == 16 || k == 32));
  if (!known || (saturate && !integers))
    refuse("unknown combination of shape and types");
  expectOperands(4, 4);
  collective();
  u32 elementBytes = integers ? 1 : a == "tf32" ? 4 : 2;
  size_t counts[4] = {d == "f16" ? 2u : 4u, 16 * k * elementBytes / 128, 8 * k * elementBytes / 128, d == "f16" ? 2u : 4u};
  std::string x = temporary(), line = "{ static constexpr Mma " + x + "m = {" + std::to_string(k) + ", Element::" + a + ", Element::" + b + ", " +
                                      (d == "f16" ? "true" : "false") + ", " + (saturate ? "true" : "false") + "}; u32 " + x + "d[4]; const u32 ";
  for (size_t i = 1; i != 4; ++i) {
    std::vector<std::string> registers = elements(operands[i]);
    if (registers.size() != counts[i])
      refuse("expected " + std::to_string(counts[i]) + " registers");
    line += x + "abc"[i - 1] + "[] = {";
    for (const std::string &reg : registers)
      line += raw(reg, 32) + ", ";
    line += i == 3 ? "};" : "}, ";
  }
  emit(line);
  emit("t->services->mma(t, &sites[" + site() + "], &" + x + "m, " + x + "a, " + x + "b, " + x + "c, " + x + "d);");
  std::vector<std::string> targets = elements(operands[0]);
  if (targets.size() != counts[0])
    refuse("expected " + std::to_string(counts[0]) + " registers");
  for (size_t i = 0; i != targets.size(); ++i)
    out(targets[i], {'b', 32}, x + "d[" + std::to_string(i) + "]");
  emit("}");
}

void Writer::addCollectives(std::unordered_map<std::string_view, Handler> &table) {
  table["bar"] = table["barrier"] = &Writer::barrier;
  table["membar"] = table["fence"] = &Writer::fence;
  table["shfl"] = &Writer::shuffle;
  table["vote"] = &Writer::vote;
  table["activemask"] = &Writer::activeMask;
  table["elect"] = &Writer::elect;
  table["redux"] = &Writer::reduce;
  table["ldmatrix"] = &Writer::loadMatrix;
  table["mma"] = &Writer::multiplyMatrices;
}

} // namespace lathe::emulator
