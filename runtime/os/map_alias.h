/*
 * For builds with ThreadSanitizer only, which can't see that two mappings are
 * the same memory.
 *
 * The sanitizer identifies memory by its address: with two mappings of one file
 * it can't match a release through one with an acquire through the other. So a
 * process that is both client and server maps each file only once.
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

/* Tell the sanitizer of an order that another process ensures: what comes
 * before `before(at)` happens before what comes after `after(at)`. */
#if SHMRPCI_MAP_ALIAS
#include <sanitizer/tsan_interface.h>
#define shmrpci_note_before(at) __tsan_release(at)
#define shmrpci_note_after(at)  __tsan_acquire(at)
#else
#define shmrpci_note_before(at) ((void)(at))
#define shmrpci_note_after(at)  ((void)(at))
#endif

/* Finds the mapping of a file, and adds a user to it. Sets `*out_again` if the
 * mapping is read-only, so that the caller must map the file again in its
 * place, writable. */
bool shmrpci_alias_find(int fd, size_t bytes, shmrpci_access access,
                        shmrpci_map *out, bool *out_again);
/* Registers a new mapping. */
void shmrpci_alias_add(int fd, shmrpci_access access, const shmrpci_map *map);
/* Removes a user; returns true if it was the last one, or the mapping isn't
 * known. */
bool shmrpci_alias_drop(const shmrpci_map *map);

#endif
