/*
 * Secrets that two machines share: reading them, and proving possession of
 * them.
 *
 * Threading: any thread.
 */
#ifndef SHMRPCI_OS_TLS_SECRET_H
#define SHMRPCI_OS_TLS_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shmrpc/status.h"

#define SHMRPCI_SECRET_MIN_BYTES 16u
#define SHMRPCI_SECRET_MAX_BYTES 1024u
#define SHMRPCI_PROOF_BYTES      32u

typedef struct shmrpci_secret {
    uint8_t bytes[SHMRPCI_SECRET_MAX_BYTES];
    size_t len; /* 0: there is no secret */
} shmrpci_secret;

/* Reads a secret from a file, without the newline at its end. Returns
 * NOT_FOUND; DENIED if we can't read the file, or others can; INVALID if it is
 * not a regular file, too short or too long. */
shmrpc_status shmrpci_secret_read(const char *path, shmrpci_secret *out);

/* Computes the HMAC-SHA256 of `data`. Returns NO_MEMORY on failure. */
shmrpc_status shmrpci_secret_prove(const shmrpci_secret *secret,
                                   const uint8_t *data, size_t len,
                                   uint8_t out[SHMRPCI_PROOF_BYTES]);

/* Whether two proofs are equal, in a time that does not reveal where they
 * differ. */
bool shmrpci_secret_equal(const uint8_t a[SHMRPCI_PROOF_BYTES],
                          const uint8_t b[SHMRPCI_PROOF_BYTES]);

/* Fills in unpredictable bytes. Returns UNAVAILABLE if the system has none. */
shmrpc_status shmrpci_random_fill(uint8_t *out, size_t len);

#endif
