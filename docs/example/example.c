/* Runs a compiled model from C: example MODEL.so [BATCH]. All inputs are 1; the first numbers of every output are printed. */
#include <lathe/artifact.h>
#include <lathe/lathe.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_TENSORS = 16, MAX_RANK = 8 };

/* A tensor that owns its memory, for a given batch; as large as it can become, if only the run finds how large it is. */
static int make_tensor(const lathe_tensor_desc *desc, int64_t batch, int64_t dims[MAX_RANK], lathe_tensor *tensor) {
  if (desc->rank > MAX_RANK)
    return 0;
  size_t bytes = lathe_dtype_size(desc->dtype);
  for (uint32_t i = 0; i < desc->rank; ++i) {
    dims[i] = desc->dims_c0[i] + desc->dims_c1[i] * batch;
    bytes *= (size_t)dims[i];
  }
  *tensor = (lathe_tensor){sizeof(lathe_tensor), calloc(1, bytes ? bytes : 1), bytes, desc->dtype, desc->rank, dims};
  return tensor->data != NULL;
}

static void fill(const lathe_tensor *tensor) {
  if (tensor->dtype == LATHE_FLOAT32)
    for (size_t i = 0; i < tensor->byte_size / sizeof(float); ++i)
      ((float *)tensor->data)[i] = 1;
}

static void print(const char *name, const lathe_tensor *tensor) {
  printf("output '%s' %s ", name, lathe_dtype_name(tensor->dtype));
  for (uint32_t i = 0; i < tensor->rank; ++i)
    printf("%s%" PRId64, i ? "x" : "", tensor->dims[i]);
  if (tensor->dtype == LATHE_FLOAT32) {
    size_t count = 1;
    for (uint32_t i = 0; i < tensor->rank; ++i)
      count *= (size_t)tensor->dims[i];
    printf(":");
    for (size_t i = 0; i < count && i < 4; ++i)
      printf(" %g", ((const float *)tensor->data)[i]);
    printf(count > 4 ? " …" : "");
  }
  printf("\n");
}

/* The one place where things go wrong: prints the runtime's line and ends with its code. */
static void check(lathe_status status, const lathe_error *error) {
  if (status != LATHE_OK) {
    fprintf(stderr, "error: %s\n", error->text);
    exit(status);
  }
}

int main(int argc, char **argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: example MODEL.so [BATCH]\n");
    return 1;
  }
  lathe_error error;
  lathe_model *model;
  check(lathe_model_load(argv[1], &model, &error), &error);

  /* A context holds all memory that inference needs; make one per thread that calls lathe_run. */
  int64_t batch;
  lathe_model_batch_range(model, &batch, NULL);
  if (argc > 2)
    batch = strtoll(argv[2], NULL, 10);
  lathe_context_options options = {sizeof options, batch, 0};
  lathe_context *context;
  check(lathe_context_create(model, &options, &context, &error), &error);

  lathe_tensor inputs[MAX_TENSORS], outputs[MAX_TENSORS];
  int64_t input_dims[MAX_TENSORS][MAX_RANK], output_dims[MAX_TENSORS][MAX_RANK];
  size_t input_count = lathe_model_input_count(model), output_count = lathe_model_output_count(model);
  if (input_count > MAX_TENSORS || output_count > MAX_TENSORS) {
    fprintf(stderr, "error: more than %d inputs or outputs\n", MAX_TENSORS);
    return 1;
  }
  lathe_tensor_desc desc = {.struct_size = sizeof desc};
  for (size_t i = 0; i < input_count; ++i) {
    check(lathe_model_input(model, i, &desc, &error), &error);
    if (!make_tensor(&desc, batch, input_dims[i], &inputs[i]))
      return 1;
    fill(&inputs[i]);
  }
  for (size_t i = 0; i < output_count; ++i) {
    check(lathe_model_output(model, i, &desc, &error), &error);
    if (!make_tensor(&desc, batch, output_dims[i], &outputs[i]))
      return 1;
  }

  check(lathe_run(context, inputs, input_count, outputs, output_count, &error), &error);

  for (size_t i = 0; i < output_count; ++i) {
    check(lathe_model_output(model, i, &desc, &error), &error);
    check(lathe_context_output_dims(context, i, output_dims[i], desc.rank, &error), &error); /* the true ones */
    print(desc.name, &outputs[i]);
  }
  for (size_t i = 0; i < input_count; ++i)
    free(inputs[i].data);
  for (size_t i = 0; i < output_count; ++i)
    free(outputs[i].data);
  lathe_context_destroy(context);
  lathe_model_destroy(model);
  return 0;
}
