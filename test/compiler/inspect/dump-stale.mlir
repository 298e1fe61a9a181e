// A second dump into a folder removes the files of the first one, and nothing that it did not write, whatever the list says.
// RUN: rm -rf %t && mkdir -p %t/dump/03-folder.mlir && echo mine > %t/outside.mlir
// RUN: inspect-test %S/Inputs/two-nodes.mlir --dump-ir=%t/dump --steps="canonicalize func.func:convert-scf-to-cf"
// RUN: ls %t/dump | FileCheck %s --check-prefix=FIRST
// FIRST: 02-convert-scf-to-cf.mlir
// RUN: echo mine > %t/dump/07-mine.mlir
// RUN: echo mine > %t/dump/notes.txt
// RUN: echo "../outside.mlir" >> %t/dump/.lathe-dump
// RUN: echo "00-/../../outside.mlir" >> %t/dump/.lathe-dump
// RUN: echo "notes.txt" >> %t/dump/.lathe-dump
// RUN: echo "03-folder.mlir" >> %t/dump/.lathe-dump
// RUN: inspect-test %S/Inputs/two-nodes.mlir --dump-ir=%t/dump --steps="canonicalize"
// RUN: ls %t/dump | FileCheck %s --check-prefix=SECOND --implicit-check-not={{.}}
// SECOND:      00-import.mlir
// SECOND-NEXT: 01-canonicalize.mlir
// SECOND-NEXT: 03-folder.mlir
// SECOND-NEXT: 07-mine.mlir
// SECOND-NEXT: index.html
// SECOND-NEXT: notes.txt
// RUN: ls %t/outside.mlir
