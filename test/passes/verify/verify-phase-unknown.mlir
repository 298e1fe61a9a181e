// RUN: lathe-opt %s --verify-diagnostics --lathe-verify-phase=phase=affine

// expected-error @+1 {{lathe-verify-phase expects a phase of nn, linalg, memref, loops or llvm (got 'affine')}}
module {
}
