/*
 * Check: declarations shared by its parts only.
 * Threading: one thread at a time.
 */
#ifndef SHMRPC_GENERATOR_CHECK_PARTS_H
#define SHMRPC_GENERATOR_CHECK_PARTS_H

#include "generator/check/check.h"
#include "idl/memory.h"

/* Which clients meet a wire break; both bits are set if all do. */
enum {
    GEN_MEETS_OLD_CLIENT = 1u << 0, /* old clients of a new server */
    GEN_MEETS_NEW_CLIENT = 1u << 1  /* new clients of an old server */
};

/* One break, before it becomes a diagnostic. */
typedef struct gen_finding {
    struct gen_finding *next;
    gen_check_code code;
    unsigned meets;      /* GEN_MEETS_ bits of a wire break, else 0 */
    idl_span span;       /* in the new version */
    idl_span old_span;   /* if it has no source, there is no note */
    const char *message; /* "`a.B.c` is now u64" */
    const char *was;     /* text of the note: "it was u32" */
    const char *expected;
} gen_finding;

typedef struct gen_checker {
    const idl_schema *old_version;
    const idl_schema *new_version;
    unsigned flags; /* gen_check_flags */
    idl_memory *memory;
    gen_finding *first;
    gen_finding **end;
} gen_checker;

/* Adds a finding, or returns the existing one with this code and these places.
 * For a wire break the caller adds its own bits to `meets`. */
gen_finding *gen_find(gen_checker *c, gen_check_code code, idl_span span,
                      idl_span old_span);

/* The parts. They return NO_MEMORY and TOO_LARGE as gen_check does. */
shmrpc_status gen_check_wire(gen_checker *c);
void gen_check_shared(gen_checker *c);
void gen_check_source(gen_checker *c);
shmrpc_status gen_check_layout(gen_checker *c);
void gen_check_reserve(gen_checker *c);

/* ---- look-ups ---- */

const idl_record *gen_find_record(const idl_schema *schema,
                                  const char *full_name);
const idl_enum *gen_find_enum(const idl_schema *schema, const char *full_name);
const idl_service *gen_find_service(const idl_schema *schema,
                                    const char *full_name);
const idl_method *gen_find_method(const idl_service *service, const char *name);
const idl_field *gen_find_field(const idl_field *fields, size_t count,
                                const char *name);
const idl_enum_item *gen_find_item(const idl_enum *enumeration,
                                   const char *name);

/* Whether the fields are sorted by their numbers. */
bool gen_is_ascending(const idl_field *fields, size_t count);

/* "list<u32>(..8)", allocated in the checker's memory. */
const char *gen_type_text(gen_checker *c, const idl_type *type);

#endif
