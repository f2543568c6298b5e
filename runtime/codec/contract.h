/*
 * Contracts: what two sides must agree on, in a form that can be sent, and the
 * function that decides whether they do.
 *
 * A contract is the structure of a service's descriptor without C offsets:
 * methods with names, encodings, hashes and signatures, and the types that they
 * use. If the hashes differ at connect, the server sends its contract and the
 * client compares it with its own. `shmrpcgen check` compares two files the
 * same way.
 *
 * These differences are compatible: new methods, and for json and msgpack new
 * optional or defaulted fields and parameters, new enumerators, new declared
 * errors. For native the layouts must be equal. Bounds are compatible when the
 * reader allows what the writer may write. Everything else is an incompatible
 * difference, which the error names; README.md of this folder has the table of
 * all rules.
 *
 * Threading: pure functions.
 */
#ifndef SHMRPCI_CODEC_CONTRACT_H
#define SHMRPCI_CODEC_CONTRACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "shmrpc/descriptor.h"
#include "shmrpc/error.h"
#include "shmrpc/types.h"

/* Max size of an encoded contract; larger ones are refused. */
#define SHMRPCI_CONTRACT_MAX_BYTES ((size_t)4 << 20)

typedef struct shmrpci_contract shmrpci_contract;

/* Makes the contract of a descriptor, in `arena`. Returns OK or NO_MEMORY. */
int shmrpci_contract_of(const shmrpc_service *service, shmrpci_arena *arena,
                        const shmrpci_contract **out);

/* Appends the encoded contract. Returns OK, NO_MEMORY or TOO_LARGE. */
int shmrpci_contract_encode(const shmrpci_contract *contract, shmrpci_buf *out);

/* Reads what a peer has sent, which may be anything; checks everything that
 * compare relies on. The result lives in `arena` and does not refer to `data`.
 * Returns INVALID with a message, or NO_MEMORY, on failure. */
int shmrpci_contract_decode(const uint8_t *data, size_t len,
                            shmrpci_arena *arena, const shmrpci_contract **out,
                            shmrpc_error *error);

/*
 * Whether a client that was built with `client` may talk to a server with
 * `server`. Returns OK, or CONTRACT with the first difference in `error`: the
 * method, the path and both forms, as in "method find: parameter limit is u64
 * here and u32 at the server". `error->path` is the path of the field, without
 * the method. On OK, `method_ids[i]` is the server's id of the client's method
 * i (`method_ids` has room for the client's method count); after a failure its
 * content is undefined. May return NO_MEMORY, because it keeps a table of the
 * pairs of types it has compared.
 */
int shmrpci_contract_compare(const shmrpci_contract *client,
                             const shmrpci_contract *server,
                             uint32_t *method_ids, shmrpc_error *error);

/* Compares each method separately: the id of a method that differs, or that the
 * server lacks, is 0. Returns OK or NO_MEMORY. */
int shmrpci_contract_compare_each(const shmrpci_contract *client,
                                  const shmrpci_contract *server,
                                  uint32_t *method_ids);

/* What differs. A field is identified by its name and its number: it is the
 * same field on both sides only if both agree. */
typedef enum shmrpci_difference_kind {
    SHMRPCI_DIFFERENCE_METHOD,     /* the server has no method of this name */
    SHMRPCI_DIFFERENCE_ENCODING,   /* json here, msgpack there */
    SHMRPCI_DIFFERENCE_ONEWAY,     /* oneway on one side */
    SHMRPCI_DIFFERENCE_STREAM,     /* items on one side, none on the other */
    SHMRPCI_DIFFERENCE_IDEMPOTENT, /* only the client considers it idempotent */
    SHMRPCI_DIFFERENCE_RESULT,     /* one side has a result, the other none */
    SHMRPCI_DIFFERENCE_ERROR,      /* an error's name or number */
    SHMRPCI_DIFFERENCE_DETAILS,    /* an error with details on one side */
    SHMRPCI_DIFFERENCE_TYPE,
    SHMRPCI_DIFFERENCE_BOUNDS,     /* the writer may write values that the
                                    * reader refuses */
    SHMRPCI_DIFFERENCE_PRESENCE,   /* the writer may omit what the reader
                                    * requires */
    SHMRPCI_DIFFERENCE_NAME,       /* a field with this number has another
                                    * name */
    SHMRPCI_DIFFERENCE_NUMBER,     /* a field with this name has another
                                    * number */
    SHMRPCI_DIFFERENCE_FIELD,      /* only one side has the field */
    SHMRPCI_DIFFERENCE_MEMBER,     /* only the writer has the union's member */
    SHMRPCI_DIFFERENCE_VALUE,      /* the enumerator of this name has another
                                    * value */
    SHMRPCI_DIFFERENCE_ENUMERATOR, /* the value has another name */
    SHMRPCI_DIFFERENCE_LIMIT       /* too complex to compare; stays last */
} shmrpci_difference_kind;

/* A place in one side's contract. */
typedef struct shmrpci_difference_place {
    shmrpc_str owner;  /* struct, union, enum, error; empty: the method */
    shmrpc_str member; /* field, parameter, enumerator; empty: the owner, the
                        * method's result, or an item of its stream */
} shmrpci_difference_place;

typedef struct shmrpci_difference {
    shmrpci_difference_kind kind;
    bool client_writes;  /* found in what the client writes */
    bool is_in_items;    /* found in the items of a stream */
    shmrpc_str method;   /* the first method that uses the type */
    const char *message; /* the text that compare would report */
    shmrpci_difference_place client;
    shmrpci_difference_place server;
} shmrpci_difference;

/* Called for each difference. `difference` and all that it points to live until
 * the call returns; only its names live as long as the contracts. */
typedef void shmrpci_difference_fn(const shmrpci_difference *difference,
                                   void *user);

/*
 * Compares by the same rules, but continues after a difference and reports all
 * of them, for `shmrpcgen check`. A difference is reported once for each
 * combination of writer and encoding in which its type is used, so that a
 * struct used twice is not reported twice. Returns OK, CONTRACT if compare
 * would refuse, or NO_MEMORY.
 */
int shmrpci_contract_differences(const shmrpci_contract *client,
                                 const shmrpci_contract *server,
                                 uint32_t *method_ids,
                                 shmrpci_difference_fn *report, void *user);

#endif
