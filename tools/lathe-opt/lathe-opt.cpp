// lathe-opt: mlir-opt with Lathe's dialect and passes. `lathe-opt --help` lists the passes; docs/generated describes them.
#include "compiler/Registration.h"
#include "compiler/Version.h"

#include "mlir/IR/DialectRegistry.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/PrettyStackTrace.h"
#include "llvm/Support/raw_ostream.h"

int main(int argc, char **argv) {
  llvm::cl::SetVersionPrinter([](llvm::raw_ostream &os) { os << lathe::compilerVersion() << '\n'; });
  llvm::setBugReportMsg(""); // it asks to report crashes to LLVM
  mlir::DialectRegistry registry;
  lathe::registerEverything(registry);
  lathe::registerLathePasses();
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "Lathe's optimizer driver\n", registry));
}
