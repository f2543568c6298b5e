/*
 * TLS 1.3 over a stream socket (os/stream.h), by OpenSSL.
 *
 * Sending and receiving never block, as with the socket itself, and the
 * server's handshake happens while it receives. This file decides whom to
 * trust: a client checks that the server's certificate is signed by an
 * authority it trusts, is valid now, and is for the requested host; a server
 * that was given authorities demands certificates of clients.
 *
 * Threading: a context is constant; a connection may send on one thread and
 * receive on another.
 */
#ifndef SHMRPCI_OS_TLS_STREAM_H
#define SHMRPCI_OS_TLS_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "os/stream.h"

/* Room for a few words that explain an error. */
#define SHMRPCI_TLS_WHY_BYTES 144u

typedef struct shmrpci_tls_context shmrpci_tls_context;
typedef struct shmrpci_tls shmrpci_tls;

typedef enum shmrpci_tls_side {
    SHMRPCI_TLS_CLIENT,
    SHMRPCI_TLS_SERVER
} shmrpci_tls_side;

/*
 * Creates a context. `cert_file` is a PEM file with our certificate, the
 * intermediate certificates, and the private key, which nobody else may be able
 * to read; servers need one. `ca_file` is a PEM file with the trusted
 * authorities; "" trusts those of the system (client), or lets in anybody
 * (server). Returns NOT_FOUND, DENIED or INVALID, with the reason in `why`, or
 * NO_MEMORY.
 */
shmrpc_status shmrpci_tls_context_create(shmrpci_tls_side side,
                                         const char *cert_file,
                                         const char *ca_file,
                                         shmrpci_tls_context **out,
                                         char why[SHMRPCI_TLS_WHY_BYTES]);
/* Returns a value that changes when one of these files does, or 0 if they can't
 * be read. */
uint64_t shmrpci_tls_files_stamp(const char *cert_file, const char *ca_file);
/* Frees the context; connections made from it stay usable. NULL is allowed. */
void shmrpci_tls_context_destroy(shmrpci_tls_context *context);

/* Creates a connection over a connected socket, which the caller keeps owning.
 * Returns NULL if out of memory. */
shmrpci_tls *shmrpci_tls_create(const shmrpci_tls_context *context,
                                shmrpci_tls_side side, int fd);
void shmrpci_tls_destroy(shmrpci_tls *tls);

/* Does the client's handshake with `host`, a name or a numeric address. Returns
 * DEADLINE; UNAUTHENTICATED if the server is not trusted; UNAVAILABLE if it
 * hung up; CONTRACT if it does not speak TLS 1.3. `why` has more. */
shmrpc_status shmrpci_tls_connect(shmrpci_tls *tls, const char *host,
                                  int64_t deadline_ns,
                                  char why[SHMRPCI_TLS_WHY_BYTES]);

/* Like shmrpci_stream_receive; an orderly end of TLS counts as the end of the
 * socket. */
shmrpc_status shmrpci_tls_receive(shmrpci_tls *tls, void *data, size_t size,
                                  size_t *out_len);
/* Like shmrpci_stream_send, but after BUSY the next call must begin with the
 * same bytes: some of them may already be in a record. */
shmrpc_status shmrpci_tls_send(shmrpci_tls *tls, const shmrpci_part *parts,
                               size_t count, size_t *out_len);
/* Announces that nothing more will be sent. */
void shmrpci_tls_end(shmrpci_tls *tls);

/* Whether the handshake is complete. */
bool shmrpci_tls_is_shaken(shmrpci_tls *tls);
/* After the handshake, gives the subject of the peer's certificate, as in
 * "CN=alice,O=Example" (RFC 2253), cut to `size`; "" if the peer showed
 * none. */
void shmrpci_tls_subject(shmrpci_tls *tls, char *out, size_t size);
/* Returns the alert that the peer sent before it hung up; "" for none. */
const char *shmrpci_tls_alert(const shmrpci_tls *tls);

/* Gives bytes that only the two ends of this connection know (RFC 9266). */
#define SHMRPCI_TLS_BINDING_BYTES 32u
shmrpc_status shmrpci_tls_binding(shmrpci_tls *tls,
                                  uint8_t out[SHMRPCI_TLS_BINDING_BYTES]);

#endif
