// Time per step of the plan.
#ifndef TOOLS_LATHE_RUN_PROFILE_H
#define TOOLS_LATHE_RUN_PROFILE_H

#include "tools/lathe-run/Limits.h"

#include "lathe/lathe.h"

#include <string>
#include <vector>

namespace lathe::tools {

class Profile {
public:
  explicit Profile(Limits limits) : limits(std::move(limits)) {}

  // Hangs itself into the context; it must outlive every run until detach().
  void attach(lathe_context *context);
  void detach(lathe_context *context);

  // A table, the slowest step first.
  void print() const;
  // Chrome's trace events: the run of median length, each step with what print() shows as its arguments.
  std::string trace(const std::string &artifact, int64_t batch, int threads) const;

private:
  struct Step {
    std::string kernel, nodes;
    std::vector<std::string> nodeNames;
    std::vector<uint64_t> starts, ends; // ns, one per run
    int64_t flops, bytes;
    double milliseconds() const; // median
  };
  // What the table and the trace say of a step.
  struct Figures {
    double milliseconds, share, gflops, gigabytes, roof;
    const char *limit;
  };
  void add(const lathe_step &step);
  std::vector<Figures> figures() const;
  size_t medianRun() const;

  Limits limits;
  std::vector<Step> steps;
};

} // namespace lathe::tools

#endif
