/*
 * Canonical text: one spelling for each meaning, and its hash.
 *
 * Two .svc files with the same meaning have the same canonical text: types are
 * written with their full names, aliases and constants replaced by their types
 * and values, tags written out, fields sorted by tag, enum items by value,
 * types and errors by name; comments are left out. Names, tags, bounds and
 * defaults count. So does the order of methods, because their numbers follow
 * from it.
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
     * @since, @deprecated, @c_name, @c_prefix, `reserved`. For people to read;
     * not part of the hashed text. */
    IDL_CANONICAL_DOCS = 1u << 0
} idl_canonical_flags;

/* "list<acme.fts.Hit>(..32)". */
void idl_canonical_type(const idl_type *type, shmrpci_buf *out);

/* Appends "-5", "0.5", "\"text\"", "DATE", "2s"; nothing for IDL_VALUE_NONE.
 * `kind` is the kind of the value's type, which decides how a float is
 * written. */
void idl_canonical_value(const idl_value *value, idl_kind kind,
                         shmrpci_buf *out);

/* Appends a number as it is written in bounds; `kind` says which member of the
 * union holds it. */
void idl_canonical_number(idl_kind kind, idl_number number, shmrpci_buf *out);

/* The same text, allocated in the arena. */
const char *idl_number_text(idl_memory *memory, idl_kind kind,
                            idl_number number);

/* Appends a whole declaration, with a newline at its end. */
void idl_canonical_enum(const idl_enum *e, unsigned flags, idl_memory *memory,
                        shmrpci_buf *out);
void idl_canonical_record(const idl_record *record, unsigned flags,
                          idl_memory *memory, shmrpci_buf *out);

/* "msgpack find(1: acme.fts.Query query) -> list<acme.fts.Hit>;". */
void idl_canonical_signature(const idl_method *method, idl_memory *memory,
                             shmrpci_buf *out);

/* Appends the method as it would be written in a service, indented, with the
 * annotations that gateways need on the lines before it. */
void idl_canonical_method_line(const idl_method *method, unsigned flags,
                               idl_memory *memory, shmrpci_buf *out);

/* Appends the declaration of a shared object (`queue T name { ... }`),
 * indented. */
void idl_canonical_shared(const idl_shared *shared, unsigned flags,
                          shmrpci_buf *out);

/* "queue acme.tts.Job", "dict<u32, any>", "pipe". */
void idl_canonical_shared_type(const idl_shared *shared, shmrpci_buf *out);

/* The properties on which programs that share the object must agree: its type,
 * its encoding, and all types that it can reach. */
void idl_canonical_shared_contract(const idl_shared *shared, idl_memory *memory,
                                   shmrpci_buf *out);

/* Appends the signature, and all types and errors that the method can reach. */
void idl_canonical_method(const idl_method *method, idl_memory *memory,
                          shmrpci_buf *out);

/* Appends a .svc with the service and everything that it can reach. */
void idl_canonical_service(const idl_service *service, unsigned flags,
                           idl_memory *memory, shmrpci_buf *out);

/* Appends a .svc with only the object (outside of a service even if it is in
 * one) and all types that it can reach. Returns NO_MEMORY on failure. */
shmrpc_status idl_shared_text(const idl_shared *shared, unsigned flags,
                              shmrpci_arena *scratch,
                              shmrpci_buf *out) SHMRPC_WARN_UNUSED;

/* The same as idl_canonical_service, for callers outside of idl/, which pass a
 * buffer and scratch memory of their own. Returns NO_MEMORY on failure. */
shmrpc_status idl_service_text(const idl_service *service, unsigned flags,
                               shmrpci_arena *scratch,
                               shmrpci_buf *out) SHMRPC_WARN_UNUSED;

/* The first 8 bytes, big-endian, of the text's SHA-256. */
uint64_t idl_canonical_hash(const char *text, size_t len);

#endif
