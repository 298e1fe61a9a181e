/* What this machine is: architecture, CPU features, usable CPUs. */
#ifndef RUNTIME_CPU_MACHINE_H
#define RUNTIME_CPU_MACHINE_H

#include <stdbool.h>
#include <stddef.h>

/* "x86_64" or "aarch64", as in a target triple. */
const char *lt_machine_arch(void);
/* The ELF machine number (EM_…) of that. */
unsigned lt_machine_elf(void);

typedef enum lt_feature_state { LT_FEATURE_UNKNOWN, LT_FEATURE_MISSING, LT_FEATURE_PRESENT } lt_feature_state;
/* `name` is LLVM's, not terminated. A feature counts as present only if the operating system saves its registers too. */
lt_feature_state lt_machine_feature(const char *name, size_t length);
/* The value of --mcpu that names the most of what this machine can run. */
const char *lt_machine_best_cpu(void);

/* CPUs that this process may use: affinity mask and cgroup quota, at least 1. */
int lt_machine_cpus(void);
/* Whole CPUs that the cgroup quota allows, at least 1; 0 if there is no quota. The paths are parameters so that tests can stage them. */
int lt_cgroup_cpus(const char *proc_self_cgroup, const char *cgroup_root);

#endif
