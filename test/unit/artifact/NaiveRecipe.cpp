#include "test/unit/artifact/NaiveRecipe.h"

#include "mlir/IR/BuiltinAttributes.h"
#include <cmath>

using namespace lathe;
using namespace lathe::test;

static int64_t flatten(const std::vector<int64_t> &shape, const Index &index) {
  int64_t flat = 0;
  for (size_t i = 0; i < shape.size(); ++i)
    flat = flat * shape[i] + index[i];
  return flat;
}

static Index unflatten(const std::vector<int64_t> &shape, int64_t flat) {
  Index index(shape.size());
  for (size_t i = shape.size(); i-- > 0; flat /= shape[i])
    index[i] = flat % shape[i];
  return index;
}

static NaiveTensor apply(nn::StepAttr step, NaiveTensor x, std::function<float(nn::FileAttr, int64_t)> read) {
  std::string kind = step.getKind().str();
  std::vector<int64_t> args(step.getArgs().begin(), step.getArgs().end());
  double value = step.getValue() ? step.getValue().getValueAsDouble() : 0;
  NaiveTensor y;
  if (step.getOperand())
    y = evaluateNaively(step.getOperand(), read);
  auto operand = [y](const Index &i) { return y.shape.empty() ? y.at({}) : y.at(i); };
  if (kind == "scale")
    return {x.shape, [=](const Index &i) { return x.at(i) * y.at({i[args[0]]}); }};
  if (kind == "add")
    return {x.shape, [=](const Index &i) { return x.at(i) + operand(i); }};
  if (kind == "sub")
    return {x.shape, [=](const Index &i) { return x.at(i) - operand(i); }};
  if (kind == "mul")
    return {x.shape, [=](const Index &i) { return x.at(i) * operand(i); }};
  if (kind == "div")
    return {x.shape, [=](const Index &i) { return x.at(i) / operand(i); }};
  if (kind == "div_sqrt")
    return {x.shape, [=](const Index &i) { return x.at(i) / std::sqrt(operand(i) + value); }};
  if (kind == "mul_scalar")
    return {x.shape, [=](const Index &i) { return x.at(i) * value; }};
  if (kind == "transpose") {
    NaiveTensor r;
    for (int64_t p : args)
      r.shape.push_back(x.shape[p]);
    r.at = [=](const Index &i) {
      Index from(i.size());
      for (size_t d = 0; d < i.size(); ++d)
        from[args[d]] = i[d];
      return x.at(from);
    };
    return r;
  }
  if (kind == "reshape")
    return {args, [=](const Index &i) { return x.at(unflatten(x.shape, flatten(args, i))); }};
  if (kind == "pad")
    return {args, [=](const Index &i) {
              for (size_t d = 0; d < i.size(); ++d)
                if (i[d] >= x.shape[d])
                  return 0.0;
              return x.at(i);
            }};
  if (kind == "slice") {
    size_t rank = args.size() / 3;
    return {Index(args.begin() + rank, args.begin() + 2 * rank), [=](const Index &i) {
              Index from(rank);
              for (size_t d = 0; d < rank; ++d)
                from[d] = args[d] + i[d] * args[2 * rank + d];
              return x.at(from);
            }};
  }
  // broadcast
  return {args, [=](const Index &i) {
            Index from(i.end() - x.shape.size(), i.end());
            for (size_t d = 0; d < from.size(); ++d)
              if (x.shape[d] == 1)
                from[d] = 0;
            return x.at(from);
          }};
}

NaiveTensor lathe::test::evaluateNaively(nn::WeightAttr weight, std::function<float(nn::FileAttr, int64_t)> read) {
  NaiveTensor x;
  x.shape.assign(weight.getType().getShape().begin(), weight.getType().getShape().end());
  if (auto file = mlir::dyn_cast<nn::FileAttr>(weight.getSource())) {
    x.at = [=, shape = x.shape](const Index &i) { return static_cast<double>(read(file, flatten(shape, i))); };
  } else {
    auto elements = mlir::cast<mlir::DenseElementsAttr>(weight.getSource());
    x.at = [=, shape = x.shape](const Index &i) { return static_cast<double>(elements.getValues<float>()[flatten(shape, i)]); };
  }
  for (nn::StepAttr step : weight.getSteps())
    x = apply(step, x, read);
  return x;
}

std::vector<float> lathe::test::elementsOf(const NaiveTensor &tensor) {
  int64_t count = 1;
  for (int64_t d : tensor.shape)
    count *= d;
  std::vector<float> result;
  for (int64_t i = 0; i < count; ++i)
    result.push_back(static_cast<float>(tensor.at(unflatten(tensor.shape, i))));
  return result;
}
