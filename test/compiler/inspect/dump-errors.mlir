// A folder that cannot be written gives one line, before anything is compiled or at the end.
// RUN: rm -rf %t && mkdir -p %t/listless/.lathe-dump %t/late/index.html && echo text > %t/file
// RUN: not inspect-test %S/Inputs/two-nodes.mlir --dump-ir=%t/file/dump --steps=canonicalize 2>&1 | FileCheck %s --check-prefix=CREATE --implicit-check-not={{.}}
// CREATE: error: cannot create the dump folder '{{.*}}/file/dump': Not a directory
// RUN: not inspect-test %S/Inputs/two-nodes.mlir --dump-ir=%t/file --steps=canonicalize 2>&1 | FileCheck %s --check-prefix=FILE --implicit-check-not={{.}}
// FILE: error: cannot {{.*}}'{{.*}}file{{.*}}': {{Not a directory|File exists}}
// RUN: not inspect-test %S/Inputs/two-nodes.mlir --dump-ir=%t/listless --steps=canonicalize 2>&1 | FileCheck %s --check-prefix=EARLY --implicit-check-not={{.}}
// EARLY: error: cannot write '{{.*}}/listless/.lathe-dump': Is a directory
// RUN: not inspect-test %S/Inputs/two-nodes.mlir --dump-ir=%t/late --steps=canonicalize 2>&1 | FileCheck %s --check-prefix=LATE
// LATE: error: cannot write '{{.*}}/late/index.html': Is a directory
