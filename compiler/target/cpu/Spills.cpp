// LLVM's remarks about register allocation say how much each loop spills, of whatever kind. What matters is vectors in the loops that do the arithmetic, so
// the code itself is looked at when a remark comes: accesses of the stack that are as wide as a vector, beside the loads and multiply-adds of that loop.
#include "compiler/target/cpu/Spills.h"

#include "llvm/Analysis/LoopInfo.h"
#include "llvm/CodeGen/MachineFunction.h"
#include "llvm/CodeGen/MachineMemOperand.h"
#include "llvm/CodeGen/MachineOptimizationRemarkEmitter.h"
#include "llvm/CodeGen/PseudoSourceValue.h"
#include "llvm/IR/DiagnosticInfo.h"
#include "llvm/IR/DiagnosticPrinter.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/IntrinsicInst.h"

using namespace lathe;
using llvm::StringRef;

namespace {

/// One iteration of a loop.
struct Iteration {
  unsigned multiplyAdds = 0, loads = 0, stores = 0;
  unsigned accumulators = 0; // that each wait for their own multiply-adds

  /// Cycles by ports and by latency. What a core can do in a cycle besides is not counted, but for control, which keeps empty loops from looking free.
  double cycles(nn::TargetAttr target) const {
    constexpr double kControl = 1;
    double chain = accumulators ? static_cast<double>(multiplyAdds) / accumulators * target.getFmaLatency() : 0;
    return std::max({multiplying(target), static_cast<double>(loads) / target.getLoadsPerCycle(), static_cast<double>(stores), chain}) + kControl;
  }
  double multiplying(nn::TargetAttr target) const { return static_cast<double>(multiplyAdds) / target.getFmaPerCycle(); }
};

bool isVector(const llvm::Value &v) { return v.getType()->isVectorTy(); }

Iteration count(const llvm::Loop &loop) {
  Iteration n;
  for (const llvm::PHINode &phi : loop.getHeader()->phis())
    n.accumulators += isVector(phi);
  for (const llvm::BasicBlock *block : loop.blocks())
    for (const llvm::Instruction &i : *block) {
      auto *call = llvm::dyn_cast<llvm::IntrinsicInst>(&i);
      n.multiplyAdds += call && isVector(i) && (call->getIntrinsicID() == llvm::Intrinsic::fma || call->getIntrinsicID() == llvm::Intrinsic::fmuladd);
      n.loads += llvm::isa<llvm::LoadInst>(i);
      n.stores += llvm::isa<llvm::StoreInst>(i);
    }
  return n;
}

class Listener : public llvm::DiagnosticHandler {
public:
  Listener(nn::TargetAttr target, Spills &spills, std::string &error) : target(target), spills(spills), error(error) {}

  bool handleDiagnostics(const llvm::DiagnosticInfo &info) override {
    if (llvm::isa<llvm::DiagnosticInfoOptimizationBase>(info)) {
      // Other passes' remarks come as well; only the allocator's per-loop ones have a block, the loop's header.
      auto *remark = llvm::dyn_cast<llvm::DiagnosticInfoMIROptimization>(&info);
      if (remark && StringRef(remark->getPassName()) == "regalloc" && remark->getBlock())
        addLoop(*remark);
      return true;
    }
    if (info.getSeverity() == llvm::DS_Error && error.empty()) {
      llvm::raw_string_ostream os(error);
      llvm::DiagnosticPrinterRawOStream printer(os);
      info.print(printer);
    }
    return true;
  }
  bool isMissedOptRemarkEnabled(StringRef pass) const override { return pass == "regalloc"; }
  bool isAnyRemarkEnabled() const override { return true; }

private:
  void addLoop(const llvm::DiagnosticInfoMIROptimization &remark) {
    const llvm::MachineBasicBlock &header = *remark.getBlock();
    const llvm::BasicBlock *block = header.getBasicBlock();
    if (!block)
      return;
    llvm::DominatorTree dominators(*const_cast<llvm::Function *>(block->getParent()));
    llvm::LoopInfo loops(dominators);
    const llvm::Loop *loop = loops.getLoopFor(block);
    if (!loop || loop->getHeader() != block || !loop->isInnermost())
      return;
    unsigned spilled = 0, reloaded = 0;
    for (const llvm::DiagnosticInfoOptimizationBase::Argument &argument : remark.getArgs()) {
      unsigned value = 0;
      if (StringRef(argument.Val).getAsInteger(10, value))
        continue;
      if (StringRef(argument.Key).ends_with("Spills"))
        spilled += value;
      else if (argument.Key == "NumReloads" || argument.Key == "NumFoldedReloads")
        reloaded += value;
    }
    spills.spills += spilled;
    spills.reloads += reloaded;
    spills.loops += spilled + reloaded > 0;
    Iteration n = count(*loop);
    if (!n.multiplyAdds)
      return;
    double before = n.cycles(target);
    addStackVectors(*header.getParent(), *loop, n);
    spills.lost += n.cycles(target) - before;
  }

  /// Adds the loop's accesses of vectors on the stack, of which the kernels' own code has none.
  static void addStackVectors(const llvm::MachineFunction &function, const llvm::Loop &loop, Iteration &n) {
    constexpr uint64_t kVectorBytes = 16;
    for (const llvm::MachineBasicBlock &block : function) {
      if (!block.getBasicBlock() || !loop.contains(block.getBasicBlock()))
        continue;
      for (const llvm::MachineInstr &i : block)
        for (const llvm::MachineMemOperand *access : i.memoperands()) {
          const llvm::PseudoSourceValue *place = access->getPseudoValue();
          if (!place || place->kind() != llvm::PseudoSourceValue::FixedStack || !access->getSize().hasValue() ||
              access->getSize().getValue().getKnownMinValue() < kVectorBytes)
            continue;
          n.loads += access->isLoad();
          n.stores += access->isStore();
        }
    }
  }

  nn::TargetAttr target;
  Spills &spills;
  std::string &error;
};

} // namespace

void lathe::measureLoops(const llvm::Module &module, nn::TargetAttr target, Spills &spills) {
  for (const llvm::Function &function : module) {
    if (function.isDeclaration())
      continue;
    llvm::DominatorTree dominators(const_cast<llvm::Function &>(function));
    llvm::LoopInfo loops(dominators);
    for (const llvm::Loop *loop : loops.getLoopsInPreorder())
      if (loop->isInnermost())
        if (Iteration n = count(*loop); n.multiplyAdds) {
          spills.multiplying += n.multiplying(target);
          spills.needed += n.cycles(target);
        }
  }
}

std::unique_ptr<llvm::DiagnosticHandler> lathe::listenToCodegen(nn::TargetAttr target, Spills &spills, std::string &error) {
  return std::make_unique<Listener>(target, spills, error);
}
