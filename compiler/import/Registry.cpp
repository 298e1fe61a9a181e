#include "compiler/import/Registry.h"

using namespace lathe::importer;

/// As many as the node has.
static constexpr size_t kAny = ~size_t(0);

// Within a range of opsets an operator may have gained attributes or types: an importer reads the newest form, of which the older ones are special cases.
// The ranges split where the numbers of inputs and outputs change.
static const Operator kOperators[] = {
    {"Abs", 7, 28, 1, 1, 1, importAbs},
    {"Add", 7, 28, 2, 2, 1, importAdd},
    {"AffineGrid", 20, 28, 2, 2, 1, importAffineGrid},
    {"Attention", 23, 28, 3, 7, 4, importAttention},
    {"AveragePool", 1, 28, 1, 1, 1, importAveragePool},
    {"BatchNormalization", 7, 13, 5, 5, 5, importBatchNormalization},
    {"BatchNormalization", 14, 28, 5, 5, 3, importBatchNormalization},
    {"Cast", 7, 28, 1, 1, 1, importCast},
    {"CausalConvWithState", 27, 28, 2, 4, 2, importCausalConvWithState},
    {"Ceil", 7, 28, 1, 1, 1, importCeil},
    {"Celu", 12, 28, 1, 1, 1, importCelu},
    {"Clip", 7, 10, 1, 1, 1, importClip},
    {"Clip", 11, 28, 1, 3, 1, importClip},
    {"Col2Im", 18, 28, 3, 3, 1, importCol2Im},
    {"Compress", 9, 28, 2, 2, 1, importCompress},
    {"Concat", 7, 28, 1, kAny, 1, importConcat},
    {"Constant", 7, 28, 0, 0, 1, importConstant},
    {"ConstantOfShape", 9, 28, 1, 1, 1, importConstantOfShape},
    {"Conv", 1, 28, 2, 3, 1, importConv},
    {"ConvTranspose", 1, 28, 2, 3, 1, importConvTranspose},
    {"DeformConv", 19, 28, 3, 5, 1, importDeformConv},
    {"Div", 7, 28, 2, 2, 1, importDiv},
    {"Dropout", 7, 11, 1, 1, 2, importDropout},
    {"Dropout", 12, 28, 1, 3, 2, importDropout},
    {"Elu", 7, 28, 1, 1, 1, importElu},
    {"Equal", 7, 28, 2, 2, 1, importEqual},
    {"Erf", 9, 28, 1, 1, 1, importErf},
    {"Exp", 7, 28, 1, 1, 1, importExp},
    {"EyeLike", 9, 28, 1, 1, 1, importEyeLike},
    {"Flatten", 7, 28, 1, 1, 1, importFlatten},
    {"Floor", 7, 28, 1, 1, 1, importFloor},
    {"Gather", 7, 28, 2, 2, 1, importGather},
    {"GatherElements", 11, 28, 2, 2, 1, importGatherElements},
    {"GatherND", 11, 28, 2, 2, 1, importGatherND},
    {"Gelu", 20, 28, 1, 1, 1, importGelu},
    {"Gemm", 7, 10, 3, 3, 1, importGemm},
    {"Gemm", 11, 28, 2, 3, 1, importGemm},
    {"GlobalAveragePool", 1, 28, 1, 1, 1, importGlobalAveragePool},
    {"GlobalLpPool", 1, 28, 1, 1, 1, importGlobalLpPool},
    {"GlobalMaxPool", 1, 28, 1, 1, 1, importGlobalMaxPool},
    {"GridSample", 16, 28, 2, 2, 1, importGridSample},
    {"HardSigmoid", 7, 28, 1, 1, 1, importHardSigmoid},
    {"HardSwish", 14, 28, 1, 1, 1, importHardSwish},
    {"Identity", 7, 28, 1, 1, 1, importIdentity},
    {"If", 1, 28, 1, 1, kAny, importIf},
    {"LeakyRelu", 7, 28, 1, 1, 1, importLeakyRelu},
    {"Log", 7, 28, 1, 1, 1, importLog},
    {"LpPool", 1, 28, 1, 1, 1, importLpPool},
    {"MatMul", 7, 28, 2, 2, 1, importMatMul},
    {"Max", 7, 28, 1, kAny, 1, importMax},
    {"MaxPool", 1, 7, 1, 1, 1, importMaxPool},
    {"MaxPool", 8, 28, 1, 1, 2, importMaxPool},
    {"MaxRoiPool", 1, 28, 2, 2, 1, importMaxRoiPool},
    {"MaxUnpool", 9, 28, 2, 3, 1, importMaxUnpool},
    {"Mean", 7, 28, 1, kAny, 1, importMean},
    {"Min", 7, 28, 1, kAny, 1, importMin},
    {"Mish", 18, 28, 1, 1, 1, importMish},
    {"Mul", 7, 28, 2, 2, 1, importMul},
    {"Neg", 7, 28, 1, 1, 1, importNeg},
    {"NegativeLogLikelihoodLoss", 12, 28, 2, 3, 1, importNegativeLogLikelihoodLoss},
    {"NonMaxSuppression", 10, 28, 2, 5, 1, importNonMaxSuppression},
    {"NonZero", 9, 28, 1, 1, 1, importNonZero},
    {"OneHot", 9, 28, 3, 3, 1, importOneHot},
    {"PRelu", 7, 28, 2, 2, 1, importPRelu},
    {"Pow", 7, 28, 2, 2, 1, importPow},
    {"Range", 11, 28, 3, 3, 1, importRange},
    {"Reciprocal", 7, 28, 1, 1, 1, importReciprocal},
    {"Relu", 7, 28, 1, 1, 1, importRelu},
    {"Reshape", 7, 28, 2, 2, 1, importReshape},
    {"Resize", 10, 10, 2, 2, 1, importResize},
    {"Resize", 11, 12, 3, 4, 1, importResize},
    {"Resize", 13, 28, 1, 4, 1, importResize},
    {"ReverseSequence", 10, 28, 2, 2, 1, importReverseSequence},
    {"RoiAlign", 10, 28, 3, 3, 1, importRoiAlign},
    {"RotaryEmbedding", 23, 28, 3, 4, 1, importRotaryEmbedding},
    {"Round", 11, 28, 1, 1, 1, importRound},
    {"Scatter", 9, 10, 3, 3, 1, importScatter},
    {"ScatterElements", 11, 28, 3, 3, 1, importScatterElements},
    {"ScatterND", 11, 28, 3, 3, 1, importScatterND},
    {"Selu", 7, 28, 1, 1, 1, importSelu},
    {"Shape", 7, 28, 1, 1, 1, importShape},
    {"Sigmoid", 7, 28, 1, 1, 1, importSigmoid},
    {"Sign", 9, 28, 1, 1, 1, importSign},
    {"Size", 7, 28, 1, 1, 1, importSize},
    {"Slice", 7, 9, 1, 1, 1, importSlice},
    {"Slice", 10, 28, 3, 5, 1, importSlice},
    {"SoftmaxCrossEntropyLoss", 12, 28, 2, 3, 2, importSoftmaxCrossEntropyLoss},
    {"Softplus", 7, 28, 1, 1, 1, importSoftplus},
    {"Softsign", 7, 28, 1, 1, 1, importSoftsign},
    {"Sqrt", 7, 28, 1, 1, 1, importSqrt},
    {"Squeeze", 7, 12, 1, 1, 1, importSqueeze},
    {"Squeeze", 13, 28, 1, 2, 1, importSqueeze},
    {"Sub", 7, 28, 2, 2, 1, importSub},
    {"Sum", 7, 28, 1, kAny, 1, importSum},
    {"SwiGLU", 27, 28, 2, 2, 1, importSwiGLU},
    {"Tanh", 7, 28, 1, 1, 1, importTanh},
    {"ThresholdedRelu", 10, 28, 1, 1, 1, importThresholdedRelu},
    {"TopK", 1, 9, 1, 1, 2, importTopK},
    {"TopK", 10, 28, 2, 2, 2, importTopK},
    {"Trilu", 14, 28, 1, 2, 1, importTrilu},
    {"Unsqueeze", 7, 12, 1, 1, 1, importUnsqueeze},
    {"Unsqueeze", 13, 28, 2, 2, 1, importUnsqueeze},
    {"Upsample", 1, 8, 1, 1, 1, importUpsample},
    {"Upsample", 9, 9, 2, 2, 1, importUpsample},
    {"Where", 9, 28, 3, 3, 1, importWhere},
};

const Operator *lathe::importer::findOperator(llvm::StringRef name, int64_t opset) {
  for (const Operator &entry : kOperators)
    if (entry.name == name && entry.since <= opset && opset <= entry.until)
      return &entry;
  return nullptr;
}

std::string lathe::importer::opsetsOf(llvm::StringRef name) {
  std::string text;
  for (const Operator &entry : kOperators)
    if (entry.name == name)
      text += (text.empty() ? "" : ", ") + std::to_string(entry.since) + " to " + std::to_string(entry.until);
  return text;
}
