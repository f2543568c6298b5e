/*
 * The credentials of a NATS client: a seed that signs the server's challenge,
 * and possibly a token of its account (JWT).
 *
 * Files are read once, when the connection is opened, so that a gateway in its
 * sandbox can reconnect without opening files. This code is part of
 * libshmrpc-nats, which contains no other code of ours.
 *
 * Threading: one thread fills the credentials; afterwards they are read-only.
 */
#ifndef SHMRPCI_TRANSPORT_NATS_CREDENTIALS_H
#define SHMRPCI_TRANSPORT_NATS_CREDENTIALS_H

#include <stdbool.h>
#include <stddef.h>

#define NATS_CREDENTIALS_BYTES 8192u

typedef struct nats_credentials {
    char jwt[NATS_CREDENTIALS_BYTES]; /* "": none */
    char seed[128];
} nats_credentials;

/* Reads a file in the format of `nsc` or, if `is_seed`, a file that holds only
 * a seed. If it returns false, `why` names the file and the reason. */
bool nats_credentials_read(const char *path, bool is_seed,
                           nats_credentials *out, char *why, size_t why_size);

/* Erases the credentials from memory. */
void nats_credentials_wipe(nats_credentials *credentials);

#endif
