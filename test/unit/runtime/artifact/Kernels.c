// The code of the hand-made artifact (Artifact.h says what it computes). Built freestanding, as the compiler's artifacts are.
#include <stdint.h>

#define KERNEL __attribute__((visibility("hidden"))) void

// scaled[i] = x[i] * weights[i % 6] + bias[i % 6]
KERNEL demo_scale(void *const *args, void *scratch, int64_t begin, int64_t end) {
  const float *x = args[0], *weights = args[1], *bias = args[2];
  float *scaled = args[3];
  (void)scratch;
  for (int64_t i = begin; i < end; ++i)
    scaled[i] = x[i] * weights[i % 6] + bias[i % 6];
}

// sums[r] = the sum of row r of 6, added up in the scratch so that threads that share one are found out
KERNEL demo_sum(void *const *args, void *scratch, int64_t begin, int64_t end) {
  const float *scaled = args[0];
  float *sums = args[1];
  volatile float *partial = scratch;
  for (int64_t r = begin; r < end; ++r) {
    for (int k = 0; k < 6; ++k)
      partial[k] = (k ? partial[k - 1] : 0) + scaled[6 * r + k];
    sums[r] = partial[5];
  }
}

// count[0] = the batch
KERNEL demo_count(void *const *args, void *scratch, int64_t begin, int64_t end) {
  int64_t *count = args[1];
  (void)scratch;
  if (begin < end)
    count[0] = (int64_t)args[0];
}
