/*
 * The language server: takes messages, returns frames.
 *
 * LSP 3.17 over JSON-RPC 2.0. It does no input or output; the command
 * `shmrpcgen lsp` and the tests move the bytes.
 *
 * Invariants: no message crashes it, blocks it, or makes it allocate without
 * bound; each request gets one answer, in order.
 * Threading: one thread at a time; imports that nobody has open are read from
 * disk.
 */
#ifndef SHMRPC_GENERATOR_LSP_SERVER_H
#define SHMRPC_GENERATOR_LSP_SERVER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "shmrpc/status.h"

typedef struct lsp_server lsp_server;

typedef enum lsp_flags {
    LSP_NO_DISK = 1u << 0 /* imports are read from open documents only */
} lsp_flags;

/* Returns NULL if out of memory. */
lsp_server *lsp_server_create(unsigned flags);
void lsp_server_destroy(lsp_server *server);

/* Adds a folder to search for imports: after the folder of the importing file,
 * before the folders that the client names. */
void lsp_server_import_dir(lsp_server *server, const char *dir);

/* Takes bytes from the client as they arrive, and appends the answers to `out`.
 * Returns INVALID if the bytes are not frames (no later bytes can be read
 * either), or NO_MEMORY. */
shmrpc_status lsp_server_feed(lsp_server *server, const void *data, size_t len,
                              shmrpci_buf *out) SHMRPC_WARN_UNUSED;

/* is_ended: whether `exit` was received; ended_well: whether `shutdown` had
 * come before it. */
bool lsp_server_is_ended(const lsp_server *server);
bool lsp_server_ended_well(const lsp_server *server);

#endif
