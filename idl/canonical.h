/*
 * Canonical text: one spelling for each meaning, and its hash.
 *
 * Two .svc files that say the same have the same canonical text: types are
 * written with their full names, aliases and constants replaced by what they
 * stand for, tags written out, fields sorted by tag, enum items by value, types
 * and errors by name; comments are left out.  Names, tags, bounds and defaults
 * count.  So does the order of methods, because their numbers follow from it.
 *
 * The text of a service is itself a .svc, with every type that the service can
 * reach; it parses to a schema of the same text and hash.
 *
 * Threading: pure functions.
 */
#ifndef IDL_CANONICAL_H
#define IDL_CANONICAL_H

#include "base/buf.h"
#include "idl/memory.h"
#include "idl/schema.h"

typedef enum idl_canonical_flags {
    /* Includes everything that does not affect what is sent: docs, @doc,
     * @since, @deprecated, @c_name, @c_prefix, `reserved`. For people; not
     * hashed. */
    IDL_CANONICAL_DOCS = 1u << 0
} idl_canonical_flags;

/* "list<acme.fts.Hit>(..32)". */
void idl_canonical_type(const idl_type *type, shmrpci_buf *out);

/* "-5", "0.5", "\"text\"", "DATE", "2s"; nothing for IDL_VALUE_NONE.  `kind` is
 * that of the type, which decides how a float is written. */
void idl_canonical_value(const idl_value *value, idl_kind kind,
                         shmrpci_buf *out);

/* A number as in bounds: by the kind's member of the union. */
void idl_canonical_number(idl_kind kind, idl_number number, shmrpci_buf *out);

/* The same, in the arena. */
const char *idl_number_text(idl_memory *memory, idl_kind kind,
                            idl_number number);

/* A whole declaration, with a newline at its end. */
void idl_canonical_enum(const idl_enum *e, unsigned flags, idl_memory *memory,
                        shmrpci_buf *out);
void idl_canonical_record(const idl_record *record, unsigned flags,
                          idl_memory *memory, shmrpci_buf *out);

/* "msgpack find(1: acme.fts.Query query) -> list<acme.fts.Hit>;". */
void idl_canonical_signature(const idl_method *method, idl_memory *memory,
                             shmrpci_buf *out);

/* As it would be in a service, indented, with what gateways need before it. */
void idl_canonical_method_line(const idl_method *method, unsigned flags,
                               idl_memory *memory, shmrpci_buf *out);

/* `queue T name { ... }` and its like, indented. */
void idl_canonical_shared(const idl_shared *shared, unsigned flags,
                          shmrpci_buf *out);

/* "queue acme.tts.Job", "dict<u32, any>", "pipe". */
void idl_canonical_shared_type(const idl_shared *shared, shmrpci_buf *out);

/* The properties on which programs that share the object must agree: its type,
 * its encoding, and all types that it can reach. */
void idl_canonical_shared_contract(const idl_shared *shared, idl_memory *memory,
                                   shmrpci_buf *out);

/* The signature, and all types and errors that it can reach. */
void idl_canonical_method(const idl_method *method, idl_memory *memory,
                          shmrpci_buf *out);

/* A .svc with the service and all that it can reach. */
void idl_canonical_service(const idl_service *service, unsigned flags,
                           idl_memory *memory, shmrpci_buf *out);

/* A .svc with only the object, outside of a service even if it is in one, and
 * all types that it can reach. NO_MEMORY. */
shmrpc_status idl_shared_text(const idl_shared *shared, unsigned flags,
                              shmrpci_arena *scratch,
                              shmrpci_buf *out) SHMRPC_WARN_UNUSED;

/* As service, for callers outside of idl/: into a buffer of their own, with
 * scratch memory of their own. NO_MEMORY. */
shmrpc_status idl_service_text(const idl_service *service, unsigned flags,
                               shmrpci_arena *scratch,
                               shmrpci_buf *out) SHMRPC_WARN_UNUSED;

/* The first 8 bytes, big-endian, of the text's SHA-256. */
uint64_t idl_canonical_hash(const char *text, size_t len);

#endif
