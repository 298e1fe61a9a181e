// Functions of one element: activations, and what needs only a constant besides the data (the bounds of Clip, the exponent of Pow, the slope of PRelu).
#include "compiler/import/Registry.h"

#include "llvm/Support/Format.h"

#include <cmath>

using namespace mlir;
using namespace lathe;
using namespace lathe::importer;

static std::string numberText(double value) {
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%g", value);
  return text;
}

template <typename Op, typename... Numbers> static LogicalResult importUnary(NodeContext &node, Numbers... numbers) {
  if (node.hasErrors())
    return failure();
  Value input = node.data(0, "X");
  if (!input)
    return failure();
  return node.define(Op::create(node.builder(), node.loc(), input.getType(), input, node.builder().getF32FloatAttr(numbers)...).getResult());
}

#define LATHE_IMPORT_UNARY(NAME, OP)                                                                                                                           \
  LogicalResult lathe::importer::import##NAME(NodeContext &node) { return importUnary<nn::OP>(node); }
LATHE_IMPORT_UNARY(Abs, AbsOp)
LATHE_IMPORT_UNARY(Ceil, CeilOp)
LATHE_IMPORT_UNARY(Erf, ErfOp)
LATHE_IMPORT_UNARY(Exp, ExpOp)
LATHE_IMPORT_UNARY(Floor, FloorOp)
LATHE_IMPORT_UNARY(HardSwish, HardSwishOp)
LATHE_IMPORT_UNARY(Log, LogOp)
LATHE_IMPORT_UNARY(Mish, MishOp)
LATHE_IMPORT_UNARY(Neg, NegOp)
LATHE_IMPORT_UNARY(Reciprocal, ReciprocalOp)
LATHE_IMPORT_UNARY(Round, RoundOp)
LATHE_IMPORT_UNARY(Sigmoid, SigmoidOp)
LATHE_IMPORT_UNARY(Sign, SignOp)
LATHE_IMPORT_UNARY(Softplus, SoftplusOp)
LATHE_IMPORT_UNARY(Softsign, SoftsignOp)
LATHE_IMPORT_UNARY(Sqrt, SqrtOp)
LATHE_IMPORT_UNARY(Tanh, TanhOp)
#undef LATHE_IMPORT_UNARY

LogicalResult lathe::importer::importHardSigmoid(NodeContext &node) {
  double alpha = node.real("alpha", 0.2f), beta = node.real("beta", 0.5);
  return importUnary<nn::HardSigmoidOp>(node, alpha, beta);
}
LogicalResult lathe::importer::importLeakyRelu(NodeContext &node) { return importUnary<nn::LeakyReluOp>(node, node.real("alpha", 0.01f)); }
LogicalResult lathe::importer::importThresholdedRelu(NodeContext &node) { return importUnary<nn::ThresholdedReluOp>(node, node.real("alpha", 1)); }

LogicalResult lathe::importer::importElu(NodeContext &node) { return importUnary<nn::EluOp>(node, node.real("alpha", 1), 1.0, 1.0); }

LogicalResult lathe::importer::importSelu(NodeContext &node) {
  double alpha = node.real("alpha", 1.67326319217681884765625), gamma = node.real("gamma", 1.05070102214813232421875);
  return importUnary<nn::EluOp>(node, alpha, 1.0, gamma);
}

LogicalResult lathe::importer::importCelu(NodeContext &node) {
  double alpha = node.real("alpha", 1);
  if (node.hasErrors())
    return failure();
  if (!(std::fabs(alpha) >= std::numeric_limits<float>::min()))
    return node.unsupported("attribute alpha = " + numberText(alpha) + " is not supported; supported: numbers other than 0");
  return importUnary<nn::EluOp>(node, alpha, 1 / alpha, 1.0);
}

LogicalResult lathe::importer::importGelu(NodeContext &node) {
  std::string approximate = node.text("approximate", "none");
  if (node.hasErrors())
    return failure();
  if (approximate != "none" && approximate != "tanh")
    return node.invalid("expects attribute approximate of 'none' or 'tanh' (got '" + approximate + "')");
  Value input = node.data(0, "X");
  if (!input)
    return failure();
  return node.define(nn::GeluOp::create(node.builder(), node.loc(), input.getType(), input, approximate == "tanh").getResult());
}

/// The value of a constant of one element, of a shape that changes nothing in a broadcast to `rank` dimensions; nullopt after an error.
static std::optional<double> scalarConstant(NodeContext &node, size_t i, StringRef role, int64_t rank) {
  nn::WeightAttr weight = node.weight(i, role);
  if (!weight)
    return std::nullopt;
  std::optional<double> value = weight.getSplatValue();
  ArrayRef<int64_t> shape(*weight.getResultShape());
  if (value && static_cast<int64_t>(shape.size()) <= rank && llvm::all_of(shape, [](int64_t d) { return d == 1; }))
    return value;
  (void)node.unsupported(node.describeInput(i, role) + " is not supported; supported: a constant of one element");
  return std::nullopt;
}

LogicalResult lathe::importer::importClip(NodeContext &node) {
  // As ONNX says: without bounds, an infinity becomes the largest number.
  double high = std::numeric_limits<float>::max(), low = -high;
  if (node.opset() < 11) {
    low = node.real("min", low);
    high = node.real("max", high);
    return importUnary<nn::ClipOp>(node, low, high);
  }
  for (auto [i, role, bound] : {std::tuple(1, "min", &low), std::tuple(2, "max", &high)})
    if (node.hasInput(i)) {
      std::optional<double> value = scalarConstant(node, i, role, 1);
      if (!value)
        return failure();
      *bound = *value;
    }
  return importUnary<nn::ClipOp>(node, low, high);
}

LogicalResult lathe::importer::importPow(NodeContext &node) {
  Value input = node.data(0, "X");
  const GraphValue *power = input ? node.input(1, "Y") : nullptr;
  if (!power)
    return failure();
  std::optional<double> exponent;
  if (power->kind == GraphValue::Kind::shape) { // an integer
    std::optional<SmallVector<int64_t>> values = node.constants(1, "Y");
    if (!values)
      return failure();
    if (values->size() != 1)
      return node.unsupported(node.describeInput(1, "Y") + " is not supported; supported: a constant of one element");
    exponent = values->front();
  } else {
    exponent = scalarConstant(node, 1, "Y", cast<ShapedType>(input.getType()).getRank());
  }
  if (!exponent)
    return failure();
  if (!nn::PowOp::isSupported(*exponent))
    return node.unsupported("an exponent of " + numberText(*exponent) + " is not supported; supported: -1, 0.5, 1, 2, 3");
  return importUnary<nn::PowOp>(node, *exponent);
}

LogicalResult lathe::importer::importPRelu(NodeContext &node) {
  Value input = node.data(0, "X");
  nn::WeightAttr slope = input ? node.weight(1, "slope") : nn::WeightAttr();
  if (!slope)
    return failure();
  auto type = cast<RankedTensorType>(input.getType());
  FailureOr<SmallVector<int64_t>> shape = nn::broadcastShapes(type.getShape(), *slope.getResultShape());
  if (failed(shape) || ArrayRef<int64_t>(*shape) != type.getShape())
    return node.invalid("expects " + node.describeInput(1, "slope") + " of a shape that broadcasts to the shape of X");
  return node.define(nn::PReluOp::create(node.builder(), node.loc(), type, input, node.materialize(slope)).getResult());
}
