#include "compiler/import/ShapeArithmetic.h"

#include "compiler/import/OnnxModel.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/CheckedArithmetic.h"

using namespace llvm;
using namespace lathe::importer;
using mlir::failure;
using mlir::FailureOr;

static mlir::LogicalResult fail(std::string &why, const Twine &reason) {
  why = reason.str();
  return failure();
}

static mlir::LogicalResult overflow(std::string &why) { return fail(why, "shape arithmetic leaves the range of int64"); }

std::string Affine::str() const {
  if (isConstant())
    return std::to_string(c0);
  std::string n = c1 == 1 ? "N" : std::to_string(c1) + "*N";
  return c0 ? n + (c0 > 0 ? "+" : "") + std::to_string(c0) : n;
}

std::optional<SmallVector<int64_t>> ShapeValue::constants() const {
  SmallVector<int64_t> result;
  for (Affine element : elements) {
    if (!element.isConstant())
      return std::nullopt;
    result.push_back(element.c0);
  }
  return result;
}

static std::string listOf(ArrayRef<Affine> elements) {
  std::string text = "[";
  for (auto [i, element] : enumerate(elements.take_front(16)))
    text += (i ? ", " : "") + element.str();
  return text + (elements.size() > 16 ? ", ...]" : "]");
}

std::string ShapeValue::str() const { return dims.empty() && elements.size() == 1 ? elements[0].str() : listOf(elements); }

//===- Numbers -------------------------------------------------------------------------------------------------------------------------------===//

static FailureOr<Affine> make(std::optional<int64_t> c0, std::optional<int64_t> c1, std::string &why) {
  if (!c0 || !c1)
    return overflow(why);
  return Affine{*c0, *c1};
}

FailureOr<Affine> lathe::importer::add(Affine a, Affine b, std::string &why) { return make(checkedAdd(a.c0, b.c0), checkedAdd(a.c1, b.c1), why); }

FailureOr<Affine> lathe::importer::subtract(Affine a, Affine b, std::string &why) { return make(checkedSub(a.c0, b.c0), checkedSub(a.c1, b.c1), why); }

FailureOr<Affine> lathe::importer::multiply(Affine a, Affine b, std::string &why) {
  if (!a.isConstant())
    std::swap(a, b);
  if (!a.isConstant())
    return fail(why, "the product of " + a.str() + " and " + b.str() + " is not linear in the batch size N");
  return make(checkedMul(a.c0, b.c0), checkedMul(a.c0, b.c1), why);
}

FailureOr<Affine> lathe::importer::divide(Affine a, Affine b, bool exact, std::string &why) {
  if (b == Affine())
    return fail(why, "shape arithmetic divides by zero");
  auto inexact = [&] { return fail(why, a.str() + " / " + b.str() + " is not a whole number for every batch size N"); };
  // INT64_MIN / -1 is the one quotient that overflows.
  auto overflows = [](int64_t x, int64_t y) { return x == INT64_MIN && y == -1; };
  if (!b.isConstant()) {
    // k * b / b
    if (a == Affine())
      return a;
    if (overflows(a.c1, b.c1) || a.c1 % b.c1)
      return inexact();
    FailureOr<Affine> product = multiply(b, {a.c1 / b.c1, 0}, why);
    if (failed(product) || *product != a)
      return inexact();
    return Affine{a.c1 / b.c1, 0};
  }
  if (overflows(a.c0, b.c0) || overflows(a.c1, b.c0))
    return overflow(why);
  if ((exact || !a.isConstant()) && (a.c0 % b.c0 || a.c1 % b.c0))
    return inexact();
  return Affine{a.c0 / b.c0, a.c1 / b.c0};
}

FailureOr<Affine> lathe::importer::equal(Affine a, Affine b, std::string &why) {
  FailureOr<Affine> difference = subtract(a, b, why);
  if (failed(difference))
    return failure();
  if (difference->isConstant())
    return Affine{difference->c0 == 0, 0};
  // Without a root among the whole numbers N >= 1 the two differ for every batch size.
  std::optional<int64_t> negated = checkedSub(int64_t(0), difference->c0);
  if (negated && !(difference->c1 == -1 && *negated == INT64_MIN) && (*negated % difference->c1 || *negated / difference->c1 < 1))
    return Affine{0, 0};
  return fail(why, "whether " + a.str() + " equals " + b.str() + " depends on the batch size N");
}

//===- Tensors -------------------------------------------------------------------------------------------------------------------------------===//

/// Row-major strides of `dims` seen as a tensor of shape `result`: 0 where it is broadcast.
static SmallVector<int64_t> broadcastStrides(ArrayRef<int64_t> dims, ArrayRef<int64_t> result) {
  SmallVector<int64_t> strides(result.size(), 0);
  int64_t stride = 1;
  for (size_t i = 1; i <= dims.size(); ++i) {
    int64_t d = dims[dims.size() - i];
    strides[result.size() - i] = d == 1 ? 0 : stride;
    stride *= d;
  }
  return strides;
}

/// Shape to which all operands broadcast, and its number of elements.
static FailureOr<SmallVector<int64_t>> broadcast(ArrayRef<const ShapeValue *> operands, int64_t &count, std::string &why) {
  SmallVector<int64_t> result;
  for (const ShapeValue *operand : operands) {
    if (operand->dims.size() > result.size())
      result.insert(result.begin(), operand->dims.size() - result.size(), 1);
    for (size_t i = 1; i <= operand->dims.size(); ++i) {
      int64_t d = operand->dims[operand->dims.size() - i], &r = result[result.size() - i];
      if (r == 1)
        r = d;
      else if (d != 1 && d != r)
        return fail(why, "dimensions " + Twine(r) + " and " + Twine(d) + " do not broadcast");
    }
  }
  count = 1;
  for (int64_t d : result) {
    count *= d; // both at most kMaxShapeElements
    if (count > kMaxShapeElements)
      return fail(why, "shape arithmetic on more than " + Twine(kMaxShapeElements) + " elements");
  }
  return result;
}

/// Calls `function` with the offsets of the operands' elements, for each element of the result in order.
static mlir::LogicalResult forEachElement(ArrayRef<const ShapeValue *> operands, ArrayRef<int64_t> result, int64_t count,
                                          function_ref<mlir::LogicalResult(ArrayRef<int64_t>)> function) {
  SmallVector<SmallVector<int64_t>> strides;
  for (const ShapeValue *operand : operands)
    strides.push_back(broadcastStrides(operand->dims, result));
  SmallVector<int64_t> offsets(operands.size());
  for (int64_t n = 0; n < count; ++n) {
    offsets.assign(operands.size(), 0);
    int64_t rest = n;
    for (size_t axis = result.size(); axis-- > 0; rest /= result[axis])
      for (auto [offset, stride] : zip_equal(offsets, strides))
        offset += rest % result[axis] * stride[axis];
    if (failed(function(offsets)))
      return failure();
  }
  return mlir::success();
}

FailureOr<ShapeValue> lathe::importer::elementwise(const ShapeValue &a, const ShapeValue &b, int32_t resultType, BinaryFunction function, std::string &why) {
  int64_t count;
  FailureOr<SmallVector<int64_t>> dims = broadcast({&a, &b}, count, why);
  if (failed(dims))
    return failure();
  ShapeValue result{resultType, SmallVector<int64_t>(*dims), {}};
  auto compute = [&](ArrayRef<int64_t> at) -> mlir::LogicalResult {
    FailureOr<Affine> element = function(a.elements[at[0]], b.elements[at[1]], why);
    if (failed(element))
      return failure();
    result.elements.push_back(*element);
    return mlir::success();
  };
  if (failed(forEachElement({&a, &b}, *dims, count, compute)))
    return failure();
  return result;
}

FailureOr<ShapeValue> lathe::importer::select(const ShapeValue &condition, const ShapeValue &a, const ShapeValue &b, std::string &why) {
  int64_t count;
  FailureOr<SmallVector<int64_t>> dims = broadcast({&condition, &a, &b}, count, why);
  if (failed(dims))
    return failure();
  ShapeValue result{a.dataType, SmallVector<int64_t>(*dims), {}};
  auto compute = [&](ArrayRef<int64_t> at) -> mlir::LogicalResult {
    Affine chosen = condition.elements[at[0]];
    if (!chosen.isConstant())
      return fail(why, "the condition " + chosen.str() + " depends on the batch size N");
    result.elements.push_back(chosen.c0 ? a.elements[at[1]] : b.elements[at[2]]);
    return mlir::success();
  };
  if (failed(forEachElement({&condition, &a, &b}, *dims, count, compute)))
    return failure();
  return result;
}

FailureOr<ShapeValue> lathe::importer::gather(const ShapeValue &vector, const ShapeValue &indices, std::string &why) {
  if (vector.rank() != 1)
    return fail(why, "shape arithmetic gathers from vectors only (got rank " + Twine(vector.rank()) + ")");
  ShapeValue result{vector.dataType, indices.dims, {}};
  int64_t size = vector.elements.size();
  for (Affine index : indices.elements) {
    int64_t at = index.c0 < 0 ? index.c0 + size : index.c0;
    if (!index.isConstant() || at < 0 || at >= size)
      return fail(why, "index " + index.str() + " is out of range for " + Twine(size) + " elements");
    result.elements.push_back(vector.elements[at]);
  }
  return result;
}

Run lathe::importer::resolveSlice(int64_t size, int64_t start, int64_t end, int64_t step) {
  auto clamped = [&](int64_t position, int64_t low, int64_t high) {
    if (position < 0)
      position = std::max(position, -size - 1) + size;
    return std::clamp(position, low, high);
  };
  // As numpy does: going down, positions end before the first element.
  bool up = step > 0;
  start = clamped(start, up ? 0 : -1, up ? size : size - 1);
  end = clamped(end, up ? 0 : -1, up ? size : size - 1);
  step = std::clamp(step, -size - 1, size + 1); // one step leaves the tensor either way
  int64_t distance = up ? end - start : start - end;
  return {start, distance > 0 ? (distance - 1) / std::abs(step) + 1 : 0, step};
}

FailureOr<ShapeValue> lathe::importer::slice(const ShapeValue &vector, int64_t start, int64_t end, int64_t step, std::string &why) {
  if (vector.rank() != 1)
    return fail(why, "shape arithmetic slices vectors only (got rank " + Twine(vector.rank()) + ")");
  if (!step)
    return fail(why, "a slice has step 0");
  Run run = resolveSlice(vector.elements.size(), start, end, step);
  return moved(vector, run.count, run.begin, run.step);
}

ShapeValue lathe::importer::moved(const ShapeValue &value, ArrayRef<int64_t> dims, int64_t begin, ArrayRef<int64_t> strides) {
  ShapeValue result{value.dataType, SmallVector<int64_t>(dims), {}};
  if (is_contained(dims, 0))
    return result;
  SmallVector<int64_t> index(dims.size(), 0);
  for (;;) {
    int64_t at = begin;
    for (auto [i, stride] : zip_equal(index, strides))
      at += i * stride;
    result.elements.push_back(value.elements[at]);
    int64_t dim = dims.size() - 1;
    while (dim >= 0 && ++index[dim] == dims[dim])
      index[dim--] = 0;
    if (dim < 0)
      return result;
  }
}

ShapeValue lathe::importer::concat(ArrayRef<ShapeValue> values, int64_t axis) {
  ShapeValue result{values[0].dataType, values[0].dims, {}};
  result.dims[axis] = 0;
  for (const ShapeValue &value : values)
    result.dims[axis] += value.dims[axis];
  // Whole runs of each, once per index of the dimensions before the axis.
  int64_t outer = 1;
  for (int64_t d : ArrayRef(result.dims).take_front(axis))
    outer *= d;
  for (int64_t i = 0; i < outer; ++i)
    for (const ShapeValue &value : values) {
      int64_t run = value.elements.size() / outer;
      append_range(result.elements, ArrayRef(value.elements).slice(i * run, run));
    }
  return result;
}

FailureOr<ShapeValue> lathe::importer::range(const ShapeValue &start, const ShapeValue &limit, const ShapeValue &delta, std::string &why) {
  for (const ShapeValue *operand : {&start, &limit, &delta})
    if (operand->elements.size() != 1)
      return fail(why, "expects scalars (got " + operand->str() + ")");
  Affine step = delta.elements[0], value = start.elements[0];
  FailureOr<Affine> distance = subtract(limit.elements[0], value, why);
  if (failed(distance))
    return failure();
  if (!distance->isConstant() || !step.isConstant())
    return fail(why, "the length of the range depends on the batch size N");
  if (!step.c0)
    return fail(why, "a range has step 0");
  ShapeValue result{start.dataType, {}, {}};
  for (int64_t left = distance->c0; step.c0 > 0 ? left > 0 : left < 0;) {
    if (int64_t(result.elements.size()) == kMaxShapeElements)
      return fail(why, "shape arithmetic on more than " + Twine(kMaxShapeElements) + " elements");
    result.elements.push_back(value);
    std::optional<int64_t> next = checkedSub(left, step.c0);
    FailureOr<Affine> sum = add(value, step, why);
    if (!next || failed(sum))
      break; // beyond the limit, which is an int64
    left = *next;
    value = *sum;
  }
  result.dims = {int64_t(result.elements.size())};
  return result;
}

/// Whole numbers up to here are exact in float32.
static constexpr int64_t kFloatExact = int64_t(1) << 24;

FailureOr<ShapeValue> lathe::importer::castTo(const ShapeValue &value, int32_t type, std::string &why) {
  ShapeValue result = value;
  result.dataType = type;
  for (Affine &element : result.elements) {
    if (type == kBool) {
      FailureOr<Affine> zero = equal(element, {}, why);
      if (failed(zero))
        return failure();
      element = {!zero->c0, 0};
    } else if (type == kInt32 && (element.c0 != int32_t(element.c0) || element.c1 != int32_t(element.c1))) {
      return fail(why, element.str() + " leaves the range of int32");
    } else if (type == kFloat &&
               (element.c0 != std::clamp(element.c0, -kFloatExact, kFloatExact) || element.c1 != std::clamp(element.c1, -kFloatExact, kFloatExact))) {
      return fail(why, element.str() + " is not exact in float32");
    } else if (type != kFloat && type != kInt64 && type != kInt32 && type != kDouble) {
      return fail(why, "a cast to " + dataTypeName(type) + " is not supported; supported: int64, int32, bool, float32, float64");
    }
  }
  return result;
}

FailureOr<ShapeValue> lathe::importer::reshape(const ShapeValue &value, ArrayRef<int64_t> dims, std::string &why) {
  SmallVector<Affine> input, target;
  for (int64_t d : value.dims)
    input.push_back({d, 0});
  for (int64_t d : dims)
    target.push_back({d, 0});
  FailureOr<SmallVector<Affine>> resolved = resolveReshape(input, target, /*allowZero=*/false, why);
  if (failed(resolved))
    return failure();
  ShapeValue result{value.dataType, {}, value.elements};
  for (Affine d : *resolved)
    result.dims.push_back(d.c0);
  return result;
}

//===- Reshape -------------------------------------------------------------------------------------------------------------------------------===//

namespace {

/// k * N^power: a number of elements.
struct Monomial {
  int64_t k = 1;
  int power = 0;

  /// False if the dimension is neither a number nor a multiple of N, or the product is too large.
  bool multiply(Affine dim) {
    if (!dim.isConstant() && dim.c0)
      return false;
    std::optional<int64_t> product = checkedMul(k, dim.isConstant() ? dim.c0 : dim.c1);
    power += !dim.isConstant();
    k = product.value_or(0);
    return product.has_value();
  }
};

} // namespace

FailureOr<SmallVector<Affine>> lathe::importer::resolveReshape(ArrayRef<Affine> input, ArrayRef<Affine> target, bool allowZero, std::string &why) {
  auto mismatch = [&] { return fail(why, "the shape " + listOf(input) + " cannot be reshaped to " + listOf(target)); };
  Monomial all, known;
  for (Affine d : input)
    if (!all.multiply(d))
      return mismatch();
  SmallVector<Affine> result(target);
  std::optional<size_t> open;
  for (auto [i, d] : enumerate(result)) {
    if (d == Affine{-1, 0}) {
      if (open)
        return fail(why, "the target shape " + listOf(target) + " has more than one -1");
      open = i;
      continue;
    }
    if (d == Affine() && !allowZero) {
      if (i >= input.size())
        return fail(why, "the target shape " + listOf(target) + " copies dimension " + Twine(i) + ", which " + listOf(input) + " does not have");
      d = input[i];
    }
    if ((d.isConstant() && d.c0 < 0) || !known.multiply(d))
      return mismatch();
  }
  if (!open) {
    if (all.k != known.k || (all.power != known.power && all.k))
      return mismatch();
    return result;
  }
  int power = all.power - known.power;
  if (!known.k || all.k % known.k || power < 0 || power > 1)
    return mismatch();
  int64_t rest = all.k / known.k;
  result[*open] = power ? Affine{0, rest} : Affine{rest, 0};
  return result;
}
