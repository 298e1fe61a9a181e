#include "passes/memref_to_loops/ReduceSpace.h"

using namespace mlir;
using namespace lathe::nn;
using lathe::passes::ReduceSpace;
using Dim = ReduceSpace::Dim;

/// Bodies of more operations than this are not unrolled over vectors and rows.
constexpr int64_t kShortBody = 4;

/// The dimensions of the operation's space: the parallel ones and the reduced ones.
static LogicalResult collect(ReduceOp op, SmallVector<Dim> &parallel, SmallVector<Dim> &reduced, Value &batch) {
  SmallVector<int64_t> extents = op.getExtents();
  SmallVector<bool> isReduced = op.getReducedDims();
  SmallVector<Dim> dims(extents.size());
  for (auto [dim, extent] : llvm::zip(dims, extents)) {
    dim.extent = extent;
    dim.strides.assign(op->getNumOperands(), 0);
  }
  for (auto [i, operand] : llvm::enumerate(op->getOperands())) {
    auto type = cast<MemRefType>(operand.getType());
    SmallVector<int64_t> strides;
    int64_t offset;
    if (failed(type.getStridesAndOffset(strides, offset)) || offset != 0 || llvm::any_of(strides, ShapedType::isDynamic))
      return op->emitOpError("expects buffers with offset 0 and static strides (got ") << type << ")";
    for (auto [d, expr] : llvm::enumerate(op.getMap(i).getResults()))
      if (auto dim = dyn_cast<AffineDimExpr>(expr)) {
        dims[dim.getPosition()].strides[i] += strides[d];
        if (type.isDynamicDim(d))
          batch = operand;
      }
  }
  for (auto [dim, red] : llvm::zip(dims, isReduced))
    if (dim.extent != 1)
      (red ? reduced : parallel).push_back(dim);
  return success();
}

/// The dimension with the longest steps through `operand` first, the batch before all.
static void sortByStride(SmallVector<Dim> &dims, size_t operand) {
  llvm::stable_sort(dims, [&](const Dim &a, const Dim &b) {
    bool aBatch = ShapedType::isDynamic(a.extent), bBatch = ShapedType::isDynamic(b.extent);
    return aBatch != bBatch ? aBatch : a.strides[operand] > b.strides[operand];
  });
}

static void mergeNeighbours(SmallVector<Dim> &dims) {
  for (size_t i = dims.size(); i-- > 1;) {
    Dim &outer = dims[i - 1], &inner = dims[i];
    if (ShapedType::isDynamic(outer.extent) || ShapedType::isDynamic(inner.extent))
      continue;
    if (!llvm::all_of(llvm::zip(outer.strides, inner.strides), [&](auto s) { return std::get<0>(s) == std::get<1>(s) * inner.extent; }))
      continue;
    outer = {outer.extent * inner.extent, inner.strides};
    dims.erase(dims.begin() + i);
  }
}

/// Whether vectors of neighbours along `dim` are loaded as they lie, or are one element.
static bool isContiguous(const Dim &dim, bool forInputsOnly) {
  ArrayRef<int64_t> inputs = ArrayRef(dim.strides).drop_back();
  if (ShapedType::isDynamic(dim.extent) || !llvm::all_of(inputs, [](int64_t s) { return s == 0 || s == 1; }))
    return false;
  return forInputsOnly ? llvm::is_contained(inputs, 1) : dim.strides.back() == 1;
}

static Dim take(SmallVector<Dim> &dims, const Dim *dim) {
  Dim taken = *dim;
  dims.erase(dims.begin() + (dim - dims.begin()));
  return taken;
}

FailureOr<ReduceSpace> ReduceSpace::analyse(ReduceOp op, int64_t lanes, int64_t registers) {
  ReduceSpace space;
  if (failed(collect(op, space.shared, space.reduced, space.batch)))
    return failure();
  size_t output = op.getInputs().size();
  sortByStride(space.shared, output);
  sortByStride(space.reduced, 0);
  mergeNeighbours(space.shared);
  mergeNeighbours(space.reduced);

  // Lanes: neighbouring outputs, which need no sum across lanes, unless there are too few and more elements to reduce lie side by side.
  auto *line = llvm::find_if(space.shared, [](const Dim &d) { return isContiguous(d, false); });
  const Dim *along = nullptr;
  for (const Dim &d : space.reduced)
    if (isContiguous(d, true) && (!along || d.extent > along->extent))
      along = &d;
  bool hasLine = line != space.shared.end();
  if (hasLine && (!along || line->extent >= lanes || line->extent >= along->extent)) {
    space.line = take(space.shared, line);
    space.lanes = lanes;
  } else if (along) {
    Dim inner = take(space.reduced, along);
    space.reduced.push_back(inner);
    space.lanesAreReduced = true;
    space.lanes = lanes;
  }

  // Rows: the innermost outputs along which some input is read again and another is not.
  bool isShort = llvm::range_size(op.getBody().front().without_terminator()) <= kShortBody;
  for (const Dim &d : llvm::reverse(space.shared)) {
    ArrayRef<int64_t> inputs = ArrayRef(d.strides).drop_back();
    if (!isShort || ShapedType::isDynamic(d.extent) || !llvm::is_contained(inputs, 0) || llvm::all_of(inputs, [](int64_t s) { return s == 0; }))
      continue;
    space.rows = take(space.shared, &d);
    break;
  }
  // As many accumulators as leave registers for what is loaded.
  bool many = registers >= 32;
  if (space.rows)
    space.rowsPerTile = std::min<int64_t>(space.rows->extent, many && space.line ? 6 : 4);
  if (space.line && isShort)
    space.vectors = std::clamp<int64_t>(space.line->extent / lanes, 1, many || !space.rows ? 4 : 2);
  return space;
}
