/* What lathe_run accepts. These checks always run: kernels trust every pointer and size. */
#include "runtime/core/Context.h"
#include "runtime/core/Error.h"

#include <stdint.h>

/* One side of the call: inputs or outputs. */
typedef struct side {
  const lathe_model *model;
  const char *kind;
  const lathe_tensor_info *infos;
  const char *const *names;
  const lathe_tensor *tensors;
  size_t count;
} side;

#define FAIL(side, i, ...) fail_tensor(error, (side)->kind, (side)->names[i], __VA_ARGS__)
#define fail_tensor(error, kind, name, format, ...) lt_fail(error, LATHE_INVALID_INPUT, "%s '%s': " format, kind, name, __VA_ARGS__)

/* What does not depend on the batch. */
static lathe_status check_form(const side *s, size_t i, lathe_error *error) {
  const lathe_tensor *tensor = &s->tensors[i];
  const lathe_tensor_info *info = &s->infos[i];
  if (tensor->struct_size != sizeof *tensor)
    return FAIL(s, i, "struct_size is %zu, expected %zu", tensor->struct_size, sizeof *tensor);
  if (tensor->dtype != info->dtype)
    return FAIL(s, i, "type is %s, expected %s", lathe_dtype_name(tensor->dtype), lathe_dtype_name(info->dtype));
  if (tensor->rank != info->rank)
    return FAIL(s, i, "rank is %u, expected %u", tensor->rank, info->rank);
  if (tensor->rank && !tensor->dims)
    return FAIL(s, i, "dims is %s", "null");
  if ((uintptr_t)tensor->data % lathe_dtype_size(info->dtype) != 0)
    return FAIL(s, i, "data is not aligned to %zu bytes", lathe_dtype_size(info->dtype));
  return LATHE_OK;
}

/* Reads the batch off the inputs; all must agree. */
static lathe_status find_batch(const lathe_context *context, const side *inputs, int64_t *batch, lathe_error *error) {
  const lathe_manifest_header *h = context->model->manifest.header;
  size_t from = 0;
  *batch = 0;
  for (size_t i = 0; i < inputs->count; ++i) {
    const lathe_tensor_info *info = &inputs->infos[i];
    for (uint32_t d = 0; d < info->rank; ++d) {
      lathe_affine dim = context->model->manifest.dims[info->first_dim + d];
      if (dim.c1 == 0)
        continue;
      int64_t value = inputs->tensors[i].dims[d], rest, size;
      if (__builtin_sub_overflow(value, dim.c0, &rest) || rest <= 0 || rest % dim.c1 != 0)
        return FAIL(inputs, i, "dim %u is %lld, expected %lld + %lld times the batch", d, (long long)value, (long long)dim.c0, (long long)dim.c1);
      size = rest / dim.c1;
      if (*batch != 0 && size != *batch)
        return FAIL(inputs, i, "dim %u means batch %lld, but input '%s' has batch %lld", d, (long long)size, inputs->names[from], (long long)*batch);
      if (size < h->min_batch || size > h->max_batch) {
        if (h->max_batch == INT64_MAX)
          return FAIL(inputs, i, "batch is %lld, expected at least %lld", (long long)size, (long long)h->min_batch);
        return FAIL(inputs, i, "batch is %lld, expected %lld to %lld", (long long)size, (long long)h->min_batch, (long long)h->max_batch);
      }
      if (size > context->max_batch)
        return FAIL(inputs, i, "batch is %lld, but the context was made for at most %lld", (long long)size, (long long)context->max_batch);
      if (*batch == 0)
        from = i;
      *batch = size;
    }
  }
  if (*batch == 0)
    *batch = h->min_batch; /* it is fixed: lt_manifest_open refuses a free batch that no input shows */
  return LATHE_OK;
}

static lathe_status check_dims(const side *s, size_t i, int64_t batch, lathe_error *error) {
  const lt_manifest *m = &s->model->manifest;
  const lathe_tensor *tensor = &s->tensors[i];
  int64_t expected;
  for (uint32_t d = 0; d < tensor->rank; ++d)
    if (!lt_affine_at(m->dims[s->infos[i].first_dim + d], batch, &expected) || tensor->dims[d] != expected)
      return FAIL(s, i, "dim %u is %lld, expected %lld", d, (long long)tensor->dims[d], (long long)expected);
  if (!lt_tensor_bytes(m, &s->infos[i], batch, &expected))
    return FAIL(s, i, "its size overflows at batch %lld", (long long)batch);
  if (expected && !tensor->data)
    return FAIL(s, i, "data is %s", "null");
  if (tensor->byte_size < (uint64_t)expected)
    return FAIL(s, i, "byte size is %zu, expected at least %lld", tensor->byte_size, (long long)expected);
  if ((uint64_t)expected > UINTPTR_MAX - (uintptr_t)tensor->data)
    return FAIL(s, i, "%lld bytes from its data reach beyond the address space", (long long)expected);
  return LATHE_OK;
}

static uintptr_t end_of(const side *s, size_t i, int64_t batch) {
  int64_t bytes = 0;
  lt_tensor_bytes(&s->model->manifest, &s->infos[i], batch, &bytes);
  return (uintptr_t)s->tensors[i].data + (uintptr_t)bytes;
}

/* A kernel may write an output before it has read all of an input. What is empty overlaps nothing, wherever it lies. */
static lathe_status check_overlap(const side *outputs, size_t i, const side *others, size_t count, int64_t batch, lathe_error *error) {
  uintptr_t begin = (uintptr_t)outputs->tensors[i].data, end = end_of(outputs, i, batch);
  for (size_t k = 0; k < count; ++k) {
    uintptr_t other_begin = (uintptr_t)others->tensors[k].data, other_end = end_of(others, k, batch);
    if (begin < end && other_begin < other_end && begin < other_end && other_begin < end)
      return FAIL(outputs, i, "memory overlaps that of %s '%s'", others->kind, others->names[k]);
  }
  return LATHE_OK;
}

lathe_status lt_check_tensors(const lathe_context *context, const lathe_tensor *inputs, size_t input_count, const lathe_tensor *outputs, size_t output_count,
                              int64_t *batch, lathe_error *error) {
  const lathe_model *model = context->model;
  const lt_manifest *m = &model->manifest;
  if (input_count != m->header->inputs.count)
    return lt_fail(error, LATHE_INVALID_INPUT, "got %zu inputs, expected %u", input_count, m->header->inputs.count);
  if (output_count != m->header->outputs.count)
    return lt_fail(error, LATHE_INVALID_INPUT, "got %zu outputs, expected %u", output_count, m->header->outputs.count);
  if ((input_count && !inputs) || (output_count && !outputs))
    return lt_fail(error, LATHE_USAGE, "lathe_run: %s is null", input_count && !inputs ? "inputs" : "outputs");
  const side in = {model, "input", m->inputs, model->input_names, inputs, input_count};
  const side out = {model, "output", m->outputs, model->output_names, outputs, output_count};
  lathe_status status = LATHE_OK;
  for (size_t i = 0; status == LATHE_OK && i < input_count; ++i)
    status = check_form(&in, i, error);
  for (size_t i = 0; status == LATHE_OK && i < output_count; ++i)
    status = check_form(&out, i, error);
  if (status == LATHE_OK)
    status = find_batch(context, &in, batch, error);
  for (size_t i = 0; status == LATHE_OK && i < input_count; ++i)
    status = check_dims(&in, i, *batch, error);
  for (size_t i = 0; status == LATHE_OK && i < output_count; ++i)
    status = check_dims(&out, i, *batch, error);
  for (size_t i = 0; status == LATHE_OK && i < output_count; ++i) {
    status = check_overlap(&out, i, &in, input_count, *batch, error);
    if (status == LATHE_OK)
      status = check_overlap(&out, i, &out, i, *batch, error);
  }
  return status;
}
