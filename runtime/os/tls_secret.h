/*
 * Secrets that two machines share: reading one, and proving possession.
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
    size_t len; /* 0: none */
} shmrpci_secret;

/* Reads one from a file, without the newline at its end. NOT_FOUND; DENIED:
 * unreadable for us, or readable for others; INVALID: not a regular file, too
 * short or too long. */
shmrpc_status shmrpci_secret_read(const char *path, shmrpci_secret *out);

/* HMAC-SHA256 of `data`. NO_MEMORY. */
shmrpc_status shmrpci_secret_prove(const shmrpci_secret *secret,
                                   const uint8_t *data, size_t len,
                                   uint8_t out[SHMRPCI_PROOF_BYTES]);

/* Whether two are equal, in a time that does not reveal where they differ. */
bool shmrpci_secret_equal(const uint8_t a[SHMRPCI_PROOF_BYTES],
                          const uint8_t b[SHMRPCI_PROOF_BYTES]);

/* Unpredictable bytes. UNAVAILABLE: the system has none. */
shmrpc_status shmrpci_random_fill(uint8_t *out, size_t len);

#endif
