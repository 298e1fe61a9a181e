/* The manifest as JSON text. Its strings are checked UTF-8 without control characters, so two characters need an escape. */
#define _GNU_SOURCE
#include "runtime/core/Manifest.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Calls may share nodes and arguments, so a small damaged manifest could stand for a text that fills the memory. */
#define MAX_TEXT ((size_t)1 << 28)

typedef struct writer {
  char *text;
  size_t used, capacity;
  bool failed;
} writer;

static void put_bytes(writer *w, const char *bytes, size_t count) {
  if (w->failed)
    return;
  if (count >= w->capacity - w->used) {
    size_t capacity = 2 * (w->capacity + count) + 256;
    char *larger = capacity <= MAX_TEXT ? realloc(w->text, capacity) : NULL;
    if (!larger) {
      w->failed = true;
      return;
    }
    w->text = larger;
    w->capacity = capacity;
  }
  memcpy(w->text + w->used, bytes, count);
  w->used += count;
  w->text[w->used] = 0;
}

/* For short pieces. */
__attribute__((format(printf, 2, 3))) static void put(writer *w, const char *format, ...) {
  char piece[256];
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(piece, sizeof piece, format, arguments);
  va_end(arguments);
  put_bytes(w, piece, (size_t)length < sizeof piece ? (size_t)length : sizeof piece - 1);
}

static void put_string(writer *w, const lt_manifest *m, lathe_range range) {
  const char *text = m->strings + range.offset;
  put_bytes(w, "\"", 1);
  for (uint32_t i = 0; i < range.length; ++i) {
    if (text[i] == '"' || text[i] == '\\')
      put_bytes(w, "\\", 1);
    put_bytes(w, text + i, 1);
  }
  put_bytes(w, "\"", 1);
}

static void put_key_string(writer *w, const lt_manifest *m, const char *key, lathe_range range) {
  put(w, "\"%s\":", key);
  put_string(w, m, range);
  put(w, ",");
}

static void put_affine(writer *w, lathe_affine value) { put(w, "[%" PRId64 ",%" PRId64 "]", value.c0, value.c1); }

static void put_hash(writer *w, const char *key, const uint8_t *hash) {
  put(w, "\"%s\":\"", key);
  for (int i = 0; i < 32; ++i)
    put(w, "%02x", hash[i]);
  put(w, "\",");
}

static void put_gpu(writer *w, const lt_manifest *m) {
  put_key_string(w, m, "assembler", m->gpu->assembler);
  put(w, "\"images_bytes\":%" PRIu64 ",\"images\":[", m->gpu->images_bytes);
  for (uint32_t i = 0; i < m->gpu->images.count; ++i) {
    const lathe_gpu_image *image = &m->images[i];
    put(w, "%s{\"kind\":\"%s\",\"arch\":%u,\"exact\":%s,", i ? "," : "", image->kind == LATHE_IMAGE_PTX ? "ptx" : "cubin", image->arch,
        image->flags & LATHE_IMAGE_EXACT ? "true" : "false");
    put_hash(w, "hash", image->hash);
    put(w, "\"isa\":%u,\"entries\":[%u,%u],\"offset\":%" PRIu64 ",\"bytes\":%" PRIu64 "}", image->isa, image->first_entry, image->entry_count, image->offset,
        image->bytes);
  }
  put(w, "],\"launches\":[");
  for (uint32_t i = 0; i < m->gpu->launches.count; ++i) {
    const lathe_gpu_launch *launch = &m->launches[i];
    put(w, "%s{\"entry\":%u,\"threads\":%u,\"block\":%u,\"shared_bytes\":%u}", i ? "," : "", launch->entry, launch->threads, launch->block,
        launch->shared_bytes);
  }
  put(w, "],");
}

static void put_tensors(writer *w, const lt_manifest *m, const char *key, const lathe_tensor_info *tensors, uint32_t count) {
  put(w, "\"%s\":[", key);
  for (uint32_t i = 0; i < count; ++i) {
    put(w, "%s{", i ? "," : "");
    put_key_string(w, m, "name", tensors[i].name);
    put(w, "\"dtype\":\"%s\",\"dims\":[", lathe_dtype_name(tensors[i].dtype));
    for (uint32_t d = 0; d < tensors[i].rank; ++d) {
      put(w, "%s", d ? "," : "");
      put_affine(w, m->dims[tensors[i].first_dim + d]);
    }
    put(w, "]");
    if (tensors[i].flags & LATHE_TENSOR_BOUNDED) {
      put(w, ",\"extents\":");
      put_affine(w, lt_extents(m, &tensors[i]));
    }
    put(w, "}");
  }
  put(w, "],");
}

static void put_call(writer *w, const lt_manifest *m, const lathe_call *call) {
  static const char *const kinds[] = {"input", "output", "weights", "arena", "batch"};
  put(w, "{\"kernel\":%u,\"grain\":%u,\"space\":", call->kernel, call->grain);
  put_affine(w, call->space);
  put(w, ",\"flops\":");
  put_affine(w, call->flops);
  put(w, ",\"bytes\":");
  put_affine(w, call->bytes);
  put(w, ",\"args\":[");
  for (uint32_t i = 0; i < call->arg_count; ++i) {
    const lathe_arg *arg = &m->args[call->first_arg + i];
    put(w, "%s{\"kind\":\"%s\",\"index\":%u,\"offset\":", i ? "," : "", kinds[arg->kind], arg->index);
    put_affine(w, arg->offset);
    put(w, "}");
  }
  put(w, "],\"nodes\":[");
  for (uint32_t i = 0; i < call->node_count; ++i) {
    put(w, "%s", i ? "," : "");
    put_string(w, m, m->nodes[call->first_node + i]);
  }
  put(w, "]}");
}

char *lt_manifest_json(const lt_manifest *m) {
  const lathe_manifest_header *h = m->header;
  writer value = {0}, *w = &value;
  put(w, "{\"format\":\"%u.%u\",", h->format_major, h->format_minor);
  put_key_string(w, m, "compiler", h->compiler);
  put_key_string(w, m, "flags", h->flags);
  put_key_string(w, m, "model", h->model_name);
  put_key_string(w, m, "target_triple", h->target_triple);
  put_key_string(w, m, "target_cpu", h->target_cpu);
  put(w, "\"features\":[");
  for (uint32_t i = 0; i < h->features.count; ++i) {
    put(w, "%s", i ? "," : "");
    put_string(w, m, m->features[i]);
  }
  put(w, "],");
  put_tensors(w, m, "inputs", m->inputs, h->inputs.count);
  put_tensors(w, m, "outputs", m->outputs, h->outputs.count);
  put_key_string(w, m, "batch_symbol", h->batch_symbol);
  put(w, "\"min_batch\":%" PRId64 ",\"max_batch\":%" PRId64 ",\"arena_bytes\":", h->min_batch, h->max_batch);
  put_affine(w, h->arena_bytes);
  put(w, ",\"scratch_bytes\":%" PRIu64 ",\"weights_bytes\":%" PRIu64 ",", h->scratch_bytes, h->weights_bytes);
  put_key_string(w, m, "weights_file", h->weights_file);
  put_hash(w, "model_hash", h->model_hash);
  put_hash(w, "weights_hash", h->weights_hash);
  if (m->gpu)
    put_gpu(w, m);
  put(w, "\"kernels\":[");
  for (uint32_t i = 0; i < h->kernels.count; ++i) {
    put(w, "%s", i ? "," : "");
    put_string(w, m, m->kernels[i].name);
  }
  put(w, "],\"calls\":[");
  for (uint32_t i = 0; i < h->calls.count; ++i) {
    put(w, "%s", i ? "," : "");
    put_call(w, m, &m->calls[i]);
  }
  put(w, "]}");
  if (value.failed) {
    free(value.text);
    return NULL;
  }
  return value.text;
}
