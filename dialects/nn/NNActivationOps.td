//===- NNActivationOps.td - activations and other functions of one element ---------------------------------------------------------------------------===//
#ifndef DIALECTS_NN_NNACTIVATIONOPS_TD
#define DIALECTS_NN_NNACTIVATIONOPS_TD

include "dialects/nn/NNElementwiseOps.td"

/// A function of one element with numbers of its own, all single precision.
class NN_ParametricOp<string mn, string formula, dag attributes, string example> : NN_UnaryOp<mn, formula> {
  let description = "`" # formula # [{`, elementwise.

```mlir
%1 = nn.}] # mn # " %0 {" # example # [{} : tensor<?x64x56x56xf32>
```
}];
  let arguments = !con((ins NN_FloatTensor:$input), attributes);
}

def NN_AbsOp : NN_UnaryOp<"abs", "|input|">;
def NN_NegOp : NN_UnaryOp<"neg", "-input">;
def NN_ReciprocalOp : NN_UnaryOp<"reciprocal", "1 / input">;
def NN_SqrtOp : NN_UnaryOp<"sqrt", "square root of input; NaN below 0">;
def NN_FloorOp : NN_UnaryOp<"floor", "largest integer that is not above input">;
def NN_CeilOp : NN_UnaryOp<"ceil", "smallest integer that is not below input">;
def NN_RoundOp : NN_UnaryOp<"round", "nearest integer, halves to the even one">;
def NN_SignOp : NN_UnaryOp<"sign", "-1, 0 or 1 as input is below, at or above 0; a NaN stays a NaN">;
def NN_ExpOp : NN_UnaryOp<"exp", "e^input">;
def NN_LogOp : NN_UnaryOp<"log", "natural logarithm of input; NaN below 0">;
def NN_ErfOp : NN_UnaryOp<"erf", "error function of input">;
def NN_TanhOp : NN_UnaryOp<"tanh", "hyperbolic tangent of input">;
def NN_SigmoidOp : NN_UnaryOp<"sigmoid", "1 / (1 + exp(-input))">;
def NN_SoftplusOp : NN_UnaryOp<"softplus", "log(1 + exp(input))">;
def NN_SoftsignOp : NN_UnaryOp<"softsign", "input / (1 + |input|)">;
def NN_MishOp : NN_UnaryOp<"mish", "input * tanh(log(1 + exp(input)))">;
def NN_HardSwishOp : NN_UnaryOp<"hard_swish", "input * min(max(input / 6 + 1/2, 0), 1)">;

def NN_ClipOp : NN_ParametricOp<"clip", "min(max(input, low), high); a NaN stays a NaN", (ins F32Attr:$low, F32Attr:$high),
  "low = 0.0 : f32, high = 6.0 : f32">;
def NN_HardSigmoidOp : NN_ParametricOp<"hard_sigmoid", "min(max(alpha * input + beta, 0), 1)", (ins F32Attr:$alpha, F32Attr:$beta),
  "alpha = 0.2 : f32, beta = 0.5 : f32">;
def NN_LeakyReluOp : NN_ParametricOp<"leaky_relu", "input, below 0 alpha * input", (ins F32Attr:$alpha), "alpha = 0.01 : f32">;
def NN_ThresholdedReluOp : NN_ParametricOp<"thresholded_relu", "input where it is above alpha, else 0", (ins F32Attr:$alpha), "alpha = 1.0 : f32">;
def NN_EluOp : NN_ParametricOp<"elu", "gamma * input, from 0 down gamma * alpha * (exp(beta * input) - 1)",
  (ins F32Attr:$alpha, F32Attr:$beta, F32Attr:$gamma), "alpha = 1.0 : f32, beta = 1.0 : f32, gamma = 1.0 : f32">;
def NN_GeluOp : NN_ParametricOp<"gelu",
  "input / 2 * (1 + erf(input / sqrt(2))), with `approximate` input / 2 * (1 + tanh(sqrt(2 / pi) * (input + 0.044715 * input^3)))",
  (ins UnitAttr:$approximate), "approximate">;
def NN_PowOp : NN_ParametricOp<"pow", "input^exponent; the exponent is -1, 0.5, 1, 2 or 3", (ins F32Attr:$exponent), "exponent = 2.0 : f32"> {
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Whether there is a short form for this exponent.
    static bool isSupported(double exponent);
  }];
}

def NN_MinOp : NN_BinaryOp<"min", "the smaller one; a NaN if either is", [Commutative]>;
def NN_MaxOp : NN_BinaryOp<"max", "the larger one; a NaN if either is", [Commutative]>;
def NN_PReluOp : NN_BinaryOp<"prelu", "lhs, below 0 lhs * rhs">;

#endif // DIALECTS_NN_NNACTIVATIONOPS_TD
