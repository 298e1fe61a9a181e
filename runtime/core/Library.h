/* dlopen for artifacts: makes sure that the code which is loaded is that of the file whose manifest was read. */
#ifndef RUNTIME_CORE_LIBRARY_H
#define RUNTIME_CORE_LIBRARY_H

#include "lathe/lathe.h"

#include <stdint.h>

typedef struct lt_library lt_library;

/* `file` is open on what was read under `path`, which is for messages, and is found under `location`, or under `path` if that is null. */
lathe_status lt_library_open(const char *path, const char *location, int file, lt_library **library, lathe_error *error);
void lt_library_close(lt_library *library);
void *lt_library_symbol(const lt_library *library, const char *name);
/* Load address: a symbol's address minus its address in the file. */
uintptr_t lt_library_base(const lt_library *library);

#endif
