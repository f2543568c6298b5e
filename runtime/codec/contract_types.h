/*
 * The comparison of two contracts while it runs, shared by its two halves:
 * methods (contract_compare.c) and types (contract_types.c).
 *
 * Threading: one thread.
 */
#ifndef SHMRPCI_CODEC_CONTRACT_TYPES_H
#define SHMRPCI_CODEC_CONTRACT_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/contract_form.h"
#include "shmrpc/error.h"
#include "shmrpc/types.h"

/* Pairs of types that have been compared, or are being compared further up:
 * assuming them equal is right, for a difference ends everything. */
typedef struct shmrpci_pair_set {
    uint64_t *slots; /* 0 is free; from malloc */
    size_t slot_count;
    size_t used;
} shmrpci_pair_set;

typedef struct shmrpci_comparison {
    const shmrpci_contract *client;
    const shmrpci_contract *server;
    const char *part; /* "parameter ", "", "error " */
    shmrpc_str method;
    bool client_writes; /* else the server does */
    bool is_native;
    unsigned nesting;
    size_t path_len;
    char path[256]; /* "query.limit" */
    shmrpci_pair_set seen;
    shmrpc_error *error; /* may be NULL */
} shmrpci_comparison;

/* Records and returns CONTRACT: "method find: parameter query.limit " and the
 * message. */
int shmrpci_contract_differ(shmrpci_comparison *cmp, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Adds a name to the path, with `before` in front unless it is the first, and
 * returns what pop needs to take it off again. */
size_t shmrpci_contract_push(shmrpci_comparison *cmp, const char *before,
                             shmrpc_str name);
void shmrpci_contract_pop(shmrpci_comparison *cmp, size_t old);

/* Compares two types by their indices. OK, CONTRACT, NO_MEMORY. */
int shmrpci_contract_compare_types(shmrpci_comparison *cmp, uint32_t client,
                                   uint32_t server);

#endif
