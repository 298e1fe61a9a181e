#include "dialects/nn/VectorEpilogue.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;

Value lathe::nn::cloneAsVectors(OpBuilder &b, Region &epilogue, int64_t lanes, Value accumulator, ArrayRef<Value> extras) {
  Block &body = epilogue.front();
  IRMapping map;
  map.map(body.getArgument(0), accumulator);
  for (auto [argument, extra] : llvm::zip(body.getArguments().drop_front(), extras))
    map.map(argument, extra);
  for (Operation &scalar : body.without_terminator()) {
    auto type = VectorType::get({lanes}, scalar.getResult(0).getType());
    if (auto c = dyn_cast<arith::ConstantOp>(scalar)) {
      map.map(c.getResult(), arith::ConstantOp::create(b, scalar.getLoc(), DenseElementsAttr::get(type, c.getValue())).getResult());
      continue;
    }
    SmallVector<Value> operands;
    for (Value v : scalar.getOperands())
      operands.push_back(map.lookup(v));
    Operation *wide = b.create(scalar.getLoc(), scalar.getName().getIdentifier(), operands, TypeRange{type}, scalar.getAttrs());
    map.map(scalar.getResult(0), wide->getResult(0));
  }
  return map.lookup(body.getTerminator()->getOperand(0));
}
