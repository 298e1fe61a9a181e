/* Whatever the bytes are, the manifest reader answers with a description or a reason. Input that starts like an ELF file is read as an artifact, all other as
 * a manifest. Nothing is loaded or run. */
#define _GNU_SOURCE
#include "runtime/core/Manifest.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void fuzz_artifact(const uint8_t *data, size_t size) {
  static int file = -1;
  static char path[64];
  if (file < 0) {
    file = memfd_create("artifact", 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
  }
  if (ftruncate(file, 0) || pwrite(file, data, size, 0) != (ssize_t)size)
    abort();
  char *json = NULL;
  lathe_error error;
  if ((lathe_artifact_json(path, &json, &error) == LATHE_OK) != (json != NULL))
    abort();
  lathe_json_destroy(json);
}

static void fuzz_manifest(const uint8_t *data, size_t size) {
  /* malloc's blocks are aligned as manifests must be, and end where the bytes end. */
  uint8_t *bytes = malloc(size ? size : 1);
  memcpy(bytes, data, size);
  lt_manifest manifest;
  lathe_error error;
  if (lt_manifest_open(bytes, size, "fuzz", &manifest, &error) == LATHE_OK) {
    free(lt_manifest_json(&manifest));
    const int64_t batches[] = {1, 2, 1000, INT64_MAX};
    for (size_t i = 0; i < sizeof batches / sizeof *batches; ++i)
      lt_manifest_check_batch(&manifest, batches[i], "fuzz", LATHE_USAGE, &error);
    for (uint32_t i = 0; i < manifest.header->inputs.count; ++i) {
      int64_t result;
      lt_tensor_bytes(&manifest, &manifest.inputs[i], 3, &result);
    }
  }
  free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size >= 4 && !memcmp(data,
                           "\x7f"
                           "ELF",
                           4))
    fuzz_artifact(data, size);
  else
    fuzz_manifest(data, size);
  return 0;
}
