/* count_allocations ARTIFACT THREADS: prints how often any thread of the process called an allocator during ten inferences that follow the first.
 * The allocator's entry points are defined here, so that calls of the runtime library arrive here too. */
#define _GNU_SOURCE
#include "lathe/artifact.h"
#include "lathe/lathe.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);

static atomic_long allocations;

void *malloc(size_t size) {
  atomic_fetch_add(&allocations, 1);
  return __libc_malloc(size);
}
void *calloc(size_t count, size_t size) {
  atomic_fetch_add(&allocations, 1);
  return __libc_calloc(count, size);
}
void *realloc(void *pointer, size_t size) {
  atomic_fetch_add(&allocations, 1);
  return __libc_realloc(pointer, size);
}
void *aligned_alloc(size_t alignment, size_t size) {
  atomic_fetch_add(&allocations, 1);
  return __libc_memalign(alignment, size);
}
int posix_memalign(void **pointer, size_t alignment, size_t size) {
  atomic_fetch_add(&allocations, 1);
  *pointer = __libc_memalign(alignment, size);
  return *pointer ? 0 : ENOMEM;
}
void *mmap(void *address, size_t length, int protection, int flags, int file, off_t offset) {
  atomic_fetch_add(&allocations, 1);
  return (void *)syscall(SYS_mmap, address, length, protection, flags, file, offset);
}

enum { MAX_TENSORS = 8, MAX_RANK = 8 };

static int64_t dims[2][MAX_TENSORS][MAX_RANK];

static int describe(const lathe_model *model, int is_output, lathe_tensor *tensors, size_t count) {
  lathe_error error;
  for (size_t i = 0; i < count; ++i) {
    lathe_tensor_desc desc = {.struct_size = sizeof desc};
    lathe_status status = is_output ? lathe_model_output(model, i, &desc, &error) : lathe_model_input(model, i, &desc, &error);
    if (status != LATHE_OK || desc.dtype != LATHE_FLOAT32 || desc.rank > MAX_RANK)
      return 0;
    size_t bytes = sizeof(float);
    for (uint32_t d = 0; d < desc.rank; ++d)
      bytes *= (size_t)(dims[is_output][i][d] = desc.dims_c0[d] + 2 * desc.dims_c1[d]);
    tensors[i] = (lathe_tensor){sizeof(lathe_tensor), calloc(1, bytes), bytes, desc.dtype, desc.rank, dims[is_output][i]};
  }
  return 1;
}

int main(int argc, char **argv) {
  lathe_error error = {""};
  lathe_model *model;
  lathe_context *context;
  if (argc != 3 || lathe_model_load(argv[1], &model, &error) != LATHE_OK) {
    fprintf(stderr, "%s\n", error.text);
    return 1;
  }
  lathe_context_options options = {sizeof options, 2, atoi(argv[2])};
  lathe_tensor inputs[MAX_TENSORS], outputs[MAX_TENSORS];
  size_t input_count = lathe_model_input_count(model), output_count = lathe_model_output_count(model);
  if (input_count > MAX_TENSORS || output_count > MAX_TENSORS || !describe(model, 0, inputs, input_count) || !describe(model, 1, outputs, output_count) ||
      lathe_context_create(model, &options, &context, &error) != LATHE_OK) {
    fprintf(stderr, "cannot make a context: %s\n", error.text);
    return 1;
  }
  for (int i = 0; i < 11; ++i) {
    if (lathe_run(context, inputs, input_count, outputs, output_count, &error) != LATHE_OK) {
      fprintf(stderr, "%s\n", error.text);
      return 1;
    }
    if (i == 0)
      atomic_store(&allocations, 0);
  }
  printf("%ld allocations\n", atomic_load(&allocations));
  return 0;
}
