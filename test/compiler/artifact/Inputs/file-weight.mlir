// One weight of four floats at offset 8 of w.bin. The hash is that of the bytes 00 00 80 3f 00 00 00 40 00 00 40 40 00 00 80 40: 1, 2, 3, 4.
module {
  nn.plan inputs [] outputs [] weights [#nn.weight<#nn.file<"w.bin", 8, 16, "073774334669ea442864e2fee8de793462562b9dc2248d53dcbd1d3a8e70f91d">, tensor<4xf32>>] arena [0, 0] {}
}
