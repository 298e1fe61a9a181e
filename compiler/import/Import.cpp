#include "compiler/import/Import.h"

#include "compiler/import/GraphImporter.h"
#include "compiler/import/OnnxReader.h"
#include "compiler/import/Preprocess.h"
#include "dialects/nn/NNDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using namespace lathe;

void ImportReport::addNode(int code, const Twine &node, const Twine &op, int64_t opset, const Twine &reason) {
  Finding finding{node.str(), op.str(), opset, reason.str(), code};
  exitCode = std::max(exitCode, code);
  messages.push_back("node '" + importer::printable(finding.node) + "' (" + finding.op + ", opset " + std::to_string(opset) + "): " + finding.reason);
  findings.push_back(std::move(finding));
}

OwningOpRef<ModuleOp> lathe::importOnnx(MLIRContext &context, StringRef path, const ImportOptions &options, ImportReport &report) {
  context.loadDialect<nn::NNDialect, func::FuncDialect>();
  FailureOr<importer::OnnxModel> model = importer::readOnnx(path, options, report);
  if (failed(model) || failed(importer::declareRawInputs(*model, options, report)))
    return {};
  return importer::importGraph(context, *model, options, report);
}

ImportReport lathe::checkOnnx(StringRef path, const ImportOptions &options) {
  MLIRContext context(MLIRContext::Threading::DISABLED);
  ImportReport report;
  (void)importOnnx(context, path, options, report);
  return report;
}
