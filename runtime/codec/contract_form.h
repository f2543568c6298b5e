/*
 * The structure of a contract: tables that refer to one another by index. They
 * are encoded as msgpack keyed by tags, so that later versions can add fields.
 *
 * Invariant of the results of contract_of and contract_decode: every index is
 * in range, kinds are known and have what they need, tags ascend, and names are
 * plain. Types may be recursive. Threading: constant data.
 */
#ifndef SHMRPCI_CODEC_CONTRACT_FORM_H
#define SHMRPCI_CODEC_CONTRACT_FORM_H

#include <stdbool.h>
#include <stdint.h>

#include "codec/contract.h"
#include "shmrpc/descriptor.h"
#include "shmrpc/types.h"

enum {
    /* Flags of a field. OPTIONAL: the field may be absent. DEFAULTED: its
     * receiver has a default. The numbers are part of the encoded form. */
    SHMRPCI_CONTRACT_OPTIONAL = 1u << 0,
    SHMRPCI_CONTRACT_DEFAULTED = 1u << 1
};

/* A field of a struct, a member of a union, or a parameter. */
typedef struct shmrpci_contract_field {
    shmrpc_str name;
    uint32_t type;
    uint32_t tag;
    uint32_t flags;
} shmrpci_contract_field;

/* An enumerator; values of u64 enums are stored as the same bits. */
typedef struct shmrpci_contract_name {
    shmrpc_str name;
    int64_t value;
} shmrpci_contract_name;

/* One type. The kind decides which members are used; a has_ member tells
 * whether the index after it is used. */
typedef struct shmrpci_contract_type {
    uint8_t kind; /* shmrpc_kind */
    bool has_bounds;
    uint64_t min; /* as in shmrpc_type */
    uint64_t max;
    uint32_t count;  /* ARRAY */
    shmrpc_str name; /* ENUM, STRUCT, UNION */
    bool has_element;
    uint32_t element; /* LIST, ARRAY, MAP, ENUM */
    bool has_key;
    uint32_t key; /* MAP */
    struct {
        const shmrpci_contract_field *ptr;
        size_t len;
    } fields; /* STRUCT, UNION */
    struct {
        const shmrpci_contract_name *ptr;
        size_t len;
    } names; /* ENUM */
} shmrpci_contract_type;

/* A declared error; `payload` is the index of the struct with its details. */
typedef struct shmrpci_contract_error {
    shmrpc_str name;
    int32_t number;
    bool has_payload;
    uint32_t payload;
} shmrpci_contract_error;

/* One method; its id is its index plus 1. */
typedef struct shmrpci_contract_method {
    shmrpc_str name;
    uint8_t encoding;
    uint32_t flags; /* SHMRPC_METHOD_... */
    uint64_t hash;
    shmrpc_str signature;
    uint32_t params;
    bool has_result;
    uint32_t result;
    struct {
        const uint32_t *ptr;
        size_t len;
    } throws;          /* indices of errors */
    bool has_items_in; /* same as SHMRPC_METHOD_STREAMS_IN */
    uint32_t items_in;
    bool has_items_out;
    uint32_t items_out;
} shmrpci_contract_method;

/* The whole contract. Everything refers to `types` and `errors` by index. */
struct shmrpci_contract {
    shmrpc_str name;
    shmrpc_str id;
    uint32_t version;
    struct {
        const shmrpci_contract_method *ptr;
        size_t len;
    } methods;
    struct {
        const shmrpci_contract_type *ptr;
        size_t len;
    } types;
    struct {
        const shmrpci_contract_error *ptr;
        size_t len;
    } errors;
};

/* The type tables of the structs above, for the msgpack codec. */
extern const shmrpc_type shmrpci_contract_form;

/* Checks that a decoded contract keeps the invariant; returns OK, or INVALID
 * with a message. */
int shmrpci_contract_check(const shmrpci_contract *contract,
                           shmrpc_error *error);

#endif
