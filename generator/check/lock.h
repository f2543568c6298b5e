/*
 * The lock: what the services of a .svc have promised, in a file beside it that
 * is reviewed with every change.
 *
 * It holds a section for each service, and one for each shared object outside
 * of services: a comment with its hash and those of its methods, and below it
 * its canonical text without documentation, which is itself a .svc.  So it can
 * be read by people, compared like any old version, and has the same bytes for
 * the same meaning. Comments and layout of the .svc don't count. Everything
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

/* Appends the lock of the schema's main file. NO_MEMORY; INVALID: it has no
 * service and no shared object. */
shmrpc_status gen_lock_text(const idl_schema *schema, shmrpci_arena *arena,
                            shmrpci_buf *out) SHMRPC_WARN_UNUSED;

/*
 * Compares with a lock's text, as gen_check does; `path` names it in notes.
 * INVALID: the text is not a lock, and `diags` says where.
 */
shmrpc_status gen_lock_check(const char *path, const char *text, size_t len,
                             const idl_schema *schema,
                             const gen_check_allow *allow, shmrpci_arena *arena,
                             idl_diags *diags,
                             gen_check_result *result) SHMRPC_WARN_UNUSED;

/* A part of a text; NULL: none. */
typedef struct gen_lock_line {
    const char *text;
    size_t len;
} gen_lock_line;

/* The first difference between a lock and the up-to-date text. */
typedef struct gen_lock_change {
    size_t line;          /* of the lock, from 1 on */
    gen_lock_line in;     /* "struct Point", in which it is; or none */
    gen_lock_line locked; /* none: a new line */
    gen_lock_line now;    /* none: it was removed */
} gen_lock_change;

/* Finds it in two differing texts of gen_lock_text. Hashes, which differ
 * because something else does, count only if nothing else differs. */
gen_lock_change gen_lock_difference(const char *locked, const char *now);

#endif
