/* Names and sizes of element types. */
#include "lathe/artifact.h"
#include "lathe/lathe.h"

#define LT_STRING2(x) #x
#define LT_STRING(x) LT_STRING2(x)

const char *lathe_version(void) { return LT_STRING(LATHE_VERSION); }

const char *lathe_dtype_name(uint32_t dtype) {
  switch (dtype) {
  case LATHE_FLOAT32:
    return "float32";
  case LATHE_UINT8:
    return "uint8";
  case LATHE_INT8:
    return "int8";
  case LATHE_UINT16:
    return "uint16";
  case LATHE_INT16:
    return "int16";
  case LATHE_INT32:
    return "int32";
  case LATHE_INT64:
    return "int64";
  case LATHE_BOOL:
    return "bool";
  case LATHE_FLOAT16:
    return "float16";
  case LATHE_FLOAT64:
    return "float64";
  case LATHE_UINT32:
    return "uint32";
  case LATHE_UINT64:
    return "uint64";
  case LATHE_BFLOAT16:
    return "bfloat16";
  default:
    return "unknown";
  }
}

size_t lathe_dtype_size(uint32_t dtype) {
  switch (dtype) {
  case LATHE_UINT8:
  case LATHE_INT8:
  case LATHE_BOOL:
    return 1;
  case LATHE_UINT16:
  case LATHE_INT16:
  case LATHE_FLOAT16:
  case LATHE_BFLOAT16:
    return 2;
  case LATHE_FLOAT32:
  case LATHE_INT32:
  case LATHE_UINT32:
    return 4;
  case LATHE_INT64:
  case LATHE_FLOAT64:
  case LATHE_UINT64:
    return 8;
  default:
    return 0;
  }
}
