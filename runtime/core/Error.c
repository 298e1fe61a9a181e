#include "runtime/core/Error.h"

#include <stdarg.h>
#include <stdio.h>

lathe_status lt_fail(lathe_error *error, lathe_status status, const char *format, ...) {
  if (error) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    /* Paths and names of a host may hold anything; the promise is one line. */
    for (char *c = error->text; *c; ++c)
      if ((unsigned char)*c < 0x20 || *c == 0x7f)
        *c = '?';
  }
  return status;
}
