// lathe-build-plan: the entry function, by now a list of kernel calls on views, becomes data that the runtime walks. As code it would be larger, and
// could be neither profiled, bisected nor run in parallel without callbacks.
#include "dialects/nn/NNDialect.h"
#include "passes/loops_to_llvm/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

namespace lathe::passes {
#define GEN_PASS_DEF_BUILDPLANPASS
#include "passes/loops_to_llvm/Passes.h.inc"
} // namespace lathe::passes

using namespace mlir;
using namespace lathe::nn;

namespace {

/// c0 + c1 * N
struct Affine {
  int64_t c0 = 0, c1 = 0;
};

/// An index as c0 + c1 * N, where N is any dynamic size (all are the batch); failure if it is not of that form.
FailureOr<Affine> evaluate(Value v) {
  if (auto c = getConstantIntValue(v))
    return Affine{*c, 0};
  Operation *def = v.getDefiningOp();
  if (isa_and_nonnull<memref::DimOp>(def))
    return Affine{0, 1};
  if (!isa_and_nonnull<arith::AddIOp, arith::MulIOp>(def))
    return failure();
  FailureOr<Affine> a = evaluate(def->getOperand(0)), b = evaluate(def->getOperand(1));
  if (failed(a) || failed(b))
    return failure();
  if (isa<arith::AddIOp>(def))
    return Affine{a->c0 + b->c0, a->c1 + b->c1};
  if (a->c1 && b->c1)
    return failure();
  return Affine{a->c0 * b->c0, a->c0 * b->c1 + a->c1 * b->c0};
}

class PlanBuilder {
public:
  PlanBuilder(func::FuncOp entry) : entry(entry), b(entry) {
    if (auto bytes = entry->getAttrOfType<DenseI64ArrayAttr>(NNDialect::kArenaAttr))
      arena = {bytes[0], bytes[1]};
  }

  LogicalResult build() {
    SmallVector<Attribute> inputs, outputs;
    for (BlockArgument argument : entry.getArguments()) {
      unsigned i = argument.getArgNumber();
      if (entry.getArgAttr(i, NNDialect::kArenaAttr)) {
        arguments.push_back({ArgKind::arena, 0, {}});
        continue;
      }
      auto type = dyn_cast<MemRefType>(argument.getType());
      if (entry.getArgAttr(i, NNDialect::kExtentsOfAttr)) {
        if (failed(addExtents(i, type)))
          return failure();
        continue;
      }
      bool output = static_cast<bool>(entry.getArgAttr(i, NNDialect::kOutputAttr));
      SmallVector<Attribute> &list = output ? outputs : inputs;
      arguments.push_back({output ? ArgKind::output : ArgKind::input, static_cast<int64_t>(list.size()), {}});
      auto name = entry.getArgAttrOfType<StringAttr>(i, NNDialect::kNameAttr);
      if (!type || !name)
        return entry.emitOpError("expects a buffer with the attribute ")
               << NNDialect::kNameAttr << " as argument " << i << " (got " << argument.getType() << ")";
      list.push_back(b.getDictionaryAttr({b.getNamedAttr("name", name), b.getNamedAttr("type", TypeAttr::get(borderType(i, type)))}));
    }
    for (auto [output, place] : extents) {
      if (output >= static_cast<int64_t>(outputs.size()))
        return entry.emitOpError("expects ") << NNDialect::kExtentsOfAttr << " to be the number of a result (got " << output << " of " << outputs.size() << ")";
      NamedAttrList entries(cast<DictionaryAttr>(outputs[output]));
      entries.set("extents", b.getDenseI64ArrayAttr({place.c0, place.c1}));
      outputs[output] = entries.getDictionary(b.getContext());
    }
    OpBuilder body(entry.getContext());
    Block launchBlock;
    body.setInsertionPointToStart(&launchBlock);
    for (CallOp call : entry.getBody().front().getOps<CallOp>())
      if (failed(launch(call, body)))
        return failure();
    int64_t scratch = 0; // kernels run one after the other: the largest need is enough for all
    for (auto kernel : entry->getParentOfType<ModuleOp>().getOps<func::FuncOp>())
      if (auto bytes = kernel->getAttrOfType<IntegerAttr>(NNDialect::kScratchAttr))
        scratch = std::max(scratch, bytes.getInt());
    auto plan = PlanOp::create(b, entry.getLoc(), b.getArrayAttr(inputs), b.getArrayAttr(outputs), b.getArrayAttr(weights),
                               b.getDenseI64ArrayAttr({arena.c0, arena.c1}), scratch);
    Block &planBody = plan.getBody().emplaceBlock();
    planBody.getOperations().splice(planBody.end(), launchBlock.getOperations());
    entry.erase();
    return success();
  }

private:
  /// The true extents of an output whose size is found by the run are no argument of the caller's: they get a place at the end of the arena.
  LogicalResult addExtents(unsigned argument, MemRefType type) {
    constexpr int64_t kExtentBytes = 8;
    auto output = entry.getArgAttrOfType<IntegerAttr>(argument, NNDialect::kExtentsOfAttr);
    if (!output || output.getInt() < 0 || !type || type.getRank() != 1 || !type.hasStaticShape() || !type.getElementType().isInteger(64))
      return entry.emitOpError("expects a vector of i64 and the number of a result in ")
             << NNDialect::kExtentsOfAttr << " as argument " << argument << " (got " << entry.getArgument(argument).getType() << ")";
    arena = {static_cast<int64_t>(llvm::alignTo(arena.c0, kExtentBytes)), static_cast<int64_t>(llvm::alignTo(arena.c1, kExtentBytes))};
    arguments.push_back({ArgKind::arena, 0, arena});
    extents.push_back({output.getInt(), arena});
    arena.c0 += kExtentBytes * type.getDimSize(0);
    return success();
  }

  /// The type that the caller sees: with the signedness that the kernels' types lack.
  RankedTensorType borderType(unsigned argument, MemRefType type) {
    Type element = type.getElementType();
    auto dataType = entry.getArgAttrOfType<StringAttr>(argument, NNDialect::kDataTypeAttr);
    if (dataType && dataType.getValue() == "bool")
      element = b.getI1Type();
    else if (dataType && dataType.getValue().starts_with("uint"))
      element = IntegerType::get(b.getContext(), element.getIntOrFloatBitWidth(), IntegerType::Unsigned);
    return RankedTensorType::get(type.getShape(), element);
  }

  LogicalResult launch(CallOp call, OpBuilder &body) {
    auto kernel = SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(call, call.getKernelAttr());
    auto space = kernel ? kernel->getAttrOfType<DenseI64ArrayAttr>("nn.space") : DenseI64ArrayAttr();
    if (!space)
      return call.emitOpError("expects a kernel with the attribute nn.space");
    SmallVector<Attribute> args;
    if (kernel->hasAttr(NNDialect::kBatchArgumentAttr))
      args.push_back(ArgAttr::get(b.getContext(), ArgKind::batch, 0, 0, 0));
    for (Value operand : call.getOperands()) {
      FailureOr<ArgAttr> arg = resolve(operand);
      if (failed(arg))
        return call.emitOpError("expects operands that are views of the entry's arguments or weights (got ") << operand << ")";
      args.push_back(*arg);
    }
    auto op =
        LaunchOp::create(body, call.getLoc(), call.getKernelAttr(), b.getArrayAttr(args), space, call.getNodesAttr(), call.getFlopsAttr(), call.getBytesAttr());
    // What the last arguments hold afterwards: whoever looks for a wrong number reads it there.
    SmallVector<Type> written(call.getOperands().take_back(call.getDestinations()).getTypes());
    op->setAttr("nn.writes", b.getTypeArrayAttr(written));
    return success();
  }

  FailureOr<ArgAttr> resolve(Value v) {
    Affine offset;
    auto addElements = [&](int64_t elements, Type type) { offset.c0 += elements * (cast<MemRefType>(type).getElementTypeBitWidth() / 8); };
    while (Operation *def = v.getDefiningOp()) {
      if (auto weight = dyn_cast<WeightOp>(def))
        return ArgAttr::get(b.getContext(), ArgKind::weights, weightIndex(weight), offset.c0, offset.c1);
      if (auto view = dyn_cast<memref::ViewOp>(def)) {
        FailureOr<Affine> shift = evaluate(view.getByteShift());
        if (failed(shift))
          return failure();
        offset.c0 += shift->c0;
        offset.c1 += shift->c1;
        v = view.getSource();
        continue;
      }
      if (isa<memref::SubViewOp, memref::ReinterpretCastOp>(def)) {
        // A static offset counts from where the buffer starts; the source's is added when the source is resolved.
        int64_t to = cast<MemRefType>(def->getResult(0).getType()).getStridesAndOffset().second;
        int64_t from = cast<MemRefType>(def->getOperand(0).getType()).getStridesAndOffset().second;
        if (ShapedType::isDynamic(to) || ShapedType::isDynamic(from))
          return failure();
        addElements(to - from, def->getResult(0).getType());
        v = def->getOperand(0);
        continue;
      }
      if (!isa<memref::CollapseShapeOp, memref::ExpandShapeOp, memref::CastOp>(def))
        return failure();
      v = def->getOperand(0);
    }
    const Argument &argument = arguments[cast<BlockArgument>(v).getArgNumber()];
    return ArgAttr::get(b.getContext(), argument.kind, argument.index, argument.begin.c0 + offset.c0, argument.begin.c1 + offset.c1);
  }

  int64_t weightIndex(WeightOp op) {
    auto [it, fresh] = indices.insert({op.getWeight(), weights.size()});
    if (fresh)
      weights.push_back(op.getWeight());
    return it->second;
  }

  func::FuncOp entry;
  OpBuilder b;
  struct Argument {
    ArgKind kind;
    int64_t index;
    Affine begin;
  };
  SmallVector<Argument> arguments; // of the entry function
  Affine arena;
  SmallVector<std::pair<int64_t, Affine>> extents; // number of the output, place in the arena
  SmallVector<Attribute> weights;
  DenseMap<Attribute, int64_t> indices;
};

/// A kernel's body and arguments are in the llvm dialect already; upstream's conversion would look at every operation again.
LogicalResult toLLVMFunction(func::FuncOp kernel) {
  SmallVector<Type> arguments(kernel.getArgumentTypes());
  if (kernel.isExternal() || kernel.getNumResults() || !llvm::all_of(arguments, LLVM::isCompatibleType))
    return kernel.emitOpError("expects a kernel whose arguments are of the llvm dialect (got ") << kernel.getFunctionType() << ")";
  OpBuilder b(kernel);
  auto type = LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(b.getContext()), arguments);
  auto function = LLVM::LLVMFuncOp::create(b, kernel.getLoc(), kernel.getName(), type);
  function->setDiscardableAttrs(llvm::to_vector(kernel->getDiscardableAttrs()));
  function.setSymVisibilityAttr(kernel.getSymVisibilityAttr());
  function.getBody().takeBody(kernel.getBody());
  for (Block &block : function.getBody()) {
    auto end = dyn_cast<func::ReturnOp>(block.getTerminator());
    if (!end)
      continue;
    b.setInsertionPoint(end);
    LLVM::ReturnOp::create(b, end.getLoc(), ValueRange());
    end.erase();
  }
  kernel.erase();
  return success();
}

struct BuildPlanPass : lathe::passes::impl::BuildPlanPassBase<BuildPlanPass> {
  void runOnOperation() override {
    auto entry = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!entry || !llvm::hasSingleElement(entry.getBody())) {
      getOperation().emitOpError("expects an entry function @main of one block");
      return signalPassFailure();
    }
    if (failed(PlanBuilder(entry).build()))
      return signalPassFailure();
    for (auto kernel : llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>()))
      if (kernel->hasAttr(NNDialect::kKernelAttr) && failed(toLLVMFunction(kernel)))
        return signalPassFailure();
  }
};

} // namespace
