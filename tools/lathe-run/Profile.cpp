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
    Step added{step.kernel, "", {}, {}, {}, step.flops, step.bytes};
    for (size_t i = 0; i < step.node_count; ++i) {
      added.nodes += (i ? " + " : "") + std::string(step.nodes[i]);
      added.nodeNames.push_back(step.nodes[i]);
    }
    steps.push_back(std::move(added));
  }
  steps[step.index].starts.push_back(step.start_ns);
  steps[step.index].ends.push_back(step.end_ns);
}

// The median: one interruption must not make a step look slow.
double Profile::Step::milliseconds() const {
  std::vector<uint64_t> sorted(starts.size());
  std::transform(ends.begin(), ends.end(), starts.begin(), sorted.begin(), std::minus<>());
  std::nth_element(sorted.begin(), sorted.begin() + ptrdiff_t(sorted.size() / 2), sorted.end());
  return double(sorted[sorted.size() / 2]) * 1e-6;
}

std::vector<Profile::Figures> Profile::figures() const {
  std::vector<Figures> result;
  double total = 0;
  for (const Step &step : steps) {
    double milliseconds = step.milliseconds(), seconds = std::max(milliseconds, 1e-6) * 1e-3;
    bool idle = step.flops <= 0 && step.bytes <= 0;
    result.push_back({milliseconds, 0, double(step.flops) / seconds * 1e-9, double(step.bytes) / seconds * 1e-9,
                      limits.known() ? limits.seconds(step.flops, step.bytes) / seconds : 0,
                      !limits.known()                           ? "?"
                      : idle                                    ? "none"
                      : limits.isMemory(step.flops, step.bytes) ? "memory"
                                                                : "arithmetic"});
    total += milliseconds;
  }
  for (Figures &each : result)
    each.share = total > 0 ? each.milliseconds / total : 0;
  return result;
}

void Profile::print() const {
  std::vector<Figures> each = figures();
  std::vector<size_t> order(steps.size());
  std::iota(order.begin(), order.end(), size_t(0));
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return std::pair(-each[a].milliseconds, a) < std::pair(-each[b].milliseconds, b); });
  size_t width = 6; // of the kernels' names, which may be made of the nodes' and as long
  for (const Step &step : steps)
    width = std::min<size_t>(48, std::max(width, step.kernel.size()));
  std::printf("\n%5s %10s %7s %9s %8s %6s of %-10s  %-*s  %s\n", "step", "ms", "share", "GFLOP/s", "GB/s", "roof", "what", int(width), "kernel", "nodes");
  double total = 0, least = 0;
  for (size_t i : order) {
    const Step &step = steps[i];
    std::string kernel = step.kernel.size() > width ? step.kernel.substr(0, width - 3) + "..." : step.kernel;
    std::printf("%5zu %10.4f %6.1f%% %9.1f %8.1f %5.0f%% of %-10s  %-*s  %s\n", i, each[i].milliseconds, 100 * each[i].share, each[i].gflops, each[i].gigabytes,
                100 * each[i].roof, each[i].limit, int(width), kernel.c_str(), step.nodes.c_str());
    total += each[i].milliseconds;
    least += each[i].milliseconds * each[i].roof;
  }
  std::printf("%5s %10.4f %6.1f%% %9s %8s %5.0f%%                sum of the medians of %zu runs\n", "all", total, 100.0, "", "",
              total > 0 ? 100 * least / total : 0, steps.empty() ? size_t(0) : steps[0].starts.size());
  std::printf("roofline    %s\n", limits.known() ? limits.text().c_str() : "not known of a GPU; give it as --roofline");
}

size_t Profile::medianRun() const {
  std::vector<size_t> order(steps[0].starts.size());
  std::iota(order.begin(), order.end(), size_t(0));
  auto middle = order.begin() + ptrdiff_t(order.size() / 2);
  auto length = [&](size_t run) { return steps.back().ends[run] - steps[0].starts[run]; };
  std::nth_element(order.begin(), middle, order.end(), [&](size_t a, size_t b) { return length(a) < length(b); });
  return *middle;
}

std::string Profile::trace(const std::string &artifact, int64_t batch, int threads) const {
  using Json = nlohmann::ordered_json;
  Json events = Json::array({{{"ph", "M"}, {"pid", 1}, {"tid", 1}, {"name", "process_name"}, {"args", {{"name", artifact}}}},
                             {{"ph", "M"}, {"pid", 1}, {"tid", 1}, {"name", "thread_name"}, {"args", {{"name", "steps"}}}}});
  std::vector<Figures> each = figures();
  size_t run = steps.empty() ? 0 : medianRun();
  for (size_t i = 0; i < steps.size(); ++i) {
    const Step &step = steps[i];
    events.push_back({{"ph", "X"},
                      {"pid", 1},
                      {"tid", 1},
                      {"name", step.nodes.empty() ? step.kernel : step.nodes},
                      {"cat", each[i].limit},
                      {"ts", double(step.starts[run] - steps[0].starts[run]) * 1e-3},
                      {"dur", double(step.ends[run] - step.starts[run]) * 1e-3},
                      {"args",
                       {{"step", i},
                        {"kernel", step.kernel},
                        {"nodes", step.nodeNames},
                        {"ms", each[i].milliseconds},
                        {"share", each[i].share},
                        {"flops", step.flops},
                        {"bytes", step.bytes},
                        {"gflops_per_s", each[i].gflops},
                        {"gb_per_s", each[i].gigabytes},
                        {"roofline", each[i].roof}}}});
  }
  Json result = {{"displayTimeUnit", "ns"},
                 {"otherData",
                  {{"artifact", artifact},
                   {"batch", batch},
                   {"threads", threads},
                   {"runs", steps.empty() ? size_t(0) : steps[0].starts.size()},
                   {"roofline", limits.known() ? limits.text() : "not known"}}},
                 {"traceEvents", events}};
  return result.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

} // namespace lathe::tools
