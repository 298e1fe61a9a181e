// lathe-reduce: shrinks IR that shows a problem, as mlir-reduce does, with Lathe's dialect and passes.
#include "compiler/Registration.h"
#include "compiler/Version.h"

#include "mlir/IR/DialectRegistry.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Tools/mlir-reduce/MlirReduceMain.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/PrettyStackTrace.h"
#include "llvm/Support/raw_ostream.h"

int main(int argc, char **argv) {
  llvm::cl::SetVersionPrinter([](llvm::raw_ostream &os) { os << lathe::compilerVersion() << '\n'; });
  llvm::setBugReportMsg(""); // it asks to report crashes to LLVM
  mlir::DialectRegistry registry;
  lathe::registerEverything(registry);
  lathe::registerLathePasses();
  mlir::MLIRContext context(registry);
  return mlir::failed(mlir::mlirReduceMain(argc, argv, context));
}
