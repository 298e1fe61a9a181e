// PTX to C++: one text for each entry of a module.
#ifndef TEST_EMULATOR_TRANSLATE_H
#define TEST_EMULATOR_TRANSLATE_H

#include "test/emulator/Ptx.h"

namespace lathe::emulator {

struct KernelText {
  std::string name;
  std::string code; // to follow Abi.h and Device.h; defines `kernel`
  std::vector<u32> paramOffsets, paramSizes;
  u32 paramBytes = 0;
  u32 sharedBytes = 0; // static
  bool dynamicShared = false;
  u32 dynamicOffset = 0; // where dynamic shared memory begins
  u32 localBytes = 0;
  bool collective = false; // threads meet, so each needs a stack of its own
  u32 maxThreads = 0, requiredThreads[3] = {0, 0, 0};
};

struct Variable {
  std::string name;
  u64 bytes = 0;
  u32 align = 1;
  std::vector<u8> content;
  struct Reference {
    u64 offset;
    u32 variable;
    u64 addend;
  };
  std::vector<Reference> references;
};

struct ModuleText {
  u32 version = 0, target = 0; // 70 is 7.0, 80 is sm_80
  bool exactTarget = false;    // sm_90a: for no other device
  std::vector<KernelText> kernels;
  std::vector<Variable> variables; // in global and constant memory
};

// Throws PtxError, with the instruction's name if it is an unknown one.
ModuleText translate(std::string_view ptx);

} // namespace lathe::emulator

#endif
