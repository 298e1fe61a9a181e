// A kernel for a GPU that would have to call a function is refused by the names of its nodes and of the function: there is no library to call.
// RUN: rm -f %t.so && not lathe compile --compile-from=llvm %s -o %t.so 2>&1 | FileCheck %s
// RUN: not ls %t.so

// CHECK: {{^}}error: /act/Exp + /act/Mul: needs the function 'exp', which no GPU has{{$}}
module attributes {nn.flags = "-O3", nn.target = #nn.target<triple = "nvptx64-nvidia-cuda", cpu = "sm_80", features = "", family = "sm_80", vectorBits = 1024, registers = 64, fmaPerCycle = 2, loadsPerCycle = 1, fmaLatency = 4, l1Bytes = 196608, l2Bytes = 41943040, l3BytesPerCycle = 10, memoryBytesPerCycle = 10>} {
  llvm.func @k0.exp(%args: !llvm.ptr, %scratch: !llvm.ptr, %begin: i64, %end: i64) attributes {nn.kernel} {
    %x = llvm.load %args : !llvm.ptr -> f32
    %y = llvm.intr.exp(%x) : (f32) -> f32
    llvm.store %y, %args : f32, !llvm.ptr
    llvm.return
  } loc(fused["/act/Exp", "/act/Mul"])
  nn.plan inputs [] outputs [] weights [] arena [64, 0] {
    nn.launch @k0.exp args [#nn.arg<arena, 0, 0, 0>] space [1, 0] {nodes = ["exp"], flops = array<i64: 1, 0>, bytes = array<i64: 8, 0>}
  }
}
