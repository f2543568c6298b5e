/*
 * The language server: messages in, frames out.
 *
 * LSP 3.17 over JSON-RPC 2.0. It does no input or output; the command
 * `shmrpcgen lsp` and the tests move the bytes.
 *
 * Invariants: no message crashes it, makes it wait, or allocates without bound;
 * each request gets one answer, in order.
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
    LSP_NO_DISK = 1u << 0 /* imports are found in open documents only */
} lsp_flags;

/* NULL without memory. */
lsp_server *lsp_server_create(unsigned flags);
void lsp_server_destroy(lsp_server *server);

/* A folder to search for imports, after the importing file's; before those that
 * the client names. */
void lsp_server_import_dir(lsp_server *server, const char *dir);

/* Takes bytes from the client, as they arrive, and appends the answers to
 * `out`. INVALID: the bytes are not frames, and nothing more can be understood;
 * NO_MEMORY. */
shmrpc_status lsp_server_feed(lsp_server *server, const void *data, size_t len,
                              shmrpci_buf *out) SHMRPC_WARN_UNUSED;

/* Whether `exit` was received, and whether it was announced by `shutdown`. */
bool lsp_server_is_ended(const lsp_server *server);
bool lsp_server_ended_well(const lsp_server *server);

#endif
