// The report holds every step with its reason, every text that was dumped, and the nodes of each line.
// RUN: rm -rf %t && mkdir %t
// RUN: printf 'scale:   # @scale\n\tmulss %%%%xmm0, %%%%xmm0\n.Lfunc_end0:\nmain:\n\tret\n' > %t/kernels
// RUN: inspect-test %S/Inputs/two-nodes.mlir --dump-ir=%t/dump --text=kernels.s=%t/kernels \
// RUN:   --steps="nn/canonicalize nn/func.func:cse loops/func.func:convert-scf-to-cf"
// RUN: python3 %S/Inputs/read_report.py %t/dump --lines=shared | FileCheck %s
// CHECK: title inspect-test
// CHECK-NEXT: phases {'nn': 'what nn is', 'loops': 'what loops are'}
// Names come through fused and call-site locations, and from block arguments; source positions are no names.
// CHECK-NEXT: nodes load<"x">, loop, main, n, relu, scale, scale/two, shared, store
// CHECK-NEXT: 00-import.mlir phase= import
// CHECK-NEXT:   5: %0 = arith.mulf %arg0, %cst : f32
// CHECK-NEXT: 01-canonicalize.mlir phase=nn canonicalize 14 ops | because the test says canonicalize
// CHECK-NEXT:   4: %0 = arith.mulf %arg0, %cst : f32
// CHECK-NEXT: (unchanged) phase=nn cse
// CHECK-NEXT: 02-convert-scf-to-cf.mlir phase=loops convert-scf-to-cf 17 ops
// CHECK-NEXT:   4: %0 = arith.mulf %arg0, %cst : f32
// Assembly has no locations: the nodes of a symbol are those inside the function.
// CHECK-NEXT: 03-kernels.s phase=code kernels
// CHECK-NEXT:   1: scale:
// CHECK-NEXT:   2: mulss %xmm0, %xmm0
// CHECK-NOT: ret
