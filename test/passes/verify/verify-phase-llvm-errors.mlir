// RUN: lathe-opt %s --split-input-file --verify-diagnostics --lathe-verify-phase=phase=llvm

// expected-error @+1 {{phase llvm expects one nn.plan (got 0)}}
module {
}

// -----

// expected-error @+1 {{phase llvm expects one nn.plan (got 2)}}
module {
  nn.plan inputs [] outputs [] weights [] arena [0, 0] {
  }
  nn.plan inputs [] outputs [] weights [] arena [0, 0] {
  }
}

// -----

nn.plan inputs [] outputs [] weights [] arena [0, 0] {
}
// expected-error @+1 {{'func.func' op phase llvm expects only operations that are legal in it}}
func.func private @k0()

// -----

nn.plan inputs [] outputs [] weights [] arena [0, 0] {
}
// expected-error @+1 {{phase llvm expects kernels, memcpy, memmove and memset only (got @main)}}
llvm.func @main(%a: !llvm.ptr, %s: !llvm.ptr, %b: i64, %e: i64) {
  llvm.return
}
// expected-error @+1 {{phase llvm expects kernels, memcpy, memmove and memset only (got @expf)}}
llvm.func @expf(f32) -> f32

// -----

nn.plan inputs [] outputs [] weights [] arena [0, 0] {
}
llvm.func @memcpy(!llvm.ptr, !llvm.ptr, i64) -> !llvm.ptr
// expected-error @+1 {{phase llvm expects kernels of type !llvm.func<void (ptr, ptr, i64, i64)> (got !llvm.func<void (ptr)>)}}
llvm.func @k0(%a: !llvm.ptr) {
  llvm.return
}
