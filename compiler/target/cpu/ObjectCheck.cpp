#include "compiler/target/cpu/ObjectCheck.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Object/ObjectFile.h"

using namespace mlir;
using llvm::StringRef;

LogicalResult lathe::checkUndefinedSymbols(StringRef object, StringRef kernel, std::string &error) {
  auto fail = [&](const llvm::Twine &what) {
    error = ("internal error: kernel '" + kernel + "': " + what).str();
    return failure();
  };
  auto file = llvm::object::ObjectFile::createObjectFile(llvm::MemoryBufferRef(object, kernel));
  if (!file)
    return fail("generated object cannot be read: " + llvm::toString(file.takeError()));
  for (const llvm::object::SymbolRef &symbol : (*file)->symbols()) {
    llvm::Expected<uint32_t> flags = symbol.getFlags();
    llvm::Expected<StringRef> name = symbol.getName();
    if (!flags || !name)
      return fail("symbols of the generated object cannot be read: " + llvm::toString(llvm::joinErrors(flags.takeError(), name.takeError())));
    if ((*flags & llvm::object::SymbolRef::SF_Undefined) && !name->empty() && !llvm::is_contained({"memcpy", "memset", "memmove"}, *name))
      return fail("generated code calls '" + *name + "' (expects nothing beyond memcpy, memset and memmove)");
  }
  return success();
}
