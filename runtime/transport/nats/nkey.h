/*
 * nkeys of NATS: an Ed25519 key as text in base 32, preceded by its kind and
 * followed by a checksum. libnats expects its caller to derive the public key
 * from a seed.
 *
 * The library that includes this header contains no other code of ours, so this
 * is plain C.
 *
 * Threading: pure functions.
 */
#ifndef SHMRPCI_TRANSPORT_NATS_NKEY_H
#define SHMRPCI_TRANSPORT_NATS_NKEY_H

#include <stdbool.h>

/* Size of a public key as text, with its final 0. */
#define NATS_NKEY_BYTES 57u

/* Derives the public key of a user's seed ("SU..."). Returns false if the text
 * is not such a seed. */
bool nats_nkey_public(const char *seed, char out[NATS_NKEY_BYTES]);

#define NATS_SIGNATURE_BYTES 64u

/* Signs the challenge that a server has sent, with a user's seed. Returns false
 * if the text is not such a seed. */
bool nats_nkey_sign(const char *seed, const char *text,
                    unsigned char out[NATS_SIGNATURE_BYTES]);

#endif
