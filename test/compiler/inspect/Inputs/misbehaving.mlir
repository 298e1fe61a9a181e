func.func @good(%a: i32) -> i32 {
  %c = arith.constant 0 : i32
  %b = arith.addi %a, %c : i32 loc("sum")
  return %b : i32
}
func.func @bad(%a: i32) -> i32 attributes {"test-fail", "test-segv", "test-abort", "test-fatal", "test-invalid", "test-relocate"} {
  %c = arith.constant 0 : i32
  %b = arith.addi %a, %c : i32
  return %b : i32
}
