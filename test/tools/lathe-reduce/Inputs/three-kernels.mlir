func.func private @a(%x: memref<8xf32>) attributes {nn.kernel} {
  %z = arith.constant 0.0 : f32
  scf.forall (%i) in (8) {
    memref.store %z, %x[%i] : memref<8xf32>
  }
  return
}
func.func private @b(%x: memref<8xf32>) attributes {nn.kernel} {
  %z = arith.constant 1.0 : f32
  scf.forall (%i) = (0) to (8) step (2) {
    memref.store %z, %x[%i] : memref<8xf32>
  }
  return
}
func.func private @c(%x: memref<8xf32>) attributes {nn.kernel} {
  %z = arith.constant 2.0 : f32
  scf.forall (%i) in (8) {
    memref.store %z, %x[%i] : memref<8xf32>
  }
  return
}
