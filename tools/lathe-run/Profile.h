// Time per step of the plan.
#ifndef TOOLS_LATHE_RUN_PROFILE_H
#define TOOLS_LATHE_RUN_PROFILE_H

#include "lathe/lathe.h"

#include <string>
#include <vector>

namespace lathe::tools {

class Profile {
public:
  // Hangs itself into the context; it must outlive every run until detach().
  void attach(lathe_context *context);
  void detach(lathe_context *context);

  // A table, the slowest step first.
  void print() const;
  std::string json() const;

private:
  struct Step {
    std::string kernel, nodes;
    std::vector<std::string> nodeNames;
    std::vector<uint64_t> times; // ns, one per run
    int64_t flops, bytes;
    double milliseconds() const; // median
  };
  void add(const lathe_step &step);

  std::vector<Step> steps;
};

} // namespace lathe::tools

#endif
