/*
 * The lock: the contract of the services of a .svc, in a file beside it that is
 * reviewed with every change.
 *
 * It holds a section for each service, and one for each shared object outside
 * of services: a comment with its hash and those of its methods, and below it
 * its canonical text without documentation, which is itself a .svc. So people
 * can read it, it can be compared like any old version, and the same meaning
 * gives the same bytes. Comments and layout of the .svc don't count. Everything
 * that affects other programs does, and so do promises that the wire doesn't
 * show: names in C, deprecation, reserved numbers.
 *
 * Threading: pure functions.
 */
#ifndef SHMRPC_GENERATOR_LOCK_H
#define SHMRPC_GENERATOR_LOCK_H

#include "base/arena.h"
#include "base/buf.h"
#include "generator/check/check.h"
#include "idl/idl.h"

/* Appends the lock of the schema's main file. Returns NO_MEMORY, or INVALID if
 * the file has no service and no shared object. */
shmrpc_status gen_lock_text(const idl_schema *schema, shmrpci_arena *arena,
                            shmrpci_buf *out) SHMRPC_WARN_UNUSED;

/*
 * Compares the schema with a lock's text, as gen_check does; `path` names the
 * lock in notes. Returns INVALID if the text is not a lock; `diags` says where.
 */
shmrpc_status gen_lock_check(const char *path, const char *text, size_t len,
                             const idl_schema *schema,
                             const gen_check_allow *allow, shmrpci_arena *arena,
                             idl_diags *diags,
                             gen_check_result *result) SHMRPC_WARN_UNUSED;

/* A part of a text; NULL if there is none. */
typedef struct gen_lock_line {
    const char *text;
    size_t len;
} gen_lock_line;

/* The first difference between a lock and the up-to-date text. */
typedef struct gen_lock_change {
    size_t line;          /* line of the lock, from 1 */
    gen_lock_line in;     /* the enclosing declaration, such as "struct
                           * Point", if any */
    gen_lock_line locked; /* the line in the lock; none if the line is new */
    gen_lock_line now;    /* the line now; none if it was removed */
} gen_lock_change;

/* Finds the first difference of two texts of gen_lock_text that differ. Hashes
 * differ because something else does, so they count only if nothing else
 * differs. */
gen_lock_change gen_lock_difference(const char *locked, const char *now);

#endif
