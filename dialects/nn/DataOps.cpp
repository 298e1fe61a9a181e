// nn.weight, nn.reshape, nn.pack, nn.unpack, nn.copy: verifiers and folds.
#include "dialects/nn/NNDialect.h"

#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace lathe::nn;

//===- nn.weight ---------------------------------------------------------------------------------------------------------------------------===//

void WeightOp::build(OpBuilder &builder, OperationState &state, WeightAttr weight) {
  FailureOr<SmallVector<int64_t>> shape = weight.getResultShape();
  build(builder, state, RankedTensorType::get(succeeded(shape) ? *shape : SmallVector<int64_t>(), weight.getResultElementType()), weight);
}

LogicalResult WeightOp::verify() {
  auto type = cast<ShapedType>(getType());
  FailureOr<SmallVector<int64_t>> shape = getWeight().getResultShape();
  if (failed(shape))
    return emitOpError("expects a recipe whose steps fit");
  if (!type.hasRank() || type.getShape() != ArrayRef<int64_t>(*shape))
    return emitOpError("expects the recipe's shape as result shape (got ") << type << ")";
  if (type.getElementType() != getWeight().getResultElementType())
    return emitOpError("expects the recipe's element type (got ") << type.getElementType() << ")";
  return success();
}

//===- nn.reshape --------------------------------------------------------------------------------------------------------------------------===//

/// Elements without the leading dim; failure if another dim is dynamic.
static FailureOr<int64_t> elementsPerImage(ShapedType type) {
  int64_t n = 1;
  for (auto [i, d] : llvm::enumerate(type.getShape())) {
    if (ShapedType::isDynamic(d)) {
      if (i)
        return failure();
      continue;
    }
    n *= d;
  }
  return n;
}

LogicalResult ReshapeOp::verify() {
  auto in = cast<RankedTensorType>(getInput().getType()), out = cast<RankedTensorType>(getType());
  if (in.getElementType() != out.getElementType())
    return emitOpError("expects one element type (got ") << in.getElementType() << " and " << out.getElementType() << ")";
  FailureOr<int64_t> a = elementsPerImage(in), b = elementsPerImage(out);
  if (failed(a) || failed(b))
    return emitOpError("expects no dynamic dimension but the leading one (got ") << in << " and " << out << ")";
  if (in.hasStaticShape() != out.hasStaticShape())
    return emitOpError("expects the batch on both sides or on neither (got ") << in << " and " << out << ")";
  if (*a != *b)
    return emitOpError("expects equally many elements (got ") << in << " and " << out << ")";
  return success();
}

OpFoldResult ReshapeOp::fold(FoldAdaptor) {
  if (getInput().getType() == getType())
    return getInput();
  if (auto producer = getInput().getDefiningOp<ReshapeOp>()) {
    if (producer.getInput().getType() == getType())
      return producer.getInput();
    getInputMutable().assign(producer.getInput());
    return getResult();
  }
  return {};
}

//===- nn.pack, nn.unpack ------------------------------------------------------------------------------------------------------------------===//

/// `plain` is [N, C, spatial...], `blocked` [N, ceil(C / V), spatial..., V].
static LogicalResult verifyLayouts(Operation *op, RankedTensorType plain, RankedTensorType blocked) {
  if (plain.getElementType() != blocked.getElementType())
    return op->emitOpError("expects one element type (got ") << plain.getElementType() << " and " << blocked.getElementType() << ")";
  if (plain.getRank() < 2 || blocked.getRank() != plain.getRank() + 1)
    return op->emitOpError("expects a plain type of rank r >= 2 and a blocked one of rank r + 1 (got ") << plain << " and " << blocked << ")";
  ArrayRef<int64_t> p = plain.getShape(), b = blocked.getShape();
  int64_t lanes = b.back();
  if (ShapedType::isDynamic(p[1]) || ShapedType::isDynamic(lanes) || lanes < 1 || b[1] != (p[1] + lanes - 1) / lanes)
    return op->emitOpError("expects ceil(C / V) channel blocks (got ") << plain << " and " << blocked << ")";
  if (p[0] != b[0] || p.drop_front(2) != b.drop_front(2).drop_back())
    return op->emitOpError("expects equal batch and spatial dimensions (got ") << plain << " and " << blocked << ")";
  return success();
}

LogicalResult PackOp::verify() { return verifyLayouts(*this, cast<RankedTensorType>(getInput().getType()), cast<RankedTensorType>(getType())); }
LogicalResult UnpackOp::verify() { return verifyLayouts(*this, cast<RankedTensorType>(getType()), cast<RankedTensorType>(getInput().getType())); }

OpFoldResult PackOp::fold(FoldAdaptor) {
  // The lanes beyond C are unspecified to every reader, so that the original serves as well as a repacked copy.
  if (auto unpack = getInput().getDefiningOp<UnpackOp>(); unpack && unpack.getInput().getType() == getType())
    return unpack.getInput();
  return {};
}

OpFoldResult UnpackOp::fold(FoldAdaptor) {
  if (auto pack = getInput().getDefiningOp<PackOp>(); pack && pack.getInput().getType() == getType())
    return pack.getInput();
  return {};
}

//===- nn.copy -----------------------------------------------------------------------------------------------------------------------------===//

LogicalResult CopyOp::verify() {
  auto source = cast<MemRefType>(getSource().getType()), target = cast<MemRefType>(getTarget().getType());
  if (source.getShape() != target.getShape() || source.getElementType() != target.getElementType())
    return emitOpError("expects equal shapes and element types (got ") << source << " and " << target << ")";
  return success();
}

void CopyOp::getEffects(SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  effects.emplace_back(MemoryEffects::Read::get(), &getSourceMutable());
  effects.emplace_back(MemoryEffects::Write::get(), &getTargetMutable());
}
