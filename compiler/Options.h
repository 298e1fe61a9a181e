// What a compilation is asked to do. Plain structs: tools bind their flags to them in one place (tools/lathe-compile), nothing below reads a flag.
#ifndef COMPILER_OPTIONS_H
#define COMPILER_OPTIONS_H

#include "compiler/Phase.h"
#include "compiler/Pipeline.h"
#include "compiler/import/ConstantInput.h"
#include "compiler/import/InputFormat.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace lathe {

/// Exit codes of the tools, as documented in README.md.
enum ExitCode {
  kOk = 0,
  kUsage = 1,
  kUnsupportedModel = 2,
  kInvalidInput = 3,
  kInternalError = 4,
  kRefused = 5,
  kOutputFailed = 6,
};

enum class Emit { so, obj, assembly, ptx };

struct CompileOptions {
  std::string input;  // an ONNX model or, with compileFrom, IR at the end of that phase
  std::string output; // "-" for standard output (text only)
  Emit emit = Emit::so;
  std::optional<Phase> compileFrom, compileTo;

  std::string triple; // "" for this machine's
  std::string cpu = "native";
  bool cuda = false;             // compile for NVIDIA GPUs, of which triple, cpu and targetDescription say nothing
  std::string gpuArch;           // what an artifact for GPUs embeds: "sm_80,sm_90,compute_80"; "" for PTX alone
  bool noPtx = false;            // PTX for compute_80 is not embedded beside what gpuArch says
  std::string precision;         // "tf32", "f16" or "bf16", of cuda only; "" for f32
  std::string targetDescription; // file that replaces the built-in description; "" for none
  PassSelection passes;
  std::vector<std::string> shapes;                 // "x:1..32x3x224x224"
  std::map<std::string, ConstantInput> constants;  // by input name
  std::map<std::string, InputFormat> inputFormats; // the same
  std::string externalDataRoot;
  bool weightsInFile = false;
  unsigned threads = 0; // 0: as many as this process may use

  std::string dumpDirectory; // "" for none
  bool optReport = false;
  std::string optReportFile; // "" for standard output
  std::string stepTableFile; // "" for none
  bool json = false;         // of `lathe check`
  bool timePasses = false;
  bool verifyEach = false;
  std::vector<std::string> mlirFlags; // upstream's --mlir-*
};

} // namespace lathe

#endif // COMPILER_OPTIONS_H
