/*
 * A key that both ends share, and how each proves to the other that it has the
 * key: each sends an opening with a nonce, then a proof over both openings.
 *
 *     client                                         server
 *     opening, nonce                       ---> <---  opening, nonce, proof
 *     AUTH proof, then hello               --->
 *
 * Threading: plain values, guarded by their owner.
 */
#ifndef SHMRPCI_TRANSPORT_TCP_AUTH_H
#define SHMRPCI_TRANSPORT_TCP_AUTH_H

#include "os/tls_secret.h"
#include "os/tls_stream.h"
#include "shmrpc/error.h"
#include "transport/wire/frame.h"

#define TCP_NONCE_BYTES 32u

/* The first bytes of each side: its opening and its nonce. */
#define TCP_SAID_BYTES (TCP_OPENING_BYTES + TCP_NONCE_BYTES)

typedef struct tcp_auth {
    const shmrpci_secret *key; /* owned by the listener or client; len 0: no key
                                * is required */
    uint8_t client[TCP_SAID_BYTES];
    uint8_t server[TCP_SAID_BYTES];
    bool has_binding; /* proofs include `binding`, so they are valid only on
                       * this TLS connection */
    uint8_t binding[SHMRPCI_TLS_BINDING_BYTES];
} tcp_auth;

/* Reads the key file that an address names, if it names one. Returns INVALID,
 * DENIED or NOT_FOUND, each with a message. */
int tcp_auth_read_key(const char *path, shmrpci_secret *out,
                      shmrpc_error *error);

/* Makes the first bytes that a side sends. */
shmrpc_status tcp_auth_say(tcp_side from, uint8_t out[TCP_SAID_BYTES]);

/* Computes a side's proof from the first bytes of both sides. */
shmrpc_status tcp_auth_prove(const tcp_auth *auth, tcp_side from,
                             uint8_t out[SHMRPCI_PROOF_BYTES]);

/* Whether `proof` shows that side `from` has our key. */
bool tcp_auth_is_proof(const tcp_auth *auth, tcp_side from,
                       const uint8_t proof[SHMRPCI_PROOF_BYTES]);

#endif
