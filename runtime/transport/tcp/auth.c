/* Authentication by a shared key: reading the key file, making and checking
 * proofs. */
#include "transport/tcp/auth.h"

#include <string.h>

int tcp_auth_read_key(const char *path, shmrpci_secret *out,
                      shmrpc_error *error)
{
    out->len = 0;
    if (path[0] == '\0') {
        return SHMRPC_OK;
    }
    shmrpc_status status = shmrpci_secret_read(path, out);
    switch ((int)status) {
    case SHMRPC_OK:
        return SHMRPC_OK;
    case SHMRPC_E_NOT_FOUND:
        return shmrpc_error_set(error, status, "the key %.100s does not exist",
                                path);
    case SHMRPC_E_DENIED:
        return shmrpc_error_set(
            error, status,
            "the key %.100s can't be read, or others can read it: chmod 600",
            path);
    default:
        return shmrpc_error_set(
            error, SHMRPC_E_INVALID,
            "the key %.100s is not a file of %u to %u bytes", path,
            SHMRPCI_SECRET_MIN_BYTES, SHMRPCI_SECRET_MAX_BYTES);
    }
}

shmrpc_status tcp_auth_say(tcp_side from, uint8_t out[TCP_SAID_BYTES])
{
    tcp_opening opening = {.major = TCP_MAJOR,
                           .minor = TCP_MINOR,
                           .auth = TCP_AUTH_KEY,
                           .auth_len =
                               from == TCP_FROM_SERVER
                                   ? TCP_NONCE_BYTES + SHMRPCI_PROOF_BYTES
                                   : TCP_NONCE_BYTES};
    tcp_opening_put(&opening, out);
    return shmrpci_random_fill(out + TCP_OPENING_BYTES, TCP_NONCE_BYTES);
}

shmrpc_status tcp_auth_prove(const tcp_auth *auth, tcp_side from,
                             uint8_t out[SHMRPCI_PROOF_BYTES])
{
    /* The proof covers the name of the side, so that a peer can't send our own
     * proof back to us. */
    uint8_t data[16 + 2 * TCP_SAID_BYTES + SHMRPCI_TLS_BINDING_BYTES] = {0};
    size_t len = 16 + 2 * TCP_SAID_BYTES;
    memcpy(data, from == TCP_FROM_SERVER ? "shmrpc server" : "shmrpc client",
           13);
    memcpy(data + 16, auth->client, TCP_SAID_BYTES);
    memcpy(data + 16 + TCP_SAID_BYTES, auth->server, TCP_SAID_BYTES);
    if (auth->has_binding) {
        memcpy(data + len, auth->binding, sizeof auth->binding);
        len += sizeof auth->binding;
    }
    return shmrpci_secret_prove(auth->key, data, len, out);
}

bool tcp_auth_is_proof(const tcp_auth *auth, tcp_side from,
                       const uint8_t proof[SHMRPCI_PROOF_BYTES])
{
    uint8_t ours[SHMRPCI_PROOF_BYTES];
    return tcp_auth_prove(auth, from, ours) == SHMRPC_OK &&
           shmrpci_secret_equal(ours, proof);
}
