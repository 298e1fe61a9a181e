// nn.partial: see NNPartialOp.td. Not in NNDialect.h, since few files know of it.
#ifndef DIALECTS_NN_PARTIALOP_H
#define DIALECTS_NN_PARTIALOP_H

#include "dialects/nn/NNDialect.h"

#define GET_OP_CLASSES
#include "dialects/nn/NNPartialOp.h.inc"

#endif // DIALECTS_NN_PARTIALOP_H
