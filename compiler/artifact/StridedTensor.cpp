#include "compiler/artifact/StridedTensor.h"

#include "dialects/nn/CookToom.h"
#include "dialects/nn/GroupSpan.h"
#include "llvm/ADT/STLExtras.h"
#include <cmath>
#include <cstring>
#include <optional>
#include <vector>

using namespace lathe;
using llvm::ArrayRef;

namespace {

constexpr int64_t kChunk = 256; // elements that elementwise operations hold at a time: stays in L1

int64_t product(ArrayRef<int64_t> sizes) {
  int64_t n = 1;
  for (int64_t d : sizes)
    n *= d;
  return n;
}

Dims rowMajor(ArrayRef<int64_t> sizes) {
  Dims strides(sizes.size());
  int64_t stride = 1;
  for (size_t i = sizes.size(); i-- > 0; stride *= sizes[i])
    strides[i] = stride;
  return strides;
}

/// Strides of the same elements under another shape, or nothing if no strides express it. Neighbouring old dims are one run where a step of the outer one
/// is a full turn of the inner one; every new dim must lie within one run.
std::optional<Dims> reshapeStrides(ArrayRef<int64_t> oldSizes, ArrayRef<int64_t> strides, ArrayRef<int64_t> newSizes) {
  Dims result(newSizes.size(), 0);
  int64_t next = static_cast<int64_t>(newSizes.size()) - 1; // new dim to be placed
  int64_t runSize = 1, runStride = 0, placed = 1;
  bool inRun = false;
  auto place = [&] { // fills the run that has ended
    while (next >= 0 && (placed < runSize || newSizes[next] == 1)) {
      result[next] = placed * runStride;
      placed *= newSizes[next--];
    }
    return placed == runSize;
  };
  for (size_t i = oldSizes.size(); i-- > 0;) {
    if (oldSizes[i] == 1)
      continue;
    if (inRun && strides[i] == runStride * runSize) {
      runSize *= oldSizes[i];
      continue;
    }
    if (inRun && !place())
      return std::nullopt;
    runSize = oldSizes[i];
    runStride = strides[i];
    placed = 1;
    inRun = true;
  }
  if (inRun && !place())
    return std::nullopt;
  while (next >= 0 && newSizes[next] == 1)
    --next;
  return next < 0 ? std::optional(result) : std::nullopt;
}

/// Walks all index tuples but the innermost dim's, in row-major order, and keeps the dot products of the index with several stride vectors.
class Odometer {
public:
  Odometer(ArrayRef<int64_t> outer, llvm::SmallVector<ArrayRef<int64_t>> vectors)
      : sizes(outer), vectors(std::move(vectors)), index(outer.size(), 0), sums(this->vectors.size(), 0) {}

  int64_t operator[](size_t vector) const { return sums[vector]; }

  bool advance() {
    for (size_t d = sizes.size(); d-- > 0;) {
      bool carry = ++index[d] == sizes[d];
      for (size_t v = 0; v < vectors.size(); ++v)
        sums[v] += carry ? vectors[v][d] * (1 - sizes[d]) : vectors[v][d];
      if (!carry)
        return true;
      index[d] = 0;
    }
    return false;
  }

private:
  ArrayRef<int64_t> sizes;
  llvm::SmallVector<ArrayRef<int64_t>> vectors;
  Dims index;
  llvm::SmallVector<int64_t, 8> sums;
};

template <typename From, typename To> void gather(const From *from, int64_t stride, int64_t n, To *to) {
  if (stride == 1) {
    for (int64_t i = 0; i < n; ++i)
      to[i] = static_cast<To>(from[i]);
  } else {
    for (int64_t i = 0; i < n; ++i)
      to[i] = static_cast<To>(from[i * stride]);
  }
}

template <typename To> void gather(const Elements &e, int64_t offset, int64_t stride, int64_t n, To *to) {
  if (e.floats)
    gather(e.floats + offset, stride, n, to);
  else
    gather(e.doubles + offset, stride, n, to);
}

void applyChunk(const Pointwise &operation, double *x, const double *y, int64_t n) {
  switch (operation.kind) {
  case Pointwise::add:
    for (int64_t i = 0; i < n; ++i)
      x[i] += y[i];
    break;
  case Pointwise::sub:
    for (int64_t i = 0; i < n; ++i)
      x[i] -= y[i];
    break;
  case Pointwise::mul:
    for (int64_t i = 0; i < n; ++i)
      x[i] *= y[i];
    break;
  case Pointwise::div:
    for (int64_t i = 0; i < n; ++i)
      x[i] /= y[i];
    break;
  case Pointwise::divSqrt:
    for (int64_t i = 0; i < n; ++i)
      x[i] /= std::sqrt(y[i] + operation.epsilon);
    break;
  }
}

} // namespace

StridedTensor::StridedTensor(ArrayRef<int64_t> sizes, const float *data, std::shared_ptr<const void> storage) : sizes(sizes) {
  source.floats = data;
  source.strides = rowMajor(sizes);
  this->storage.push_back(std::move(storage));
}

StridedTensor::StridedTensor(ArrayRef<int64_t> sizes, const double *data, std::shared_ptr<const void> storage) : sizes(sizes) {
  source.doubles = data;
  source.strides = rowMajor(sizes);
  this->storage.push_back(std::move(storage));
}

StridedTensor::StridedTensor(ArrayRef<int64_t> sizes, double splat) : sizes(sizes) {
  auto value = std::make_shared<double>(splat);
  source.doubles = value.get();
  source.strides.assign(sizes.size(), 0);
  storage.push_back(std::move(value));
}

int64_t StridedTensor::getNumElements() const { return product(sizes); }

/// Calls `function` on the strides of each part: source, operands, limits.
template <typename Function> void StridedTensor::forEachStrides(Function function) {
  function(source.strides);
  for (Pointwise &operation : operations)
    function(operation.operand.strides);
  for (Limit &limit : limits)
    function(limit.coefficients);
}

void StridedTensor::transpose(ArrayRef<int64_t> permutation) {
  auto permute = [&](Dims &dims) {
    Dims old = dims;
    for (size_t i = 0; i < permutation.size(); ++i)
      dims[i] = old[permutation[i]];
  };
  permute(sizes);
  forEachStrides(permute);
}

void StridedTensor::reshape(ArrayRef<int64_t> newSizes) {
  bool fits = true;
  if (getNumElements() != 0)
    forEachStrides([&](Dims &strides) { fits &= reshapeStrides(sizes, strides, newSizes).has_value(); });
  if (!fits)
    materialize();
  forEachStrides([&](Dims &strides) {
    std::optional<Dims> reshaped = reshapeStrides(sizes, strides, newSizes);
    strides = reshaped ? *reshaped : Dims(newSizes.size(), 0); // none only where there are no elements
  });
  sizes.assign(newSizes.begin(), newSizes.end());
}

void StridedTensor::broadcast(ArrayRef<int64_t> newSizes) {
  size_t added = newSizes.size() - sizes.size();
  forEachStrides([&](Dims &strides) {
    for (size_t i = 0; i < sizes.size(); ++i)
      if (sizes[i] != newSizes[added + i])
        strides[i] = 0;
    strides.insert(strides.begin(), added, 0);
  });
  sizes.assign(newSizes.begin(), newSizes.end());
}

void StridedTensor::pad(ArrayRef<int64_t> newSizes) {
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == newSizes[i])
      continue;
    Limit limit{Dims(sizes.size(), 0), sizes[i]};
    limit.coefficients[i] = 1;
    limits.push_back(std::move(limit));
  }
  sizes.assign(newSizes.begin(), newSizes.end());
}

void StridedTensor::slice(ArrayRef<int64_t> begins, ArrayRef<int64_t> newSizes, ArrayRef<int64_t> steps) {
  if (!limits.empty()) // they hold for ascending indices
    materialize();
  bool isEmpty = product(newSizes) == 0;
  auto sliceOperand = [&](Elements &elements) {
    int64_t offset = 0;
    for (size_t i = 0; i < sizes.size(); ++i) {
      offset += begins[i] * elements.strides[i];
      elements.strides[i] *= steps[i];
    }
    if (isEmpty)
      return;
    if (elements.floats)
      elements.floats += offset;
    else
      elements.doubles += offset;
  };
  sliceOperand(source);
  for (Pointwise &operation : operations)
    sliceOperand(operation.operand);
  sizes.assign(newSizes.begin(), newSizes.end());
}

void StridedTensor::materialize() {
  Dims strides = rowMajor(sizes);
  // Untouched floats stay floats: half the memory.
  if (operations.empty() && source.floats) {
    auto data = std::make_shared<std::vector<float>>(getNumElements());
    store(data->data());
    source = {data->data(), nullptr, strides};
    storage.assign(1, std::move(data));
  } else {
    auto data = std::make_shared<std::vector<double>>(getNumElements());
    store(data->data());
    source = {nullptr, data->data(), strides};
    storage.assign(1, std::move(data));
  }
  operations.clear();
  limits.clear();
}

void StridedTensor::expandGroups(int64_t groups, int64_t tile) {
  int64_t outputs = sizes[0], perGroup = sizes[1], window = product(ArrayRef(sizes).drop_front(2));
  nn::GroupSpan span{perGroup * groups, outputs, groups, tile};
  int64_t width = span.span(), padded = (outputs + tile - 1) / tile * tile;
  std::vector<double> from(getNumElements());
  store(from.data());
  auto to = std::make_shared<std::vector<double>>(padded * width * window);
  for (int64_t k = 0; k < outputs; ++k) {
    int64_t at = k / span.outputPerGroup() * perGroup - span.start(k / tile); // the group's first channel in the tile's span
    std::copy_n(from.data() + k * perGroup * window, perGroup * window, to->data() + (k * width + at) * window);
  }
  sizes[0] = padded;
  sizes[1] = width;
  source = {nullptr, to->data(), rowMajor(sizes)};
  storage.assign(1, std::move(to));
  operations.clear();
  limits.clear();
}

void StridedTensor::shareRows(int64_t lanes, int64_t share) {
  auto to = std::make_shared<std::vector<double>>(getNumElements());
  store(to->data());
  int64_t row = sizes.back();
  std::vector<double> shared(lanes);
  for (size_t at = row - lanes; at < to->size(); at += share * row) {
    double *first = to->data() + at;
    for (int64_t i = 0; i < lanes; ++i)
      shared[i] = first[i % share * row + i / share];
    for (int64_t d = 1; d < share; ++d)
      std::fill_n(first + d * row, lanes, 0.0);
    std::copy(shared.begin(), shared.end(), first);
  }
  source = {nullptr, to->data(), rowMajor(sizes)};
  storage.assign(1, std::move(to));
  operations.clear();
  limits.clear();
}

void StridedTensor::transformWindows(ArrayRef<int64_t> m) {
  std::vector<double> from(getNumElements());
  store(from.data());
  for (size_t i = 0; i < m.size(); ++i) {
    size_t axis = sizes.size() - m.size() + i;
    nn::CookToom transform(m[i], sizes[axis]);
    int64_t inner = product(ArrayRef(sizes).drop_front(axis + 1)), outer = product(ArrayRef(sizes).take_front(axis));
    std::vector<double> to(outer * transform.points * inner);
    for (int64_t o = 0; o < outer; ++o)
      for (int64_t p = 0; p < transform.points; ++p)
        for (int64_t k = 0; k < transform.r; ++k)
          for (int64_t j = 0; j < inner; ++j)
            to[(o * transform.points + p) * inner + j] += transform.kernel(p, k) * from[(o * transform.r + k) * inner + j];
    sizes[axis] = transform.points;
    from = std::move(to);
  }
  auto result = std::make_shared<std::vector<double>>(std::move(from));
  source = {nullptr, result->data(), rowMajor(sizes)};
  storage.assign(1, std::move(result));
  operations.clear();
  limits.clear();
}

Elements StridedTensor::asOperand() {
  if (!operations.empty() || !limits.empty())
    materialize();
  return source;
}

void StridedTensor::apply(Pointwise::Kind kind, StridedTensor operand, double epsilon) {
  // The padding of what has been done so far is data to what follows.
  if (!limits.empty())
    materialize();
  bool scalar = operand.sizes.empty();
  Elements elements = operand.asOperand();
  if (scalar)
    elements.strides.assign(sizes.size(), 0);
  operations.push_back({kind, std::move(elements), epsilon});
  storage.append(operand.storage.begin(), operand.storage.end());
}

void StridedTensor::apply(Pointwise::Kind kind, double value) { apply(kind, StridedTensor(ArrayRef<int64_t>(), value)); }

void StridedTensor::scale(int64_t axis, StridedTensor operand) {
  Elements elements = operand.asOperand();
  int64_t stride = elements.strides[0];
  operand.sizes = sizes;
  operand.source.strides.assign(sizes.size(), 0);
  operand.source.strides[axis] = stride;
  apply(Pointwise::mul, std::move(operand));
}

template <typename T> void StridedTensor::storeAs(T *to) const {
  if (getNumElements() == 0)
    return;
  // Dims that all parts walk alike are one dim; the longer the innermost one, the better.
  llvm::SmallVector<ArrayRef<int64_t>> parts{source.strides};
  for (const Pointwise &operation : operations)
    parts.push_back(operation.operand.strides);
  for (const Limit &limit : limits)
    parts.push_back(limit.coefficients);
  Dims merged;
  llvm::SmallVector<Dims> strides(parts.size());
  for (size_t d = 0; d < sizes.size(); ++d) {
    if (sizes[d] == 1)
      continue;
    bool joins = !merged.empty();
    for (size_t p = 0; p < parts.size() && joins; ++p)
      joins = strides[p].back() == parts[p][d] * sizes[d];
    if (joins)
      merged.back() *= sizes[d];
    else
      merged.push_back(sizes[d]);
    for (size_t p = 0; p < parts.size(); ++p)
      if (joins)
        strides[p].back() = parts[p][d];
      else
        strides[p].push_back(parts[p][d]);
  }
  if (merged.empty()) {
    merged.push_back(1);
    for (Dims &s : strides)
      s.push_back(0);
  }

  const int64_t inner = merged.pop_back_val();
  llvm::SmallVector<int64_t, 8> step;
  llvm::SmallVector<ArrayRef<int64_t>> outer;
  for (Dims &s : strides) {
    step.push_back(s.pop_back_val());
    outer.push_back(s);
  }
  Odometer at(merged, outer);
  const size_t firstLimit = 1 + operations.size();
  double x[kChunk], y[kChunk];
  do {
    int64_t inside = inner;
    for (size_t l = 0; l < limits.size(); ++l) {
      int64_t room = limits[l].bound - at[firstLimit + l], by = step[firstLimit + l];
      inside = std::min(inside, room <= 0 ? 0 : by == 0 ? inner : (room + by - 1) / by);
    }
    if (operations.empty()) {
      gather(source, at[0], step[0], inside, to);
    } else {
      for (int64_t i = 0; i < inside; i += kChunk) {
        int64_t n = std::min(kChunk, inside - i);
        gather(source, at[0] + i * step[0], step[0], n, x);
        for (size_t o = 0; o < operations.size(); ++o) {
          gather(operations[o].operand, at[1 + o] + i * step[1 + o], step[1 + o], n, y);
          applyChunk(operations[o], x, y, n);
        }
        gather(x, 1, n, to + i);
      }
    }
    std::fill(to + inside, to + inner, T(0));
    to += inner;
  } while (at.advance());
}

void StridedTensor::store(float *to) const { storeAs(to); }
void StridedTensor::store(double *to) const { storeAs(to); }
