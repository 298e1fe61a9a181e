#include "dialects/nn/NNDialect.h"
#include "dialects/nn/PartialOp.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

#include "dialects/nn/NNDialect.cpp.inc"
#include "dialects/nn/NNEnums.cpp.inc"
using namespace mlir;

/// What a tiling has besides, in any number: `, winograd = [4, 4], images = 8`.
static ParseResult parseTilingOptions(AsmParser &parser, SmallVector<int64_t> &winograd, int64_t &images, SmallVector<int64_t> &prefetch, int64_t &share,
                                      int64_t &streams, SmallVector<int64_t> &block) {
  share = 1; // what generated parsers pass is 0, whatever the parameter's default is
  while (succeeded(parser.parseOptionalComma())) {
    const std::pair<StringRef, SmallVector<int64_t> &> lists[] = {{"winograd", winograd}, {"prefetch", prefetch}, {"block", block}};
    auto list = llvm::find_if(lists, [&](const auto &l) { return succeeded(parser.parseOptionalKeyword(l.first)); });
    if (list != std::end(lists)) {
      if (parser.parseEqual() || parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, [&] { return parser.parseInteger(list->second.emplace_back()); }))
        return failure();
      continue;
    }
    const std::pair<StringRef, int64_t &> numbers[] = {{"share", share}, {"streams", streams}};
    auto named = llvm::find_if(numbers, [&](const auto &number) { return succeeded(parser.parseOptionalKeyword(number.first)); });
    if (named == std::end(numbers) && parser.parseKeyword("images", ", 'block', 'prefetch', 'share', 'streams', 'winograd' or '>'"))
      return failure();
    if (parser.parseEqual() || parser.parseInteger(named == std::end(numbers) ? images : named->second))
      return failure();
  }
  return success();
}

static void printTilingOptions(AsmPrinter &printer, ArrayRef<int64_t> winograd, int64_t images, ArrayRef<int64_t> prefetch, int64_t share, int64_t streams,
                               ArrayRef<int64_t> block) {
  auto list = [&](StringRef name, ArrayRef<int64_t> values) {
    if (values.empty())
      return;
    printer << ", " << name << " = [";
    llvm::interleaveComma(values, printer);
    printer << "]";
  };
  list("winograd", winograd);
  if (images)
    printer << ", images = " << images;
  list("prefetch", prefetch);
  if (share > 1)
    printer << ", share = " << share;
  if (streams)
    printer << ", streams = " << streams;
  list("block", block);
}

#define GET_ATTRDEF_CLASSES
#include "dialects/nn/NNAttrs.cpp.inc"
#include "dialects/nn/NNInterfaces.cpp.inc"
#define GET_OP_CLASSES
#include "dialects/nn/NNOps.cpp.inc"

using namespace lathe::nn;

void NNDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/nn/NNAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/nn/NNOps.cpp.inc"
      >();
  addOperations<PartialOp>();
}
