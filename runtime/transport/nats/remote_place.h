/*
 * Addresses of shared objects:
 *
 *     nats://HOST[:PORT][,nats://HOST[:PORT]...][/NAME][?OPTION[&OPTION...]]
 *
 *     creds=FILE nkey=FILE ca=FILE cert=FILE   who we are there, as for calls
 *     replicas=1..5    copies of what is kept (1)
 *     storage=memory   kept in memory, or storage=file (topics: memory; others:
 *                      file)
 *     ack_wait=N       queues: seconds after which an item of a dead reader is
 *                      delivered again, 1 to 3600 (30)
 *
 * The last two rows count when the object is created. Also the names that an
 * object has in NATS: characters that NATS does not allow become =XX.
 *
 * Threading: pure functions.
 */
#ifndef SHMRPCI_TRANSPORT_NATS_REMOTE_PLACE_H
#define SHMRPCI_TRANSPORT_NATS_REMOTE_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shmrpc/error.h"
#include "shmrpc/shared.h"

/* Room for a subject, or the name of a stream. */
#define NATS_PLACE_SUBJECT_BYTES 224u

typedef struct nats_place {
    char servers[256]; /* "host:port,host:port" */
    char name[SHMRPC_SHARED_NAME_MAX + 1];
    char creds_file[256]; /* "": none; as the next three */
    char nkey_file[256];
    char ca_file[256];
    char cert_file[256];
    uint32_t replicas;
    bool is_in_file; /* otherwise in memory */
    uint32_t ack_wait_s;
} nats_place;

/* Parses an address. `name`: the name for an address without one; may be NULL.
 * `is_in_file`: the default storage. INVALID: the error says where. */
int nats_place_parse(const char *address, const char *name, bool is_in_file,
                     nats_place *out, shmrpc_error *error);

/* shmrpc.KIND.NAME, in which dots separate tokens. INVALID: too long. */
int nats_place_subject(const char *name, char kind,
                       char out[NATS_PLACE_SUBJECT_BYTES], shmrpc_error *error);
/* shmrpc-KIND-NAME, without dots: stream names may not contain any. */
int nats_place_stream(const char *name, char kind,
                      char out[NATS_PLACE_SUBJECT_BYTES], shmrpc_error *error);
/* KV_NAME: names of buckets have only letters, digits, - and _. So a dot is -,
 * and any other character _XX. */
int nats_place_bucket(const char *name, char out[NATS_PLACE_SUBJECT_BYTES],
                      shmrpc_error *error);

#endif
