//===- NNOps.td - all operations of the nn dialect, for TableGen ---------------------------------------------------------------------------------------===//
#ifndef DIALECTS_NN_NNOPS_TD
#define DIALECTS_NN_NNOPS_TD

include "dialects/nn/NNActivationOps.td"
include "dialects/nn/NNDataOps.td"
include "dialects/nn/NNElementwiseOps.td"
include "dialects/nn/NNLoweringOps.td"
include "dialects/nn/NNProgramOps.td"
include "dialects/nn/NNReduceOps.td"
include "dialects/nn/NNWindowedOps.td"

#endif // DIALECTS_NN_NNOPS_TD
