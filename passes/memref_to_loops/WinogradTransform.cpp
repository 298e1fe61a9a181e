#include "passes/memref_to_loops/WinogradTransform.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace lathe::nn;

namespace {

class Transform {
public:
  Transform(ImplicitLocOpBuilder &b, const Matrix &matrix, ArrayRef<Value> values) : b(b), matrix(matrix), values(values) {
    type = cast<VectorType>(values.front().getType());
  }

  SmallVector<Value> apply() {
    if (auto partner = partners([&](int64_t i, int64_t j) { return alternatingColumns(i, j); }, matrix.columns); !partner.empty())
      return byColumns(partner);
    return byRows(partners([&](int64_t i, int64_t j) { return alternatingRows(i, j); }, matrix.rows));
  }

private:
  struct Term {
    double factor;
    Value value;
  };

  Value constant(double v) { return arith::ConstantOp::create(b, DenseElementsAttr::get(type, b.getFloatAttr(type.getElementType(), v).getValue())); }

  /// Sum of factor * value; begins with a term that needs no multiplication, if there is one.
  Value sum(SmallVector<Term> terms) {
    llvm::erase_if(terms, [](const Term &t) { return t.factor == 0; });
    if (terms.empty())
      return constant(0);
    auto first = llvm::find_if(terms, [](const Term &t) { return t.factor == 1; });
    std::rotate(terms.begin(), first == terms.end() ? terms.begin() : first, first == terms.end() ? terms.begin() : first + 1);
    Value total = terms[0].factor == 1 ? terms[0].value : arith::MulFOp::create(b, constant(terms[0].factor), terms[0].value).getResult();
    for (const Term &t : ArrayRef(terms).drop_front()) {
      if (t.factor == 1)
        total = arith::AddFOp::create(b, total, t.value);
      else if (t.factor == -1)
        total = arith::SubFOp::create(b, total, t.value);
      else
        total = vector::FMAOp::create(b, t.value, constant(t.factor), total);
    }
    return total;
  }

  /// Pairs i < j for which `alike` holds: partner[i] = j, partner[j] = i, else -1. Empty if there is no pair.
  static SmallVector<int64_t> partners(llvm::function_ref<bool(int64_t, int64_t)> alike, int64_t count) {
    SmallVector<int64_t> partner(count, -1);
    bool any = false;
    for (int64_t i = 0; i < count; ++i)
      for (int64_t j = i + 1; j < count && partner[i] < 0; ++j)
        if (partner[j] < 0 && alike(i, j)) {
          partner[i] = j;
          partner[j] = i;
          any = true;
        }
    return any ? partner : SmallVector<int64_t>();
  }

  /// Row j is row i with every other sign changed, up to a sign of the whole; rows of one element are no gain.
  bool alternatingRows(int64_t i, int64_t j) {
    double sign = rowSign(i, j);
    int64_t elements = 0;
    for (int64_t k = 0; k < matrix.columns; ++k) {
      if (matrix(j, k) != sign * (k % 2 ? -1 : 1) * matrix(i, k))
        return false;
      elements += matrix(i, k) != 0;
    }
    return elements > 1;
  }
  /// 1 or -1: by how much the even elements of row j differ from those of row i.
  double rowSign(int64_t i, int64_t j) {
    for (int64_t k = 0; k < matrix.columns; ++k)
      if (matrix(i, k) != 0 && matrix(j, k) != 0)
        return (matrix(i, k) == matrix(j, k)) == (k % 2 == 0) ? 1 : -1;
    return 1;
  }

  bool alternatingColumns(int64_t i, int64_t j) {
    int64_t elements = 0;
    for (int64_t k = 0; k < matrix.rows; ++k) {
      if (matrix(k, j) != (k % 2 ? -1 : 1) * matrix(k, i))
        return false;
      elements += matrix(k, i) != 0;
    }
    return elements > 1;
  }

  SmallVector<Value> byRows(ArrayRef<int64_t> partner) {
    SmallVector<Value> results(matrix.rows);
    for (int64_t i = 0; i < matrix.rows; ++i) {
      if (results[i])
        continue;
      SmallVector<Term> all, even, odd;
      for (int64_t k = 0; k < matrix.columns; ++k) {
        Term term{matrix(i, k), values[k]};
        all.push_back(term);
        (k % 2 ? odd : even).push_back(term);
      }
      if (partner.empty() || partner[i] < 0) {
        results[i] = sum(all);
        continue;
      }
      Value e = sum(even), o = sum(odd);
      results[i] = arith::AddFOp::create(b, e, o);
      results[partner[i]] = rowSign(i, partner[i]) > 0 ? arith::SubFOp::create(b, e, o) : arith::SubFOp::create(b, o, e);
    }
    return results;
  }

  SmallVector<Value> byColumns(ArrayRef<int64_t> partner) {
    SmallVector<Value> sums(matrix.columns), differences(matrix.columns);
    for (int64_t k = 0; k < matrix.columns; ++k)
      if (partner[k] > k) {
        sums[k] = arith::AddFOp::create(b, values[k], values[partner[k]]);
        differences[k] = arith::SubFOp::create(b, values[k], values[partner[k]]);
      }
    SmallVector<Value> results;
    for (int64_t i = 0; i < matrix.rows; ++i) {
      SmallVector<Term> terms;
      for (int64_t k = 0; k < matrix.columns; ++k)
        if (partner[k] < 0)
          terms.push_back({matrix(i, k), values[k]});
        else if (partner[k] > k)
          terms.push_back({matrix(i, k), i % 2 ? differences[k] : sums[k]});
      results.push_back(sum(terms));
    }
    return results;
  }

  ImplicitLocOpBuilder &b;
  const Matrix &matrix;
  ArrayRef<Value> values;
  VectorType type;
};

} // namespace

SmallVector<Value> lathe::passes::applyTransform(ImplicitLocOpBuilder &b, const Matrix &matrix, ArrayRef<Value> values) {
  return Transform(b, matrix, values).apply();
}
