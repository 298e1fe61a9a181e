// What `lathe check` says of a model: text for people, JSON for programs.
#ifndef COMPILER_CHECKREPORT_H
#define COMPILER_CHECKREPORT_H

#include "compiler/import/Import.h"

namespace lathe {

/// A sentence of the importer in its parts. All but the first may be empty; they point into the sentence.
struct ReasonParts {
  llvm::StringRef problem, supported, hint;
  llvm::StringRef attribute; // the name of the attribute at fault
  llvm::StringRef input;     // the index of the input at fault, decimal
};
/// "PROBLEM; supported: …; hint: …", where the problem says "attribute NAME" or "input INDEX (ROLE) 'VALUE'" of what is at fault. The hint may come before what
/// is supported.
ReasonParts partsOf(llvm::StringRef reason);

/// A line on the model's operators and one on how many nodes cannot be compiled. Nothing for a file that could not be read.
void printCheckText(const ImportReport &report, llvm::StringRef model, llvm::raw_ostream &os);
/// One object; docs/Diagnostics.md holds its schema.
void printCheckJson(const ImportReport &report, llvm::StringRef model, llvm::raw_ostream &os);

} // namespace lathe

#endif // COMPILER_CHECKREPORT_H
