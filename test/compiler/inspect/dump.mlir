// A dump holds the input and one numbered file per pass that changed something; each parses and prints back to itself.
// RUN: rm -rf %t && inspect-test %S/Inputs/two-nodes.mlir --dump-ir=%t/new/dump > %t.dumped.mlir \
// RUN:   --steps="canonicalize func.func:cse inline symbol-dce func.func:convert-scf-to-cf func.func:cse"
// RUN: ls %t/new/dump | FileCheck %s --check-prefix=FILES --implicit-check-not={{.}}
// FILES:      00-import.mlir
// FILES-NEXT: 01-canonicalize.mlir
// FILES-NEXT: 02-inline.mlir
// FILES-NEXT: 03-convert-scf-to-cf.mlir
// FILES-NEXT: index.html

// RUN: mlir-opt --mlir-print-debuginfo %t/new/dump/01-canonicalize.mlir | diff %t/new/dump/01-canonicalize.mlir -
// RUN: mlir-opt --mlir-print-debuginfo %t/new/dump/02-inline.mlir | diff %t/new/dump/02-inline.mlir -
// RUN: mlir-opt --mlir-print-debuginfo %t/new/dump/03-convert-scf-to-cf.mlir | diff %t/new/dump/03-convert-scf-to-cf.mlir -

// Dumping changes nothing: all passes in one pass manager give the same IR, locations included.
// RUN: inspect-test %S/Inputs/two-nodes.mlir --steps="canonicalize func.func:cse inline symbol-dce func.func:convert-scf-to-cf func.func:cse" | diff %t.dumped.mlir -

// And a dump can be compiled on: the rest of the pipeline on the second file ends in the same IR. (But for the location of the loop's variable,
// which scf.for does not print.)
// RUN: mlir-opt %t.dumped.mlir > %t.bare.mlir
// RUN: inspect-test %t/new/dump/02-inline.mlir --steps="symbol-dce func.func:convert-scf-to-cf func.func:cse" | mlir-opt | diff %t.bare.mlir -

// A step counts as a change if nothing but locations changed: they are what tells the nodes.
// RUN: inspect-test %S/Inputs/misbehaving.mlir --dump-ir=%t/moved --steps="func.func:test-relocate func.func:test-relocate"
// RUN: ls %t/moved | FileCheck %s --check-prefix=MOVED --implicit-check-not={{.}}
// MOVED: 00-import.mlir
// MOVED-NEXT: 01-test-relocate.mlir
// MOVED-NEXT: index.html
