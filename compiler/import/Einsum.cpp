// Einsum -> one nn.reduce of products: a dimension of its space per letter.
#include "compiler/import/Indexing.h"
#include "compiler/import/Reduction.h"
#include "compiler/import/Registry.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace lathe;
using namespace lathe::importer;

namespace {

/// The subscripts of one term: letters, and '.' for each dimension of an ellipsis.
struct Term {
  std::string letters;
  std::optional<size_t> ellipsis; // its place among the letters
};

struct Equation {
  SmallVector<Term> inputs;
  std::optional<Term> output;
};

/// "ij,jk->ik"; reports what is none.
FailureOr<Equation> parse(NodeContext &node, StringRef text) {
  auto wrong = [&](const Twine &why) { return node.invalid("attribute equation = '" + printable(text) + "' " + why); };
  std::string compact;
  for (char c : text)
    if (c != ' ')
      compact += c;
  auto [left, right] = StringRef(compact).split("->");
  bool hasOutput = StringRef(compact).contains("->");
  auto parseTerm = [&](StringRef part) -> FailureOr<Term> {
    Term term;
    while (!part.empty()) {
      if (part.consume_front("...")) {
        if (term.ellipsis)
          return wrong("has two ellipses in a term");
        term.ellipsis = term.letters.size();
      } else if (llvm::isAlpha(part.front())) {
        term.letters += part.front();
        part = part.drop_front();
      } else {
        return wrong("is no equation of letters, '...', ',' and '->'");
      }
    }
    return term;
  };
  Equation equation;
  SmallVector<StringRef> parts;
  left.split(parts, ',');
  for (StringRef part : parts) {
    FailureOr<Term> term = parseTerm(part);
    if (failed(term))
      return failure();
    equation.inputs.push_back(*term);
  }
  if (hasOutput) {
    FailureOr<Term> term = parseTerm(right);
    if (failed(term))
      return failure();
    for (size_t i = 0; i < term->letters.size(); ++i)
      if (term->letters.find(term->letters[i], i + 1) != std::string::npos)
        return wrong("names '" + Twine(term->letters[i]) + "' twice in its output"), failure();
    equation.output = *term;
  }
  return equation;
}

/// Which dimension of the iteration space each letter is, and its extent. Those of the ellipsis come first.
class Space {
public:
  explicit Space(int64_t ellipsisRank) : ellipsisRank(ellipsisRank), extents(ellipsisRank, 1) {}

  int64_t ofLetter(char letter) {
    auto [known, isNew] = dims.try_emplace(letter, static_cast<int64_t>(extents.size()));
    if (isNew)
      extents.push_back(1);
    return known->second;
  }
  bool knows(char letter) const { return dims.contains(letter); }

  /// The dimensions that a term of this rank goes through.
  SmallVector<int64_t> dimsOf(const Term &term, int64_t rank) {
    SmallVector<int64_t> result;
    int64_t inEllipsis = rank - static_cast<int64_t>(term.letters.size());
    for (size_t i = 0; i <= term.letters.size(); ++i) {
      if (term.ellipsis == i)
        for (int64_t d = 0; d < inEllipsis; ++d)
          result.push_back(ellipsisRank - inEllipsis + d);
      if (i < term.letters.size())
        result.push_back(ofLetter(term.letters[i]));
    }
    return result;
  }

  int64_t ellipsisRank;
  SmallVector<int64_t> extents;

private:
  llvm::DenseMap<char, int64_t> dims;
};

/// Without "->": the ellipsis, then the letters that occur once, in alphabetical order.
Term impliedOutput(const Equation &equation) {
  std::string all;
  Term output;
  for (const Term &term : equation.inputs) {
    all += term.letters;
    if (term.ellipsis)
      output.ellipsis = 0;
  }
  llvm::sort(all);
  for (char letter : all)
    if (llvm::count(all, letter) == 1)
      output.letters += letter;
  return output;
}

} // namespace

LogicalResult lathe::importer::importEinsum(NodeContext &node) {
  std::string text = node.text("equation", "");
  if (node.hasErrors())
    return failure();
  FailureOr<Equation> equation = parse(node, text);
  if (failed(equation))
    return failure();
  if (equation->inputs.size() != node.inputCount())
    return node.invalid("expects one term per input in its equation (got " + Twine(equation->inputs.size()) + " for " + Twine(node.inputCount()) + " inputs)");
  SmallVector<Value> inputs;
  int32_t dataType = kUndefined;
  int64_t ellipsisRank = 0;
  for (auto [i, term] : llvm::enumerate(equation->inputs)) {
    Operand x = node.operand(i, "Inputs", kFloats | setOf({kInt32, kInt64, kUInt32, kUInt64}));
    if (!x)
      return failure();
    if (i && x.dataType != dataType)
      return node.invalid("expects inputs of one element type (got " + dataTypeName(dataType) + " and " + dataTypeName(x.dataType) + ")");
    int64_t letters = term.letters.size();
    if (term.ellipsis ? x.rank() < letters : x.rank() != letters)
      return node.invalid("expects " + node.describeInput(i, "Inputs") + " of the rank that its term has, " + Twine(letters) + " (got " + Twine(x.rank()) +
                          ")");
    dataType = x.dataType;
    ellipsisRank = std::max(ellipsisRank, x.rank() - letters);
    inputs.push_back(dataType == kFloat16 ? convertFloat(node, x.value, node.builder().getF32Type()) : x.value);
  }

  Space space(ellipsisRank);
  SmallVector<SmallVector<int64_t>> dims;
  bool isEmptySum = false;
  for (auto [term, input] : llvm::zip(equation->inputs, inputs)) {
    ArrayRef<int64_t> shape = cast<ShapedType>(input.getType()).getShape();
    dims.push_back(space.dimsOf(term, shape.size()));
    for (auto [dim, extent] : llvm::zip(dims.back(), shape)) {
      int64_t &known = space.extents[dim];
      if (known != extent && known != 1 && extent != 1)
        return node.invalid("expects one extent per letter of its equation (got " + Twine(known) + " and " + Twine(extent) + ")");
      known = known == 1 ? extent : known;
      isEmptySum |= extent == 0;
    }
  }
  Term output = equation->output ? *equation->output : impliedOutput(*equation);
  for (char letter : output.letters)
    if (!space.knows(letter))
      return node.invalid("attribute equation = '" + printable(text) + "' names '" + Twine(letter) + "' in its output only");
  SmallVector<int64_t> resultDims = space.dimsOf(output, static_cast<int64_t>(output.letters.size()) + (output.ellipsis ? ellipsisRank : 0)), shape;
  for (int64_t dim : resultDims)
    shape.push_back(space.extents[dim]);
  for (auto [dim, extent] : llvm::enumerate(space.extents))
    if (ShapedType::isDynamic(extent) && !llvm::is_contained(resultDims, static_cast<int64_t>(dim)))
      return node.needsStaticBatch("its equation sums over the batch, which is not supported");
  if (failed(node.checkShape(shape)))
    return failure();
  MLIRContext *context = node.builder().getContext();
  if (isEmptySum)
    return node.define(splatWeight(RankedTensorType::get(shape, elementType(context, dataType)), 0), 0, dataType);

  SmallVector<AffineMap> maps;
  auto addMap = [&](ArrayRef<int64_t> through, ArrayRef<int64_t> extents) {
    SmallVector<AffineExpr> exprs;
    for (auto [dim, extent] : llvm::zip(through, extents))
      exprs.push_back(extent == 1 && space.extents[dim] != 1 ? getAffineConstantExpr(0, context) : getAffineDimExpr(dim, context));
    maps.push_back(AffineMap::get(space.extents.size(), 0, exprs, context));
  };
  for (auto [through, input] : llvm::zip(dims, inputs))
    addMap(through, cast<ShapedType>(input.getType()).getShape());
  addMap(resultDims, shape);
  auto product = [](ProgramBuilder &b, ValueRange v) {
    Value result = v[0];
    for (Value factor : v.drop_front())
      result = b.mul(result, factor);
    return result;
  };
  auto type = RankedTensorType::get(shape, cast<ShapedType>(inputs.front().getType()).getElementType());
  Value result = reduce(node, nn::Combine::sum, maps, inputs, type, product, [](ProgramBuilder &, Value sum) { return sum; });
  return node.define(convertFloat(node, result, elementType(context, dataType)), 0, dataType);
}
