// y[n, i] = (x[n, i] * w0[i]) + w1[i] for 16 features, in two kernels: the product goes through the arena. An iteration is an image.
module attributes {nn.model_name = "two.onnx", nn.model_hash = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", nn.batch = "N",
                   nn.batch_range = array<i64: 1, 9223372036854775807>} {
  llvm.func @k0.scale(%args: !llvm.ptr, %scratch: !llvm.ptr, %begin: i64, %end: i64) {
    %one = llvm.mlir.constant(1 : i64) : i64
    %x = llvm.load %args : !llvm.ptr -> !llvm.ptr
    %wp = llvm.getelementptr %args[1] : (!llvm.ptr) -> !llvm.ptr, !llvm.ptr
    %w = llvm.load %wp : !llvm.ptr -> !llvm.ptr
    %yp = llvm.getelementptr %args[2] : (!llvm.ptr) -> !llvm.ptr, !llvm.ptr
    %y = llvm.load %yp : !llvm.ptr -> !llvm.ptr
    llvm.br ^test(%begin : i64)
  ^test(%n: i64):
    %more = llvm.icmp "slt" %n, %end : i64
    llvm.cond_br %more, ^body, ^done
  ^body:
    %xn = llvm.getelementptr %x[%n] : (!llvm.ptr, i64) -> !llvm.ptr, !llvm.array<16 x f32>
    %yn = llvm.getelementptr %y[%n] : (!llvm.ptr, i64) -> !llvm.ptr, !llvm.array<16 x f32>
    %xv = llvm.load %xn {alignment = 4 : i64} : !llvm.ptr -> vector<16xf32>
    %wv = llvm.load %w {alignment = 4 : i64} : !llvm.ptr -> vector<16xf32>
    %p = llvm.fmul %xv, %wv : vector<16xf32>
    llvm.store %p, %yn {alignment = 4 : i64} : vector<16xf32>, !llvm.ptr
    %next = llvm.add %n, %one : i64
    llvm.br ^test(%next : i64)
  ^done:
    llvm.return
  }
  llvm.func @"k1.shift+fma"(%args: !llvm.ptr, %scratch: !llvm.ptr, %begin: i64, %end: i64) {
    %one = llvm.mlir.constant(1 : i64) : i64
    %ones = llvm.mlir.constant(dense<1.0> : vector<16xf32>) : vector<16xf32>
    %x = llvm.load %args : !llvm.ptr -> !llvm.ptr
    %wp = llvm.getelementptr %args[1] : (!llvm.ptr) -> !llvm.ptr, !llvm.ptr
    %w = llvm.load %wp : !llvm.ptr -> !llvm.ptr
    %yp = llvm.getelementptr %args[2] : (!llvm.ptr) -> !llvm.ptr, !llvm.ptr
    %y = llvm.load %yp : !llvm.ptr -> !llvm.ptr
    llvm.br ^test(%begin : i64)
  ^test(%n: i64):
    %more = llvm.icmp "slt" %n, %end : i64
    llvm.cond_br %more, ^body, ^done
  ^body:
    %xn = llvm.getelementptr %x[%n] : (!llvm.ptr, i64) -> !llvm.ptr, !llvm.array<16 x f32>
    %yn = llvm.getelementptr %y[%n] : (!llvm.ptr, i64) -> !llvm.ptr, !llvm.array<16 x f32>
    %xv = llvm.load %xn {alignment = 4 : i64} : !llvm.ptr -> vector<16xf32>
    %wv = llvm.load %w {alignment = 4 : i64} : !llvm.ptr -> vector<16xf32>
    %s = llvm.intr.fma(%xv, %ones, %wv) : (vector<16xf32>, vector<16xf32>, vector<16xf32>) -> vector<16xf32>
    llvm.store %s, %yn {alignment = 4 : i64} : vector<16xf32>, !llvm.ptr
    %next = llvm.add %n, %one : i64
    llvm.br ^test(%next : i64)
  ^done:
    llvm.return
  }
  nn.plan inputs [{name = "x", type = tensor<?x16xf32>}] outputs [{name = "y", type = tensor<?x16xf32>}]
    weights [#nn.weight<dense<2.0> : tensor<16xf32>, tensor<16xf32>>,
             #nn.weight<dense<[0.5, 1.5, 2.5]> : tensor<3xf32>, tensor<3xf32>, steps = [<"pad", [16]>]>] arena [0, 64] {
    nn.launch @k0.scale args [#nn.arg<input, 0, 0, 0>, #nn.arg<weights, 0, 0, 0>, #nn.arg<arena, 0, 0, 0>] space [0, 1]
      {nodes = ["/mul"], flops = array<i64: 0, 16>, bytes = array<i64: 64, 128>}
    nn.launch @"k1.shift+fma" args [#nn.arg<arena, 0, 0, 0>, #nn.arg<weights, 1, 0, 0>, #nn.arg<output, 0, 0, 0>] space [0, 1]
      {nodes = ["/add", "/identity"], flops = array<i64: 0, 32>, bytes = array<i64: 64, 128>}
  }
}
