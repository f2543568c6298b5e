/*
 * Descriptors at run time: builds the constant tables of generated C from a
 * checked schema, without a C compiler.
 *
 * For tools that call a service whose .svc they have just read, and for
 * comparing two versions of a .svc. Offsets and sizes are those of the structs
 * that the generator would write for this platform. A codec can decode values
 * with these tables, and the caller can read the fields of such a value at the
 * tables' offsets.
 *
 * A shared object has a descriptor of its own. The payload of an error with
 * fields is a struct with the error's name.
 *
 * Threading: one thread at a time for an arena; the result is constant data.
 */
#ifndef IDL_DESCRIPTOR_H
#define IDL_DESCRIPTOR_H

#include "base/arena.h"
#include "codec/layout.h"
#include "idl/schema.h"
#include "shmrpc/status.h"

/* Documentation and signatures are cut at this length, as in generated C: ISO C
 * does not guarantee longer literals. */
#define IDL_MAX_LITERAL_BYTES 4000

/* The types of a schema. */
typedef struct idl_tables idl_tables;

/* Builds the tables of all enums, structs, unions and errors' payloads. The
 * tables live as long as those of idl_descriptor. */
shmrpc_status gen_tables_build(const idl_schema *schema, shmrpci_arena *arena,
                               const idl_tables **out) SHMRPC_WARN_UNUSED;

/* The table of "acme.fts.Query", or NULL. */
const shmrpc_type *gen_tables_find(const idl_tables *tables,
                                   const char *full_name);

/*
 * Builds the tables of `service`, one of `schema`. They live in `arena` and
 * point to names and texts of the schema, whose arena must live as long.
 * Returns NO_MEMORY, or TOO_LARGE if a type has more than 16 MiB.
 */
shmrpc_status idl_descriptor(const idl_schema *schema,
                             const idl_service *service, shmrpci_arena *arena,
                             const shmrpc_service **out) SHMRPC_WARN_UNUSED;

/* The same for a shared object of the schema. */
shmrpc_status
idl_shared_descriptor(const idl_schema *schema, const idl_shared *shared,
                      shmrpci_arena *arena,
                      const shmrpc_shared **out) SHMRPC_WARN_UNUSED;

#endif
