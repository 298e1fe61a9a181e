/* The dynamic linker takes a path for an object that is loaded already if the path is the same text as before, or the file the same inode. Both are wrong
 * for artifacts that get recompiled while a process uses them: the path then names a new file, and the linker would hand out the old code under the new
 * manifest. So all loaded artifacts are remembered here, and a new file is opened under a spelling of its path ("dir/./model.so") that no earlier one
 * has. A file overwritten in place cannot be told apart by the linker at all, and is refused as long as the earlier load of it lives. */
#define _GNU_SOURCE
#include "runtime/core/Library.h"

#include "runtime/core/Error.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct lt_library {
  lt_library *next;
  void *handle;
  uintptr_t base;
  char *path; /* canonical */
  struct stat identity;
  unsigned spelling; /* how many "./" stand before the file name */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static lt_library *loaded;

static pthread_once_t once = PTHREAD_ONCE_INIT;

/* A fork while another thread loads a model must not leave the child with a lock that nobody opens. */
static void hold_lock(void) { pthread_mutex_lock(&lock); }
static void release_lock(void) { pthread_mutex_unlock(&lock); }
static void survive_forks(void) { pthread_atfork(hold_lock, release_lock, release_lock); }

static bool same_file(const struct stat *a, const struct stat *b) { return a->st_dev == b->st_dev && a->st_ino == b->st_ino; }

static bool same_content(const struct stat *a, const struct stat *b) {
  return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* "dir/./././model.so" for three. Null without memory. */
static char *spell(const char *path, unsigned spelling) {
  const char *name = strrchr(path, '/') + 1; /* canonical paths have one */
  size_t folder = (size_t)(name - path), size = folder + 2 * (size_t)spelling + strlen(name) + 1;
  char *text = malloc(size);
  if (!text)
    return NULL;
  memcpy(text, path, folder);
  for (unsigned i = 0; i < spelling; ++i)
    memcpy(text + folder + 2 * i, "./", 2);
  strcpy(text + folder + 2 * spelling, name);
  return text;
}

/* A `location` is taken as it is: what /proc/self/fd/7 leads to has no path. Its number may have belonged to an artifact that is still loaded and whose file
 * is closed; then it gets another spelling, like a path under which there is a new file. */
static lathe_status open_locked(const char *path, const char *location, int file, lt_library *library, lathe_error *error) {
  if (fstat(file, &library->identity) != 0 || !(library->path = location ? strdup(location) : realpath(path, NULL)))
    return lt_fail(error, LATHE_INVALID_INPUT, "%s: cannot be read: %s", path, strerror(errno));
  for (const lt_library *other = loaded; other; other = other->next) {
    if (same_file(&other->identity, &library->identity)) {
      if (!same_content(&other->identity, &library->identity))
        return lt_fail(error, LATHE_REFUSED, "%s: was overwritten in place while a model loaded from it is in use; replace artifacts by renaming", path);
      library->spelling = other->spelling;
      break;
    }
    if (strcmp(other->path, library->path) == 0 && other->spelling >= library->spelling)
      library->spelling = other->spelling + 1;
  }
  char *spelled = spell(library->path, library->spelling);
  if (!spelled)
    return lt_fail(error, LATHE_INTERNAL, "%s: no memory to load it", path);
  library->handle = dlopen(spelled, RTLD_NOW | RTLD_LOCAL);
  if (!library->handle) {
    const char *why = dlerror();
    const char *prefix = why && strncmp(why, spelled, strlen(spelled)) == 0 ? spelled : "";
    lathe_status status = lt_fail(error, LATHE_REFUSED, "%s: cannot be loaded%s", path, why ? why + strlen(prefix) : "");
    free(spelled);
    return status;
  }
  free(spelled);
  struct stat now;
  struct link_map *map;
  if (stat(library->path, &now) != 0 || !same_file(&now, &library->identity) || !same_content(&now, &library->identity))
    return lt_fail(error, LATHE_REFUSED, "%s: changed while it was being loaded; try again", path);
  if (dlinfo(library->handle, RTLD_DI_LINKMAP, &map) != 0)
    return lt_fail(error, LATHE_INTERNAL, "%s: its load address is not known", path);
  library->base = map->l_addr;
  return LATHE_OK;
}

lathe_status lt_library_open(const char *path, const char *location, int file, lt_library **result, lathe_error *error) {
  lt_library *library = calloc(1, sizeof *library);
  if (!library)
    return lt_fail(error, LATHE_INTERNAL, "%s: no memory to load it", path);
  pthread_once(&once, survive_forks);
  pthread_mutex_lock(&lock);
  lathe_status status = open_locked(path, location, file, library, error);
  if (status == LATHE_OK) {
    library->next = loaded;
    loaded = library;
    *result = library;
  } else {
    if (library->handle)
      dlclose(library->handle);
    free(library->path);
    free(library);
  }
  pthread_mutex_unlock(&lock);
  return status;
}

void lt_library_close(lt_library *library) {
  pthread_mutex_lock(&lock);
  lt_library **link = &loaded;
  while (*link != library)
    link = &(*link)->next;
  *link = library->next;
  dlclose(library->handle);
  pthread_mutex_unlock(&lock);
  free(library->path);
  free(library);
}

void *lt_library_symbol(const lt_library *library, const char *name) { return dlsym(library->handle, name); }
uintptr_t lt_library_base(const lt_library *library) { return library->base; }
