#include "compiler/artifact/StepTable.h"

#include "dialects/nn/NNDialect.h"
#include "llvm/Support/JSON.h"

using namespace mlir;
using namespace lathe;

namespace {

llvm::json::Object describe(MemRefType type, size_t argument) {
  llvm::json::Array dims, strides;
  for (int64_t extent : type.getShape())
    dims.push_back(ShapedType::isDynamic(extent) ? llvm::json::Value(nullptr) : llvm::json::Value(extent));
  for (int64_t stride : type.getStridesAndOffset().first) // static: outlining has refused others
    strides.push_back(stride);
  std::string element;
  llvm::raw_string_ostream(element) << type.getElementType();
  return llvm::json::Object{{"argument", static_cast<int64_t>(argument)}, {"type", element}, {"dims", std::move(dims)}, {"strides", std::move(strides)}};
}

llvm::json::Object describe(nn::LaunchOp launch) {
  llvm::json::Array nodes, writes;
  for (Attribute node : launch.getNodes()) {
    StringRef name = cast<StringAttr>(node).getValue();
    nodes.push_back(llvm::json::isUTF8(name) ? name.str() : llvm::json::fixUTF8(name));
  }
  if (auto types = launch->getAttrOfType<ArrayAttr>("nn.writes"))
    for (auto [i, type] : llvm::enumerate(types.getAsValueRange<TypeAttr>()))
      writes.push_back(describe(cast<MemRefType>(type), launch.getArgs().size() - types.size() + i));
  return llvm::json::Object{{"kernel", launch.getKernel().str()}, {"nodes", std::move(nodes)}, {"writes", std::move(writes)}};
}

} // namespace

void lathe::printStepTable(ModuleOp module, llvm::raw_ostream &os) {
  llvm::json::Array steps;
  for (auto plan : module.getOps<nn::PlanOp>())
    for (auto launch : plan.getBody().front().getOps<nn::LaunchOp>())
      steps.push_back(describe(launch));
  os << llvm::formatv("{0:2}", llvm::json::Value(llvm::json::Object{{"steps", std::move(steps)}})) << '\n';
}
