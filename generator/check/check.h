/*
 * Check: what breaks between two versions of a .svc.
 *
 * Breaks are of four kinds. Wire: programs built from the two versions can't
 * communicate, or not fully; the comparison that connect makes
 * (codec/contract.h) decides, for old clients of a new server and for new
 * clients of an old one. Source: C that was written for the old version no
 * longer compiles, or means something else. Layout: C that was compiled against
 * the old headers finds members elsewhere. Reserve: a number or a name could be
 * reused. The checker could no longer detect the reuse, but the reuse would
 * break programs that still use the oldest version.
 *
 * docs/evolution.md states the rules for users.
 *
 * Threading: one thread at a time.
 */
#ifndef SHMRPC_GENERATOR_CHECK_H
#define SHMRPC_GENERATOR_CHECK_H

#include <stdbool.h>

#include "idl/diag.h"
#include "idl/schema.h"
#include "shmrpc/status.h"

typedef enum gen_break {
    GEN_BREAK_WIRE,
    GEN_BREAK_SOURCE,
    GEN_BREAK_LAYOUT,
    GEN_BREAK_RESERVE
} gen_break;

#define GEN_BREAK_COUNT 4

/* "wire"; static. */
const char *gen_break_name(gen_break kind);

/* X(NAME, number, kind, title). The numbers continue those of idl/diag.h and
 * are never reused either. */
/* clang-format off */
#define GEN_CHECK_LIST(X)                                                     \
    X(SERVICE_GONE,    1101, WIRE,    "service removed")                      \
    X(SERVICE_ADDRESS, 1102, WIRE,    "service under another name or port")   \
    X(METHOD_GONE,     1103, WIRE,    "method removed")                       \
    X(ENCODING,        1104, WIRE,    "method in another encoding")           \
    X(CALL,            1105, WIRE,    "another kind of call")                 \
    X(RESULT,          1106, WIRE,    "result added or removed")              \
    X(ERROR,           1107, WIRE,    "declared error changed")               \
    X(TYPE,            1108, WIRE,    "another type")                         \
    X(BOUNDS,          1109, WIRE,    "other bounds")                         \
    X(PRESENCE,        1110, WIRE,    "optional or required")                 \
    X(FIELD_NAME,      1111, WIRE,    "number now used by another field")              \
    X(FIELD_NUMBER,    1112, WIRE,    "field under another number")           \
    X(FIELD,           1113, WIRE,    "field added or removed")               \
    X(MEMBER,          1114, WIRE,    "union member added or removed")        \
    X(VALUE,           1115, WIRE,    "enumerator changed")                   \
    X(SHARED,          1117, WIRE,    "shared object changed")                \
    X(REST,            1118, WIRE,    "another REST address")                 \
    X(COMPLEX,         1119, WIRE,    "too complex to compare")               \
    X(SHARED_OPTION,   1120, WIRE,    "other option of a shared object")      \
    X(C_TYPE_GONE,     1201, SOURCE,  "declaration removed")                  \
    X(C_FIELD_GONE,    1202, SOURCE,  "member removed")                       \
    X(C_FIELD_TYPE,    1203, SOURCE,  "member of another C type")             \
    X(C_OPTIONAL,      1204, SOURCE,  "field became optional or required in C") \
    X(C_METHOD_GONE,   1205, SOURCE,  "function removed")                     \
    X(C_PARAMS,        1206, SOURCE,  "other parameters of a function")       \
    X(C_RESULT,        1207, SOURCE,  "result in another form")               \
    X(C_MEANING,       1208, SOURCE,  "value changed")                        \
    X(C_NAME,          1209, SOURCE,  "another name in C")                    \
    X(OFFSET,          1301, LAYOUT,  "member of a C struct moved")           \
    X(HANDLER,         1302, LAYOUT,  "handler moved")                        \
    X(NOT_RESERVED,    1401, RESERVE, "removed and not reserved")             \
    X(RESERVE_DROPPED, 1402, RESERVE, "no longer reserved")
/* clang-format on */

typedef enum gen_check_code {
#define GEN_X(name, number, kind, title) GEN_CHECK_##name = (number),
    GEN_CHECK_LIST(GEN_X)
#undef GEN_X
} gen_check_code;

typedef struct gen_check_rule {
    gen_check_code code;
    const char *name; /* "FIELD_GONE" */
    gen_break kind;
    const char *title;
} gen_check_rule;

/* The rule with that number, or NULL. */
const gen_check_rule *gen_check_rule_find(unsigned number);

/* Breaks that are allowed: they are reported as warnings. */
typedef struct gen_check_allow {
    bool kinds[GEN_BREAK_COUNT];
    bool new_clients; /* allow wire breaks that only new clients of an old
                       * server meet, for users who update the servers first */
    bool codes[32];   /* single rules, indexed by gen_check_index */
} gen_check_allow;

typedef enum gen_check_flags {
    /* The old version is canonical text, which has lost the order of fields and
     * parameters. Anything that depends on that order is compared only if the
     * order is that of the numbers. */
    GEN_CHECK_CANONICAL = 1u << 0
} gen_check_flags;

/* The index of a rule of the list, for gen_check_allow.codes. */
size_t gen_check_index(const gen_check_rule *rule);

typedef struct gen_check_result {
    size_t breaks[GEN_BREAK_COUNT]; /* number of breaks that are not allowed,
                                     * by kind */
} gen_check_result;

/*
 * Compares the declarations of the two main files, and everything that their
 * services reach. Adds a diagnostic to `diags` for each break: a warning if it
 * is allowed, else an error, at its place in `new_version`, with a note at its
 * place in `old_version`. Both schemas must live as long as `diags`, whose
 * `memory` is used. `allow` may be NULL; `flags` are gen_check_flags. Returns
 * NO_MEMORY and TOO_LARGE as idl_descriptor does; breaks are not a failure.
 */
shmrpc_status gen_check(const idl_schema *old_version,
                        const idl_schema *new_version,
                        const gen_check_allow *allow, unsigned flags,
                        idl_diags *diags,
                        gen_check_result *result) SHMRPC_WARN_UNUSED;

#endif
