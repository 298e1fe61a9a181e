// lathe-outline-kernels: one function per kernel. Outlining comes before tiling, so that comparing two kernels is comparing one operation each, and all
// later passes run once per distinct kernel, in parallel.
#include "dialects/nn/NNDialect.h"
#include "dialects/nn/PartialOp.h"
#include "passes/memref/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/OperationSupport.h"
#include "mlir/IR/Remarks.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

namespace lathe::passes {
#define GEN_PASS_DEF_OUTLINEKERNELSPASS
#include "passes/memref/Passes.h.inc"
} // namespace lathe::passes

using namespace mlir;
using namespace lathe::nn;

namespace {

/// The names in NameLocs, in order, each once.
void collectNames(Location loc, llvm::SetVector<StringAttr> &names) {
  if (auto name = dyn_cast<NameLoc>(loc)) {
    names.insert(name.getName());
  } else if (auto fused = dyn_cast<FusedLoc>(loc)) {
    for (Location l : fused.getLocations())
      collectNames(l, names);
  } else if (auto call = dyn_cast<CallSiteLoc>(loc)) {
    collectNames(call.getCallee(), names);
  }
}

/// "_conv1_Conv+relu": what fits into a symbol that assemblers and profilers like.
std::string symbolSuffix(const llvm::SetVector<StringAttr> &names, Operation *op) {
  std::string suffix = names.empty() ? op->getName().stripDialect().str() : "";
  for (StringAttr name : names)
    suffix += (suffix.empty() ? "" : "+") + name.str();
  for (char &c : suffix)
    if (!llvm::isAlnum(c) && c != '_' && c != '.' && c != '-' && c != '+')
      c = '_';
  return suffix.substr(0, 60);
}

/// c0 + c1 * N.
struct Affine {
  int64_t c0 = 0, c1 = 0;
  void add(int64_t value, bool batched) { (batched ? c1 : c0) += value; }
};

bool isBatched(ShapedType type) { return type.getRank() > 0 && type.isDynamicDim(0); }

int64_t elementsPerImage(ArrayRef<int64_t> shape) {
  int64_t n = 1;
  for (int64_t extent : shape)
    n *= ShapedType::isDynamic(extent) ? 1 : extent;
  return n;
}

Affine flopsOf(Operation *op) {
  Affine flops;
  if (auto windowed = dyn_cast<WindowedOpInterface>(op)) {
    ShapedType out = windowed.getOutputType();
    bool batched = isBatched(out);
    flops.add(windowed.getFlopsPerImage() * (batched ? 1 : out.getDimSize(0)), batched);
  } else if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op)) {
    int64_t perIteration = 0;
    for (Operation &inner : linalgOp.getBlock()->without_terminator())
      perIteration += !inner.hasTrait<OpTrait::ConstantLike>() && inner.getNumResults() == 1 && isa<FloatType>(inner.getResult(0).getType());
    SmallVector<int64_t> ranges = linalgOp.getStaticLoopRanges();
    flops.add(perIteration * elementsPerImage(ranges), llvm::any_of(ranges, ShapedType::isDynamic));
  } else if (auto reduce = dyn_cast<ReduceOp>(op)) {
    int64_t perPoint = 1; // the combination
    for (Operation &inner : reduce.getBody().front().without_terminator())
      perPoint += !inner.hasTrait<OpTrait::ConstantLike>() && isa<FloatType>(inner.getResult(0).getType());
    SmallVector<int64_t> extents = reduce.getExtents();
    flops.add(perPoint * elementsPerImage(extents), llvm::any_of(extents, ShapedType::isDynamic));
  } else if (auto scope = dyn_cast<memref::AllocaScopeOp>(op)) {
    for (Operation &inner : scope.getBodyRegion().front()) {
      Affine part = flopsOf(&inner);
      flops.c0 += part.c0;
      flops.c1 += part.c1;
    }
  }
  return flops;
}

/// What a kernel of `op` writes. A scope's results are those of its windowed operation, and of what reduces its map.
SmallVector<Value> destinationsOf(Operation *op) {
  SmallVector<Value> destinations;
  if (auto scope = dyn_cast<memref::AllocaScopeOp>(op)) {
    for (Operation &inner : scope.getBodyRegion().front())
      if (Value init; isa<WindowedOpInterface, PartialOp>(inner) && (init = inner.getOperands().back()).getParentRegion() != &scope.getBodyRegion())
        destinations.push_back(init);
  } else {
    auto foreach = dyn_cast<ForeachOp>(op);
    llvm::append_range(destinations, op->getOperands().take_back(foreach ? foreach.getInits().size() : 1));
  }
  return destinations;
}

/// Each operand is moved once: what no tiling can avoid.
Affine bytesOf(ValueRange operands) {
  Affine bytes;
  for (Value v : operands)
    if (auto type = dyn_cast<MemRefType>(v.getType()))
      bytes.add(elementsPerImage(type.getShape()) * llvm::divideCeil(type.getElementTypeBitWidth(), 8), isBatched(type));
  return bytes;
}

class Outliner {
public:
  explicit Outliner(ModuleOp module) : module(module), symbols(module) {}

  LogicalResult outline(Operation *op) {
    SmallVector<Value> operands;
    IRMapping map;
    int64_t destinations = destinationsOf(op).size();
    func::FuncOp kernel = build(op, operands, map);
    if (!kernel)
      return failure();
    llvm::SetVector<StringAttr> names;
    collectNames(op->getLoc(), names);
    func::FuncOp same = findEqual(kernel);
    if (same) {
      kernel.erase();
    } else {
      kernel.setSymName(llvm::formatv("k{0}.{1}", kernels++, symbolSuffix(names, op)).str());
      symbols.insert(kernel);
      byHash[hash(kernel)].push_back(kernel);
      same = kernel;
    }
    OpBuilder b(op);
    SmallVector<Attribute> nodes(names.begin(), names.end());
    Affine flops = flopsOf(op), bytes = bytesOf(operands);
    CallOp::create(b, op->getLoc(), FlatSymbolRefAttr::get(same), operands, b.getArrayAttr(nodes), b.getDenseI64ArrayAttr({flops.c0, flops.c1}),
                   b.getDenseI64ArrayAttr({bytes.c0, bytes.c1}), b.getI64IntegerAttr(destinations));
    op->erase();
    ++calls;
    return success();
  }

  void report() {
    remark::analysis(module.getLoc(), remark::RemarkOpts::name("Kernels").category("lathe-outline-kernels"))
        << llvm::formatv("{0} calls of {1} kernels", calls, kernels).str();
  }

private:
  /// The type as the kernel sees it: offset 0, and no layout where that is what it means.
  FailureOr<MemRefType> kernelType(Operation *op, MemRefType type) {
    SmallVector<int64_t> strides;
    int64_t offset;
    if (failed(type.getStridesAndOffset(strides, offset)) || llvm::any_of(strides, ShapedType::isDynamic))
      return op->emitOpError("expects buffers with static strides (got ") << type << ")";
    auto plain = MemRefType::get(type.getShape(), type.getElementType());
    if (plain.getStridesAndOffset().first == strides)
      return plain;
    return MemRefType::get(type.getShape(), type.getElementType(), StridedLayoutAttr::get(type.getContext(), 0, strides));
  }

  /// A function around a copy of `op`, not yet in the symbol table; `operands` are what it is to be called with, destinations last.
  func::FuncOp build(Operation *op, SmallVector<Value> &operands, IRMapping &map) {
    if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op); linalgOp && linalgOp.getNumDpsInits() != 1) {
      op->emitOpError("expects one destination (got ") << linalgOp.getNumDpsInits() << ")";
      return {};
    }
    // Calls say that they write their last operands and read the others.
    llvm::SetVector<Value> captured;
    getUsedValuesDefinedAbove(op->getRegions(), captured);
    SmallVector<Value> destinations = destinationsOf(op);
    bool scope = isa<memref::AllocaScopeOp>(op);
    for (Value destination : destinations)
      if (!scope && (llvm::count(op->getOperands(), destination) > 1 || captured.contains(destination))) {
        op->emitOpError("expects a destination that is not read as another operand");
        return {};
      }
    for (Value destination : destinations)
      captured.remove(destination);
    // Constants that canonicalisation moved out of regions move back in, everything else that a region uses becomes an argument.
    llvm::SetVector<Value> values, constants, regionConstants;
    for (Value v : captured)
      isConstant(v) ? regionConstants.insert(v) : values.insert(v);
    for (Value v : op->getOperands())
      isConstant(v) ? constants.insert(v) : values.insert(v);
    values.insert(destinations.begin(), destinations.end());
    // What is seen in another type is an argument in the one in which it is stored.
    SmallVector<Type> types;
    for (Value seen : values) {
      Value v = storedValue(seen);
      auto type = dyn_cast<MemRefType>(v.getType());
      if (!type) {
        op->emitOpError("expects a kernel to use buffers and constants only (got ") << v.getType() << ")";
        return {};
      }
      FailureOr<MemRefType> normalised = kernelType(op, type);
      if (failed(normalised))
        return {};
      types.push_back(*normalised);
    }
    for (Value v : values)
      operands.push_back(storedValue(v));
    OpBuilder b(op->getContext());
    auto kernel = func::FuncOp::create(op->getLoc(), "kernel", b.getFunctionType(types, {}));
    kernel.setPrivate();
    kernel->setAttr(NNDialect::kKernelAttr, b.getUnitAttr());
    Block *body = kernel.addEntryBlock();
    b.setInsertionPointToStart(body);
    for (auto [v, argument] : llvm::zip(values, body->getArguments())) {
      Value inner = argument;
      if (auto seen = v.getDefiningOp<StoredAsOp>()) {
        auto stored = cast<MemRefType>(argument.getType()), wide = cast<MemRefType>(seen.getType());
        inner = StoredAsOp::create(b, seen.getLoc(), MemRefType::get(stored.getShape(), wide.getElementType(), stored.getLayout()), argument);
      }
      map.map(v, inner);
    }
    for (Value v : constants)
      map.map(v, b.clone(*v.getDefiningOp())->getResult(0));
    Operation *inner = b.clone(*op, map);
    func::ReturnOp::create(b, op->getLoc());
    for (Value v : llvm::reverse(regionConstants)) {
      b.setInsertionPointToStart(&inner->getRegion(0).front());
      Value clone = b.clone(*v.getDefiningOp())->getResult(0);
      v.replaceUsesWithIf(clone, [&](OpOperand &use) { return inner->isProperAncestor(use.getOwner()); });
    }
    return kernel;
  }

  static Value storedValue(Value v) {
    auto seen = v.getDefiningOp<StoredAsOp>();
    return seen ? seen.getSource() : v;
  }

  static bool isConstant(Value v) { return v.getDefiningOp() && v.getDefiningOp()->hasTrait<OpTrait::ConstantLike>(); }

  /// Structural hash of the top-level operations; operands by their number, locations ignored.
  static size_t hash(func::FuncOp kernel) {
    Block &body = kernel.getBody().front();
    size_t h = llvm::hash_value(kernel.getFunctionType().getAsOpaquePointer());
    auto operandHash = [](Value v) {
      auto argument = dyn_cast<BlockArgument>(v);
      return llvm::hash_value(argument ? static_cast<int64_t>(argument.getArgNumber()) : -1);
    };
    for (Operation &op : body)
      h = llvm::hash_combine(h,
                             OperationEquivalence::computeHash(&op, operandHash, OperationEquivalence::ignoreHashValue, OperationEquivalence::IgnoreLocations));
    return h;
  }

  func::FuncOp findEqual(func::FuncOp kernel) {
    for (func::FuncOp other : byHash[hash(kernel)])
      if (other.getFunctionType() == kernel.getFunctionType() &&
          OperationEquivalence::isRegionEquivalentTo(&other.getBody(), &kernel.getBody(), OperationEquivalence::IgnoreLocations))
        return other;
    return {};
  }

  ModuleOp module;
  SymbolTable symbols;
  DenseMap<size_t, SmallVector<func::FuncOp>> byHash; // looked up only, never walked: its order does not matter
  int64_t kernels = 0, calls = 0;
};

struct OutlineKernelsPass : lathe::passes::impl::OutlineKernelsPassBase<OutlineKernelsPass> {
  void runOnOperation() override {
    SmallVector<Operation *> ops;
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (!function->hasAttr(NNDialect::kKernelAttr))
        function.walk([&](Operation *op) {
          if (op->getParentOfType<memref::AllocaScopeOp>())
            return;
          bool buffers = op->getNumOperands() > 0 && isa<MemRefType>(op->getOperands().back().getType());
          if (isa<memref::AllocaScopeOp>(op) || (buffers && isa<WindowedOpInterface, linalg::LinalgOp, ForeachOp, ReduceOp, CopyOp>(op)))
            ops.push_back(op);
        });
    Outliner outliner(getOperation());
    for (Operation *op : ops)
      if (failed(outliner.outline(op)))
        return signalPassFailure();
    getOperation().walk([](StoredAsOp op) { // kernels have their own
      if (op.use_empty())
        op.erase();
    });
    outliner.report();
  }
};

} // namespace
