func.func private @scale(%x: f32) -> f32 {
  %two = arith.constant 2.0 : f32 loc("scale/two")
  %dead = arith.constant 3.0 : f32
  %y = arith.mulf %x, %two : f32 loc(fused["scale", "shared"])
  return %y : f32
}
func.func @main(%buffer: memref<?xf32>, %n: index loc("n")) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %n step %c1 {
    %x = memref.load %buffer[%i] : memref<?xf32> loc("load<\22x\22>")
    %y = func.call @scale(%x) : (f32) -> f32 loc(callsite("relu" at "main"))
    memref.store %y, %buffer[%i] : memref<?xf32> loc("store")
  } loc("loop")
  return
}
