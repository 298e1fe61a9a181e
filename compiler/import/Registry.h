// Which operators exist: one entry per operator and range of opsets in which it is read the same way.
#ifndef COMPILER_IMPORT_REGISTRY_H
#define COMPILER_IMPORT_REGISTRY_H

#include "compiler/import/NodeContext.h"

namespace lathe::importer {

struct Operator {
  llvm::StringRef name;
  int64_t since, until; // opsets, inclusive
  size_t minInputs, maxInputs, maxOutputs;
  mlir::LogicalResult (*import)(NodeContext &);
};

/// The entry for this operator, or null. Only the standard domain has entries.
const Operator *findOperator(llvm::StringRef name, int64_t opset);
/// The opsets in which the operator is known, "1 to 8, 9 to 9"; empty if in none.
std::string opsetsOf(llvm::StringRef name);

// ControlFlow.cpp
mlir::LogicalResult importIf(NodeContext &node);
// Attention.cpp
mlir::LogicalResult importAttention(NodeContext &node);
mlir::LogicalResult importCausalConvWithState(NodeContext &node);
mlir::LogicalResult importRotaryEmbedding(NodeContext &node);
mlir::LogicalResult importSwiGLU(NodeContext &node);
// LinearAttention.cpp
mlir::LogicalResult importLinearAttention(NodeContext &node);
// Pointwise.cpp
mlir::LogicalResult importBitCast(NodeContext &node);
mlir::LogicalResult importBlackmanWindow(NodeContext &node);
mlir::LogicalResult importHammingWindow(NodeContext &node);
mlir::LogicalResult importHannWindow(NodeContext &node);
mlir::LogicalResult importShrink(NodeContext &node);
// Sequence.cpp
mlir::LogicalResult importConcatFromSequence(NodeContext &node);
mlir::LogicalResult importSequenceAt(NodeContext &node);
mlir::LogicalResult importSequenceConstruct(NodeContext &node);
mlir::LogicalResult importSequenceEmpty(NodeContext &node);
mlir::LogicalResult importSequenceErase(NodeContext &node);
mlir::LogicalResult importSequenceInsert(NodeContext &node);
mlir::LogicalResult importSequenceLength(NodeContext &node);
mlir::LogicalResult importSplitToSequence(NodeContext &node);
// Loss.cpp
mlir::LogicalResult importNegativeLogLikelihoodLoss(NodeContext &node);
mlir::LogicalResult importSoftmaxCrossEntropyLoss(NodeContext &node);
// Conv.cpp
mlir::LogicalResult importConv(NodeContext &node);
// ConvTranspose.cpp
mlir::LogicalResult importConvTranspose(NodeContext &node);
// Pool.cpp
mlir::LogicalResult importMaxPool(NodeContext &node);
mlir::LogicalResult importAveragePool(NodeContext &node);
mlir::LogicalResult importGlobalAveragePool(NodeContext &node);
mlir::LogicalResult importGlobalMaxPool(NodeContext &node);
mlir::LogicalResult importLpPool(NodeContext &node);
mlir::LogicalResult importGlobalLpPool(NodeContext &node);
// Einsum.cpp
mlir::LogicalResult importEinsum(NodeContext &node);
// Reduce.cpp
mlir::LogicalResult importArgMax(NodeContext &node);
mlir::LogicalResult importArgMin(NodeContext &node);
mlir::LogicalResult importCumProd(NodeContext &node);
mlir::LogicalResult importCumSum(NodeContext &node);
mlir::LogicalResult importHardmax(NodeContext &node);
mlir::LogicalResult importReduceL1(NodeContext &node);
mlir::LogicalResult importReduceL2(NodeContext &node);
mlir::LogicalResult importReduceLogSum(NodeContext &node);
mlir::LogicalResult importReduceLogSumExp(NodeContext &node);
mlir::LogicalResult importReduceMax(NodeContext &node);
mlir::LogicalResult importReduceMean(NodeContext &node);
mlir::LogicalResult importReduceMin(NodeContext &node);
mlir::LogicalResult importReduceProd(NodeContext &node);
mlir::LogicalResult importReduceSum(NodeContext &node);
mlir::LogicalResult importReduceSumSquare(NodeContext &node);
// Softmax.cpp
mlir::LogicalResult importLogSoftmax(NodeContext &node);
mlir::LogicalResult importSoftmax(NodeContext &node);
// StatisticNorm.cpp
mlir::LogicalResult importGroupNormalization(NodeContext &node);
mlir::LogicalResult importInstanceNormalization(NodeContext &node);
mlir::LogicalResult importLayerNormalization(NodeContext &node);
mlir::LogicalResult importLpNormalization(NodeContext &node);
mlir::LogicalResult importLRN(NodeContext &node);
mlir::LogicalResult importMeanVarianceNormalization(NodeContext &node);
mlir::LogicalResult importRMSNormalization(NodeContext &node);
// MatMul.cpp
mlir::LogicalResult importGemm(NodeContext &node);
mlir::LogicalResult importMatMul(NodeContext &node);
// Normalization.cpp
mlir::LogicalResult importBatchNormalization(NodeContext &node);
// Activation.cpp
mlir::LogicalResult importAbs(NodeContext &node);
mlir::LogicalResult importCeil(NodeContext &node);
mlir::LogicalResult importCelu(NodeContext &node);
mlir::LogicalResult importClip(NodeContext &node);
mlir::LogicalResult importElu(NodeContext &node);
mlir::LogicalResult importErf(NodeContext &node);
mlir::LogicalResult importExp(NodeContext &node);
mlir::LogicalResult importFloor(NodeContext &node);
mlir::LogicalResult importGelu(NodeContext &node);
mlir::LogicalResult importHardSigmoid(NodeContext &node);
mlir::LogicalResult importHardSwish(NodeContext &node);
mlir::LogicalResult importLeakyRelu(NodeContext &node);
mlir::LogicalResult importLog(NodeContext &node);
mlir::LogicalResult importMish(NodeContext &node);
mlir::LogicalResult importNeg(NodeContext &node);
mlir::LogicalResult importPRelu(NodeContext &node);
mlir::LogicalResult importReciprocal(NodeContext &node);
mlir::LogicalResult importRelu(NodeContext &node);
mlir::LogicalResult importRound(NodeContext &node);
mlir::LogicalResult importSelu(NodeContext &node);
mlir::LogicalResult importSigmoid(NodeContext &node);
mlir::LogicalResult importSign(NodeContext &node);
mlir::LogicalResult importSoftplus(NodeContext &node);
mlir::LogicalResult importSoftsign(NodeContext &node);
mlir::LogicalResult importSqrt(NodeContext &node);
mlir::LogicalResult importSwish(NodeContext &node);
mlir::LogicalResult importTanh(NodeContext &node);
mlir::LogicalResult importThresholdedRelu(NodeContext &node);
// Cast.cpp
mlir::LogicalResult importCast(NodeContext &node);
mlir::LogicalResult importCastLike(NodeContext &node);
// Elementwise.cpp
mlir::LogicalResult importAdd(NodeContext &node);
mlir::LogicalResult importSub(NodeContext &node);
mlir::LogicalResult importMul(NodeContext &node);
mlir::LogicalResult importDiv(NodeContext &node);
mlir::LogicalResult importDropout(NodeContext &node);
mlir::LogicalResult importMax(NodeContext &node);
mlir::LogicalResult importMean(NodeContext &node);
mlir::LogicalResult importMin(NodeContext &node);
mlir::LogicalResult importMod(NodeContext &node);
mlir::LogicalResult importSum(NodeContext &node);
mlir::LogicalResult importIdentity(NodeContext &node);
// GridSample.cpp
mlir::LogicalResult importGridSample(NodeContext &node);
mlir::LogicalResult importAffineGrid(NodeContext &node);
// Positions.cpp
mlir::LogicalResult importRange(NodeContext &node);
mlir::LogicalResult importEyeLike(NodeContext &node);
mlir::LogicalResult importTrilu(NodeContext &node);
mlir::LogicalResult importReverseSequence(NodeContext &node);
// Resize.cpp
mlir::LogicalResult importResize(NodeContext &node);
mlir::LogicalResult importUpsample(NodeContext &node);
// Scatter.cpp
mlir::LogicalResult importScatter(NodeContext &node);
mlir::LogicalResult importScatterElements(NodeContext &node);
mlir::LogicalResult importScatterND(NodeContext &node);
// Roi.cpp
mlir::LogicalResult importRoiAlign(NodeContext &node);
mlir::LogicalResult importMaxRoiPool(NodeContext &node);
// TopK.cpp
mlir::LogicalResult importTopK(NodeContext &node);
// IntegerProducts.cpp
mlir::LogicalResult importConvInteger(NodeContext &node);
mlir::LogicalResult importMatMulInteger(NodeContext &node);
mlir::LogicalResult importQLinearConv(NodeContext &node);
mlir::LogicalResult importQLinearMatMul(NodeContext &node);
// Logic.cpp
mlir::LogicalResult importAnd(NodeContext &node);
mlir::LogicalResult importBitShift(NodeContext &node);
mlir::LogicalResult importBitwiseAnd(NodeContext &node);
mlir::LogicalResult importBitwiseNot(NodeContext &node);
mlir::LogicalResult importBitwiseOr(NodeContext &node);
mlir::LogicalResult importBitwiseXor(NodeContext &node);
mlir::LogicalResult importEqual(NodeContext &node);
mlir::LogicalResult importGreater(NodeContext &node);
mlir::LogicalResult importGreaterOrEqual(NodeContext &node);
mlir::LogicalResult importIsInf(NodeContext &node);
mlir::LogicalResult importIsNaN(NodeContext &node);
mlir::LogicalResult importLess(NodeContext &node);
mlir::LogicalResult importLessOrEqual(NodeContext &node);
mlir::LogicalResult importNot(NodeContext &node);
mlir::LogicalResult importOr(NodeContext &node);
mlir::LogicalResult importWhere(NodeContext &node);
mlir::LogicalResult importXor(NodeContext &node);
// MathFunctions.cpp
mlir::LogicalResult importAcos(NodeContext &node);
mlir::LogicalResult importAcosh(NodeContext &node);
mlir::LogicalResult importAsin(NodeContext &node);
mlir::LogicalResult importAsinh(NodeContext &node);
mlir::LogicalResult importAtan(NodeContext &node);
mlir::LogicalResult importAtanh(NodeContext &node);
mlir::LogicalResult importCos(NodeContext &node);
mlir::LogicalResult importCosh(NodeContext &node);
mlir::LogicalResult importPow(NodeContext &node);
mlir::LogicalResult importSin(NodeContext &node);
mlir::LogicalResult importSinh(NodeContext &node);
mlir::LogicalResult importTan(NodeContext &node);
// Quantize.cpp
mlir::LogicalResult importDequantizeLinear(NodeContext &node);
mlir::LogicalResult importDynamicQuantizeLinear(NodeContext &node);
mlir::LogicalResult importQuantizeLinear(NodeContext &node);
// Gather.cpp
mlir::LogicalResult importGather(NodeContext &node);
mlir::LogicalResult importGatherElements(NodeContext &node);
mlir::LogicalResult importGatherND(NodeContext &node);
mlir::LogicalResult importOneHot(NodeContext &node);
// Fold.cpp
mlir::LogicalResult importCol2Im(NodeContext &node);
mlir::LogicalResult importMaxUnpool(NodeContext &node);
// Deform.cpp
mlir::LogicalResult importDeformConv(NodeContext &node);
// NonMaxSuppression.cpp
mlir::LogicalResult importNonMaxSuppression(NodeContext &node);
// RunTimeSize.cpp
mlir::LogicalResult importNonZero(NodeContext &node);
mlir::LogicalResult importCompress(NodeContext &node);
// Concat.cpp
mlir::LogicalResult importConcat(NodeContext &node);
mlir::LogicalResult importTranspose(NodeContext &node);
mlir::LogicalResult importDepthToSpace(NodeContext &node);
mlir::LogicalResult importSpaceToDepth(NodeContext &node);
mlir::LogicalResult importExpand(NodeContext &node);
mlir::LogicalResult importTile(NodeContext &node);
// Pad.cpp
mlir::LogicalResult importPad(NodeContext &node);
// Slice.cpp
mlir::LogicalResult importSlice(NodeContext &node);
mlir::LogicalResult importSplit(NodeContext &node);
mlir::LogicalResult importCenterCropPad(NodeContext &node);
// Reshape.cpp
mlir::LogicalResult importReshape(NodeContext &node);
mlir::LogicalResult importFlatten(NodeContext &node);
mlir::LogicalResult importSqueeze(NodeContext &node);
mlir::LogicalResult importUnsqueeze(NodeContext &node);
// Constant.cpp
mlir::LogicalResult importConstant(NodeContext &node);
mlir::LogicalResult importConstantOfShape(NodeContext &node);
// ShapeOps.cpp
mlir::LogicalResult importShape(NodeContext &node);
mlir::LogicalResult importSize(NodeContext &node);

} // namespace lathe::importer

#endif // COMPILER_IMPORT_REGISTRY_H
