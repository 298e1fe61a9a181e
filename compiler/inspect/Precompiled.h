// Precompiled header of compiler/inspect.
#ifndef COMPILER_INSPECT_PRECOMPILED_H
#define COMPILER_INSPECT_PRECOMPILED_H

#include "mlir/IR/AsmState.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Location.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassInstrumentation.h"
#include "mlir/Pass/PassManager.h"

#endif // COMPILER_INSPECT_PRECOMPILED_H
