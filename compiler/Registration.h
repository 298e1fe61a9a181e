// Everything that a tool must register before it reads or transforms IR.
#ifndef COMPILER_REGISTRATION_H
#define COMPILER_REGISTRATION_H

namespace mlir {
class DialectRegistry;
}

namespace lathe {

/// The dialects of all phases and the interfaces that the pipeline needs; enough for lathe-compile.
void registerPipelineDialects(mlir::DialectRegistry &registry);

/// All of upstream and of Lathe: for lathe-opt, lathe-reduce and the language server.
void registerEverything(mlir::DialectRegistry &registry);

/// Lathe's passes and pipelines.
void registerLathePasses();

} // namespace lathe

#endif // COMPILER_REGISTRATION_H
