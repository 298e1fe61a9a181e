// lathe-lsp-server: the MLIR language server with Lathe's dialect.
#include "compiler/Registration.h"
#include "compiler/Version.h"

#include "mlir/IR/DialectRegistry.h"
#include "mlir/Tools/mlir-lsp-server/MlirLspServerMain.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/raw_ostream.h"

int main(int argc, char **argv) {
  llvm::cl::SetVersionPrinter([](llvm::raw_ostream &os) { os << lathe::compilerVersion() << '\n'; });
  mlir::DialectRegistry registry;
  lathe::registerEverything(registry);
  return mlir::failed(mlir::MlirLspServerMain(argc, argv, registry));
}
