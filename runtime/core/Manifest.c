#include "runtime/core/Manifest.h"

#include "runtime/core/Error.h"

#include <stdlib.h>
#include <string.h>

/* The compiler's artifact writer is built against these. */
_Static_assert(sizeof(lathe_artifact_entry) == 32, "format 1");
_Static_assert(sizeof(lathe_tensor_info) == 24, "format 1");
_Static_assert(sizeof(lathe_arg) == 24, "format 1");
_Static_assert(sizeof(lathe_call) == 72, "format 1");
_Static_assert(sizeof(lathe_manifest_header) == 264, "format 1");
_Static_assert(sizeof(lathe_gpu_image) == 72, "format 1");
_Static_assert(sizeof(lathe_gpu_launch) == 16, "format 1");
_Static_assert(sizeof(lathe_gpu_info) == 32, "format 1");

enum { MAX_NAME = 4096, MAX_BLOCK = 1024, MAX_SHARED_BYTES = 1 << 20 };
#define GPU_TRIPLE "nvptx64-"

/* What is being checked, for messages. */
typedef struct lt_check {
  const lt_manifest *manifest;
  const char *path;
  lathe_status failure;
  lathe_error *error;
} lt_check;

#define FAIL(check, ...) lt_fail((check)->error, (check)->failure, __VA_ARGS__)
#define TRY(expression)                                                                                                                                        \
  do {                                                                                                                                                         \
    lathe_status status_ = (expression);                                                                                                                       \
    if (status_ != LATHE_OK)                                                                                                                                   \
      return status_;                                                                                                                                          \
  } while (0)

bool lt_affine_at(lathe_affine value, int64_t batch, int64_t *result) {
  int64_t product;
  return !__builtin_mul_overflow(value.c1, batch, &product) && !__builtin_add_overflow(product, value.c0, result) && *result >= 0;
}

bool lt_tensor_bytes(const lt_manifest *manifest, const lathe_tensor_info *tensor, int64_t batch, int64_t *result) {
  *result = (int64_t)lathe_dtype_size(tensor->dtype);
  for (uint32_t i = 0; i < tensor->rank; ++i) {
    int64_t dim;
    if (!lt_affine_at(manifest->dims[tensor->first_dim + i], batch, &dim) || __builtin_mul_overflow(*result, dim, result))
      return false;
  }
  return true;
}

/* ---- structure ---- */

static const void *table_at(const lt_check *check, lathe_table table) {
  return (const unsigned char *)check->manifest->header + (table.count ? table.offset : 0);
}

static lathe_status check_table(const lt_check *check, lathe_table table, size_t element, const char *name) {
  uint64_t total = check->manifest->header->total_bytes, bytes = (uint64_t)table.count * element; /* 32 bits times a small constant: cannot wrap */
  if (table.count == 0)
    return LATHE_OK;
  if (table.offset % 8 != 0)
    return FAIL(check, "%s: is damaged: table '%s' is at offset %u, expected a multiple of 8", check->path, name, table.offset);
  if (table.offset < sizeof(lathe_manifest_header) || table.offset > total || bytes > total - table.offset)
    return FAIL(check, "%s: is damaged: table '%s' lies outside the manifest", check->path, name);
  return LATHE_OK;
}

/* Well-formed UTF-8 (RFC 3629) without control characters: names go to terminals, JSON and file names. */
static bool is_clean_utf8(const unsigned char *text, size_t length) {
  for (size_t i = 0; i < length;) {
    unsigned char c = text[i];
    size_t more = c < 0x80 ? 0 : c >= 0xc2 && c <= 0xdf ? 1 : (c & 0xf0) == 0xe0 ? 2 : c >= 0xf0 && c <= 0xf4 ? 3 : 9;
    if (more == 9 || more >= length - i || c < 0x20 || c == 0x7f)
      return false;
    if (more) {
      unsigned char next = text[i + 1];
      /* Overlong forms, surrogates, and what lies beyond U+10FFFF. */
      if ((c == 0xe0 && next < 0xa0) || (c == 0xed && next > 0x9f) || (c == 0xf0 && next < 0x90) || (c == 0xf4 && next > 0x8f))
        return false;
    }
    for (size_t k = 1; k <= more; ++k)
      if ((text[i + k] & 0xc0) != 0x80)
        return false;
    i += more + 1;
  }
  return true;
}

static lathe_status check_string(const lt_check *check, lathe_range range, size_t max_length, const char *what) {
  uint32_t size = check->manifest->header->strings.count;
  if (range.offset > size || range.length > size - range.offset)
    return FAIL(check, "%s: is damaged: %s lies outside the string table", check->path, what);
  if (range.length > max_length)
    return FAIL(check, "%s: is damaged: %s has %u bytes, expected at most %zu", check->path, what, range.length, max_length);
  if (!is_clean_utf8((const unsigned char *)check->manifest->strings + range.offset, range.length))
    return FAIL(check, "%s: is damaged: %s is not printable UTF-8", check->path, what);
  return LATHE_OK;
}

static lathe_status check_header_strings(const lt_check *check) {
  const lathe_manifest_header *h = check->manifest->header;
  TRY(check_string(check, h->target_triple, MAX_NAME, "the target triple"));
  TRY(check_string(check, h->target_cpu, MAX_NAME, "the target CPU"));
  TRY(check_string(check, h->compiler, MAX_NAME, "the compiler's name"));
  TRY(check_string(check, h->flags, 16 * MAX_NAME, "the list of flags"));
  TRY(check_string(check, h->model_name, MAX_NAME, "the model's name"));
  TRY(check_string(check, h->batch_symbol, MAX_NAME, "the name of the batch dimension"));
  TRY(check_string(check, h->weights_file, MAX_NAME, "the name of the weights file"));
  return LATHE_OK;
}

/* The weights file lies in the artifact's folder or below it. */
static lathe_status check_weights_file(const lt_check *check) {
  lathe_range range = check->manifest->header->weights_file;
  const char *name = check->manifest->strings + range.offset, *end = name + range.length;
  bool bad = range.length && *name == '/';
  for (const char *part = name; part < end && !bad;) {
    const char *slash = memchr(part, '/', (size_t)(end - part));
    const char *stop = slash ? slash : end;
    bad = stop - part == 2 && part[0] == '.' && part[1] == '.';
    part = stop + 1;
  }
  if (bad)
    return FAIL(check, "%s: is damaged: weights file '%.*s' is not a path below the artifact's folder", check->path, (int)range.length, name);
  return LATHE_OK;
}

static lathe_status check_tensor(const lt_check *check, const lathe_tensor_info *tensor, bool is_input, uint32_t index, bool *has_batch) {
  const lt_manifest *m = check->manifest;
  const char *kind = is_input ? "input" : "output";
  TRY(check_string(check, tensor->name, MAX_NAME, kind));
  if (tensor->name.length == 0)
    return FAIL(check, "%s: is damaged: %s %u has no name", check->path, kind, index);
  if (lathe_dtype_size(tensor->dtype) == 0)
    return FAIL(check, "%s: is damaged: %s %u has the unknown type %u", check->path, kind, index, tensor->dtype);
  if (tensor->flags & ~(uint32_t)LATHE_TENSOR_BOUNDED)
    return FAIL(check, "%s: is damaged: %s %u has unknown flags 0x%x", check->path, kind, index, tensor->flags);
  bool bounded = tensor->flags & LATHE_TENSOR_BOUNDED;
  if (bounded && is_input)
    return FAIL(check, "%s: is damaged: input %u is bounded, which only outputs can be", check->path, index);
  if (tensor->rank > LT_MAX_RANK)
    return FAIL(check, "%s: is damaged: %s %u has rank %u, expected at most %d", check->path, kind, index, tensor->rank, LT_MAX_RANK);
  if (tensor->first_dim > m->header->dims.count || tensor->rank + bounded > m->header->dims.count - tensor->first_dim)
    return FAIL(check, "%s: is damaged: dims of %s %u lie outside their table", check->path, kind, index);
  int batch_dims = 0;
  for (uint32_t i = 0; i < tensor->rank; ++i) {
    lathe_affine dim = m->dims[tensor->first_dim + i];
    int64_t at_min;
    if (dim.c1 < 0 || !lt_affine_at(dim, m->header->min_batch, &at_min))
      return FAIL(check, "%s: is damaged: dim %u of %s %u is negative", check->path, i, kind, index);
    batch_dims += dim.c1 != 0;
  }
  /* With two, the size would be quadratic in the batch, and checks at the ends of a range would not vouch for what lies between. */
  if (batch_dims > 1)
    return FAIL(check, "%s: is damaged: %s %u has %d dims that depend on the batch, expected at most 1", check->path, kind, index, batch_dims);
  *has_batch |= batch_dims == 1;
  return LATHE_OK;
}

static lathe_status check_tensors(const lt_check *check) {
  const lt_manifest *m = check->manifest;
  bool input_has_batch = false, output_has_batch = false;
  for (uint32_t i = 0; i < m->header->inputs.count; ++i)
    TRY(check_tensor(check, &m->inputs[i], true, i, &input_has_batch));
  for (uint32_t i = 0; i < m->header->outputs.count; ++i)
    TRY(check_tensor(check, &m->outputs[i], false, i, &output_has_batch));
  if (m->header->min_batch != m->header->max_batch && !input_has_batch)
    return FAIL(check, "%s: is damaged: the batch is free, but no input has a batch dim", check->path);
  return LATHE_OK;
}

static lathe_status check_calls(const lt_check *check) {
  const lt_manifest *m = check->manifest;
  const lathe_manifest_header *h = m->header;
  for (uint32_t i = 0; i < h->calls.count; ++i) {
    const lathe_call *call = &m->calls[i];
    if (call->kernel >= h->kernels.count)
      return FAIL(check, "%s: is damaged: call %u names kernel %u of %u", check->path, i, call->kernel, h->kernels.count);
    if (call->first_arg > h->args.count || call->arg_count > h->args.count - call->first_arg)
      return FAIL(check, "%s: is damaged: arguments of call %u lie outside their table", check->path, i);
    if (call->first_node > h->nodes.count || call->node_count > h->nodes.count - call->first_node)
      return FAIL(check, "%s: is damaged: nodes of call %u lie outside their table", check->path, i);
    if (call->grain < 1)
      return FAIL(check, "%s: is damaged: grain of call %u is 0, expected at least 1", check->path, i);
  }
  for (uint32_t i = 0; i < h->args.count; ++i) {
    const lathe_arg *arg = &m->args[i];
    uint32_t limit = arg->kind == LATHE_ARG_INPUT ? h->inputs.count : arg->kind == LATHE_ARG_OUTPUT ? h->outputs.count : 1;
    if (arg->kind > LATHE_ARG_BATCH)
      return FAIL(check, "%s: is damaged: argument %u has the unknown kind %u", check->path, i, arg->kind);
    if (arg->index >= limit)
      return FAIL(check, "%s: is damaged: argument %u has the index %u, expected less than %u", check->path, i, arg->index, limit);
    if (arg->kind == LATHE_ARG_BATCH && (arg->offset.c0 != 0 || arg->offset.c1 != 0))
      return FAIL(check, "%s: is damaged: argument %u is the batch, but has an offset", check->path, i);
  }
  return LATHE_OK;
}

/* ---- for GPUs ---- */

static bool is_for_gpus(const lt_manifest *m) {
  lathe_range triple = m->header->target_triple;
  return triple.length >= strlen(GPU_TRIPLE) && memcmp(m->strings + triple.offset, GPU_TRIPLE, strlen(GPU_TRIPLE)) == 0;
}

/* The entries that the launches name: 0 to the result - 1. */
static uint32_t count_entries(const lt_manifest *m) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < m->gpu->launches.count; ++i)
    if (m->launches[i].entry >= count)
      count = m->launches[i].entry + 1;
  return count;
}

static lathe_status check_image(const lt_check *check, uint32_t index, uint32_t entries) {
  const lt_manifest *m = check->manifest;
  const lathe_gpu_image *image = &m->images[index], *before = index ? image - 1 : NULL;
  if (image->kind > LATHE_IMAGE_PTX || image->flags & ~(uint32_t)LATHE_IMAGE_EXACT)
    return FAIL(check, "%s: is damaged: image %u has the unknown kind %u or flags 0x%x", check->path, index, image->kind, image->flags);
  if (image->arch < 10 || image->arch > 9999 || image->isa > 9999)
    return FAIL(check, "%s: is damaged: image %u is for the implausible architecture %u of version %u", check->path, index, image->arch, image->isa);
  if (image->offset % LATHE_ALIGNMENT != 0 || image->bytes == 0 || image->offset > m->gpu->images_bytes || image->bytes > m->gpu->images_bytes - image->offset)
    return FAIL(check, "%s: is damaged: image %u lies outside the images", check->path, index);
  bool continues = before && before->kind == image->kind && before->arch == image->arch && before->flags == image->flags;
  if (before && !continues && (before->kind > image->kind || (before->kind == image->kind && before->arch > image->arch)))
    return FAIL(check, "%s: is damaged: image %u is not in order", check->path, index);
  /* Together, the images of a kind and architecture hold every entry once. */
  uint32_t expected = continues ? before->first_entry + before->entry_count : 0;
  bool last = index + 1 == m->gpu->images.count || image[1].kind != image->kind || image[1].arch != image->arch || image[1].flags != image->flags;
  if (image->entry_count == 0 || image->first_entry != expected || image->entry_count > entries - expected ||
      (last && expected + image->entry_count != entries))
    return FAIL(check, "%s: is damaged: image %u holds %u entries from %u on, expected them from %u on, of %u", check->path, index, image->entry_count,
                image->first_entry, expected, entries);
  return LATHE_OK;
}

static lathe_status check_gpu(const lt_check *check) {
  const lt_manifest *m = check->manifest;
  const lathe_gpu_info *gpu = m->gpu;
  TRY(check_string(check, gpu->assembler, MAX_NAME, "the assembler's version"));
  if (gpu->images_bytes > INT64_MAX)
    return FAIL(check, "%s: is damaged: the size of the images is not plausible", check->path);
  if (gpu->launches.count != m->header->kernels.count)
    return FAIL(check, "%s: is damaged: it launches %u kernels of %u", check->path, gpu->launches.count, m->header->kernels.count);
  for (uint32_t i = 0; i < gpu->launches.count; ++i) {
    const lathe_gpu_launch *launch = &m->launches[i];
    if (launch->entry >= gpu->launches.count)
      return FAIL(check, "%s: is damaged: kernel %u has the entry %u, expected less than %u", check->path, i, launch->entry, gpu->launches.count);
    if (launch->block < 1 || launch->block > MAX_BLOCK || launch->threads < 1 || launch->threads > launch->block || launch->block % launch->threads != 0)
      return FAIL(check, "%s: is damaged: kernel %u has blocks of %u threads, %u for an iteration", check->path, i, launch->block, launch->threads);
    if (launch->shared_bytes > MAX_SHARED_BYTES)
      return FAIL(check, "%s: is damaged: kernel %u uses %u bytes of shared memory, expected at most %d", check->path, i, launch->shared_bytes,
                  MAX_SHARED_BYTES);
  }
  uint32_t entries = count_entries(m);
  if (entries && !gpu->images.count)
    return FAIL(check, "%s: is damaged: it has kernels but no image", check->path);
  for (uint32_t i = 0; i < gpu->images.count; ++i)
    TRY(check_image(check, i, entries));
  return LATHE_OK;
}

/* Behind the header, where others have their first table. */
static lathe_status open_gpu(const lt_check *check, lt_manifest *m) {
  const lathe_manifest_header *h = m->header;
  if (h->format_minor < 2 || h->total_bytes - sizeof *h < sizeof *m->gpu)
    return FAIL(check, "%s: is damaged: it is for GPUs, but does not say how its kernels are launched", check->path);
  m->gpu = (const void *)(h + 1);
  TRY(check_table(check, m->gpu->images, sizeof(lathe_gpu_image), "images"));
  TRY(check_table(check, m->gpu->launches, sizeof(lathe_gpu_launch), "launches"));
  m->images = table_at(check, m->gpu->images);
  m->launches = table_at(check, m->gpu->launches);
  return check_gpu(check);
}

static lathe_status check_names(const lt_check *check) {
  const lt_manifest *m = check->manifest;
  for (uint32_t i = 0; i < m->header->kernels.count; ++i)
    TRY(check_string(check, m->kernels[i].name, MAX_NAME, "a kernel's name"));
  for (uint32_t i = 0; i < m->header->nodes.count; ++i)
    TRY(check_string(check, m->nodes[i], MAX_NAME, "a node's name"));
  for (uint32_t i = 0; i < m->header->features.count; ++i)
    TRY(check_string(check, m->features[i], 64, "a CPU feature's name"));
  return LATHE_OK;
}

lathe_status lt_manifest_open(const void *bytes, size_t size, const char *path, lt_manifest *m, lathe_error *error) {
  const lathe_manifest_header *h = bytes;
  lt_check check_value = {m, path, LATHE_REFUSED, error}, *check = &check_value;
  memset(m, 0, sizeof *m);
  /* The version comes first: of another format's manifest nothing else may be believed. */
  if (size < 16 || memcmp(h->magic, LATHE_MANIFEST_MAGIC, sizeof h->magic) != 0)
    return FAIL(check, "%s: is damaged: the manifest does not start with its magic", path);
  if (h->format_major != LATHE_FORMAT_MAJOR || h->format_minor > LATHE_FORMAT_MINOR)
    return FAIL(check, "%s: has format %u.%u, this runtime reads %d.0 to %d.%d; %s", path, h->format_major, h->format_minor, LATHE_FORMAT_MAJOR,
                LATHE_FORMAT_MAJOR, LATHE_FORMAT_MINOR, h->format_major < LATHE_FORMAT_MAJOR ? "recompile the model" : "use a newer runtime");
  if (size < sizeof *h || h->total_bytes != size)
    return FAIL(check, "%s: is damaged: the manifest has %zu bytes and says that it has %llu", path, size,
                size < sizeof *h ? 0ull : (unsigned long long)h->total_bytes);
  m->header = h;
  TRY(check_table(check, h->strings, 1, "strings"));
  TRY(check_table(check, h->inputs, sizeof(lathe_tensor_info), "inputs"));
  TRY(check_table(check, h->outputs, sizeof(lathe_tensor_info), "outputs"));
  TRY(check_table(check, h->dims, sizeof(lathe_affine), "dims"));
  TRY(check_table(check, h->kernels, sizeof(lathe_kernel_info), "kernels"));
  TRY(check_table(check, h->calls, sizeof(lathe_call), "calls"));
  TRY(check_table(check, h->args, sizeof(lathe_arg), "args"));
  TRY(check_table(check, h->nodes, sizeof(lathe_range), "nodes"));
  TRY(check_table(check, h->features, sizeof(lathe_range), "features"));
  m->strings = table_at(check, h->strings);
  m->inputs = table_at(check, h->inputs);
  m->outputs = table_at(check, h->outputs);
  m->dims = table_at(check, h->dims);
  m->kernels = table_at(check, h->kernels);
  m->calls = table_at(check, h->calls);
  m->args = table_at(check, h->args);
  m->nodes = table_at(check, h->nodes);
  m->features = table_at(check, h->features);

  if (h->min_batch < 1 || h->max_batch < h->min_batch)
    return FAIL(check, "%s: is damaged: batch range %lld to %lld", path, (long long)h->min_batch, (long long)h->max_batch);
  if (h->weights_bytes > INT64_MAX || h->scratch_bytes > INT64_MAX / 2)
    return FAIL(check, "%s: is damaged: the size of weights or scratch is not plausible", path);
  TRY(check_header_strings(check));
  TRY(check_weights_file(check));
  TRY(check_names(check));
  TRY(check_tensors(check));
  TRY(check_calls(check));
  if (is_for_gpus(m))
    TRY(open_gpu(check, m));
  return lt_manifest_check_batch(m, h->min_batch, path, LATHE_REFUSED, error);
}

/* ---- values at one batch size ---- */

static lathe_status check_argument(const lt_check *check, uint32_t index, int64_t batch) {
  const lt_manifest *m = check->manifest;
  const lathe_arg *arg = &m->args[index];
  const char *base = "the arena";
  int64_t offset, size = 0;
  bool fits = true;
  switch (arg->kind) {
  case LATHE_ARG_INPUT:
    base = "its input";
    fits = lt_tensor_bytes(m, &m->inputs[arg->index], batch, &size);
    break;
  case LATHE_ARG_OUTPUT:
    base = "its output";
    fits = lt_tensor_bytes(m, &m->outputs[arg->index], batch, &size);
    break;
  case LATHE_ARG_WEIGHTS:
    base = "the weights";
    size = (int64_t)m->header->weights_bytes;
    break;
  case LATHE_ARG_ARENA:
    fits = lt_affine_at(m->header->arena_bytes, batch, &size);
    break;
  default:
    return LATHE_OK;
  }
  /* The end itself is where an argument without elements may lie. */
  if (!fits || !lt_affine_at(arg->offset, batch, &offset) || offset > size)
    return FAIL(check, "%s: is damaged: argument %u lies outside %s at batch %lld", check->path, index, base, (long long)batch);
  return LATHE_OK;
}

lathe_affine lt_extents(const lt_manifest *m, const lathe_tensor_info *output) { return m->dims[output->first_dim + output->rank]; }

/* The true dims of a bounded output lie in the arena. */
static lathe_status check_extents(const lt_check *check, uint32_t index, int64_t batch) {
  const lt_manifest *m = check->manifest;
  const lathe_tensor_info *output = &m->outputs[index];
  if (!(output->flags & LATHE_TENSOR_BOUNDED))
    return LATHE_OK;
  lathe_affine place = lt_extents(m, output);
  int64_t offset, arena, bytes = (int64_t)output->rank * (int64_t)sizeof(int64_t);
  if (place.c0 % (int64_t)sizeof(int64_t) != 0 || place.c1 % (int64_t)sizeof(int64_t) != 0 || !lt_affine_at(place, batch, &offset) ||
      !lt_affine_at(m->header->arena_bytes, batch, &arena) || bytes > arena || offset > arena - bytes)
    return FAIL(check, "%s: is damaged: the dims of output %u lie outside the arena at batch %lld", check->path, index, (long long)batch);
  return LATHE_OK;
}

lathe_status lt_manifest_check_batch(const lt_manifest *m, int64_t batch, const char *path, lathe_status failure, lathe_error *error) {
  lt_check check_value = {m, path, failure, error}, *check = &check_value;
  const lathe_manifest_header *h = m->header;
  int64_t value;
  /* Half of the address space, so that adding the scratch and rounding up cannot wrap either. */
  if (!lt_affine_at(h->arena_bytes, batch, &value) || value > INT64_MAX / 2)
    return FAIL(check, "%s: batch %lld is too large: the arena's size overflows", path, (long long)batch);
  for (uint32_t i = 0; i < h->inputs.count + h->outputs.count; ++i) {
    bool input = i < h->inputs.count;
    uint32_t index = input ? i : i - h->inputs.count;
    if (!lt_tensor_bytes(m, input ? &m->inputs[index] : &m->outputs[index], batch, &value))
      return FAIL(check, "%s: batch %lld is too large: the size of %s %u overflows", path, (long long)batch, input ? "input" : "output", index);
  }
  for (uint32_t i = 0; i < h->calls.count; ++i) {
    const lathe_call *call = &m->calls[i];
    if (!lt_affine_at(call->space, batch, &value) || !lt_affine_at(call->flops, batch, &value) || !lt_affine_at(call->bytes, batch, &value))
      return FAIL(check, "%s: batch %lld does not fit call %u: a count is negative or overflows", path, (long long)batch, i);
    if (m->gpu && (!lt_affine_at(call->space, batch, &value) || value > INT32_MAX / m->launches[call->kernel].threads))
      return FAIL(check, "%s: batch %lld is too large for a GPU: call %u has more than 2^31 - 1 threads", path, (long long)batch, i);
  }
  for (uint32_t i = 0; i < h->args.count; ++i)
    TRY(check_argument(check, i, batch));
  for (uint32_t i = 0; i < h->outputs.count; ++i)
    TRY(check_extents(check, i, batch));
  return LATHE_OK;
}
