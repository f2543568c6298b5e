/*
 * Tokens: a client sends one in its hello, for all of its calls (`?token=FILE`
 * in an address).
 *
 * A token is a line of text of 16 to 512 bytes, in a file that only its owner
 * can read. It is read for each connection, and never shown in a message.
 *
 * Threading: any thread.
 */
#ifndef SHMRPCI_RPC_TOKEN_H
#define SHMRPCI_RPC_TOKEN_H

#include "base/buf.h"
#include "rpc/metadata.h"
#include "shmrpc/error.h"

#define SHMRPCI_TOKEN_MAX_BYTES 512u

/* The key of a token in metadata. */
#define SHMRPCI_AUTHORIZATION "authorization"

/* Appends the block of a hello with the token in `path`. NOT_FOUND; DENIED:
 * others can read it; INVALID: not a token. */
int shmrpci_token_write(const char *path, shmrpci_buf *hello,
                        shmrpc_error *error);

/* The token in a client's hello, copied to `block`; NULL: none. */
const char *shmrpci_token_read(const uint8_t *hello, size_t len,
                               shmrpci_metadata *block);

#endif
