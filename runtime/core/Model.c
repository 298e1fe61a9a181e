#define _GNU_SOURCE
#include "runtime/core/Model.h"

#include "runtime/core/Error.h"
#include "runtime/cpu/Machine.h"
#include "runtime/cuda/Gpu.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *elf_arch(unsigned machine) { return machine == EM_X86_64 ? "x86_64" : machine == EM_AARCH64 ? "aarch64" : "another architecture"; }

/* Nothing of the artifact has been loaded yet: what cannot run here is refused by name, not met as an illegal instruction. */
static lathe_status check_machine(const lathe_model *model, lathe_error *error) {
  const lt_manifest *m = &model->manifest;
  const lathe_range triple = m->header->target_triple;
  const char *text = m->strings + triple.offset, *arch = lt_machine_arch();
  const char *dash = memchr(text, '-', triple.length);
  size_t length = dash ? (size_t)(dash - text) : triple.length;
  if (!m->gpu && (length != strlen(arch) || memcmp(text, arch, length) != 0))
    return lt_fail(error, LATHE_REFUSED, "%s: is compiled for %.*s, this machine is %s", model->path, (int)triple.length, text, arch);
  if (model->elf.machine != lt_machine_elf())
    return lt_fail(error, LATHE_REFUSED, "%s: is compiled for %s, this machine is %s", model->path, elf_arch(model->elf.machine), arch);
  for (uint32_t i = 0; i < m->header->features.count; ++i) {
    lathe_range range = m->features[i];
    const char *name = m->strings + range.offset;
    switch (lt_machine_feature(name, range.length)) {
    case LT_FEATURE_PRESENT:
      break;
    case LT_FEATURE_MISSING:
      return lt_fail(error, LATHE_REFUSED, "%s: needs the CPU feature %.*s, which this machine lacks; recompile with --mcpu=%s", model->path, (int)range.length,
                     name, lt_machine_best_cpu());
    case LT_FEATURE_UNKNOWN:
      return lt_fail(error, LATHE_REFUSED, "%s: needs the CPU feature %.*s, which this runtime does not know; use a newer runtime", model->path,
                     (int)range.length, name);
    }
  }
  return LATHE_OK;
}

static lathe_status damaged_code(const lathe_model *model, const char *what, lathe_error *error) {
  return lt_fail(error, LATHE_REFUSED, "%s: is damaged: %s", model->path, what);
}

/* address + offset, if [that, that + bytes) lies in the loaded object (in code, if asked for). */
static const void *resolve(const lathe_model *model, const void *member, int64_t offset, uint64_t bytes, bool executable) {
  uintptr_t base = lt_library_base(model->library);
  int64_t address;
  if (__builtin_add_overflow((int64_t)((uintptr_t)member - base), offset, &address) || address < 0 ||
      !lt_elf_contains(&model->elf, (uint64_t)address, bytes, executable))
    return NULL;
  return (const void *)(base + (uintptr_t)address);
}

/* Code for GPUs is data of the object. */
static lathe_status resolve_images(lathe_model *model, const lathe_artifact_entry *entry, lathe_error *error) {
  if (entry->kernel_count != 0)
    return damaged_code(model, "it is for GPUs and has code for CPUs", error);
  uint64_t bytes = model->manifest.gpu->images_bytes;
  if (!bytes)
    return LATHE_OK;
  model->images = resolve(model, &entry->kernels_offset, entry->kernels_offset, bytes, false);
  if (!model->images || (uintptr_t)model->images % LATHE_ALIGNMENT != 0)
    return damaged_code(model, "its images do not lie in the object", error);
  return LATHE_OK;
}

static lathe_status resolve_kernels(lathe_model *model, const lathe_artifact_entry *entry, lathe_error *error) {
  const lathe_manifest_header *h = model->manifest.header;
  if (entry->kernel_count != h->kernels.count)
    return lt_fail(error, LATHE_REFUSED, "%s: is damaged: the manifest has %u kernels, the code %u", model->path, h->kernels.count, entry->kernel_count);
  if (!h->kernels.count)
    return LATHE_OK;
  const int32_t *offsets = resolve(model, &entry->kernels_offset, entry->kernels_offset, (uint64_t)h->kernels.count * sizeof *offsets, false);
  if (!offsets || (uintptr_t)offsets % sizeof *offsets != 0)
    return damaged_code(model, "its table of kernels does not lie in the object", error);
  lathe_kernel_fn *kernels = malloc(h->kernels.count * sizeof *kernels);
  if (!kernels)
    return lt_fail(error, LATHE_INTERNAL, "%s: no memory to load it", model->path);
  model->kernels = kernels;
  for (uint32_t i = 0; i < h->kernels.count; ++i) {
    const void *code = resolve(model, &offsets[i], offsets[i], 1, true);
    if (!code)
      return lt_fail(error, LATHE_REFUSED, "%s: is damaged: kernel '%s' does not lie in the code", model->path, model->kernel_names[i]);
    kernels[i] = (lathe_kernel_fn)(uintptr_t)code;
  }
  return LATHE_OK;
}

static lathe_status resolve_code(lathe_model *model, lathe_error *error) {
  const lathe_manifest_header *h = model->manifest.header;
  const lathe_artifact_entry *entry = lt_library_symbol(model->library, LATHE_ENTRY_SYMBOL);
  if (!entry)
    return lt_fail(error, LATHE_REFUSED, "%s: is not a Lathe artifact (no symbol " LATHE_ENTRY_SYMBOL ")", model->path);
  if ((uintptr_t)entry % _Alignof(lathe_artifact_entry) != 0 || !resolve(model, entry, 0, sizeof *entry, false))
    return damaged_code(model, "its entry does not lie in the object", error);
  if (memcmp(entry->magic, LATHE_MANIFEST_MAGIC, sizeof entry->magic) != 0 || entry->format_major != LATHE_FORMAT_MAJOR)
    return damaged_code(model, "its entry has another format than its manifest", error);
  lathe_status status = model->manifest.gpu ? resolve_images(model, entry, error) : resolve_kernels(model, entry, error);
  if (status != LATHE_OK)
    return status;

  bool embedded = entry->weights_offset != 0;
  if (embedded && h->weights_file.length)
    return damaged_code(model, "its weights are both embedded and in a file", error);
  if (embedded) {
    model->weights = resolve(model, &entry->weights_offset, entry->weights_offset, h->weights_bytes, false);
    if (!model->weights || (uintptr_t)model->weights % LATHE_ALIGNMENT != 0)
      return damaged_code(model, "its weights do not lie in the object", error);
  } else if (h->weights_bytes && !h->weights_file.length) {
    return damaged_code(model, "it has no weights", error);
  }
  return LATHE_OK;
}

static lathe_status map_weights_file(lathe_model *model, bool in_memory, lathe_error *error) {
  const lathe_manifest_header *h = model->manifest.header;
  if (!h->weights_file.length || !h->weights_bytes)
    return LATHE_OK;
  if (in_memory)
    return lt_fail(error, LATHE_INVALID_INPUT, "%s: its weights are in a file, '%.*s', which cannot be found from memory; load it from its file", model->path,
                   (int)h->weights_file.length, model->manifest.strings + h->weights_file.offset);
  char path[PATH_MAX];
  const char *slash = strrchr(model->path, '/');
  int folder = slash ? (int)(slash + 1 - model->path) : 0;
  if (snprintf(path, sizeof path, "%.*s%.*s", folder, model->path, (int)h->weights_file.length, model->manifest.strings + h->weights_file.offset) >=
      (int)sizeof path)
    return lt_fail(error, LATHE_INVALID_INPUT, "%s: the path of its weights file is too long", model->path);
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return lt_fail(error, LATHE_INVALID_INPUT, "%s: cannot open its weights file '%s': %s", model->path, path, strerror(errno));
  struct stat info;
  lathe_status status = LATHE_OK;
  if (fstat(file, &info) != 0 || !S_ISREG(info.st_mode)) {
    status = lt_fail(error, LATHE_INVALID_INPUT, "%s: its weights file '%s' is not a regular file", model->path, path);
  } else if ((uint64_t)info.st_size != h->weights_bytes) {
    status = lt_fail(error, LATHE_REFUSED, "%s: its weights file '%s' has %lld bytes, expected %llu", model->path, path, (long long)info.st_size,
                     (unsigned long long)h->weights_bytes);
  } else {
    void *mapped = mmap(NULL, h->weights_bytes, PROT_READ, MAP_PRIVATE, file, 0);
    if (mapped == MAP_FAILED) {
      status = lt_fail(error, LATHE_INTERNAL, "%s: cannot map its weights file '%s': %s", model->path, path, strerror(errno));
    } else {
      model->mapped_weights = mapped;
      model->weights = mapped;
    }
  }
  close(file);
  return status;
}

/* ---- names ---- */

static const char *copy_name(const lathe_model *model, lathe_range range, char **next) {
  char *name = *next;
  memcpy(name, model->manifest.strings + range.offset, range.length);
  name[range.length] = 0;
  *next += range.length + 1;
  return name;
}

/* Terminated copies of all names, in one block. */
static bool copy_names(lathe_model *model) {
  const lt_manifest *m = &model->manifest;
  const lathe_manifest_header *h = m->header;
  size_t bytes = 1; /* names are at most MAX_NAME bytes and their tables lie in the manifest, so this cannot wrap */
  for (uint32_t i = 0; i < h->inputs.count; ++i)
    bytes += m->inputs[i].name.length + 1;
  for (uint32_t i = 0; i < h->outputs.count; ++i)
    bytes += m->outputs[i].name.length + 1;
  for (uint32_t i = 0; i < h->kernels.count; ++i)
    bytes += m->kernels[i].name.length + 1;
  for (uint32_t i = 0; i < h->nodes.count; ++i)
    bytes += m->nodes[i].length + 1;
  model->names = malloc(bytes);
  model->input_names = calloc(h->inputs.count + 1, sizeof(char *));
  model->output_names = calloc(h->outputs.count + 1, sizeof(char *));
  model->kernel_names = calloc(h->kernels.count + 1, sizeof(char *));
  model->node_names = calloc(h->nodes.count + 1, sizeof(char *));
  model->dims_c0 = calloc(h->dims.count + 1, sizeof(int64_t));
  model->dims_c1 = calloc(h->dims.count + 1, sizeof(int64_t));
  if (!model->names || !model->input_names || !model->output_names || !model->kernel_names || !model->node_names || !model->dims_c0 || !model->dims_c1)
    return false;
  char *next = model->names;
  for (uint32_t i = 0; i < h->inputs.count; ++i)
    model->input_names[i] = copy_name(model, m->inputs[i].name, &next);
  for (uint32_t i = 0; i < h->outputs.count; ++i)
    model->output_names[i] = copy_name(model, m->outputs[i].name, &next);
  for (uint32_t i = 0; i < h->kernels.count; ++i)
    model->kernel_names[i] = copy_name(model, m->kernels[i].name, &next);
  for (uint32_t i = 0; i < h->nodes.count; ++i)
    model->node_names[i] = copy_name(model, m->nodes[i], &next);
  for (uint32_t i = 0; i < h->dims.count; ++i) {
    model->dims_c0[i] = m->dims[i].c0;
    model->dims_c1[i] = m->dims[i].c1;
  }
  return true;
}

/* ---- the C API ---- */

/* `location` is where the dynamic linker finds the file, if that is not the model's path. */
static lathe_status load(lathe_model *model, const char *location, int file, lathe_error *error) {
  lathe_status status = lt_elf_read(file, model->path, &model->elf, error);
  if (status == LATHE_OK)
    status = lt_manifest_open(model->elf.manifest, model->elf.manifest_bytes, model->path, &model->manifest, error);
  if (status == LATHE_OK)
    status = check_machine(model, error);
  if (status == LATHE_OK && !copy_names(model))
    status = lt_fail(error, LATHE_INTERNAL, "%s: no memory to load it", model->path);
  if (status == LATHE_OK)
    status = lt_library_open(model->path, location, file, &model->library, error);
  if (status == LATHE_OK)
    status = resolve_code(model, error);
  if (status == LATHE_OK)
    status = map_weights_file(model, location != NULL, error);
  if (status == LATHE_OK && model->manifest.gpu)
    status = lt_gpu_model_open(model, error);
  return status;
}

static lathe_status open_file(const char *path, int *file, lathe_error *error) {
  *file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* O_NONBLOCK: a FIFO must not make us wait */
  return *file < 0 ? lt_fail(error, LATHE_INVALID_INPUT, "%s: cannot be opened: %s", path, strerror(errno)) : LATHE_OK;
}

lathe_status lathe_artifact_json(const char *path, char **json, lathe_error *error) {
  if (!path || !json)
    return lt_fail(error, LATHE_USAGE, "lathe_artifact_json: %s is null", path ? "json" : "path");
  *json = NULL;
  int file;
  lt_elf elf;
  lt_manifest manifest;
  lathe_status status = open_file(path, &file, error);
  if (status != LATHE_OK)
    return status;
  status = lt_elf_read(file, path, &elf, error);
  close(file);
  if (status != LATHE_OK)
    return status;
  status = lt_manifest_open(elf.manifest, elf.manifest_bytes, path, &manifest, error);
  if (status == LATHE_OK && !(*json = lt_manifest_json(&manifest)))
    status = lt_fail(error, LATHE_INTERNAL, "%s: no memory to describe it", path);
  free(elf.manifest);
  return status;
}

void lathe_json_destroy(char *json) { free(json); }

static lathe_status load_and_close(const char *path, const char *location, int file, lathe_model **result, lathe_error *error) {
  lathe_status status;
  lathe_model *model = calloc(1, sizeof *model);
  if (!model || !(model->path = strdup(path)))
    status = lt_fail(error, LATHE_INTERNAL, "%s: no memory to load it", path);
  else
    status = load(model, location, file, error);
  close(file);
  if (status == LATHE_OK)
    *result = model;
  else
    lathe_model_destroy(model);
  return status;
}

lathe_status lathe_model_load(const char *path, lathe_model **result, lathe_error *error) {
  if (!path || !result)
    return lt_fail(error, LATHE_USAGE, "lathe_model_load: %s is null", path ? "model" : "path");
  *result = NULL;
  int file;
  lathe_status status = open_file(path, &file, error);
  if (status != LATHE_OK)
    return status;
  return load_and_close(path, NULL, file, result, error);
}

/* A file without a name that code can be mapped from. */
static int make_memory_file(void) {
#ifdef MFD_EXEC
  int file = memfd_create("lathe", MFD_CLOEXEC | MFD_EXEC);
  if (file >= 0 || errno != EINVAL) /* EINVAL: a kernel before 6.3, whose files are always executable */
    return file;
#endif
  return memfd_create("lathe", MFD_CLOEXEC);
}

static bool write_all(int file, const unsigned char *bytes, size_t byte_size) {
  while (byte_size > 0) {
    ssize_t written = write(file, bytes, byte_size);
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return false;
    bytes += written;
    byte_size -= (size_t)written;
  }
  return true;
}

lathe_status lathe_model_load_memory(const void *bytes, size_t byte_size, const char *name, lathe_model **result, lathe_error *error) {
  if (!bytes || !result)
    return lt_fail(error, LATHE_USAGE, "lathe_model_load_memory: %s is null", bytes ? "model" : "bytes");
  *result = NULL;
  if (!name)
    name = "the artifact in memory";
  int file = make_memory_file();
  if (file < 0)
    return lt_fail(error, LATHE_INTERNAL, "%s: the system gives no memory that can be loaded: %s", name, strerror(errno));
  if (!write_all(file, bytes, byte_size)) {
    lathe_status status = lt_fail(error, LATHE_INTERNAL, "%s: no memory for its %zu bytes: %s", name, byte_size, strerror(errno));
    close(file);
    return status;
  }
  char location[32];
  snprintf(location, sizeof location, "/proc/self/fd/%d", file);
  return load_and_close(name, location, file, result, error);
}

void lathe_model_destroy(lathe_model *model) {
  if (!model)
    return;
  lt_gpu_model_close(model);
  if (model->mapped_weights)
    munmap(model->mapped_weights, model->manifest.header->weights_bytes);
  if (model->library)
    lt_library_close(model->library);
  free((void *)model->kernels);
  free(model->names);
  free(model->input_names);
  free(model->output_names);
  free(model->kernel_names);
  free(model->node_names);
  free(model->dims_c0);
  free(model->dims_c1);
  free(atomic_load(&model->json));
  free(model->elf.manifest);
  free(model->path);
  free(model);
}

size_t lathe_model_input_count(const lathe_model *model) { return model ? model->manifest.header->inputs.count : 0; }
size_t lathe_model_output_count(const lathe_model *model) { return model ? model->manifest.header->outputs.count : 0; }

static lathe_status describe(const lathe_model *model, const char *kind, const lathe_tensor_info *tensors, const char *const *names, size_t count, size_t index,
                             lathe_tensor_desc *desc, lathe_error *error) {
  const size_t oldest = offsetof(lathe_tensor_desc, bounded);
  if (!desc || desc->struct_size < oldest)
    return lt_fail(error, LATHE_USAGE, "lathe_model_%s: struct_size of the description is %zu, expected at least %zu", kind, desc ? desc->struct_size : 0,
                   oldest);
  if (index >= count)
    return lt_fail(error, LATHE_USAGE, "lathe_model_%s: index is %zu, expected less than %zu", kind, index, count);
  const lathe_tensor_info *tensor = &tensors[index];
  desc->name = names[index];
  desc->dtype = tensor->dtype;
  desc->rank = tensor->rank;
  desc->dims_c0 = model->dims_c0 + tensor->first_dim;
  desc->dims_c1 = model->dims_c1 + tensor->first_dim;
  if (desc->struct_size >= sizeof *desc)
    desc->bounded = (tensor->flags & LATHE_TENSOR_BOUNDED) != 0;
  return LATHE_OK;
}

lathe_status lathe_model_input(const lathe_model *model, size_t index, lathe_tensor_desc *desc, lathe_error *error) {
  if (!model)
    return lt_fail(error, LATHE_USAGE, "lathe_model_input: model is null");
  return describe(model, "input", model->manifest.inputs, model->input_names, model->manifest.header->inputs.count, index, desc, error);
}

lathe_status lathe_model_output(const lathe_model *model, size_t index, lathe_tensor_desc *desc, lathe_error *error) {
  if (!model)
    return lt_fail(error, LATHE_USAGE, "lathe_model_output: model is null");
  return describe(model, "output", model->manifest.outputs, model->output_names, model->manifest.header->outputs.count, index, desc, error);
}

void lathe_model_batch_range(const lathe_model *model, int64_t *min, int64_t *max) {
  if (min)
    *min = model ? model->manifest.header->min_batch : 0;
  if (max)
    *max = model ? model->manifest.header->max_batch : 0;
}

const void *lathe_model_weights(const lathe_model *model, uint64_t *bytes) {
  if (bytes)
    *bytes = model ? model->manifest.header->weights_bytes : 0;
  return model ? model->weights : NULL;
}

const void *lathe_model_images(const lathe_model *model, uint64_t *bytes) {
  if (bytes)
    *bytes = model && model->images ? model->manifest.gpu->images_bytes : 0;
  return model ? model->images : NULL;
}

const char *lathe_model_manifest_json(const lathe_model *model) {
  if (!model)
    return NULL;
  /* The one part that is made on demand: two threads may both make it, and the first one's stays. */
  _Atomic(char *) *slot = (_Atomic(char *) *)&model->json;
  char *text = atomic_load(slot);
  if (!text) {
    text = lt_manifest_json(&model->manifest);
    char *none = NULL;
    if (text && !atomic_compare_exchange_strong(slot, &none, text)) {
      free(text);
      text = none;
    }
  }
  return text;
}
