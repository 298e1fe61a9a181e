/* The contract between compiled artifacts and the runtime.
 *
 * An artifact is an ELF shared object with two things of interest:
 *   - a non-allocated section ".lathe.manifest" that holds one lathe_manifest_header and its tables.
 *     It is read from the file before the object is loaded, so that a wrong artifact is refused with a message instead of crashing;
 *   - one exported data symbol, "lathe_artifact_v1", of type lathe_artifact_entry, from which the code and the weights are found.
 *
 * Every integer is little-endian. Every table is {offset, count}: offset in bytes from the start of the manifest, a multiple of 8; count in elements
 * (bytes for the string table). A string is a {offset, length} range of the string table, without a terminating zero. Readers check every range,
 * with arithmetic that cannot wrap, before they follow it. docs/ArtifactFormat.md is the prose form of this file.
 *
 * A value that depends on the batch size N is written as {c0, c1} and means c0 + c1 * N. */
#ifndef LATHE_ARTIFACT_H
#define LATHE_ARTIFACT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LATHE_MANIFEST_SECTION ".lathe.manifest"
#define LATHE_ENTRY_SYMBOL "lathe_artifact_v1"
#define LATHE_MANIFEST_MAGIC "LATHEMF\0" /* 8 bytes */
#define LATHE_FORMAT_MAJOR 1             /* a reader refuses another major version */
#define LATHE_FORMAT_MINOR 2             /* a reader accepts a smaller or equal minor version; 1: bounded outputs, empty tensors; 2: images for GPUs */

/* A kernel runs iterations [begin, end) of its own linearised iteration space. `args` is the table that the plan describes for this call. `scratch` is
 * private to the calling thread, LATHE_ALIGNMENT-aligned, of the manifest's scratch_bytes. Kernels call nothing and cannot fail. */
typedef void (*lathe_kernel_fn)(void *const *args, void *scratch, int64_t begin, int64_t end);

#define LATHE_ALIGNMENT 64 /* of the arena, the scratch and the packed weights; inputs and outputs need only the alignment of their element type */

/* What the exported symbol points at. Offsets are relative to the address of the member that holds them, so that the object needs no relocations. */
typedef struct lathe_artifact_entry {
  char magic[8]; /* LATHE_MANIFEST_MAGIC */
  uint32_t format_major;
  uint32_t kernel_count;  /* as in the manifest; of artifacts for GPUs 0 */
  int64_t kernels_offset; /* int32_t[kernel_count]: code address = address of the element + its value; of artifacts for GPUs the images, 64-byte aligned */
  int64_t weights_offset; /* packed weights; 0 if they are in a file of their own */
} lathe_artifact_entry;

typedef struct lathe_range {
  uint32_t offset, length;
} lathe_range; /* string */
typedef struct lathe_table {
  uint32_t offset, count;
} lathe_table;
typedef struct lathe_affine {
  int64_t c0, c1;
} lathe_affine; /* c0 + c1 * N */

/* ONNX TensorProto.DataType numbers, so that names need no second table. */
enum {
  LATHE_FLOAT32 = 1,
  LATHE_UINT8 = 2,
  LATHE_INT8 = 3,
  LATHE_UINT16 = 4,
  LATHE_INT16 = 5,
  LATHE_INT32 = 6,
  LATHE_INT64 = 7,
  LATHE_BOOL = 9,
  LATHE_FLOAT16 = 10,
  LATHE_FLOAT64 = 11,
  LATHE_UINT32 = 12,
  LATHE_UINT64 = 13,
  LATHE_BFLOAT16 = 16
};

enum {
  /* Of outputs only: the dims are upper bounds, and dims[first_dim + rank] is no dim, but where in the arena the plan leaves the true ones: the offset of
   * int64_t[rank], 8-aligned. The elements lie dense, row-major for the true dims, at the start of the output's memory. */
  LATHE_TENSOR_BOUNDED = 1
};

/* An input or output of the network, by its ONNX name. Its dims are dims[first_dim .. first_dim + rank). */
typedef struct lathe_tensor_info {
  lathe_range name;
  uint32_t dtype;
  uint32_t rank;
  uint32_t first_dim;
  uint32_t flags; /* LATHE_TENSOR_…; other bits are 0 */
} lathe_tensor_info;

enum {
  LATHE_ARG_INPUT = 0,
  LATHE_ARG_OUTPUT = 1,
  LATHE_ARG_WEIGHTS = 2,
  LATHE_ARG_ARENA = 3,
  LATHE_ARG_BATCH = 4 /* the table entry is the batch size itself, not a pointer; index and offset are 0 */
};

/* One entry of a call's argument table: the base of `kind` (input or output number `index`) plus `offset` bytes. */
typedef struct lathe_arg {
  uint32_t kind;
  uint32_t index;
  lathe_affine offset;
} lathe_arg;

/* One step of the static plan; steps run in order, each after the one before it has ended on all threads. */
typedef struct lathe_call {
  uint32_t kernel;    /* index */
  uint32_t first_arg; /* in the args table */
  uint32_t arg_count;
  uint32_t grain;      /* fewest iterations that are worth a thread of their own, >= 1 */
  lathe_affine space;  /* iterations [0, space) */
  lathe_affine flops;  /* arithmetic of the call: a multiply-add is 2 */
  lathe_affine bytes;  /* compulsory traffic of the call: each operand once */
  uint32_t first_node; /* ONNX nodes that this call computes: nodes[first_node .. first_node + node_count) */
  uint32_t node_count;
} lathe_call;

typedef struct lathe_kernel_info {
  lathe_range name;
} lathe_kernel_info;

/* ---- for NVIDIA GPUs: target_triple begins with "nvptx64-", and a lathe_gpu_info follows the header ---- */

enum { LATHE_IMAGE_CUBIN = 0, LATHE_IMAGE_PTX = 1 };
enum { LATHE_IMAGE_EXACT = 1 }; /* uses features that other architectures do not have, such as those of sm_90a: for its own architecture only */

/* Code that the driver loads as one module: a cubin, or PTX text, which has a terminating zero. All images of one kind and architecture are loaded together. */
typedef struct lathe_gpu_image {
  uint32_t kind, flags;   /* LATHE_IMAGE_… */
  uint32_t arch;          /* 10 * major + minor of the compute capability: 80 */
  uint32_t isa;           /* of PTX 10 * major + minor of its version: 70; of cubins 0 */
  uint32_t first_entry;   /* it holds the entries lathe_k<first_entry> … */
  uint32_t entry_count;   /* … of which there are so many, at least 1 */
  uint64_t offset, bytes; /* in the images; the offset is a multiple of 64; bytes include PTX's terminating zero */
  uint8_t hash[32];       /* BLAKE3 of the bytes */
} lathe_gpu_image;

/* How a kernel is launched: lathe_k<entry>(u64 args, u64 space), where args is a table on the device like that of a kernel for CPUs, in
 * ceil(space * threads / block) blocks. Each iteration of [0, space) is run by `threads` threads; surplus threads do nothing. */
typedef struct lathe_gpu_launch {
  uint32_t entry;
  uint32_t threads;
  uint32_t block;        /* threads of a block */
  uint32_t shared_bytes; /* dynamic shared memory of a block */
} lathe_gpu_launch;

typedef struct lathe_gpu_info {
  lathe_table images;    /* lathe_gpu_image, sorted by kind, arch and first_entry; those of one kind and architecture hold every entry once */
  lathe_table launches;  /* lathe_gpu_launch, one for each kernel */
  lathe_range assembler; /* the version of ptxas, "13.0.88"; "" if there is no cubin */
  uint64_t images_bytes;
} lathe_gpu_info;

typedef struct lathe_manifest_header {
  char magic[8];
  uint32_t format_major, format_minor;
  uint64_t total_bytes;      /* of the manifest, header included */
  lathe_table strings;       /* char */
  lathe_table inputs;        /* lathe_tensor_info */
  lathe_table outputs;       /* lathe_tensor_info */
  lathe_table dims;          /* lathe_affine: a dim that is the batch is {0, 1}, a fixed one is {d, 0} (d >= 0) */
  lathe_table kernels;       /* lathe_kernel_info */
  lathe_table calls;         /* lathe_call */
  lathe_table args;          /* lathe_arg */
  lathe_table nodes;         /* lathe_range: ONNX node names */
  lathe_table features;      /* lathe_range: CPU features that the code needs, by their LLVM names ("avx512f") */
  lathe_range target_triple; /* "x86_64-unknown-linux-gnu" */
  lathe_range target_cpu;    /* "x86-64-v3" */
  lathe_range compiler;      /* "lathe 0.1.0 (LLVM 22.1.8)" */
  lathe_range flags;         /* those that change code, canonical order */
  lathe_range model_name;    /* file name of the ONNX model, without directories */
  lathe_range batch_symbol;  /* ONNX dim_param of the batch, "" if the batch is fixed */
  lathe_range weights_file;  /* "" if embedded; else a path relative to the artifact */
  uint64_t weights_bytes;
  int64_t min_batch, max_batch; /* both inclusive; equal if fixed; max_batch is INT64_MAX if unbounded */
  lathe_affine arena_bytes;     /* shared by all threads of a context */
  uint64_t scratch_bytes;       /* per thread */
  uint8_t model_hash[32];       /* BLAKE3 of the ONNX file */
  uint8_t weights_hash[32];     /* BLAKE3 of the packed weights */
} lathe_manifest_header;

#ifdef __cplusplus
}
#endif
#endif
