#include "compiler/import/ShapeFold.h"

#include "llvm/Support/CheckedArithmetic.h"

using namespace mlir;
using namespace lathe;
using namespace lathe::importer;

namespace {

enum class Result { same, truth };

struct Fold {
  StringRef op;
  size_t minInputs, maxInputs;
  Result result;
  /// Of a unary operator `b` is 0. Nothing if the result does not fit.
  std::optional<int64_t> (*apply)(int64_t a, int64_t b);
};

std::optional<int64_t> negated(int64_t a) { return llvm::checkedSub<int64_t>(0, a); }

/// ONNX Mod with fmod = 0: the sign of the divisor.
std::optional<int64_t> modulo(int64_t a, int64_t b) {
  if (b == 0 || b == -1)
    return b ? std::optional<int64_t>(0) : std::nullopt;
  int64_t r = a % b;
  return r && (r < 0) != (b < 0) ? r + b : r;
}

constexpr Fold kFolds[] = {
    {"Abs", 1, 1, Result::same, [](int64_t a, int64_t) { return a < 0 ? negated(a) : std::optional(a); }},
    {"And", 2, 2, Result::truth, [](int64_t a, int64_t b) { return std::optional<int64_t>(a && b); }},
    {"Greater", 2, 2, Result::truth, [](int64_t a, int64_t b) { return std::optional<int64_t>(a > b); }},
    {"GreaterOrEqual", 2, 2, Result::truth, [](int64_t a, int64_t b) { return std::optional<int64_t>(a >= b); }},
    {"Less", 2, 2, Result::truth, [](int64_t a, int64_t b) { return std::optional<int64_t>(a < b); }},
    {"LessOrEqual", 2, 2, Result::truth, [](int64_t a, int64_t b) { return std::optional<int64_t>(a <= b); }},
    {"Max", 1, 8, Result::same, [](int64_t a, int64_t b) { return std::optional(std::max(a, b)); }},
    {"Min", 1, 8, Result::same, [](int64_t a, int64_t b) { return std::optional(std::min(a, b)); }},
    {"Mod", 2, 2, Result::same, modulo},
    {"Neg", 1, 1, Result::same, [](int64_t a, int64_t) { return negated(a); }},
    {"Not", 1, 1, Result::truth, [](int64_t a, int64_t) { return std::optional<int64_t>(!a); }},
    {"Or", 2, 2, Result::truth, [](int64_t a, int64_t b) { return std::optional<int64_t>(a || b); }},
    {"Xor", 2, 2, Result::truth, [](int64_t a, int64_t b) { return std::optional<int64_t>(!a != !b); }},
};

} // namespace

bool lathe::importer::foldOnShapes(NodeContext &node) {
  const Fold *fold = llvm::find_if(kFolds, [&](const Fold &f) { return f.op == node.getNode().op; });
  if (fold == std::end(kFolds) || node.inputCount() < fold->minInputs || node.inputCount() > fold->maxInputs || node.opset() < 7)
    return false;
  SmallVector<ShapeValue> inputs;
  for (size_t i = 0; i < node.inputCount(); ++i) {
    const GraphValue *value = node.peek(i);
    if (!value || value->kind != GraphValue::Kind::shape || !isIn(value->shape.dataType, setOf({kInt64, kInt32, kBool})) || !value->shape.constants() ||
        (i && value->shape.dataType != inputs[0].dataType))
      return false;
    inputs.push_back(value->shape);
  }
  if (node.hasAttribute("fmod") && node.integer("fmod", 0) != 0) // of integers: the sign of the dividend
    return false;
  node.ignore({"axis", "broadcast"}); // of opset 6, which some exporters still write
  int32_t type = fold->result == Result::truth ? int32_t(kBool) : inputs[0].dataType;
  auto apply = [&](Affine a, Affine b, std::string &why) -> FailureOr<Affine> {
    std::optional<int64_t> value = fold->apply(a.c0, b.c0);
    if (!value || (type == kInt32 && *value != static_cast<int32_t>(*value)))
      return failure();
    return Affine{*value, 0};
  };
  ShapeValue result = inputs[0];
  if (inputs.size() == 1)
    inputs.push_back(ShapeValue{result.dataType, {}, {Affine{}}});
  if (fold->maxInputs == 8 && node.inputCount() == 1) // Max and Min of one
    return succeeded(node.define(std::move(result)));
  for (const ShapeValue &next : ArrayRef(inputs).drop_front()) {
    std::string why;
    FailureOr<ShapeValue> combined = elementwise(result, next, type, apply, why);
    if (failed(combined))
      return false;
    result = std::move(*combined);
  }
  return succeeded(node.define(std::move(result)));
}
