/*
 * Reads the JSON in which JetStream answers: finds single members of objects by
 * their path, without building a tree.
 *
 * The text is hostile: if it is malformed before the member, or nested more
 * than 16 levels deep, the member is not found.
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

/* Finds a member by its keys, separated by dots: "state.messages". False: it
 * does not exist. */
bool nats_json_find(nats_json in, const char *path, nats_json *out);

/* A number without sign or fraction; `otherwise` if it is missing or not such a
 * number. */
uint64_t nats_json_uint(nats_json in, const char *path, uint64_t otherwise);

/* A string of ASCII; false: none, or too long. */
bool nats_json_text(nats_json in, const char *path, char *out, size_t size);

#endif
