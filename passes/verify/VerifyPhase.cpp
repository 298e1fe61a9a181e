// lathe-verify-phase: the contract of every phase, in one table (see the end of the anonymous namespace) and one function of rules per phase.
#include "passes/verify/Passes.h"

#include "dialects/nn/NNDialect.h"
#include "dialects/nn/PartialOp.h"
#include "dialects/nn/Parts.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

namespace lathe::passes {
#define GEN_PASS_DEF_VERIFYPHASEPASS
#include "passes/verify/Passes.h.inc"
} // namespace lathe::passes

using namespace mlir;
using namespace lathe::nn;

namespace {

/// Reports at most this many violations: a phase that fails tends to fail everywhere.
constexpr unsigned kMaxReports = 10;
/// Larger sources of recipes stay in files, so that dumped IR holds no weights. Integers may be stored where no offset names them, as varints.
constexpr int64_t kMaxSourceBytes = 1024, kMaxIntegerBytes = 1 << 20;

class Checker {
public:
  Checker(ModuleOp module, StringRef phase) : module(module), phase(phase) {}

  void report(Operation *op, const Twine &rule) {
    if (reports++ < kMaxReports)
      op->emitOpError("phase ") << phase << " expects " << rule;
  }
  template <typename T> static std::string text(const T &value) {
    std::string s;
    llvm::raw_string_ostream os(s);
    os << value;
    return s;
  }
  bool failed() const { return reports > 0; }

  ModuleOp module;
  StringRef phase;

private:
  unsigned reports = 0;
};

//===- Rules that several phases share ---------------------------------------------------------------------------------------------------------===//

bool isEntry(func::FuncOp f) { return f.getName() == "main"; }
bool isKernel(func::FuncOp f) { return f->hasAttr(NNDialect::kKernelAttr); }

void checkEntryExists(Checker &c) {
  auto entry = c.module.lookupSymbol<func::FuncOp>("main");
  if (!entry || entry.isExternal())
    c.report(c.module, "a function @main with a body");
}

void checkOneFunction(Checker &c) {
  checkEntryExists(c);
  for (auto f : c.module.getOps<func::FuncOp>())
    if (!isEntry(f))
      c.report(f, "no function but @main (got @" + f.getName() + ")");
}

/// Calls `check` for every value of the module and for the signatures of functions.
void forEachType(Checker &c, function_ref<void(Operation *, Type)> check) {
  c.module.walk([&](Operation *op) {
    for (Type t : op->getResultTypes())
      check(op, t);
    for (Region &r : op->getRegions())
      for (Block &b : r)
        for (Type t : b.getArgumentTypes())
          check(op, t);
    if (auto f = dyn_cast<func::FuncOp>(op))
      for (Type t : f.getResultTypes())
        check(op, t);
  });
}

void checkTensors(Checker &c) {
  forEachType(c, [&](Operation *op, Type t) {
    if (isa<BaseMemRefType>(t) && !isa<ForeachOp>(op)) // its body is written for buffers in all phases
      c.report(op, "no memrefs (got " + Checker::text(t) + ")");
  });
}

void checkBuffers(Checker &c) {
  forEachType(c, [&](Operation *op, Type t) {
    if (isa<TensorType>(t))
      c.report(op, "no tensors (got " + Checker::text(t) + ")");
  });
}

void checkDynamicDims(Checker &c) {
  forEachType(c, [&](Operation *op, Type t) {
    auto type = dyn_cast<ShapedType>(t);
    if (!type || isa<VectorType>(t))
      return;
    if (!type.hasRank() || llvm::any_of(type.getShape().drop_front(type.getRank() ? 1 : 0), ShapedType::isDynamic))
      c.report(op, "no dynamic dimension but the leading one (got " + Checker::text(t) + ")");
  });
}

bool isPacked(WindowedOpInterface op) {
  if (auto conv = dyn_cast<ConvOp>(op.getOperation()); conv && conv.hasTransformedWeights())
    return true;
  Value weights = op.getWeightsOrNull();
  return weights && cast<ShapedType>(weights.getType()).getRank() == op.getSpatialRank() + 4;
}

bool isViewOrConstant(Operation &op) { return op.hasTrait<OpTrait::ConstantLike>() || isa<memref::DimOp, memref::CastOp, ViewLikeOpInterface>(op); }

/// The entry function once kernels are outlined: calls, and what their operands are made of.
void checkEntryOfCalls(Checker &c) {
  checkEntryExists(c);
  auto entry = c.module.lookupSymbol<func::FuncOp>("main");
  if (!entry || entry.isExternal())
    return;
  if (entry.getNumResults())
    c.report(entry, "an entry function without results");
  for (Operation &op : entry.front()) {
    bool index = op.getDialect() && op.getDialect()->getNamespace() == "arith" && llvm::all_of(op.getResultTypes(), [](Type t) { return t.isIndex(); });
    if (!index && !isViewOrConstant(op) && !isa<CallOp, WeightOp, func::ReturnOp>(op))
      c.report(&op, "only nn.call, nn.weight, views, constants and index arithmetic in the entry function");
  }
  for (unsigned i = 0, n = entry.getNumArguments(); i < n; ++i) {
    if (!entry.getArgAttr(i, NNDialect::kArenaAttr))
      continue;
    auto type = dyn_cast<MemRefType>(entry.getArgument(i).getType());
    if (i + 1 != n || !type || type.getRank() != 1 || !type.getElementType().isInteger(8))
      c.report(entry, "at most one arena, of i8, as the last argument (got argument " + Twine(i) + " of " + Twine(n) + ")");
  }
}

/// Calls `check` for every kernel; every function but the entry must be one.
void forEachKernel(Checker &c, function_ref<void(func::FuncOp)> check) {
  for (auto f : c.module.getOps<func::FuncOp>()) {
    if (isEntry(f))
      continue;
    if (!isKernel(f) || f.isExternal() || !llvm::hasSingleElement(f.getBody())) {
      c.report(f, "functions other than @main to be kernels of one block, marked " + Twine(NNDialect::kKernelAttr.str()));
      continue;
    }
    check(f);
  }
}

//===- The phases ------------------------------------------------------------------------------------------------------------------------------===//

void checkSource(Checker &c, Operation *op, WeightAttr weight) {
  auto dense = dyn_cast<DenseElementsAttr>(weight.getSource());
  int64_t most = weight.getType().getElementType().isF32() ? kMaxSourceBytes : kMaxIntegerBytes;
  if (dense && !dense.isSplat() && static_cast<int64_t>(dense.getRawData().size()) > most)
    c.report(op, "no weight bytes in the IR but splats and sources of at most " + Twine(most) + " bytes (got " + Twine(dense.getRawData().size()) + ")");
  for (StepAttr step : weight.getSteps())
    if (step.getOperand())
      checkSource(c, op, step.getOperand());
}

void checkNN(Checker &c) {
  checkOneFunction(c);
  checkTensors(c);
  checkDynamicDims(c);
  c.module.walk([&](WeightOp op) { checkSource(c, op, op.getWeight()); });
  c.module.walk([&](WindowedOpInterface op) {
    if (op.getInitOrNull())
      c.report(op, "windowed operations without a destination");
    if (isPacked(op))
      c.report(op, "weights in ONNX order (got " + Checker::text(op.getWeightsOrNull().getType()) + ")");
    for (Type t : {op.getInput().getType(), Type(op.getOutputType())})
      if (cast<ShapedType>(t).getRank() == op.getSpatialRank() + 3)
        c.report(op, "plain tensors (got " + Checker::text(t) + ")");
  });
}

void checkLinalg(Checker &c) {
  checkOneFunction(c);
  checkTensors(c);
  checkDynamicDims(c);
  c.module.walk([&](WindowedOpInterface op) {
    if (!op.getTilingOrNull())
      c.report(op, "a tiling");
    if (op.getWeightsOrNull() && !isPacked(op))
      c.report(op, "packed weights (got " + Checker::text(op.getWeightsOrNull().getType()) + ")");
    if (!op.getInitOrNull())
      c.report(op, "a destination");
  });
  c.module.walk([&](ForeachOp op) {
    if (op.getInits().empty())
      c.report(op, "a destination");
  });
  c.module.walk([&](ReduceOp op) {
    if (!op.getInit())
      c.report(op, "a destination");
  });
  c.module.walk([&](tensor::EmptyOp op) {
    auto uses = llvm::count_if(op->getUsers(), [](Operation *user) { return !isa<tensor::DimOp>(user); });
    if (uses > 1)
      c.report(op, "a destination of its own for every operation (got " + Twine(uses) + " uses), since shared ones cost copies");
  });
}

/// A convolution and what computes its input, a line at a time, or an operation and what reduces the map that it writes.
void checkScope(Checker &c, memref::AllocaScopeOp scope) {
  SmallVector<Operation *> operations;
  for (Operation &op : scope.getBodyRegion().front().without_terminator())
    if (!isViewOrConstant(op))
      operations.push_back(&op);
  auto windowed = operations.size() >= 2 ? dyn_cast<WindowedOpInterface>(operations[0]) : nullptr;
  if (windowed && llvm::all_of(ArrayRef(operations).drop_front(), [&](Operation *op) {
        auto partial = dyn_cast<PartialOp>(op);
        return partial && partial.getInput() == windowed.getInitOrNull() &&
               cast<MemRefType>(partial.getInit().getType()).getDimSize(3) == partsOfImage(windowed);
      }))
    return;
  auto line = operations.size() == 3 ? dyn_cast<memref::AllocaOp>(operations[0]) : nullptr;
  auto producer = line ? dyn_cast<linalg::LinalgOp>(operations[1]) : nullptr;
  auto conv = producer ? dyn_cast<ConvOp>(operations[2]) : nullptr;
  if (!conv || conv.getInput() != line.getResult() || producer.getNumDpsInits() != 1 || producer.getDpsInits().front() != line.getResult())
    c.report(scope,
             "a scope to hold a buffer, a linalg operation that fills it and an nn.conv that reads it, or a windowed operation and nn.partial of its parts");
}

/// Windowed operations each of which reads what the one before it computes.
void checkChain(Checker &c, memref::AllocaScopeOp scope) {
  size_t buffers = 0, members = 0;
  Value map;
  bool linked = true;
  for (Operation &op : scope.getBodyRegion().front().without_terminator()) {
    auto windowed = dyn_cast<WindowedOpInterface>(op);
    if (isa<memref::AllocaOp>(op)) {
      ++buffers;
    } else if (windowed) {
      linked &= members++ == 0 || (windowed.getInput() == map && map.getDefiningOp<memref::AllocaOp>() && map.hasNUses(2));
      map = windowed.getInitOrNull();
    } else {
      linked &= isViewOrConstant(op);
    }
  }
  auto rows = scope->getAttrOfType<IntegerAttr>(NNDialect::kRowsAttr);
  if (!linked || members < 2 || buffers != members - 1)
    c.report(scope, "a scope of a chain to hold windowed operations, each of which alone reads the buffer that the one before it fills");
  else if (!rows || rows.getInt() < 1)
    c.report(scope, "nn.rows to be at least 1 (got " + Checker::text(scope->getAttr(NNDialect::kRowsAttr)) + ")");
}

void checkMemref(Checker &c) {
  checkBuffers(c);
  checkDynamicDims(c);
  checkEntryOfCalls(c);
  c.module.walk([&](Operation *op) {
    if (isa<memref::AllocOp, memref::AllocaOp, memref::DeallocOp>(op) && !(isa<memref::AllocaOp>(op) && isa<memref::AllocaScopeOp>(op->getParentOp())))
      c.report(op, "all buffers to live in the arena, or in the scope of a kernel");
    if (isa<memref::CopyOp>(op))
      c.report(op, "every copy to be an nn.copy");
  });
  forEachKernel(c, [&](func::FuncOp kernel) {
    for (Type t : kernel.getArgumentTypes()) {
      auto type = dyn_cast<MemRefType>(t);
      if (!type || type.getStridesAndOffset().second != 0)
        c.report(kernel, "kernel arguments to be memrefs at offset 0 (got " + Checker::text(t) + ")");
    }
    if (kernel.getNumResults())
      c.report(kernel, "kernels without results");
    unsigned operations = 0;
    for (Operation &op : kernel.front()) {
      if (isViewOrConstant(op) || isa<func::ReturnOp>(op))
        continue;
      ++operations;
      if (auto scope = dyn_cast<memref::AllocaScopeOp>(op))
        scope->hasAttr(NNDialect::kRowsAttr) ? checkChain(c, scope) : checkScope(c, scope);
      else if (!isa<WindowedOpInterface, linalg::LinalgOp, ForeachOp, ReduceOp, CopyOp>(op))
        c.report(&op, "a windowed operation, a linalg operation, an nn.foreach, an nn.reduce, an nn.copy or a memref.alloca_scope in a kernel");
    }
    if (operations != 1)
      c.report(kernel, "one operation per kernel (got " + Twine(operations) + ")");
  });
}

void checkLoops(Checker &c) {
  checkBuffers(c);
  checkEntryOfCalls(c);
  forEachKernel(c, [&](func::FuncOp kernel) {
    kernel.walk([&](Operation *op) {
      if (op->getDialect() && op->getDialect()->getNamespace() == NNDialect::getDialectNamespace() && !isa<ScratchOp, RangeBeginOp>(op))
        c.report(op, "no nn operation in a kernel but nn.scratch and nn.range_begin");
    });
    unsigned loops = 0;
    for (Operation &op : kernel.front()) {
      if (isa<scf::ForallOp>(op))
        ++loops;
      else if (!isa<func::ReturnOp>(op) && (!(isViewOrConstant(op) || isa<ScratchOp>(op)) || loops))
        c.report(&op, "constants, memref.dim and views only before a kernel's scf.forall, and nothing after it");
    }
    if (loops != 1)
      c.report(kernel, "one top-level scf.forall per kernel (got " + Twine(loops) + ")");
  });
}

void checkLLVM(Checker &c) {
  auto plans = llvm::range_size(c.module.getOps<PlanOp>());
  if (plans != 1)
    c.report(c.module, "one nn.plan (got " + Twine(plans) + ")");
  MLIRContext *context = c.module.getContext();
  Type pointer = LLVM::LLVMPointerType::get(context), i64 = IntegerType::get(context, 64);
  auto kernelType = LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(context), {pointer, pointer, i64, i64});
  for (auto f : c.module.getOps<LLVM::LLVMFuncOp>()) {
    if (f.isExternal() ? !llvm::is_contained({"memcpy", "memmove", "memset"}, f.getName()) : f.getName() == "main")
      c.report(f, "kernels, memcpy, memmove and memset only (got @" + f.getName() + ")");
    else if (!f.isExternal() && f.getFunctionType() != kernelType)
      c.report(f, "kernels of type " + Checker::text(kernelType) + " (got " + Checker::text(f.getFunctionType()) + ")");
  }
}

//===- The table -------------------------------------------------------------------------------------------------------------------------------===//

struct Contract {
  StringRef phase;
  ArrayRef<StringRef> dialects; // besides nn and the module itself
  ArrayRef<StringRef> nnOps;
  void (*check)(Checker &);
};

constexpr StringRef kNNDialects[] = {"func", "arith", "math"};
constexpr StringRef kNNOps[] = {"weight", "reshape", "concat", "slice",      "transpose", "pad",    "add",     "sub",    "mul",
                                "div",    "relu",    "conv",   "interleave", "pool",      "matmul", "foreach", "reduce", "yield"};
constexpr StringRef kLinalgDialects[] = {"func", "arith", "math", "linalg", "tensor", "scf"};
constexpr StringRef kLinalgOps[] = {"weight", "conv", "pool", "matmul", "foreach", "reduce", "yield"};
constexpr StringRef kMemrefDialects[] = {"func", "arith", "math", "linalg", "memref"};
constexpr StringRef kMemrefOps[] = {"weight", "conv", "pool", "matmul", "foreach", "reduce", "partial", "yield", "copy", "call", "stored_as"};
constexpr StringRef kLoopsDialects[] = {"func", "arith", "math", "scf", "vector", "memref", "llvm", "nvvm"}; // the last two: a GPU's shared memory
constexpr StringRef kLoopsOps[] = {"weight", "call", "scratch", "range_begin"};
constexpr StringRef kLLVMDialects[] = {"llvm", "nvvm"}; // the latter for GPUs: what a warp's threads are and exchange
constexpr StringRef kLLVMOps[] = {"plan", "launch"};

constexpr Contract kContracts[] = {
    {"nn", kNNDialects, kNNOps, checkNN},
    {"linalg", kLinalgDialects, kLinalgOps, checkLinalg},
    {"memref", kMemrefDialects, kMemrefOps, checkMemref},
    {"loops", kLoopsDialects, kLoopsOps, checkLoops},
    {"llvm", kLLVMDialects, kLLVMOps, checkLLVM},
};

/// What the body of an nn.foreach is made of, in each phase in which it may stand.
constexpr StringRef kProgramDialects[] = {"arith", "math", "scf", "memref", "vector"};

bool isLegal(const Contract &contract, Operation *op) {
  auto [dialect, name] = op->getName().getStringRef().split('.');
  if (op->getParentOfType<ForeachOp>())
    return llvm::is_contained(kProgramDialects, dialect) || isa<YieldOp>(op);
  if (dialect == "builtin")
    return isa<ModuleOp>(op);
  if (contract.phase == "nn" && isa<ElementwiseOpInterface>(op))
    return true;
  return llvm::is_contained(dialect == "nn" ? contract.nnOps : contract.dialects, dialect == "nn" ? name : dialect);
}

struct VerifyPhasePass : lathe::passes::impl::VerifyPhasePassBase<VerifyPhasePass> {
  using VerifyPhasePassBase::VerifyPhasePassBase;

  void runOnOperation() override {
    markAllAnalysesPreserved();
    const auto *contract = llvm::find_if(kContracts, [&](const Contract &c) { return c.phase == phase; });
    if (contract == std::end(kContracts)) {
      getOperation().emitError("lathe-verify-phase expects a phase of nn, linalg, memref, loops or llvm (got '") << phase << "')";
      return signalPassFailure();
    }
    Checker checker(getOperation(), contract->phase);
    getOperation().walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (isLegal(*contract, op))
        return WalkResult::advance();
      checker.report(op, "only operations that are legal in it");
      return WalkResult::skip(); // what is inside is part of the same violation
    });
    contract->check(checker);
    if (checker.failed())
      signalPassFailure();
  }
};

} // namespace
