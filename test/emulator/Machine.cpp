#include "test/emulator/Machine.h"
#include "test/emulator/Memory.h"
#include "test/emulator/Settings.h"

#include <algorithm>
#include <cstring>
#include <map>

namespace lathe::emulator {

static constexpr u64 windowBytes = 256 << 10, paramBytes = 4096;

Machine &machine() {
  static Machine *result = new Machine; // never destroyed, as the memory
  return *result;
}

Machine::Machine() : random(settings().seed) {
  window = memory().allocate(windowBytes, Owner::emulator);
  params = memory().allocate(paramBytes, Owner::emulator);
  memory().expose(params, paramBytes, paramBytes);
  if (settings().races)
    detector = std::make_unique<Races>();
}

void Machine::shuffle() {
  if (settings().schedule == Schedule::random)
    std::shuffle(order.begin(), order.end(), random);
}

//===- failures
//----------------------------------------------------------------------------------------------------------------------------------------------===//

static std::string triple(const u32 *values) {
  return "(" + std::to_string(values[0]) + ", " + std::to_string(values[1]) + ", " + std::to_string(values[2]) + ")";
}

static std::string where(const Site *site) { return std::string("'") + site->text + "' (line " + std::to_string(site->line) + " of the kernel)"; }

std::string Machine::place(const Lane &lane) const {
  return "kernel '" + launch->kernel->name + "', block " + triple(lane.ctaid) + ", thread " + triple(lane.tid);
}

void Machine::stop(const std::string &message, int code) {
  failed = true;
  failureCode = code;
  failure = message;
  // What runs now never goes on.
  (current ? current->fiber : loop).switchTo(host);
  __builtin_unreachable();
}

void Machine::fail(Lane &lane, const Site *site, const std::string &what, int code) { stop(place(lane) + ": " + what + " in " + where(site), code); }

void Machine::reportDeadlock() {
  // Threads that wait at the same instruction, as ranges.
  std::map<std::string, std::string> waiting;
  std::string gone;
  auto add = [](std::string &ranges, u32 first, u32 last) {
    ranges += (ranges.empty() ? "" : ", ") + std::to_string(first) + (first == last ? "" : "-" + std::to_string(last));
  };
  for (u32 first = 0; first != threads;) {
    const Lane &lane = *lanes[first];
    u32 last = first;
    while (last + 1 != threads && lanes[last + 1]->state == lane.state && lanes[last + 1]->site == lane.site)
      ++last;
    add(lane.state == Lane::State::done ? gone : waiting[where(lane.site)], first, last);
    first = last + 1;
  }
  std::string message = "kernel '" + launch->kernel->name + "', block " + triple(lanes[0]->ctaid) + ": a deadlock, no thread can go on:";
  for (const auto &[site, ranges] : waiting)
    message += " threads " + ranges + " wait at " + site + ";";
  stop(message + (gone.empty() ? " none has ended" : " threads " + gone + " have ended"), launchFailed);
}

//===- blocks
//------------------------------------------------------------------------------------------------------------------------------------------------===//

bool Machine::run(const Launch &now) {
  launch = &now;
  failed = false;
  failure.clear();
  const KernelText &kernel = *now.kernel;
  threads = now.block[0] * now.block[1] * now.block[2];
  u32 sharedBytes = (kernel.dynamicShared ? kernel.dynamicOffset : kernel.sharedBytes) + (kernel.dynamicShared ? now.dynamicShared : 0);
  std::memcpy(reinterpret_cast<void *>(params), now.params.data(), now.params.size());
  if (u64 needed = u64(kernel.localBytes) * threads; needed > localsBytes) {
    if (locals)
      memory().free(locals, Owner::emulator);
    locals = memory().allocate(needed, Owner::emulator);
    localsBytes = needed;
    memory().expose(locals, needed, needed);
  }
  memory().expose(window, sharedBytes, windowBytes);
  while (lanes.size() < threads)
    lanes.push_back(std::make_unique<Lane>());
  order.resize(threads);
  for (u32 i = 0; i != threads; ++i)
    order[i] = settings().schedule == Schedule::descending ? threads - 1 - i : i;
  for (u32 i = 0; i != threads; ++i) {
    Lane &lane = *lanes[i];
    u32 ids[3] = {i % now.block[0], i / now.block[0] % now.block[1], i / (now.block[0] * now.block[1])};
    std::memcpy(lane.tid, ids, sizeof ids);
    std::memcpy(lane.ntid, now.block, sizeof now.block);
    std::memcpy(lane.nctaid, now.grid, sizeof now.grid);
    lane.index = i, lane.laneid = i % 32, lane.warpid = i / 32;
    lane.base = memory().base(), lane.shadow = memory().shadow(), lane.owners = memory().owners();
    lane.params = reinterpret_cast<const u8 *>(params);
    lane.shared = window, lane.sharedBytes = sharedBytes;
    lane.local = locals + u64(i) * kernel.localBytes, lane.localBytes = kernel.localBytes;
    lane.symbols = now.symbols;
    lane.services = &services;
  }
  blocks.clear();
  for (u32 z = 0; z != now.grid[2]; ++z)
    for (u32 y = 0; y != now.grid[1]; ++y)
      for (u32 x = 0; x != now.grid[0]; ++x)
        blocks.push_back({x, y, z});
  if (settings().schedule == Schedule::descending)
    std::reverse(blocks.begin(), blocks.end());
  else if (settings().schedule == Schedule::random)
    std::shuffle(blocks.begin(), blocks.end(), random);

  current = nullptr;
  if (!kernel.collective) {
    // One stack for all: a thread that goes wrong leaves it for good.
    loop.prepare(stacks.get(0), Stacks::bytes, enterLoop);
    host.switchTo(loop);
    return !failed;
  }
  for (const auto &block : blocks) {
    prepareBlock(block);
    for (u32 i = 0; i != threads; ++i)
      lanes[i]->fiber.prepare(stacks.get(i), Stacks::bytes, enterLane);
    alive = threads;
    position = 0;
    current = lanes[order[0]].get();
    host.switchTo(current->fiber);
    if (failed)
      return false;
  }
  return true;
}

void Machine::prepareBlock(const std::array<u32, 3> &block) {
  if (u32 bytes = lanes[0]->sharedBytes)
    std::memset(reinterpret_cast<void *>(window), 0xff, bytes);
  for (u32 i = 0; i != threads; ++i) {
    Lane &lane = *lanes[i];
    std::copy(block.begin(), block.end(), lane.ctaid);
    lane.state = Lane::State::ready;
    lane.site = nullptr;
    lane.open.clear();
    lane.groups.clear();
  }
  for (Barrier &barrier : barriers)
    barrier = {};
  for (u32 warp = 0; warp * 32 < threads; ++warp) {
    living[warp] = threads - warp * 32 >= 32 ? ~0u : (1u << (threads - warp * 32)) - 1;
    waiting[warp] = 0;
  }
  shuffle();
  if (detector)
    detector->beginBlock((threads + 31) / 32);
}

void Machine::enterLoop() { machine().runLoop(); }
void Machine::enterLane() { machine().runLane(); }

void Machine::runLoop() {
  for (const auto &block : blocks) {
    prepareBlock(block);
    for (u32 i : order) {
      launch->entry(lanes[i].get());
      waitForCopies(*lanes[i], 0);
    }
  }
  loop.switchTo(host);
  __builtin_unreachable();
}

void Machine::runLane() {
  Lane &lane = *current;
  launch->entry(&lane);
  waitForCopies(lane, 0);
  lane.state = Lane::State::done;
  living[lane.warpid] &= ~(1u << lane.laneid);
  --alive;
  // Whoever waited for this one too waits no longer.
  u32 first = lane.warpid * 32;
  for (u32 i = first; i != std::min(first + 32, threads); ++i)
    if (lanes[i]->state == Lane::State::atWarp)
      tryWarp(lane.warpid, lanes[i]->mask);
  for (u32 id = 0; id != 16; ++id)
    if (!barriers[id].lanes.empty())
      tryBarrier(id);
  next();
  __builtin_unreachable();
}

// Switches to the next thread that can go on; returns when this one can again.
void Machine::next() {
  Lane *self = current;
  for (size_t tried = 0; tried <= threads; ++tried) {
    if (++position == threads) {
      position = 0;
      shuffle();
    }
    Lane &candidate = *lanes[order[position]];
    if (candidate.state != Lane::State::ready)
      continue;
    if (&candidate == self)
      return;
    current = &candidate;
    self->fiber.switchTo(candidate.fiber);
    return;
  }
  // The order may have been shuffled on the way.
  for (u32 i = 0; i != threads; ++i)
    if (lanes[i]->state == Lane::State::ready) {
      current = lanes[i].get();
      if (current != self)
        self->fiber.switchTo(current->fiber);
      return;
    }
  if (alive)
    reportDeadlock();
  self->fiber.switchTo(host);
}

//===- warps
//-------------------------------------------------------------------------------------------------------------------------------------------------===//

u32 Machine::activeMask(const Lane &lane) const { return 1u << lane.laneid; }

// Threads that meet are at the same instruction, or, if it is not an aligned one, at one that says the same but for its registers.
static bool same(const Lane &a, const Lane &b) {
  if (a.site == b.site)
    return true;
  if (a.aligned || b.aligned)
    return false;
  auto opcode = [](const Site *site) {
    std::string_view text = site->text;
    if (text.starts_with("@"))
      text = text.substr(std::min(text.find(' ') + 1, text.size()));
    return text.substr(0, text.find_first_of(" \t"));
  };
  return opcode(a.site) == opcode(b.site);
}

void Machine::tryWarp(u32 warp, u32 mask) {
  if (mask & living[warp] & ~waiting[warp])
    return;
  Lane *members[32] = {};
  u32 present = 0;
  for (u32 i = 0; i != 32; ++i) {
    u32 index = warp * 32 + i;
    if (!(mask >> i & 1) || index >= threads || lanes[index]->state == Lane::State::done)
      continue;
    if (lanes[index]->state != Lane::State::atWarp || lanes[index]->mask != mask)
      return;
    members[i] = lanes[index].get();
    present |= 1u << i;
  }
  if (!present)
    return;
  Lane &first = *members[__builtin_ctz(present)];
  for (Lane *member : members)
    if (member && !same(first, *member))
      fail(*member, member->site, "a divergent collective: thread " + triple(first.tid) + " of its warp is at " + where(first.site) + ", this one");
  first.together(members, present);
  waiting[warp] &= ~present;
  for (Lane *member : members)
    if (member)
      member->state = Lane::State::ready;
}

void Machine::meet(Lane &lane, const Site *site, u32 mask, bool aligned, void *data, Together together) {
  if (!(mask >> lane.laneid & 1))
    fail(lane, site, "its own lane is not in the mask of threads");
  lane.site = site, lane.aligned = aligned, lane.mask = mask, lane.data = data, lane.together = together;
  lane.state = Lane::State::atWarp;
  waiting[lane.warpid] |= 1u << lane.laneid;
  tryWarp(lane.warpid, mask);
  if (lane.state != Lane::State::ready)
    next();
}

//===- barriers
//----------------------------------------------------------------------------------------------------------------------------------------------===//

void Machine::tryBarrier(u32 id) {
  Barrier &barrier = barriers[id];
  u32 expected = barrier.threads ? barrier.threads : alive;
  if (barrier.lanes.size() < expected)
    return;
  std::vector<u32> warps;
  u32 present[32] = {};
  for (Lane *lane : barrier.lanes) {
    if (!present[lane->warpid])
      warps.push_back(lane->warpid);
    present[lane->warpid] |= 1u << lane->laneid;
  }
  for (Lane *lane : barrier.lanes) {
    if (!lane->aligned)
      continue;
    if (warpMask(lane->warpid) & ~present[lane->warpid])
      fail(*lane, lane->site, "a divergent barrier: not all threads of its warp are");
    for (Lane *other : barrier.lanes)
      if (other->warpid == lane->warpid && other->site != lane->site && lane->state == Lane::State::atBarrier && other->state == Lane::State::atBarrier)
        fail(*lane, lane->site, "a divergent barrier: thread " + triple(other->tid) + " of its warp is at " + where(other->site) + ", this one");
  }
  if (detector)
    detector->barrier(warps);
  std::vector<Lane *> waiting = std::move(barrier.lanes);
  barrier = {};
  for (Lane *lane : waiting)
    if (lane->state == Lane::State::atBarrier && lane->barrier == id)
      lane->state = Lane::State::ready;
}

void Machine::waitAtBarrier(Lane &lane, const Site *site, u32 id, u32 count, bool wait, bool aligned) {
  if (id > 15)
    fail(lane, site, "barrier " + std::to_string(id) + ", of 16 that there are,");
  if (count % 32 || count > threads)
    fail(lane, site, "a barrier of " + std::to_string(count) + " threads, expected a multiple of 32 and at most the block,");
  Barrier &barrier = barriers[id];
  if (!barrier.lanes.empty() && barrier.threads != count)
    fail(lane, site, "a barrier of " + std::to_string(count) + " threads, of which others say that it has " + std::to_string(barrier.threads) + ",");
  barrier.threads = count;
  barrier.lanes.push_back(&lane);
  lane.site = site, lane.aligned = aligned, lane.barrier = id;
  if (wait)
    lane.state = Lane::State::atBarrier;
  tryBarrier(id);
  if (lane.state != Lane::State::ready)
    next();
}

//===- shared memory and copies to it
//------------------------------------------------------------------------------------------------------------------------===//

u64 Machine::checkShared(Lane &lane, const Site *site, u64 address, u32 bytes, Access access) {
  u64 offset = address - sharedStart;
  if (offset >= lane.sharedBytes || lane.sharedBytes - offset < bytes)
    services.fault(&lane, site, Fault::sharedOutside, address, bytes);
  if (offset % bytes)
    services.fault(&lane, site, Fault::misaligned, address, bytes);
  if (detector && access == Access::read)
    if (std::string wrong = detector->access(lane.index, site, offset, bytes, access); !wrong.empty())
      fail(lane, site, wrong);
  return lane.shared + offset;
}

void Machine::deliver(Lane &lane, std::vector<Copy> &copies) {
  for (const Copy &copy : copies) {
    std::memcpy(reinterpret_cast<void *>(copy.target), reinterpret_cast<const void *>(copy.source), copy.sourceBytes);
    std::memset(reinterpret_cast<void *>(copy.target + copy.sourceBytes), 0, copy.bytes - copy.sourceBytes);
    if (detector)
      detector->endCopy(lane.index, copy.site, copy.offset, copy.bytes);
  }
  copies.clear();
}

void Machine::copyLater(Lane &lane, const Copy &copy) {
  if (detector)
    if (std::string wrong = detector->beginCopy(lane.index, copy.site, copy.offset, copy.bytes); !wrong.empty())
      fail(lane, copy.site, wrong);
  lane.open.push_back(copy);
  // The hardware may be quick as well.
  if (settings().schedule == Schedule::random && !detector && random() % 2) {
    std::vector<Copy> one = {copy};
    lane.open.pop_back();
    deliver(lane, one);
  }
}

void Machine::commit(Lane &lane) {
  lane.groups.push_back(std::move(lane.open));
  lane.open.clear();
}

void Machine::waitForCopies(Lane &lane, u32 groups) {
  for (; lane.groups.size() > groups; lane.groups.pop_front())
    deliver(lane, lane.groups.front());
}

} // namespace lathe::emulator
