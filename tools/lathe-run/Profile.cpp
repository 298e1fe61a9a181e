#include "tools/lathe-run/Profile.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <numeric>

namespace lathe::tools {

void Profile::attach(lathe_context *context) {
  lathe_context_set_step_callback(context, [](void *user, const lathe_step *step) { static_cast<Profile *>(user)->add(*step); }, this);
}

void Profile::detach(lathe_context *context) { lathe_context_set_step_callback(context, nullptr, nullptr); }

void Profile::add(const lathe_step &step) {
  if (steps.size() <= step.index) {
    Step added{step.kernel, "", {}, {}, step.flops, step.bytes};
    for (size_t i = 0; i < step.node_count; ++i) {
      added.nodes += (i ? " + " : "") + std::string(step.nodes[i]);
      added.nodeNames.push_back(step.nodes[i]);
    }
    steps.push_back(std::move(added));
  }
  steps[step.index].times.push_back(step.end_ns - step.start_ns);
}

// The median: one interruption must not make a step look slow.
double Profile::Step::milliseconds() const {
  std::vector<uint64_t> sorted = times;
  std::nth_element(sorted.begin(), sorted.begin() + ptrdiff_t(sorted.size() / 2), sorted.end());
  return double(sorted[sorted.size() / 2]) * 1e-6;
}

void Profile::print() const {
  std::vector<double> times;
  for (const Step &step : steps)
    times.push_back(step.milliseconds());
  double total = std::accumulate(times.begin(), times.end(), 0.0);
  std::vector<size_t> order(steps.size());
  std::iota(order.begin(), order.end(), size_t(0));
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return times[a] != times[b] ? times[a] > times[b] : a < b; });
  size_t width = 6; // of the kernels' names, which may be made of the nodes' and as long
  for (const Step &step : steps)
    width = std::min<size_t>(48, std::max(width, step.kernel.size()));
  std::printf("\n%5s %10s %7s %9s %8s  %-*s  %s\n", "step", "ms", "share", "GFLOP/s", "GB/s", int(width), "kernel", "nodes");
  for (size_t i : order) {
    const Step &step = steps[i];
    double seconds = std::max(times[i], 1e-6) * 1e-3, share = total > 0 ? 100 * times[i] / total : 0;
    std::string kernel = step.kernel.size() > width ? step.kernel.substr(0, width - 3) + "..." : step.kernel;
    std::printf("%5zu %10.4f %6.1f%% %9.1f %8.1f  %-*s  %s\n", i, times[i], share, double(step.flops) / seconds * 1e-9, double(step.bytes) / seconds * 1e-9,
                int(width), kernel.c_str(), step.nodes.c_str());
  }
  std::printf("%5s %10.4f %6.1f%%  sum of the medians of %zu runs\n", "all", total, 100.0, steps.empty() ? size_t(0) : steps[0].times.size());
}

std::string Profile::json() const {
  auto result = nlohmann::ordered_json::array();
  for (size_t i = 0; i < steps.size(); ++i)
    result.push_back({{"step", i},
                      {"kernel", steps[i].kernel},
                      {"nodes", steps[i].nodeNames},
                      {"ms", steps[i].milliseconds()},
                      {"flops", steps[i].flops},
                      {"bytes", steps[i].bytes}});
  return result.dump(1) + "\n";
}

} // namespace lathe::tools
