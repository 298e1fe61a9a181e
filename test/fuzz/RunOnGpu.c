/* What test_cuda_runtime.py runs with ASan and UBSan on the emulated device, with and without a fault of it: RunOnGpu ARTIFACT, an artifact of the digits
 * network. Loads, runs and destroys in both orders, whatever fails; the first failure's line and status are the program's. */
#include "lathe/artifact.h"
#include "lathe/lathe.h"

#include <stdio.h>

enum { BATCH = 3, PIXELS = 64, DIGITS = 10 };

static lathe_error error;

static lathe_status run_all(lathe_context *const *contexts) {
  static float image[BATCH * PIXELS], logits[BATCH * DIGITS];
  lathe_status status = LATHE_OK;
  for (int64_t batch = 1; batch <= BATCH && status == LATHE_OK; ++batch) {
    const int64_t image_dims[] = {batch, 1, 8, 8}, logits_dims[] = {batch, DIGITS};
    lathe_tensor in = {sizeof in, image, sizeof image, LATHE_FLOAT32, 4, image_dims}, out = {sizeof out, logits, sizeof logits, LATHE_FLOAT32, 2, logits_dims};
    status = lathe_run(contexts[batch % 2], &in, 1, &out, 1, &error);
    if (status == LATHE_OK)
      status = lathe_run_on_stream(contexts[batch % 2], NULL, &in, 1, &out, 1, &error);
  }
  return status;
}

static lathe_status round_trip(const char *path, int model_first) {
  lathe_model *model = NULL;
  lathe_context *contexts[2] = {NULL, NULL};
  lathe_context_options options = {.struct_size = sizeof options, .max_batch = BATCH};
  lathe_status status = lathe_model_load(path, &model, &error);
  for (int i = 0; i < 2 && status == LATHE_OK; ++i)
    status = lathe_context_create(model, &options, &contexts[i], &error);
  if (status == LATHE_OK)
    status = run_all(contexts);
  if (model_first)
    lathe_model_destroy(model);
  for (int i = 0; i < 2; ++i)
    lathe_context_destroy(contexts[i]);
  if (!model_first)
    lathe_model_destroy(model);
  return status;
}

int main(int count, char **words) {
  for (int i = 0; i < 2 && count == 2; ++i) {
    lathe_status status = round_trip(words[1], i);
    if (status != LATHE_OK) {
      fprintf(stderr, "error: %s\n", error.text);
      return status;
    }
  }
  return count == 2 ? 0 : 1;
}
