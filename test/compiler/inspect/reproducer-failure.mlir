// A failing pass leaves the IR right before it and the steps from it on, in both ways of running; the printed command replays it.
// RUN: rm -rf %t && mkdir -p %t
// RUN: not inspect-test %S/Inputs/misbehaving.mlir --reproducer=%t/plain.mlir --steps="canonicalize func.func:cse func.func:test-fail symbol-dce" \
// RUN:   2>&1 | FileCheck %s --check-prefix=SAID
// RUN: not inspect-test %S/Inputs/misbehaving.mlir --reproducer=%t/stepwise.mlir --time-passes \
// RUN:   --steps="canonicalize func.func:cse func.func:test-fail symbol-dce" 2>&1 | FileCheck %s --check-prefix=SAID
// RUN: not inspect-test %S/Inputs/misbehaving.mlir --reproducer=%t/dumped.mlir --dump-ir=%t/dump \
// RUN:   --steps="canonicalize func.func:cse func.func:test-fail symbol-dce" 2>&1 | FileCheck %s --check-prefix=SAID
// The narrowing repeats passes on the side: what they say is said once.
// SAID-COUNT-1: error: was asked to fail
// SAID-NOT: was asked to fail
// SAID: error: pass 'test-fail' failed; replay it with: inspect-test {{.*}}.mlir --run-reproducer

// RUN: FileCheck %s --check-prefix=FILE < %t/plain.mlir
// RUN: FileCheck %s --check-prefix=FILE < %t/stepwise.mlir
// RUN: FileCheck %s --check-prefix=FILE < %t/dumped.mlir
// Canonicalised, so the addition of 0 is gone.
// FILE-NOT: arith.addi
// FILE: func.func @bad
// FILE-NOT: arith.addi
// FILE: pipeline: "builtin.module(func.func(test-fail),symbol-dce)"

// RUN: not inspect-test %t/plain.mlir --run-reproducer 2>&1 | FileCheck %s --check-prefix=REPLAY
// RUN: not inspect-test %t/dumped.mlir --run-reproducer 2>&1 | FileCheck %s --check-prefix=REPLAY
// REPLAY: Inputs/misbehaving.mlir:6:1: error: was asked to fail

// The report of a failed compilation exists and ends with the pass.
// RUN: python3 %S/Inputs/read_report.py %t/dump | FileCheck %s --check-prefix=REPORT
// REPORT: test-fail FAILED
// REPORT-NOT: symbol-dce

// Success leaves nothing; neither does a run without a path.
// RUN: inspect-test %S/Inputs/misbehaving.mlir --reproducer=%t/none.mlir --steps="canonicalize func.func:cse"
// RUN: not ls %t/none.mlir
// RUN: not inspect-test %S/Inputs/misbehaving.mlir --steps="func.func:test-fail" 2>&1 | FileCheck %s --check-prefix=BARE
// BARE: error: the pass pipeline failed{{$}}

// A file that cannot be written is said to be so, and a name with a blank is quoted.
// RUN: not inspect-test %S/Inputs/misbehaving.mlir --reproducer=%t/no/such.mlir --steps="func.func:test-fail" 2>&1 | FileCheck %s --check-prefix=NOWHERE
// NOWHERE: error: pass 'test-fail' failed; the reproducer '{{.*}}/no/such.mlir' could not be written
// RUN: not inspect-test %S/Inputs/misbehaving.mlir --reproducer="%t/a b.mlir" --steps="func.func:test-fail" 2>&1 | FileCheck %s --check-prefix=QUOTED
// QUOTED: replay it with: inspect-test '{{.*}}/a b.mlir' --run-reproducer
