/*
 * Addresses of shared objects:
 *
 *     nats://HOST[:PORT][,nats://HOST[:PORT]...][/NAME][?OPTION[&OPTION...]]
 *
 *     creds=FILE nkey=FILE ca=FILE cert=FILE   credentials, as for calls
 *     replicas=1..5    number of replicas of the stored data (1)
 *     storage=memory   data is kept in memory; storage=file: on disk
 *                      (topics: memory; others: file)
 *     ack_wait=N       queues: seconds after which an item of a dead reader is
 *                      delivered again, 1 to 3600 (30)
 *
 * Values in parentheses are defaults. The last three options count only when
 * the object is created. This header also makes the names that an object has in
 * NATS: characters that NATS does not allow become =XX.
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
    char creds_file[256]; /* "": none; likewise for the next three */
    char nkey_file[256];
    char ca_file[256];
    char cert_file[256];
    uint32_t replicas;
    bool is_in_file; /* true: on disk; false: in memory */
    uint32_t ack_wait_s;
} nats_place;

/* Parses an address. `name` is used if the address contains no name; it may be
 * NULL. `is_in_file` is the default storage. Returns INVALID; the error says
 * where. */
int nats_place_parse(const char *address, const char *name, bool is_in_file,
                     nats_place *out, shmrpc_error *error);

/* Makes shmrpc.KIND.NAME, in which dots separate tokens. Returns INVALID if the
 * name is too long. */
int nats_place_subject(const char *name, char kind,
                       char out[NATS_PLACE_SUBJECT_BYTES], shmrpc_error *error);
/* Makes shmrpc-KIND-NAME, without dots, which stream names may not contain. */
int nats_place_stream(const char *name, char kind,
                      char out[NATS_PLACE_SUBJECT_BYTES], shmrpc_error *error);
/* Makes KV_NAME. Bucket names have only letters, digits, - and _, so a dot
 * becomes - and any other character becomes _XX. */
int nats_place_bucket(const char *name, char out[NATS_PLACE_SUBJECT_BYTES],
                      shmrpc_error *error);

#endif
