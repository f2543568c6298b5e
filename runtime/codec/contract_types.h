/*
 * The state of a comparison of two contracts, shared by its parts: methods
 * (contract_compare.c), types (contract_types.c), and the members of types
 * (contract_members.c).
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

/* Pairs of types that have been compared, or are being compared by a caller. It
 * is right to assume that these are equal, because a difference either ends the
 * comparison or has been reported already. */
typedef struct shmrpci_pair_set {
    uint64_t *slots; /* 0: free; allocated with malloc */
    size_t slot_count;
    size_t used;
} shmrpci_pair_set;

/* All state of one comparison. The contracts are not changed; strings are views
 * into them. */
typedef struct shmrpci_comparison {
    const shmrpci_contract *client;
    const shmrpci_contract *server;
    const char *part; /* "parameter ", "", "error " */
    shmrpc_str method;
    bool client_writes; /* else the server does */
    bool is_in_items;   /* in the items of a stream */
    uint8_t encoding;
    unsigned nesting;
    shmrpci_difference_place here;  /* the client's place */
    shmrpci_difference_place there; /* the server's place */
    size_t path_len;
    char path[256]; /* "query.limit" */
    shmrpci_pair_set seen;
    shmrpc_error *error;           /* may be NULL */
    shmrpci_difference_fn *report; /* NULL: the first difference ends the
                                    * comparison */
    void *user;
    bool differs; /* a difference was reported */
} shmrpci_comparison;

/* Reports a difference; puts "method find: parameter query.limit " before the
 * formatted text. Without a listener it sets the error and returns CONTRACT;
 * with a listener it reports the difference and returns OK, to go on. */
int shmrpci_contract_differ(shmrpci_comparison *cmp,
                            shmrpci_difference_kind kind, const char *format,
                            ...) __attribute__((format(printf, 3, 4)));

/* Adds a name to the path, preceded by `before` unless it is the first. Returns
 * the value for pop, which removes it again. */
size_t shmrpci_contract_push(shmrpci_comparison *cmp, const char *before,
                             shmrpc_str name);
void shmrpci_contract_pop(shmrpci_comparison *cmp, size_t old);

/* Compares two types by their indices. Returns OK, CONTRACT or NO_MEMORY. */
int shmrpci_contract_compare_types(shmrpci_comparison *cmp, uint32_t client,
                                   uint32_t server);

/* Compare the members of two structs or unions, and of two enums. */
int shmrpci_contract_compare_records(shmrpci_comparison *cmp,
                                     const shmrpci_contract_type *client,
                                     const shmrpci_contract_type *server);
int shmrpci_contract_compare_enums(shmrpci_comparison *cmp,
                                   const shmrpci_contract_type *client,
                                   const shmrpci_contract_type *server);

#endif
