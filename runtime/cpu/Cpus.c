/* How many CPUs this process may use. A quota counts as well as a mask: threads beyond it do not run at the same time, and a thread that is throttled
 * while others wait for it costs more than it adds. */
#define _GNU_SOURCE
#include "runtime/cpu/Machine.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Reads the start of a small text file, terminated; false if it cannot be read. */
static bool read_text(const char *path, char *text, size_t size) {
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return false;
  size_t used = 0;
  ssize_t got;
  while (used < size - 1 && (got = read(file, text + used, size - 1 - used)) > 0)
    used += (size_t)got;
  close(file);
  text[used] = 0;
  return used > 0;
}

/* Whole CPUs of a quota of `quota` time units per `period`; 0 if there is none. Rounded down: see above. */
static int quota_cpus(long long quota, long long period) {
  if (quota <= 0 || period <= 0)
    return 0;
  long long cpus = quota / period;
  return cpus < 1 ? 1 : cpus > INT_MAX ? INT_MAX : (int)cpus;
}

static int folder_quota(const char *folder, bool version2) {
  char path[PATH_MAX + 64], text[128];
  if (version2) {
    snprintf(path, sizeof path, "%s/cpu.max", folder);
    long long quota, period;
    return read_text(path, text, sizeof text) && sscanf(text, "%lld %lld", &quota, &period) == 2 ? quota_cpus(quota, period) : 0; /* or "max …" */
  }
  snprintf(path, sizeof path, "%s/cpu.cfs_quota_us", folder);
  if (!read_text(path, text, sizeof text))
    return 0;
  long long quota = atoll(text); /* -1: none */
  snprintf(path, sizeof path, "%s/cpu.cfs_period_us", folder);
  return read_text(path, text, sizeof text) ? quota_cpus(quota, atoll(text)) : 0;
}

static int smaller_quota(int a, int b) { return a == 0 ? b : b == 0 || a < b ? a : b; }

/* The smallest quota from `group` up to the root. Inside a container the group's path may not be visible, but the root then is the container's own. */
static int tightest_quota(const char *root, const char *group, bool version2) {
  char folder[PATH_MAX];
  size_t root_length = strlen(root);
  if ((size_t)snprintf(folder, sizeof folder, "%s%s", root, group) >= sizeof folder)
    return 0;
  int result = folder_quota(folder, version2);
  while (strlen(folder) > root_length) {
    *strrchr(folder, '/') = 0;
    if (strlen(folder) < root_length)
      break;
    result = smaller_quota(result, folder_quota(folder, version2));
  }
  return result;
}

/* Is "cpu" one of the comma-separated controllers? */
static bool names_cpu(const char *controllers, const char *end) {
  for (const char *name = controllers; name < end;) {
    const char *comma = memchr(name, ',', (size_t)(end - name));
    const char *stop = comma ? comma : end;
    if (stop - name == 3 && memcmp(name, "cpu", 3) == 0)
      return true;
    name = stop + 1;
  }
  return false;
}

int lt_cgroup_cpus(const char *proc_self_cgroup, const char *cgroup_root) {
  char text[8192], root[PATH_MAX];
  if (!read_text(proc_self_cgroup, text, sizeof text))
    return 0;
  int result = 0;
  /* Lines are "ID:CONTROLLERS:PATH"; "0::PATH" is version 2. */
  char *rest = NULL;
  for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
    char *controllers = strchr(line, ':');
    char *group = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!group || group[1] != '/' || strstr(group, "/.."))
      continue;
    bool version2 = group == controllers + 1;
    if (!version2 && !names_cpu(controllers + 1, group))
      continue;
    if ((size_t)snprintf(root, sizeof root, version2 ? "%s" : "%s/cpu", cgroup_root) >= sizeof root)
      continue;
    result = smaller_quota(result, tightest_quota(root, group + 1, version2));
  }
  return result;
}

static int affinity_cpus(void) {
  /* The kernel refuses a mask smaller than its own, whose size it does not tell. */
  for (int bits = 1024; bits <= 1 << 20; bits *= 2) {
    cpu_set_t *set = CPU_ALLOC(bits);
    if (!set)
      break;
    size_t size = CPU_ALLOC_SIZE(bits);
    int count = sched_getaffinity(0, size, set) == 0 ? CPU_COUNT_S(size, set) : 0;
    CPU_FREE(set);
    if (count > 0)
      return count;
  }
  return 1;
}

int lt_machine_cpus(void) {
  int quota = lt_cgroup_cpus("/proc/self/cgroup", "/sys/fs/cgroup");
  return smaller_quota(affinity_cpus(), quota);
}
