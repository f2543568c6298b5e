/*
 * A key that both ends share, and how each proves to the other that it has it:
 * openings with nonces, and proofs over both.
 *
 *     client                                         server
 *     opening, nonce                       ---> <---  opening, nonce, proof
 *     AUTH proof, then hello               --->
 *
 * Threading: values.
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
    const shmrpci_secret *key; /* the owner's; len 0: no key is required */
    uint8_t client[TCP_SAID_BYTES];
    uint8_t server[TCP_SAID_BYTES];
    bool has_binding; /* proofs are valid for this TLS connection only */
    uint8_t binding[SHMRPCI_TLS_BINDING_BYTES];
} tcp_auth;

/* Reads the key file that an address names, if it names one. INVALID, DENIED,
 * NOT_FOUND with a message. */
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
