// Arithmetic, comparisons and conversions.
#include "test/emulator/Writer.h"

#include <algorithm>

namespace lathe::emulator {

static bool isFloat(Type type) { return type.kind == 'f' || type.kind == 'B'; }
static bool isHalf(Type type) { return isFloat(type) && type.bits == 16; }
static std::string format(Type type) { return type.kind == 'B' ? "Brain" : "Half"; }

static std::string roundingName(Rounding rounding) {
  return rounding == Rounding::zero   ? "Rounding::zero"
         : rounding == Rounding::down ? "Rounding::down"
         : rounding == Rounding::up   ? "Rounding::up"
                                      : "Rounding::nearest";
}

std::string Writer::floatInput(size_t operand, Type type, bool flush) {
  std::string value = in(operand, type);
  return flush && type.bits == 32 ? "flush(" + value + ")" : value;
}

std::string Writer::floatResult(Type type, std::string value, bool flush, bool saturate) {
  if (flush && type.bits == 32)
    value = "flush(" + value + ")";
  return saturate ? "saturated<" + cType(type) + ">(" + value + ")" : value;
}

// A function of f16 or bf16, of both halves of a packed operand.
std::string Writer::halves(Type type, const std::string &function, std::initializer_list<size_t> inputs, const std::string &more) {
  std::string call =
      type.count == 2 ? "PAIR" + std::to_string(inputs.size()) + "(" + function + "<" + format(type) + ">" : function + "<" + format(type) + ">(";
  for (size_t input : inputs)
    call += (call.ends_with("(") ? "" : ", ") + in(input, type);
  return call + more + ")";
}

void Writer::mov() {
  Type type = takeType();
  expectOperands(2, 2);
  if (type.kind == 'p')
    return out(type, predicate(operands[1]));
  u32 bits = type.bits * type.count;
  std::vector<std::string> to = elements(operands[0]), from = elements(operands[1]);
  if (operands[1].starts_with("{")) {
    std::string value;
    for (size_t i = 0; i != from.size(); ++i)
      value += (i ? " | " : "") + ("(" + cUnsigned(bits) + ")" + raw(from[i], bits / u32(from.size()))) + " << " + std::to_string(i * bits / from.size());
    return out({'b', bits}, value);
  }
  if (operands[0].starts_with("{")) {
    std::string whole = temporary();
    emit("{ const " + cUnsigned(bits) + " " + whole + " = " + raw(operands[1], bits) + ";");
    u32 part = bits / u32(to.size());
    for (size_t i = 0; i != to.size(); ++i)
      out(to[i], {'b', part}, cUnsigned(part) + "(" + whole + " >> " + std::to_string(i * part) + ")");
    return emit("}");
  }
  out({'b', bits}, raw(operands[1], bits));
}

void Writer::arithmetic() { // add, sub
  if (take("cc"))
    return carry();
  bool minus = parts[0] == "sub", flush = take("ftz"), saturate = take("sat");
  Rounding rounding = takeRounding();
  Type type = takeType();
  expectOperands(3, 3);
  if (isHalf(type)) {
    std::string value = halves(type, minus ? "subHalf" : "addHalf", {1, 2});
    if (flush || rounding != Rounding::nearest || saturate)
      refuse("unknown modifier of f16 arithmetic");
    return out(type, value);
  }
  if (isFloat(type)) {
    std::string a = floatInput(1, type, flush), b = floatInput(2, type, flush);
    std::string value = rounding == Rounding::nearest ? a + (minus ? " - " : " + ") + b
                                                      : cType(type) + "(t->services->rounded(Binary::add, " + (type.bits == 32 ? "true, " : "false, ") +
                                                            roundingName(rounding) + ", " + a + ", " + (minus ? "-" : "") + b + ", 0))";
    return out(type, floatResult(type, value, flush, saturate));
  }
  if (saturate)
    return out(type, "saturatedSum<s32>((s64)" + in(1, type) + (minus ? " - " : " + ") + in(2, type) + ")");
  u32 bits = type.bits;
  Type word{'u', bits};
  out(type, cUnsigned(bits) + "(" + in(1, word) + (minus ? " - " : " + ") + in(2, word) + ")");
}

// Carry flags: add.cc, addc, sub.cc, subc.
void Writer::carry() {
  bool minus = parts[0].starts_with("sub"), uses = parts[0].ends_with("c") && parts[0].size() == 4, sets = !uses || take("cc");
  Type type = takeType();
  expectOperands(3, 3);
  std::string wide = type.bits == 64 ? "u128" : "u64", x = temporary();
  Type word{'u', type.bits};
  emit("{ const " + wide + " " + x + " = (" + wide + ")" + in(1, word) + (minus ? " - " : " + ") + in(2, word) +
       (uses ? minus ? " - carryFlag" : " + carryFlag" : "") + ";");
  if (sets)
    emit("carryFlag = " + x + " >> " + std::to_string(type.bits) + " & 1;");
  out(type, cUnsigned(type.bits) + "(" + x + ")");
  emit("}");
}

void Writer::multiply() { // mul, mad, mul24 has gone
  bool add = parts[0] == "mad";
  std::string part = takeOneOf({"lo", "hi", "wide"});
  bool flush = take("ftz"), saturate = take("sat");
  Rounding rounding = takeRounding();
  Type type = takeType();
  if (add && isFloat(type))
    refuse("mad of floating-point numbers is written as fma");
  expectOperands(add ? 4 : 3, add ? 4 : 3);
  if (isHalf(type)) {
    if (flush || saturate || rounding != Rounding::nearest)
      refuse("unknown modifier of f16 arithmetic");
    return out(type, halves(type, "mulHalf", {1, 2}));
  }
  if (isFloat(type)) {
    std::string a = floatInput(1, type, flush), b = floatInput(2, type, flush);
    std::string value = rounding == Rounding::nearest ? a + " * " + b
                                                      : cType(type) + "(t->services->rounded(Binary::mul, " + (type.bits == 32 ? "true, " : "false, ") +
                                                            roundingName(rounding) + ", " + a + ", " + b + ", 0))";
    return out(type, floatResult(type, value, flush, saturate));
  }
  if (saturate)
    refuse("mad.sat is not known");
  if (part == "wide") {
    Type result{type.kind, type.bits * 2};
    std::string wide = cType(result);
    return out(result, cUnsigned(result.bits) + "((" + wide + ")" + in(1, type) + " * (" + wide + ")" + in(2, type) + ")" +
                           (add ? " + " + in(3, {'u', result.bits}) : ""));
  }
  std::string u = cUnsigned(type.bits), sum = add ? " + " + in(3, {'u', type.bits}) : "";
  if (part == "hi")
    return out(type, u + "(" + u + "(mulHi(" + in(1, type) + ", " + in(2, type) + "))" + sum + ")");
  if (part != "lo")
    refuse("expected .lo, .hi or .wide");
  // In 32 bits at least: the product of two u16 would overflow an int.
  std::string wide = type.bits == 16 ? "u32" : u;
  out(type, u + "((" + wide + ")" + in(1, {'u', type.bits}) + " * " + in(2, {'u', type.bits}) + sum + ")");
}

void Writer::divide() { // div, rem
  bool remainder = parts[0] == "rem";
  bool flush = take("ftz");
  take("approx") || take("full");
  Rounding rounding = takeRounding();
  Type type = takeType();
  expectOperands(3, 3);
  if (isHalf(type))
    refuse("div of f16 does not exist");
  if (isFloat(type)) {
    std::string a = floatInput(1, type, flush), b = floatInput(2, type, flush);
    std::string value = rounding == Rounding::nearest ? a + " / " + b
                                                      : cType(type) + "(t->services->rounded(Binary::div, " + (type.bits == 32 ? "true, " : "false, ") +
                                                            roundingName(rounding) + ", " + a + ", " + b + ", 0))";
    return out(type, floatResult(type, value, flush, false));
  }
  out(type, std::string(remainder ? "remainder" : "divide") + "<" + cType(type) + ">(" + in(1, type) + ", " + in(2, type) + ")");
}

void Writer::unary() { // neg, abs
  bool flush = take("ftz"), negate = parts[0] == "neg";
  Type type = takeType();
  expectOperands(2, 2);
  if (isHalf(type))
    return out(type, halves(type, negate ? "negHalf" : "absHalf", {1}));
  if (isFloat(type)) {
    // Bits, so that a signalling NaN passes.
    std::string mask = type.bits == 32 ? "0x80000000u" : "0x8000000000000000ull", word = raw(operands[1], type.bits);
    if (flush)
      word = "U32(flush(F32(" + word + ")))";
    return out({'b', type.bits}, word + (negate ? " ^ " : " & ~") + mask);
  }
  std::string u = cUnsigned(type.bits), word = in(1, {'u', type.bits});
  out(type, negate ? u + "(-" + word + ")" : "(" + in(1, type) + " < 0 ? " + u + "(-" + word + ") : " + word + ")");
}

void Writer::minMax() {
  bool flush = take("ftz"), nan = take("NaN"), relu = take("relu"), least = parts[0] == "min";
  Type type = takeType();
  expectOperands(3, 3);
  std::string nans = nan ? "true" : "false";
  if (isHalf(type))
    return out(type, halves(type, least ? "minHalf" : "maxHalf", {1, 2}, ", " + nans));
  if (isFloat(type))
    return out(type, floatResult(type, (least ? "minimum(" : "maximum(") + floatInput(1, type, flush) + ", " + floatInput(2, type, flush) + ", " + nans + ")",
                                 flush, false));
  std::string value = std::string(least ? "least" : "greatest") + "<" + cType(type) + ">(" + in(1, type) + ", " + in(2, type) + ")";
  out(type, relu ? "greatest<" + cType(type) + ">(" + value + ", 0)" : value);
}

void Writer::fusedMultiply() {
  bool flush = take("ftz"), saturate = take("sat"), relu = take("relu");
  Rounding rounding = takeRounding();
  Type type = takeType();
  expectOperands(4, 4);
  if (isHalf(type)) {
    if (flush || saturate || rounding != Rounding::nearest)
      refuse("unknown modifier of f16 arithmetic");
    std::string value = halves(type, "fmaHalf", {1, 2, 3});
    if (relu)
      value = type.count == 2 ? "PAIR1(reluHalf<" + format(type) + ">, " + value + ")" : "reluHalf<" + format(type) + ">(" + value + ")";
    return out(type, value);
  }
  if (!isFloat(type) || relu)
    refuse("fma is of floating-point numbers");
  std::string a = floatInput(1, type, flush), b = floatInput(2, type, flush), c = floatInput(3, type, flush), value;
  if (rounding == Rounding::nearest)
    value = std::string(type.bits == 32 ? "__builtin_fmaf(" : "__builtin_fma(") + a + ", " + b + ", " + c + ")";
  else
    value = cType(type) + "(t->services->rounded(Binary::fma, " + (type.bits == 32 ? "true, " : "false, ") + roundingName(rounding) + ", " + a + ", " + b +
            ", " + c + "))";
  out(type, floatResult(type, value, flush, saturate));
}

void Writer::root() { // sqrt, rcp
  bool flush = take("ftz"), reciprocal = parts[0] == "rcp";
  take("approx");
  Rounding rounding = takeRounding();
  Type type = takeType();
  expectOperands(2, 2);
  if (isHalf(type))
    refuse("sqrt and rcp of f16 do not exist");
  std::string a = floatInput(1, type, flush), single = type.bits == 32 ? "true, " : "false, ", value;
  if (rounding != Rounding::nearest)
    value = cType(type) + "(t->services->rounded(Binary::" + (reciprocal ? "div, " : "sqrt, ") + single + roundingName(rounding) + ", " +
            (reciprocal ? "1, " + a : a + ", 0") + ", 0))";
  else
    value = reciprocal ? "1 / " + a : (type.bits == 32 ? "__builtin_sqrtf(" : "__builtin_sqrt(") + a + ")";
  out(type, floatResult(type, value, flush, false));
}

void Writer::approximate() { // the functions that the hardware has, as exact as the host computes them
  bool flush = take("ftz");
  take("approx");
  Type type = takeType();
  expectOperands(2, 2);
  const std::string &name = parts[0];
  if (type.kind != 'f' || type.count != 1 || type.bits == 16)
    refuse(name + " is known of f32 only");
  std::string a = floatInput(1, type, flush);
  if (name == "rsqrt")
    return out(type, floatResult(type, cType(type) + "(1 / __builtin_sqrt(" + a + "))", flush, false));
  if (type.bits != 32)
    refuse(name + " is known of f32 only");
  std::string function = name == "ex2" ? "exp2" : name == "lg2" ? "log2" : name;
  out(type, floatResult(type, "t->services->" + function + "(" + a + ")", flush, false));
}

void Writer::copySign() {
  Type type = takeType();
  expectOperands(3, 3);
  // The sign is that of the first source, the rest of the second.
  std::string mask = type.bits == 32 ? "0x80000000u" : "0x8000000000000000ull";
  out({'b', type.bits}, "(" + raw(operands[1], type.bits) + " & " + mask + ") | (" + raw(operands[2], type.bits) + " & ~" + mask + ")");
}

void Writer::testProperty() {
  std::string property = takeOneOf({"finite", "infinite", "number", "notanumber", "normal", "subnormal"});
  Type type = takeType();
  expectOperands(2, 2);
  std::string x = in(1, type), size = "__builtin_fabs(" + x + ")", least = type.bits == 32 ? "0x1p-126" : "0x1p-1022";
  std::string value = property == "finite"       ? size + " < __builtin_inf()"
                      : property == "infinite"   ? size + " == __builtin_inf()"
                      : property == "number"     ? x + " == " + x
                      : property == "notanumber" ? x + " != " + x
                      : property == "normal"     ? size + " < __builtin_inf() && " + size + " >= " + least
                                                 : size + " < " + least + " && " + x + " != 0";
  out({'p', 8}, value);
}

void Writer::logic() { // and, or, xor, not, cnot
  Type type = takeType();
  const std::string &name = parts[0];
  bool single = name == "not" || name == "cnot";
  expectOperands(single ? 2 : 3, single ? 2 : 3);
  if (type.kind == 'p')
    return out(type, single ? "!" + predicate(operands[1])
                            : predicate(operands[1]) +
                                  (name == "and"  ? " & "
                                   : name == "or" ? " | "
                                                  : " ^ ") +
                                  predicate(operands[2]));
  if (name == "cnot")
    return out(type, in(1, type) + " == 0");
  out(type, single ? "~" + in(1, type) : in(1, type) + (name == "and" ? " & " : name == "or" ? " | " : " ^ ") + in(2, type));
}

void Writer::shift() { // shl, shr
  Type type = takeType();
  expectOperands(3, 3);
  if (type.kind == 'b')
    type.kind = 'u';
  u64 count;
  // A count of a register may be anything, a constant one within the width is a shift of C.
  if (parseInteger(operands[2], count) && count < type.bits)
    return out(type, in(1, type) + (parts[0] == "shl" ? " << " : " >> ") + std::to_string(count));
  out(type, parts[0] + "<" + cType(type) + ">(" + in(1, type) + ", " + in(2, {'u', 32}) + ")");
}

void Writer::funnelShift() { // shf
  bool left = take("l");
  if (!left && !take("r"))
    refuse("expected .l or .r");
  bool wrap = take("wrap");
  if (!wrap && !take("clamp"))
    refuse("expected .wrap or .clamp");
  Type type = takeType();
  expectOperands(4, 4);
  out(type, std::string(left ? "funnelLeft(" : "funnelRight(") + in(1, type) + ", " + in(2, type) + ", " + in(3, type) + (wrap ? " & 31)" : ")"));
}

void Writer::bitField() { // bfe, bfi
  Type type = takeType(), word{'u', 32};
  if (parts[0] == "bfe") {
    expectOperands(4, 4);
    return out(type, "extract<" + cType(type) + ">(" + in(1, type) + ", " + in(2, word) + ", " + in(3, word) + ")");
  }
  expectOperands(5, 5);
  out(type, "insert<" + cType(type) + ">(" + in(1, type) + ", " + in(2, type) + ", " + in(3, word) + ", " + in(4, word) + ")");
}

void Writer::bits() { // popc, clz, brev, bfind
  bool amount = take("shiftamt");
  Type type = takeType(), word{'u', 32};
  expectOperands(2, 2);
  std::string value = in(1, type), wide = type.bits == 64 ? "64" : "32";
  if (parts[0] == "popc")
    out(word, "(u32)__builtin_popcountll(" + value + ")");
  else if (parts[0] == "clz")
    out(word, "leadingZeros<" + cType(type) + ">(" + value + ")");
  else if (parts[0] == "brev")
    out(type, "__builtin_bitreverse" + wide + "(" + value + ")");
  else
    out(word, "findHighest<" + cType(type) + ">(" + value + ", " + (amount ? "true" : "false") + ")");
}

void Writer::permute() {
  Type type = takeType();
  expectOperands(4, 4);
  out(type, "permute(" + in(1, type) + ", " + in(2, type) + ", " + in(3, type) + ")");
}

void Writer::logic3() {
  Type type = takeType();
  expectOperands(5, 5);
  u64 table;
  if (!parseInteger(operands[4], table))
    refuse("expected a constant table");
  std::string value = "0u";
  for (u32 i = 0; i != 8; ++i)
    if (table >> i & 1)
      value +=
          std::string(" | (") + (i & 4 ? "" : "~") + in(1, type) + " & " + (i & 2 ? "" : "~") + in(2, type) + " & " + (i & 1 ? "" : "~") + in(3, type) + ")";
  out(type, value);
}

void Writer::sad() {
  Type type = takeType(), word{'u', type.bits};
  expectOperands(4, 4);
  out(type,
      in(3, word) + " + (" + in(1, type) + " < " + in(2, type) + " ? " + in(2, word) + " - " + in(1, word) + " : " + in(1, word) + " - " + in(2, word) + ")");
}

void Writer::dot() { // dp4a
  Type a = takeType(), b = takeType(), word{'u', 32};
  expectOperands(4, 4);
  auto byte = [](Type type) { return std::string(type.kind == 's' ? "s8" : "u8"); };
  out(word, "dot4<" + byte(a) + ", " + byte(b) + ">(" + in(1, word) + ", " + in(2, word) + ", " + in(3, word) + ")");
}

void Writer::compare() { // setp, set
  bool flush = take("ftz");
  std::string name = takeOneOf({"equ", "neu", "ltu", "leu", "gtu", "geu", "num", "nan", "eq", "ne", "lt", "le", "gt", "ge", "lo", "ls", "hi", "hs"});
  std::string join = takeOneOf({"and", "or", "xor"});
  bool isSet = parts[0] == "set";
  Type result = isSet ? takeType() : Type{'p', 8}, type = takeType();
  expectOperands(join.empty() ? 3 : 4, join.empty() ? 3 : 4);
  std::string a, b, value;
  if (isHalf(type)) {
    if (type.count != 1)
      refuse("comparisons of packed numbers are not known");
    a = format(type) + "::get(" + in(1, type) + ")", b = format(type) + "::get(" + in(2, type) + ")";
  } else if (isFloat(type)) {
    a = floatInput(1, type, flush), b = floatInput(2, type, flush);
  } else {
    a = in(1, type), b = in(2, type);
  }
  bool unordered = name.size() == 3 && name.ends_with("u");
  if (unordered)
    name.pop_back();
  static const std::map<std::string, std::string> operators = {{"eq", " == "}, {"ne", " != "}, {"lt", " < "},  {"le", " <= "}, {"gt", " > "},
                                                               {"ge", " >= "}, {"lo", " < "},  {"ls", " <= "}, {"hi", " > "},  {"hs", " >= "}};
  if (name == "num" || name == "nan")
    value = (name == "num" ? "!(UNORDERED(" : "(UNORDERED(") + a + ", " + b + "))";
  else if (auto found = operators.find(name); found != operators.end())
    value = "(" + a + found->second + b + ")";
  else
    refuse("unknown comparison");
  // In C only != holds of NaN; ordered `ne` does not.
  if (unordered && name != "ne")
    value = "(" + value + " || UNORDERED(" + a + ", " + b + "))";
  else if (!unordered && name == "ne" && isFloat(type))
    value = "(" + value + " && !(UNORDERED(" + a + ", " + b + ")))";
  auto joined = [&](const std::string &one) {
    return join.empty() ? one : one + (join == "and" ? " & " : join == "or" ? " | " : " ^ ") + predicate(operands[3]);
  };
  size_t bar = operands[0].find('|');
  if (isSet)
    return out(result, isFloat(result) ? "(" + joined(value) + ") ? 1.0f : 0.0f" : "(" + joined(value) + ") ? ~0u : 0u");
  if (bar == operands[0].npos)
    return out(result, joined(value));
  std::string x = temporary();
  emit("{ const bool " + x + " = " + joined(value) + ", " + x + "n = " + joined("!" + value) + ";");
  out(trimmed(operands[0].substr(0, bar)), result, x);
  out(trimmed(operands[0].substr(bar + 1)), result, x + "n");
  emit("}");
}

void Writer::select() { // selp
  Type type = takeType();
  expectOperands(4, 4);
  Type word{'b', type.bits * type.count};
  out(word, predicate(operands[3]) + " ? " + in(1, word) + " : " + in(2, word));
}

void Writer::selectSign() { // slct
  bool flush = take("ftz");
  Type type = takeType(), by = takeType(), word{'b', type.bits};
  expectOperands(4, 4);
  out(word, "(" + (isFloat(by) ? floatInput(3, by, flush) : in(3, by)) + " >= 0) ? " + in(1, word) + " : " + in(2, word));
}

void Writer::convert() {
  bool flush = take("ftz"), saturate = take("sat"), finite = take("satfinite"), relu = take("relu"), away = take("rna"), pack = take("pack");
  bool toIntegral = false;
  Rounding rounding = Rounding::nearest;
  if (std::string mode = takeOneOf({"rni", "rzi", "rmi", "rpi"}); !mode.empty()) {
    toIntegral = true;
    rounding = mode == "rzi" ? Rounding::zero : mode == "rmi" ? Rounding::down : mode == "rpi" ? Rounding::up : Rounding::nearest;
  } else {
    rounding = takeRounding();
  }
  Type to = takeType(), from = takeType();
  if (finite || pack)
    refuse("conversions with .satfinite or .pack are not known");
  std::string mode = roundingName(rounding);
  if (to.kind == 't') {
    expectOperands(2, 2);
    std::string value = "toTf32(" + in(1, from) + ", " + (away ? "true" : "false") + ")";
    return out({'b', 32}, relu ? "(s32)" + value + " < 0 ? 0u : " + value : value);
  }
  if (isHalf(to) && to.count == 2) { // the first source is the upper half
    expectOperands(3, 3);
    auto half = [&](size_t i) {
      std::string value = format(to) + "::put(" + in(i, from) + ", " + mode + ")";
      return relu ? "reluHalf<" + format(to) + ">(" + value + ")" : value;
    };
    return out(to, "u32(" + half(1) + ") << 16 | " + half(2));
  }
  expectOperands(2, 2);
  if (!isFloat(to) && !isFloat(from)) {
    std::string value = in(1, from);
    return out(to, saturate ? "saturatedInteger<" + cType(to) + ", " + cType(from) + ">(" + value + ")" : "(" + cType(to) + ")" + value);
  }
  std::string value = isHalf(from) ? format(from) + "::get(" + in(1, from) + ")" : isFloat(from) ? floatInput(1, from, flush) : in(1, from);
  if (!isFloat(to))
    return out(to, "toInteger<" + cType(to) + ">(" + value + ", " + mode + ")");
  if (toIntegral)
    value = "roundInteger<" + std::string(from.bits == 64 ? "double" : "float") + ">(" + value + ", " + mode + ")";
  if (isHalf(to)) {
    // A double holds every source but the 64-bit integers, which are rounded twice then.
    if (!isFloat(from) && from.bits == 64)
      refuse("conversion of 64-bit integers to 16 bits is not known");
    value = format(to) + "::put(" + value + ", " + mode + ")";
    if (saturate)
      value = "saturatedHalf<" + format(to) + ">(" + value + ")";
    return out(to, relu ? "reluHalf<" + format(to) + ">(" + value + ")" : value);
  }
  if (rounding != Rounding::nearest && !toIntegral) {
    if (from.bits == 64 && !isFloat(from))
      refuse("rounding of 64-bit integers is known to the nearest only");
    value = "t->services->rounded(Binary::mul, " + std::string(to.bits == 32 ? "true, " : "false, ") + mode + ", " + value + ", 1, 0)";
  }
  out(to, floatResult(to, cType(to) + "(" + value + ")", flush, saturate));
}

void Writer::addArithmetic(std::unordered_map<std::string_view, Handler> &table) {
  const std::pair<Handler, std::vector<std::string_view>> groups[] = {
      {&Writer::mov, {"mov"}},
      {&Writer::arithmetic, {"add", "sub"}},
      {&Writer::carry, {"addc", "subc"}},
      {&Writer::multiply, {"mul", "mad"}},
      {&Writer::divide, {"div", "rem"}},
      {&Writer::unary, {"neg", "abs"}},
      {&Writer::minMax, {"min", "max"}},
      {&Writer::fusedMultiply, {"fma"}},
      {&Writer::root, {"sqrt", "rcp"}},
      {&Writer::approximate, {"rsqrt", "ex2", "lg2", "sin", "cos", "tanh"}},
      {&Writer::copySign, {"copysign"}},
      {&Writer::testProperty, {"testp"}},
      {&Writer::logic, {"and", "or", "xor", "not", "cnot"}},
      {&Writer::shift, {"shl", "shr"}},
      {&Writer::funnelShift, {"shf"}},
      {&Writer::bitField, {"bfe", "bfi"}},
      {&Writer::bits, {"popc", "clz", "brev", "bfind"}},
      {&Writer::permute, {"prmt"}},
      {&Writer::logic3, {"lop3"}},
      {&Writer::sad, {"sad"}},
      {&Writer::dot, {"dp4a"}},
      {&Writer::compare, {"setp", "set"}},
      {&Writer::select, {"selp"}},
      {&Writer::selectSign, {"slct"}},
      {&Writer::convert, {"cvt"}},
  };
  for (const auto &[handler, mnemonics] : groups)
    for (std::string_view name : mnemonics)
      table[name] = handler;
}

} // namespace lathe::emulator
