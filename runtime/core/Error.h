/* One line of error text for the caller. */
#ifndef RUNTIME_CORE_ERROR_H
#define RUNTIME_CORE_ERROR_H

#include "lathe/lathe.h"

/* Writes the line (if `error` is not null) and returns `status`, so that `return lt_fail(…);` reads as one step. */
lathe_status lt_fail(lathe_error *error, lathe_status status, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
