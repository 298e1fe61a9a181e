// A pass that leaves invalid IR is the one that failed, not the next one that stumbles over it.
// RUN: not inspect-test %S/Inputs/misbehaving.mlir --reproducer=%t.plain.mlir --steps="canonicalize func.func:test-invalid symbol-dce" 2>&1 | FileCheck %s
// RUN: not inspect-test %S/Inputs/misbehaving.mlir --reproducer=%t.steps.mlir --time-passes --steps="canonicalize func.func:test-invalid symbol-dce" 2>&1 | FileCheck %s
// CHECK: error: empty block: expect at least a terminator
// CHECK: error: pass 'test-invalid' failed; replay it with
// RUN: not inspect-test %t.plain.mlir --run-reproducer 2>&1 | FileCheck %s --check-prefix=REPLAY
// RUN: not inspect-test %t.steps.mlir --run-reproducer 2>&1 | FileCheck %s --check-prefix=REPLAY
// REPLAY: error: empty block: expect at least a terminator
