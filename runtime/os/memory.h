/*
 * Memory that processes share: nameless files in memory, sealed against
 * truncation, and their mappings.
 *
 * A memory file is allocated when it is created, so that a later touch can't
 * fail with SIGBUS; its mode is 0600, so that a descriptor given away can't be
 * opened again by another user. Mappings stay out of core dumps and out of
 * forked children.
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
    void *at; /* NULL: none */
    size_t bytes;
    uint32_t generation; /* of the process that mapped it (os/fork.h) */
} shmrpci_map;

typedef enum shmrpci_access {
    SHMRPCI_ACCESS_READ,
    SHMRPCI_ACCESS_WRITE
} shmrpci_access;

/* Makes a memory file of `bytes` (rounded up to pages), filled with zeros and
 * backed by memory, which can't shrink or grow any more. `label` is for
 * people. EXHAUSTED, NO_MEMORY. */
shmrpc_status shmrpci_memory_create(const char *label, size_t bytes,
                                    int *out_fd);

/* The same, but a page gets memory only when it is first written to; all of it
 * counts against the limit of a system without overcommit. For files that are
 * large and little used, where a page fault at any time is acceptable. */
shmrpc_status shmrpci_memory_create_sparse(const char *label, size_t bytes,
                                           int *out_fd);

/* Another open file description of a memory file. A read-only one can't be used
 * to write, or to map for writing, nor can another user open it again. */
shmrpc_status shmrpci_memory_reopen(int fd, shmrpci_access access, int *out_fd);

/* Whether a descriptor is writable, too. */
bool shmrpci_memory_is_writable(int fd);

/* Makes a memory file with these bytes that nobody can ever change. */
shmrpc_status shmrpci_memory_create_constant(const char *label,
                                             const void *data, size_t bytes,
                                             int *out_fd);

/* Whether a peer's descriptor may be mapped: a memory file of at least `bytes`
 * that can't shrink. DENIED if not. `out_bytes` may be NULL. */
shmrpc_status shmrpci_memory_check(int fd, size_t bytes, size_t *out_bytes);

/* Backs some bytes of a file with memory, or disk space, so that a later touch
 * can't fail; may be repeated. EXHAUSTED. */
shmrpc_status shmrpci_memory_pay(int fd, uint64_t offset, uint64_t bytes);
/* How much more its file system could back: an estimate, for messages. */
uint64_t shmrpci_memory_available(int fd);
/* The size of a file. */
shmrpc_status shmrpci_memory_size(int fd, uint64_t *out_bytes);

/* Reads `bytes` from the start of a memory file. */
shmrpc_status shmrpci_memory_read(int fd, void *data, size_t bytes);

/* Maps the first `bytes`, with all pages present if `prefault`. */
shmrpc_status shmrpci_memory_map(int fd, size_t bytes, shmrpci_access access,
                                 bool prefault, shmrpci_map *out);
/* Maps some pages from `offset` on, which is a page's beginning. */
shmrpc_status shmrpci_memory_map_part(int fd, uint64_t offset, size_t bytes,
                                      shmrpci_access access, shmrpci_map *out);
/* The first offset in `from` to `end` that has been written to, as far as pages
 * can tell; `end` if there is none. */
uint64_t shmrpci_memory_next_data(int fd, uint64_t from, uint64_t end);
/* In a forked child, which doesn't have the mapping, only forgets it: another
 * one may be there by now. */
void shmrpci_memory_unmap(shmrpci_map *map);

/* Gives the memory back at once, though others still map it: they read zeros
 * from now on. */
void shmrpci_memory_discard(const shmrpci_map *map);

/* Private memory, zeroed and page-aligned: untouched pages cost nothing. NULL:
 * out of memory. */
void *shmrpci_pages_create(size_t bytes);
void shmrpci_pages_destroy(void *at, size_t bytes);

void shmrpci_fd_close(int *fd);

#endif
