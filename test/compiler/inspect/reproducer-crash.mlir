// A crash in a pass leaves a reproducer, on whichever thread and by whichever signal; the process still dies by the signal.
// RUN: rm -rf %t && mkdir -p %t
// RUN: not --crash inspect-test %S/Inputs/misbehaving.mlir --reproducer=%t/segv.mlir --steps="canonicalize func.func:test-segv symbol-dce" \
// RUN:   2>&1 | FileCheck %s -DPASS=test-segv
// RUN: not --crash inspect-test %S/Inputs/misbehaving.mlir --reproducer=%t/abort.mlir --steps="canonicalize func.func:test-abort symbol-dce" \
// RUN:   2>&1 | FileCheck %s -DPASS=test-abort
// RUN: not --crash inspect-test %S/Inputs/misbehaving.mlir --reproducer=%t/single.mlir --no-threads --steps="canonicalize func.func:test-segv symbol-dce" \
// RUN:   2>&1 | FileCheck %s -DPASS=test-segv
// RUN: not --crash inspect-test %S/Inputs/misbehaving.mlir --reproducer=%t/dumped.mlir --dump-ir=%t/dump \
// RUN:   --steps="canonicalize func.func:test-segv symbol-dce" 2>&1 | FileCheck %s -DPASS=test-segv
// CHECK: error: the compiler crashed in pass '[[PASS]]'; replay it with: inspect-test {{.*}}.mlir --run-reproducer

// RUN: FileCheck %s --check-prefix=FILE < %t/segv.mlir
// RUN: FileCheck %s --check-prefix=FILE < %t/dumped.mlir
// RUN: FileCheck %s --check-prefix=FILE < %t/single.mlir
// FILE-NOT: arith.addi
// FILE: pipeline: "builtin.module(func.func(test-segv),symbol-dce)"
// RUN: not --crash inspect-test %t/segv.mlir --run-reproducer
// RUN: not --crash inspect-test %t/abort.mlir --run-reproducer
// RUN: not --crash inspect-test %t/dumped.mlir --run-reproducer

// What was dumped before the crash is there, and the report tells where it happened.
// RUN: ls %t/dump | FileCheck %s --check-prefix=DUMP
// DUMP: 00-import.mlir
// DUMP-NEXT: 01-canonicalize.mlir
// DUMP-NEXT: index.html
// RUN: python3 %S/Inputs/read_report.py %t/dump | FileCheck %s --check-prefix=REPORT
// REPORT: 01-canonicalize.mlir
// REPORT-NEXT: (unchanged) phase= test-segv RUNNING
// REPORT-NOT: symbol-dce

// A driver may want its own exit code instead of the signal.
// RUN: not inspect-test %S/Inputs/misbehaving.mlir --reproducer=%t/code.mlir --crash-exit=4 --steps="func.func:test-abort" 2>&1 | FileCheck %s -DPASS=test-abort
// RUN: FileCheck %s --check-prefix=CODE < %t/code.mlir
// CODE: pipeline: "builtin.module(func.func(test-abort))"

// So does an error that LLVM itself holds to be fatal, and nobody is asked to report a bug to LLVM.
// RUN: not inspect-test %S/Inputs/misbehaving.mlir --reproducer=%t/fatal.mlir --crash-exit=4 --steps="func.func:test-fatal" > %t/fatal.txt 2>&1
// RUN: FileCheck %s --check-prefix=FATAL --implicit-check-not="bug report" --implicit-check-not=LLVM < %t/fatal.txt
// FATAL: error: was asked to give up
// FATAL-NEXT: error: the compiler crashed in pass 'test-fatal'; replay it with: inspect-test {{.*}}fatal.mlir --run-reproducer
