/*
 * Reads the JSON in which JetStream answers: finds single members of objects by
 * their path, without building a tree.
 *
 * The text is not trusted: if it is malformed before the member, or nested more
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

/* Finds a member by its keys, separated by dots: "state.messages". Returns
 * false if it does not exist. */
bool nats_json_find(nats_json in, const char *path, nats_json *out);

/* Returns a number without sign or fraction, or `otherwise` if the member is
 * missing or is not such a number. */
uint64_t nats_json_uint(nats_json in, const char *path, uint64_t otherwise);

/* Copies an ASCII string. Returns false if it is missing or too long. */
bool nats_json_text(nats_json in, const char *path, char *out, size_t size);

#endif
