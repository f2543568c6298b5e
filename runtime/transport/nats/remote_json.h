/*
 * Reading the JSON in which JetStream answers: single members of objects, found
 * by their path. Nothing is built.
 *
 * The text is hostile: what is not well-formed on the way to the member, or
 * nested deeper than 16 levels, has no such member.
 *
 * Threading: pure functions.
 */
#ifndef SHMRPCI_TRANSPORT_NATS_REMOTE_JSON_H
#define SHMRPCI_TRANSPORT_NATS_REMOTE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct nats_json {
    const char *text;
    size_t len;
} nats_json;

/* A member, by keys with dots between them: "state.messages". False: there is
 * none. */
bool nats_json_find(nats_json in, const char *path, nats_json *out);

/* A number without sign or fraction; `otherwise` if it is none. */
uint64_t nats_json_uint(nats_json in, const char *path, uint64_t otherwise);

/* A string of ASCII; false: none, or too long. */
bool nats_json_text(nats_json in, const char *path, char *out, size_t size);

#endif
