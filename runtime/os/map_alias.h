/*
 * Only for builds with ThreadSanitizer, which can't see that two mappings are
 * the same memory.
 *
 * The sanitizer knows memory by its address, so that two mappings of one file
 * hide from it how one thread's release meets another's acquire.  With these, a
 * process that is client and server at once maps each file once.
 */
#ifndef SHMRPCI_OS_MAP_ALIAS_H
#define SHMRPCI_OS_MAP_ALIAS_H

#include <stdbool.h>

#include "os/memory.h"

#if defined(__SANITIZE_THREAD__)
#define SHMRPCI_MAP_ALIAS 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SHMRPCI_MAP_ALIAS 1
#endif
#endif
#ifndef SHMRPCI_MAP_ALIAS
#define SHMRPCI_MAP_ALIAS 0
#endif

/* An order that another process keeps: what a thread did before `before(at)` is
 * over for those behind `after(at)`. */
#if SHMRPCI_MAP_ALIAS
#include <sanitizer/tsan_interface.h>
#define shmrpci_note_before(at) __tsan_release(at)
#define shmrpci_note_after(at)  __tsan_acquire(at)
#else
#define shmrpci_note_before(at) ((void)(at))
#define shmrpci_note_after(at)  ((void)(at))
#endif

/* Finds the mapping of a file, and counts one more user of it. `*out_again`: it
 * is for reading only, and is to be mapped again in its place, for writing. */
bool shmrpci_alias_find(int fd, size_t bytes, shmrpci_access access,
                        shmrpci_map *out, bool *out_again);
/* Keeps a new mapping for others to find. */
void shmrpci_alias_add(int fd, shmrpci_access access, const shmrpci_map *map);
/* One user less: true when it was the last, or the mapping isn't known. */
bool shmrpci_alias_drop(const shmrpci_map *map);

#endif
