#include "compiler/import/Registry.h"

using namespace lathe::importer;

/// As many as the node has.
static constexpr size_t kAny = ~size_t(0);

// Within a range of opsets an operator may have gained attributes or types: an importer reads the newest form, of which the older ones are special cases.
// The ranges split where the numbers of inputs and outputs change.
static const Operator kOperators[] = {
    {"Abs", 7, 28, 1, 1, 1, importAbs},
    {"Add", 7, 28, 2, 2, 1, importAdd},
    {"AveragePool", 1, 28, 1, 1, 1, importAveragePool},
    {"BatchNormalization", 7, 13, 5, 5, 5, importBatchNormalization},
    {"BatchNormalization", 14, 28, 5, 5, 3, importBatchNormalization},
    {"Cast", 7, 28, 1, 1, 1, importCast},
    {"Ceil", 7, 28, 1, 1, 1, importCeil},
    {"Celu", 12, 28, 1, 1, 1, importCelu},
    {"Clip", 7, 10, 1, 1, 1, importClip},
    {"Clip", 11, 28, 1, 3, 1, importClip},
    {"Concat", 7, 28, 1, kAny, 1, importConcat},
    {"Constant", 7, 28, 0, 0, 1, importConstant},
    {"ConstantOfShape", 9, 28, 1, 1, 1, importConstantOfShape},
    {"Conv", 1, 28, 2, 3, 1, importConv},
    {"ConvTranspose", 1, 28, 2, 3, 1, importConvTranspose},
    {"Div", 7, 28, 2, 2, 1, importDiv},
    {"Dropout", 7, 11, 1, 1, 2, importDropout},
    {"Dropout", 12, 28, 1, 3, 2, importDropout},
    {"Elu", 7, 28, 1, 1, 1, importElu},
    {"Equal", 7, 28, 2, 2, 1, importEqual},
    {"Erf", 9, 28, 1, 1, 1, importErf},
    {"Exp", 7, 28, 1, 1, 1, importExp},
    {"Flatten", 7, 28, 1, 1, 1, importFlatten},
    {"Floor", 7, 28, 1, 1, 1, importFloor},
    {"Gather", 7, 28, 2, 2, 1, importGather},
    {"Gelu", 20, 28, 1, 1, 1, importGelu},
    {"Gemm", 7, 10, 3, 3, 1, importGemm},
    {"Gemm", 11, 28, 2, 3, 1, importGemm},
    {"GlobalAveragePool", 1, 28, 1, 1, 1, importGlobalAveragePool},
    {"GlobalLpPool", 1, 28, 1, 1, 1, importGlobalLpPool},
    {"GlobalMaxPool", 1, 28, 1, 1, 1, importGlobalMaxPool},
    {"HardSigmoid", 7, 28, 1, 1, 1, importHardSigmoid},
    {"HardSwish", 14, 28, 1, 1, 1, importHardSwish},
    {"Identity", 7, 28, 1, 1, 1, importIdentity},
    {"LeakyRelu", 7, 28, 1, 1, 1, importLeakyRelu},
    {"Log", 7, 28, 1, 1, 1, importLog},
    {"LpPool", 1, 28, 1, 1, 1, importLpPool},
    {"MatMul", 7, 28, 2, 2, 1, importMatMul},
    {"Max", 7, 28, 1, kAny, 1, importMax},
    {"MaxPool", 1, 7, 1, 1, 1, importMaxPool},
    {"MaxPool", 8, 28, 1, 1, 2, importMaxPool},
    {"Mean", 7, 28, 1, kAny, 1, importMean},
    {"Min", 7, 28, 1, kAny, 1, importMin},
    {"Mish", 18, 28, 1, 1, 1, importMish},
    {"Mul", 7, 28, 2, 2, 1, importMul},
    {"Neg", 7, 28, 1, 1, 1, importNeg},
    {"PRelu", 7, 28, 2, 2, 1, importPRelu},
    {"Pow", 7, 28, 2, 2, 1, importPow},
    {"Range", 11, 28, 3, 3, 1, importRange},
    {"Reciprocal", 7, 28, 1, 1, 1, importReciprocal},
    {"Relu", 7, 28, 1, 1, 1, importRelu},
    {"Reshape", 7, 28, 2, 2, 1, importReshape},
    {"Round", 11, 28, 1, 1, 1, importRound},
    {"Selu", 7, 28, 1, 1, 1, importSelu},
    {"Shape", 7, 28, 1, 1, 1, importShape},
    {"Sigmoid", 7, 28, 1, 1, 1, importSigmoid},
    {"Sign", 9, 28, 1, 1, 1, importSign},
    {"Size", 7, 28, 1, 1, 1, importSize},
    {"Slice", 7, 9, 1, 1, 1, importSlice},
    {"Slice", 10, 28, 3, 5, 1, importSlice},
    {"Softplus", 7, 28, 1, 1, 1, importSoftplus},
    {"Softsign", 7, 28, 1, 1, 1, importSoftsign},
    {"Sqrt", 7, 28, 1, 1, 1, importSqrt},
    {"Squeeze", 7, 12, 1, 1, 1, importSqueeze},
    {"Squeeze", 13, 28, 1, 2, 1, importSqueeze},
    {"Sub", 7, 28, 2, 2, 1, importSub},
    {"Sum", 7, 28, 1, kAny, 1, importSum},
    {"Tanh", 7, 28, 1, 1, 1, importTanh},
    {"ThresholdedRelu", 10, 28, 1, 1, 1, importThresholdedRelu},
    {"Unsqueeze", 7, 12, 1, 1, 1, importUnsqueeze},
    {"Unsqueeze", 13, 28, 2, 2, 1, importUnsqueeze},
    {"Where", 9, 28, 3, 3, 1, importWhere},
};

const Operator *lathe::importer::findOperator(llvm::StringRef name, int64_t opset) {
  for (const Operator &entry : kOperators)
    if (entry.name == name && entry.since <= opset && opset <= entry.until)
      return &entry;
  return nullptr;
}
