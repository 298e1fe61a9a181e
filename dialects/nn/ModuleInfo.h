// What passes of several folders ask of the module and of the entry function.
#ifndef DIALECTS_NN_MODULEINFO_H
#define DIALECTS_NN_MODULEINFO_H

#include "dialects/nn/NNDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/Support/MathExtras.h"

namespace lathe::nn {

/// The #nn.target of the module that `op` is in; null, with an error, if there is none or its vectors are of no use to any pass.
inline TargetAttr targetOf(mlir::Operation *op) {
  auto module = llvm::isa<mlir::ModuleOp>(op) ? llvm::cast<mlir::ModuleOp>(op) : op->getParentOfType<mlir::ModuleOp>();
  auto target = module ? module->getAttrOfType<TargetAttr>(NNDialect::kTargetAttr) : TargetAttr();
  if (!target)
    op->emitError("expects the module attribute '") << NNDialect::kTargetAttr << "' to be a #nn.target";
  if (target && (target.getVectorBits() < 64 || !llvm::isPowerOf2_64(target.getVectorBits()))) {
    op->emitError("expects a target with vectors of 64 bits or a larger power of two (got ") << target.getVectorBits() << ")";
    return {};
  }
  return target;
}

/// The batch size as a value: dimension 0 of the first argument with a dynamic one. Made at most once, at the function's top; null if no argument has
/// a dynamic batch.
inline mlir::Value batchOf(mlir::FunctionOpInterface function) {
  mlir::Block &entry = function.getFunctionBody().front();
  for (mlir::BlockArgument argument : entry.getArguments()) {
    auto type = llvm::dyn_cast<mlir::RankedTensorType>(argument.getType());
    if (!type || type.getRank() == 0 || !type.isDynamicDim(0))
      continue;
    for (mlir::Operation &op : entry) {
      auto dim = llvm::dyn_cast<mlir::tensor::DimOp>(op);
      if (dim && dim.getSource() == argument && dim.getConstantIndex() == 0)
        return dim;
      if (!dim && !op.hasTrait<mlir::OpTrait::ConstantLike>())
        break; // ours are at the top; one that is further down need not dominate
    }
    mlir::OpBuilder b = mlir::OpBuilder::atBlockBegin(&entry);
    mlir::Value zero = mlir::arith::ConstantIndexOp::create(b, function.getLoc(), 0);
    return mlir::tensor::DimOp::create(b, function.getLoc(), argument, zero);
  }
  return {};
}

} // namespace lathe::nn

#endif // DIALECTS_NN_MODULEINFO_H
