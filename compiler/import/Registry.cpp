#include "compiler/import/Registry.h"

using namespace lathe::importer;

/// As many as the node has.
static constexpr size_t kAny = ~size_t(0);

// Within a range of opsets an operator may have gained attributes or types: an importer reads the newest form, of which the older ones are special cases.
// The ranges split where the numbers of inputs and outputs change.
static const Operator kOperators[] = {
    {"Add", 7, 28, 2, 2, 1, importAdd},
    {"AveragePool", 7, 28, 1, 1, 1, importAveragePool},
    {"BatchNormalization", 7, 13, 5, 5, 5, importBatchNormalization},
    {"BatchNormalization", 14, 28, 5, 5, 3, importBatchNormalization},
    {"Cast", 7, 28, 1, 1, 1, importCast},
    {"Concat", 7, 28, 1, kAny, 1, importConcat},
    {"Constant", 7, 28, 0, 0, 1, importConstant},
    {"ConstantOfShape", 9, 28, 1, 1, 1, importConstantOfShape},
    {"Conv", 7, 28, 2, 3, 1, importConv},
    {"Div", 7, 28, 2, 2, 1, importDiv},
    {"Dropout", 7, 11, 1, 1, 2, importDropout},
    {"Dropout", 12, 28, 1, 3, 2, importDropout},
    {"Equal", 7, 28, 2, 2, 1, importEqual},
    {"Flatten", 7, 28, 1, 1, 1, importFlatten},
    {"Gather", 7, 28, 2, 2, 1, importGather},
    {"Gemm", 7, 10, 3, 3, 1, importGemm},
    {"Gemm", 11, 28, 2, 3, 1, importGemm},
    {"GlobalAveragePool", 7, 28, 1, 1, 1, importGlobalAveragePool},
    {"GlobalMaxPool", 7, 28, 1, 1, 1, importGlobalMaxPool},
    {"Identity", 7, 28, 1, 1, 1, importIdentity},
    {"MatMul", 7, 28, 2, 2, 1, importMatMul},
    {"MaxPool", 7, 7, 1, 1, 1, importMaxPool},
    {"MaxPool", 8, 28, 1, 1, 2, importMaxPool},
    {"Mul", 7, 28, 2, 2, 1, importMul},
    {"Range", 11, 28, 3, 3, 1, importRange},
    {"Relu", 7, 28, 1, 1, 1, importRelu},
    {"Reshape", 7, 28, 2, 2, 1, importReshape},
    {"Shape", 7, 28, 1, 1, 1, importShape},
    {"Size", 7, 28, 1, 1, 1, importSize},
    {"Slice", 7, 9, 1, 1, 1, importSlice},
    {"Slice", 10, 28, 3, 5, 1, importSlice},
    {"Squeeze", 7, 12, 1, 1, 1, importSqueeze},
    {"Squeeze", 13, 28, 1, 2, 1, importSqueeze},
    {"Sub", 7, 28, 2, 2, 1, importSub},
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
