/*
 * Memory that processes share: nameless files in memory, sealed against
 * truncation, and their mappings.
 *
 * A memory file is allocated when it is created, so that a later access can't
 * fail with SIGBUS. Its mode is 0600, so that another user who receives a
 * descriptor can't open the file again. Mappings stay out of core dumps and out
 * of forked children.
 *
 * Threading: any thread.
 */
#ifndef SHMRPCI_OS_MEMORY_H
#define SHMRPCI_OS_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shmrpc/status.h"

typedef struct shmrpci_map {
    void *at; /* NULL if not mapped */
    size_t bytes;
    uint32_t generation; /* generation of the process that mapped it
                          * (os/fork.h) */
} shmrpci_map;

typedef enum shmrpci_access {
    SHMRPCI_ACCESS_READ,
    SHMRPCI_ACCESS_WRITE
} shmrpci_access;

/* Creates a memory file of `bytes` (rounded up to pages), filled with zeros,
 * backed by memory, and sealed against shrinking and growing. `label` is for
 * display. Returns EXHAUSTED or NO_MEMORY on failure. */
shmrpc_status shmrpci_memory_create(const char *label, size_t bytes,
                                    int *out_fd);

/* Like create, but a page gets memory only when it is first written to; without
 * overcommit the system counts the whole file against its limit. For files that
 * are large and little used, where a page fault at any time is acceptable. */
shmrpc_status shmrpci_memory_create_sparse(const char *label, size_t bytes,
                                           int *out_fd);

/* Opens a memory file again, with an open file description of its own. A
 * read-only one can't be used to write or to map for writing, nor can another
 * user open it again. */
shmrpc_status shmrpci_memory_reopen(int fd, shmrpci_access access, int *out_fd);

/* Whether a descriptor is writable. */
bool shmrpci_memory_is_writable(int fd);

/* Creates a memory file with these bytes, which nobody can ever change. */
shmrpc_status shmrpci_memory_create_constant(const char *label,
                                             const void *data, size_t bytes,
                                             int *out_fd);

/* Checks that a peer's descriptor may be mapped: it must be a memory file of at
 * least `bytes` that can't shrink, else DENIED. `out_bytes` may be NULL. */
shmrpc_status shmrpci_memory_check(int fd, size_t bytes, size_t *out_bytes);

/* Backs bytes of a file with memory, or disk space, so that a later access
 * can't fail; may be repeated. Returns EXHAUSTED if there is not enough. */
shmrpc_status shmrpci_memory_pay(int fd, uint64_t offset, uint64_t bytes);
/* Returns how much more the file system could back: an estimate, for
 * messages. */
uint64_t shmrpci_memory_available(int fd);
/* The size of a file. */
shmrpc_status shmrpci_memory_size(int fd, uint64_t *out_bytes);

/* Reads `bytes` from the start of a memory file. */
shmrpc_status shmrpci_memory_read(int fd, void *data, size_t bytes);

/* Maps the first `bytes`; if `prefault`, all pages are present afterwards. */
shmrpc_status shmrpci_memory_map(int fd, size_t bytes, shmrpci_access access,
                                 bool prefault, shmrpci_map *out);
/* Maps pages from `offset` on, which must be page-aligned. */
shmrpc_status shmrpci_memory_map_part(int fd, uint64_t offset, size_t bytes,
                                      shmrpci_access access, shmrpci_map *out);
/* Returns the first offset from `from` to `end` that has been written to, in
 * whole pages; `end` if there is none. */
uint64_t shmrpci_memory_next_data(int fd, uint64_t from, uint64_t end);
/* Unmaps. A forked child doesn't have the mapping, so there it only forgets it:
 * another mapping may be at that address by now. */
void shmrpci_memory_unmap(shmrpci_map *map);

/* Frees the memory at once, even if other processes still map it: they read
 * zeros from now on. */
void shmrpci_memory_discard(const shmrpci_map *map);

/* Returns private memory, zeroed and page-aligned, in which untouched pages
 * cost nothing; NULL if out of memory. */
void *shmrpci_pages_create(size_t bytes);
void shmrpci_pages_destroy(void *at, size_t bytes);

void shmrpci_fd_close(int *fd);

#endif
