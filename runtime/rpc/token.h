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

/* Appends a metadata block with the token in the file `path` to a hello.
 * Returns NOT_FOUND, DENIED if other users can read the file, or INVALID if its
 * content is not a token. */
int shmrpci_token_write(const char *path, shmrpci_buf *hello,
                        shmrpc_error *error);

/* Copies the metadata in a client's hello to `block`, and returns the token in
 * it, or NULL if there is none. */
const char *shmrpci_token_read(const uint8_t *hello, size_t len,
                               shmrpci_metadata *block);

#endif
