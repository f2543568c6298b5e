/*
 * Contracts: what two sides must agree on, in a form that travels, and the one
 * function that says whether they do.
 *
 * A contract is the structure of a service's descriptor without C offsets:
 * methods with names, encodings, hashes and signatures, and the types that
 * they reach.  A server sends its own at connect when the hashes differ; the
 * client compares.  `shmrpcgen check` compares two files the same way.
 *
 * What passes: new methods, and for json and msgpack new optional or defaulted
 * fields and parameters, new enumerators, new declared errors.  For native
 * only equal layouts pass.  Bounds pass when the reader allows what the writer
 * may write.  Everything else is a difference, and is named; the table of all
 * rules stands in README.md of this folder.
 *
 * Threading: pure functions.
 */
#ifndef SHMRPCI_CODEC_CONTRACT_H
#define SHMRPCI_CODEC_CONTRACT_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "shmrpc/descriptor.h"
#include "shmrpc/error.h"

/* Encoded contracts above this size are refused. */
#define SHMRPCI_CONTRACT_MAX_BYTES ((size_t)4 << 20)

typedef struct shmrpci_contract shmrpci_contract;

/* The contract of a descriptor; lives in `arena`. NO_MEMORY. */
int shmrpci_contract_of(const shmrpc_service *service, shmrpci_arena *arena,
                        const shmrpci_contract **out);

/* Appends the travelling form. NO_MEMORY, TOO_LARGE. */
int shmrpci_contract_encode(const shmrpci_contract *contract, shmrpci_buf *out);

/* Reads what a peer has sent, which may be anything; checks everything that
 * compare relies on. The result lives in `arena` and does not refer to `data`.
 * INVALID with a message, NO_MEMORY. */
int shmrpci_contract_decode(const uint8_t *data, size_t len,
                            shmrpci_arena *arena, const shmrpci_contract **out,
                            shmrpc_error *error);

/*
 * Whether a client that was built with `client` may talk to a server with
 * `server`. OK, or CONTRACT with the first difference in `error`: the method,
 * the path and both forms, as in "method find: parameter limit is u64 here and
 * u32 at the server". On OK, `method_ids[i]` is the server's id of the client's
 * method i (room for the client's method count); after a failure it holds
 * nothing of use. `error->path` is the path of the field, without the method.
 * NO_MEMORY: it keeps a table of the pairs of types it has compared.
 */
int shmrpci_contract_compare(const shmrpci_contract *client,
                             const shmrpci_contract *server,
                             uint32_t *method_ids, shmrpc_error *error);

#endif
