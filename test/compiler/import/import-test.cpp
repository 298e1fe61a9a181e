// import-test MODEL [--locations] [--shapes=NAME:DIMxDIM… with DIM = N or MIN..MAX] [--external-data-root=DIR] [--check]
// Prints the imported module, or with --check the unsupported nodes; messages go to standard error; exits with the report's code.
#include "compiler/import/Import.h"

#include "mlir/IR/OperationSupport.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace lathe;

static std::vector<DimRange> parseDims(llvm::StringRef text) {
  std::vector<DimRange> dims;
  for (llvm::StringRef part : llvm::split(text, 'x')) {
    auto [min, max] = part.split("..");
    DimRange &range = dims.emplace_back();
    if (min.getAsInteger(10, range.min) || (max.empty() ? min : max).getAsInteger(10, range.max))
      llvm::errs() << "import-test: bad dimension '" << part << "'\n";
  }
  return dims;
}

int main(int argc, char **argv) {
  std::string model;
  bool locations = false, check = false;
  ImportOptions options;
  for (int i = 1; i < argc; ++i) {
    llvm::StringRef argument = argv[i];
    if (argument == "--locations") {
      locations = true;
    } else if (argument == "--check") {
      check = true;
    } else if (argument.consume_front("--external-data-root=")) {
      options.externalDataRoot = argument.str();
    } else if (argument.consume_front("--shapes=")) {
      for (llvm::StringRef one : llvm::split(argument, ',')) {
        auto [name, dims] = one.rsplit(':');
        options.shapes[name] = parseDims(dims);
      }
    } else {
      model = argument.str();
    }
  }
  ImportReport report;
  if (check) {
    report = checkOnnx(model, options);
    for (const ImportReport::Finding &finding : report.findings)
      if (!finding.op.empty() && finding.code == ImportReport::unsupportedModel)
        llvm::outs() << finding.node << " | " << finding.op << " | " << finding.reason << '\n';
  } else {
    mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
    mlir::OwningOpRef<mlir::ModuleOp> module = importOnnx(context, model, options, report);
    if (bool(module) != (report.exitCode == ImportReport::ok))
      llvm::errs() << "import-test: the module and the report's code contradict each other\n";
    if (module)
      module->print(llvm::outs(), mlir::OpPrintingFlags().enableDebugInfo(locations, /*prettyForm=*/locations));
  }
  for (const std::string &message : report.messages)
    llvm::errs() << message << '\n';
  return report.exitCode;
}
