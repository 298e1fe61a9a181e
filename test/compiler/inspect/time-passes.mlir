// The table of times: phases with their sums, passes with the ops before and after, the verifier.
// RUN: inspect-test %S/Inputs/two-nodes.mlir --time-passes --steps="nn/canonicalize nn/func.func:cse loops/func.func:convert-scf-to-cf" 2>&1 > %t.mlir | FileCheck %s
// CHECK:      pass {{ *}}ms   share {{ *}}ops
// CHECK-NEXT: nn {{ *[0-9]+\.[0-9]+ +[0-9.]+%$}}
// CHECK-NEXT:   canonicalize {{ *[0-9]+\.[0-9]+ +[0-9.]+%}} {{ *}}15 -> 14{{$}}
// CHECK-NEXT:   cse {{ *[0-9]+\.[0-9]+ +[0-9.]+%}} {{ *}}14{{$}}
// CHECK-NEXT: loops
// CHECK-NEXT:   convert-scf-to-cf {{.*}}14 -> 17{{$}}
// CHECK-NEXT: verifier {{ *[0-9]+\.[0-9]+ +[0-9.]+%$}}
// CHECK-NEXT: total {{.*}}100.0%{{$}}
// RUN: inspect-test %S/Inputs/two-nodes.mlir --steps="nn/canonicalize nn/func.func:cse loops/func.func:convert-scf-to-cf" | diff %t.mlir -
