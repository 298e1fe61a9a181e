// Verifiers of the attributes, and the shape arithmetic of weight recipes.
#include "dialects/nn/CookToom.h"
#include "dialects/nn/GroupSpan.h"
#include "dialects/nn/NNDialect.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace lathe::nn;

LogicalResult FileAttr::verify(function_ref<InFlightDiagnostic()> emitError, StringRef path, int64_t offset, int64_t length, StringRef hash) {
  if (path.empty())
    return emitError() << "expects a path (got an empty one)";
  if (offset < 0 || length < 0)
    return emitError() << "expects an offset and a length of at least 0 (got " << offset << " and " << length << ")";
  if (hash.size() != 64 || !llvm::all_of(hash, llvm::isHexDigit))
    return emitError() << "expects a hash of 64 hex digits (got '" << hash << "')";
  return success();
}

LogicalResult TilingAttr::verify(function_ref<InFlightDiagnostic()> emitError, int64_t ku, int64_t unroll, int64_t merge, ArrayRef<int64_t> segments,
                                 ArrayRef<int64_t> winograd, int64_t images, ArrayRef<int64_t> prefetch, int64_t share, int64_t streams,
                                 ArrayRef<int64_t> block) {
  if (ku < 1 || unroll < 1 || merge < 1)
    return emitError() << "expects ku, unroll and merge of at least 1 (got " << ku << ", " << unroll << ", " << merge << ")";
  if (segments.empty() || llvm::any_of(segments, [](int64_t s) { return s < 1; }))
    return emitError() << "expects at least one segment, each of at least 1 pixel (got " << segments << ")";
  if (!winograd.empty() && (winograd.size() > 3 || llvm::any_of(winograd, [](int64_t m) { return m < 1 || m > CookToom::kMostPoints; })))
    return emitError() << "expects 1 to 3 tile extents for winograd, each of 1 to " << CookToom::kMostPoints << " pixels (got " << winograd << ")";
  if (!winograd.empty() && merge != 1)
    return emitError() << "expects no merged rows beside winograd (got " << merge << ")";
  if (images < 0 || (images & (images - 1)))
    return emitError() << "expects images to be 0 or a power of two (got " << images << ")";
  if (images > 1 && (merge != 1 || segments != ArrayRef<int64_t>(1) || !winograd.empty()))
    return emitError() << "expects several images by tile only where a line is one pixel (got segments " << segments << ")";
  if (!prefetch.empty() && (prefetch.size() != 2 || prefetch[0] < 0 || prefetch[1] <= prefetch[0]))
    return emitError() << "expects prefetch of some lines, from one at or behind the first weights to another (got " << prefetch << ")";
  if (share < 1 || !llvm::isPowerOf2_64(share) || unroll % share)
    return emitError() << "expects share to be a power of two that divides unroll (got " << share << " and " << unroll << ")";
  if (streams < 0 || streams % ku || (streams > ku && images < 2))
    return emitError() << "expects streams to be 0 or ku, or a multiple of ku where several images are a tile (got " << streams << " and " << ku << ")";
  if (streams > 0 && (!winograd.empty() || !prefetch.empty() || share > 1))
    return emitError() << "expects streams without winograd, prefetch and share (got " << streams << ")";
  if (!block.empty() && (block.size() != 5 || llvm::any_of(block, [](int64_t v) { return v < 1; })))
    return emitError() << "expects block to be rows, columns, warps along both, and stages, each at least 1 (got " << block << ")";
  if (!block.empty() && (!winograd.empty() || images || !prefetch.empty() || share > 1 || streams || merge > 1))
    return emitError() << "expects a block beside no other choice but ku, unroll and segments (got " << block << ")";
  return success();
}

Attribute StepAttr::parse(AsmParser &parser, Type) {
  std::string kind;
  SmallVector<int64_t> args;
  FloatAttr value;
  WeightAttr operand;
  if (parser.parseLess() || parser.parseString(&kind))
    return {};
  while (succeeded(parser.parseOptionalComma())) {
    if (succeeded(parser.parseOptionalLSquare())) {
      auto number = [&]() { return parser.parseInteger(args.emplace_back()); };
      if (parser.parseCommaSeparatedList(number) || parser.parseRSquare())
        return {};
    } else if (succeeded(parser.parseOptionalKeyword("value"))) {
      if (parser.parseEqual() || parser.parseAttribute(value))
        return {};
    } else if (parser.parseKeyword("with") || parser.parseEqual()) {
      return {};
    } else {
      FailureOr<WeightAttr> weight = FieldParser<WeightAttr>::parse(parser);
      if (failed(weight))
        return {};
      operand = *weight;
    }
  }
  if (parser.parseGreater())
    return {};
  return StepAttr::get(parser.getContext(), kind, args, value, operand);
}

void StepAttr::print(AsmPrinter &printer) const {
  printer << "<";
  printer.printString(getKind());
  if (!getArgs().empty()) {
    printer << ", [";
    llvm::interleaveComma(getArgs(), printer);
    printer << "]";
  }
  if (getValue())
    printer << ", value = " << getValue();
  if (getOperand()) {
    printer << ", with = ";
    printer.printStrippedAttrOrType(getOperand());
  }
  printer << ">";
}

/// Shape after one step; failure with a message through `emitError` if the step does not fit.
static FailureOr<SmallVector<int64_t>> applyToShape(function_ref<InFlightDiagnostic()> emitError, StepAttr step, SmallVector<int64_t> shape) {
  StringRef kind = step.getKind();
  ArrayRef<int64_t> args = step.getArgs();
  auto mismatch = [&](const Twine &rule) -> FailureOr<SmallVector<int64_t>> {
    InFlightDiagnostic d = emitError();
    d << "step '" << kind << "' expects " << rule << " (got shape [";
    llvm::interleaveComma(shape, d);
    d << "])";
    return failure();
  };
  auto elements = [](ArrayRef<int64_t> s) {
    int64_t n = 1;
    for (int64_t d : s)
      n *= d;
    return n;
  };
  bool hasOperand = static_cast<bool>(step.getOperand());
  SmallVector<int64_t> operandShape;
  if (hasOperand) {
    FailureOr<SmallVector<int64_t>> s = step.getOperand().getResultShape();
    if (failed(s))
      return failure();
    operandShape = *s;
  }
  if (kind == "scale") {
    if (!hasOperand || args.size() != 1 || args[0] < 0 || args[0] >= (int64_t)shape.size() || operandShape != ArrayRef(shape[args[0]]))
      return mismatch("an axis and a 1-D operand of its length");
    return shape;
  }
  if (kind == "add" || kind == "sub" || kind == "mul" || kind == "div" || kind == "div_sqrt") {
    bool scalar = operandShape.empty() && kind != "div_sqrt";
    if (!hasOperand || (!scalar && operandShape != shape))
      return mismatch("an operand of the same shape");
    if (kind == "div_sqrt" && !step.getValue())
      return mismatch("a value, epsilon");
    return shape;
  }
  if (kind == "mul_scalar") {
    if (!step.getValue())
      return mismatch("a value");
    return shape;
  }
  if (kind == "transpose") {
    SmallVector<int64_t> result(shape.size());
    SmallVector<bool> seen(shape.size());
    if (args.size() != shape.size())
      return mismatch("a permutation of the dims");
    for (auto [i, p] : llvm::enumerate(args)) {
      if (p < 0 || p >= (int64_t)shape.size() || seen[p])
        return mismatch("a permutation of the dims");
      seen[p] = true;
      result[i] = shape[p];
    }
    return result;
  }
  if (kind == "reshape") {
    if (llvm::any_of(args, [](int64_t d) { return d < 0; }) || elements(args) != elements(shape))
      return mismatch("dims with equally many elements");
    return SmallVector<int64_t>(args);
  }
  if (kind == "pad") {
    if (args.size() != shape.size() || llvm::any_of(llvm::zip(args, shape), [](auto p) { return std::get<0>(p) < std::get<1>(p); }))
      return mismatch("dims of the same rank, none smaller");
    return SmallVector<int64_t>(args);
  }
  if (kind == "expand_groups") {
    if (args.size() != 2 || shape.size() < 2 || args[0] < 1 || args[1] < 1 || shape[0] % args[0])
      return mismatch("groups that divide dimension 0, and a tile");
    GroupSpan span{shape[1] * args[0], shape[0], args[0], args[1]};
    shape[0] = (shape[0] + args[1] - 1) / args[1] * args[1];
    shape[1] = span.span();
    return shape;
  }
  if (kind == "share_rows") {
    if (args.size() != 2 || shape.size() < 2 || args[0] < 1 || args[0] > shape.back() || args[1] < 1 || args[0] % args[1] || shape[shape.size() - 2] % args[1])
      return mismatch("lanes, at most as many as columns, and a share that divides lanes and rows");
    return shape;
  }
  if (kind == "winograd") {
    if (args.empty() || args.size() + 2 > shape.size())
      return mismatch("one tile extent for each of the trailing dims but the first two");
    for (auto [m, r] : llvm::zip(args, ArrayRef(shape).take_back(args.size())))
      if (!CookToom::isPossible(m, r))
        return mismatch("tile extents m with m + r - 1 <= " + Twine(CookToom::kMostPoints) + " for windows of r");
    for (auto [m, extent] : llvm::zip(args, MutableArrayRef(shape).take_back(args.size())))
      extent += m - 1;
    return shape;
  }
  if (kind == "to_f16" || kind == "to_bf16") {
    if (!args.empty() || hasOperand)
      return mismatch("no arguments");
    return shape;
  }
  if (kind == "to_float") {
    if (args.size() > 1 || (args.size() == 1 && args[0] != 0 && args[0] != 1))
      return mismatch("0 or 1: whether integers are unsigned");
    return shape;
  }
  if (kind == "broadcast") {
    FailureOr<SmallVector<int64_t>> b = broadcastShapes(shape, args);
    if (failed(b) || *b != args)
      return mismatch("dims to which the shape broadcasts");
    return SmallVector<int64_t>(args);
  }
  if (kind == "slice") {
    size_t rank = shape.size();
    bool inside = args.size() == 3 * rank;
    for (size_t i = 0; i < rank && inside; ++i) {
      int64_t begin = args[i], extent = args[rank + i], step = args[2 * rank + i];
      inside = extent >= 0 && (extent == 0 || (begin >= 0 && begin < shape[i]));
      // The last element, without a product that could wrap.
      if (inside && extent > 1)
        inside = step >= 0 ? step <= (shape[i] - 1 - begin) / (extent - 1) : step >= -(begin / (extent - 1));
    }
    if (!inside)
      return mismatch("begins, extents and steps of elements inside the shape");
    return SmallVector<int64_t>(args.slice(rank, rank));
  }
  emitError() << "expects a known recipe step (got '" << kind << "')";
  return failure();
}

LogicalResult WeightAttr::verify(function_ref<InFlightDiagnostic()> emitError, Attribute source, RankedTensorType type, ArrayRef<StepAttr> steps) {
  if (!type.hasStaticShape())
    return emitError() << "expects a static type (got " << type << ")";
  if (!type.getElementType().isIntOrFloat())
    return emitError() << "expects elements of an integer or floating-point type (got " << type << ")";
  if (auto file = dyn_cast<FileAttr>(source)) {
    int64_t bytes = type.getNumElements() * ((type.getElementTypeBitWidth() + 7) / 8);
    if (file.getLength() != bytes)
      return emitError() << "expects " << bytes << " bytes for " << type << " (got " << file.getLength() << ")";
  } else if (auto elements = dyn_cast<DenseElementsAttr>(source)) {
    if (elements.getType() != type)
      return emitError() << "expects a source of type " << type << " (got " << elements.getType() << ")";
  } else {
    return emitError() << "expects a #nn.file or a dense attribute as source (got " << source << ")";
  }
  SmallVector<int64_t> shape(type.getShape());
  bool isFloat = type.getElementType().isF32();
  for (StepAttr step : steps) {
    if (step.getKind().starts_with("to_") && step.getKind() != "to_float" && step != steps.back())
      return emitError() << "expects step '" << step.getKind() << "' to be the last one";
    FailureOr<SmallVector<int64_t>> next = applyToShape(emitError, step, shape);
    if (failed(next))
      return failure();
    shape = *next;
    isFloat |= step.getKind() == "to_float";
    bool moves = llvm::is_contained({"transpose", "reshape", "pad", "broadcast", "slice"}, step.getKind());
    if (!moves && !isFloat)
      return emitError() << "step '" << step.getKind() << "' expects elements of type f32, or a step to_float before it (got " << type << ")";
    if (step.getOperand() && !step.getOperand().getResultElementType().isF32())
      return emitError() << "step '" << step.getKind() << "' expects an operand of type f32 (got " << step.getOperand().getType() << ")";
  }
  return success();
}

Type WeightAttr::getResultElementType() const {
  if (!getSteps().empty() && getSteps().back().getKind() == "to_f16")
    return Float16Type::get(getContext());
  if (!getSteps().empty() && getSteps().back().getKind() == "to_bf16")
    return BFloat16Type::get(getContext());
  bool converted = llvm::any_of(getSteps(), [](StepAttr step) { return step.getKind() == "to_float"; });
  return converted ? Type(Float32Type::get(getContext())) : getType().getElementType();
}

FailureOr<SmallVector<int64_t>> WeightAttr::getResultShape() const {
  auto silent = [&]() { return InFlightDiagnostic(); };
  SmallVector<int64_t> shape(getType().getShape());
  for (StepAttr step : getSteps()) {
    FailureOr<SmallVector<int64_t>> next = applyToShape(silent, step, shape);
    if (failed(next))
      return failure();
    shape = *next;
  }
  return shape;
}

WeightAttr WeightAttr::withStep(StepAttr step) const {
  SmallVector<StepAttr> steps(getSteps());
  steps.push_back(step);
  return WeightAttr::get(getContext(), getSource(), getType(), steps);
}

TypedAttr WeightAttr::getSplatElement() const {
  auto elements = dyn_cast<DenseElementsAttr>(getSource());
  if (!elements || !elements.isSplat())
    return {};
  for (StepAttr step : getSteps())
    if (step.getKind() != "reshape" && step.getKind() != "transpose" && step.getKind() != "broadcast" && step.getKind() != "slice")
      return {};
  return cast<TypedAttr>(elements.getSplatValue<Attribute>());
}

std::optional<double> WeightAttr::getSplatValue() const {
  auto number = dyn_cast_or_null<FloatAttr>(getSplatElement());
  return number ? std::optional(number.getValueAsDouble()) : std::nullopt;
}
