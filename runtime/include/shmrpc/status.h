/*
 * Statuses: what a runtime function returns, and how a call may end.
 *
 * 0 is success and 1 (SHMRPC_MORE) is success with more to come; negative
 * values are the runtime's own statuses, listed here; values from 100 up are
 * the errors that a service declares in its .svc. Numbers never change.
 *
 * Threading: all functions are pure.
 */
#ifndef SHMRPC_STATUS_H
#define SHMRPC_STATUS_H

#include <stdbool.h>

#include "shmrpc/platform.h"

SHMRPC_BEGIN_DECLS

/* The smallest number of an error declared in a .svc. */
#define SHMRPC_DECLARED_ERROR_MIN 100

/*
 * The one table of statuses:
 *   X(NAME, number, Connect's code, HTTP status, may the call have run, text)
 *
 * "May have run" tells a caller whether a retry could execute the call twice.
 */
/* clang-format off */
#define SHMRPC_STATUS_LIST(X)                                                 \
    X(CANCELLED,       -1, "canceled",            499, true,  "cancelled by the caller")                      \
    X(UNKNOWN,         -2, "unknown",             500, true,  "unknown error")                                \
    X(INVALID,         -3, "invalid_argument",    400, false, "invalid argument or malformed data")           \
    X(DEADLINE,        -4, "deadline_exceeded",   504, true,  "deadline exceeded")                            \
    X(NOT_FOUND,       -5, "not_found",           404, false, "not found")                                    \
    X(EXISTS,          -6, "already_exists",      409, false, "already exists")                               \
    X(DENIED,          -7, "permission_denied",   403, false, "permission denied")                            \
    X(EXHAUSTED,       -8, "resource_exhausted",  429, false, "a quota or system resource is exhausted")      \
    X(PRECONDITION,    -9, "failed_precondition", 400, false, "not possible in the present state")            \
    X(ABORTED,        -10, "aborted",             409, true,  "aborted")                                      \
    X(OUT_OF_RANGE,   -11, "out_of_range",        400, false, "out of range")                                 \
    X(UNIMPLEMENTED,  -12, "unimplemented",       501, false, "method not implemented")                       \
    X(INTERNAL,       -13, "internal",            500, true,  "internal error")                               \
    X(UNAVAILABLE,    -14, "unavailable",         503, false, "no such service is running, or it refuses")    \
    X(DATA_LOSS,      -15, "data_loss",           500, true,  "data loss or corruption")                      \
    X(UNAUTHENTICATED,-16, "unauthenticated",     401, false, "not authenticated")                            \
    X(CONTRACT,       -17, "failed_precondition", 400, false, "client and server interfaces differ")          \
    X(TOO_LARGE,      -18, "resource_exhausted",  413, true,  "message too large")                            \
    X(BUSY,           -19, "unavailable",         503, false, "all call slots are in use")                    \
    X(NO_MEMORY,      -20, "resource_exhausted",  503, true,  "out of memory")                                \
    X(WORKER_DIED,    -21, "unavailable",         502, true,  "the worker died during the call")              \
    X(SERVER_LOST,    -22, "unavailable",         502, true,  "the connection to the server was lost")        \
    X(FORKED,         -23, "aborted",             409, true,  "begun before fork, unusable in the child")     \
    X(EVICTED,        -24, "aborted",             409, false, "evicted for falling behind")                   \
    X(LOST,           -25, "data_loss",           500, false, "items were lost by overwriting")               \
    X(OWNER_DIED,     -26, "aborted",             409, false, "the owner died while holding it")              \
    X(DESTROYED,      -27, "not_found",           404, false, "destroyed while in use")
/* clang-format on */

typedef enum shmrpc_status {
    SHMRPC_OK = 0,
    SHMRPC_MORE = 1,
    SHMRPC_DETACHED = 3, /* returned by handlers only: see shmrpc_ctx_detach */
#define SHMRPC_X(name, number, connect, http, may_have_run, text) \
    SHMRPC_E_##name = (number),
    SHMRPC_STATUS_LIST(SHMRPC_X)
#undef SHMRPC_X
} shmrpc_status;

/* Returns the status's name: "DEADLINE" for SHMRPC_E_DEADLINE, "OK", "MORE";
 * "DECLARED" for 100 and up; "UNKNOWN" for any other number. Static, never
 * NULL. */
SHMRPC_API const char *shmrpc_status_name(int status);

/* Returns a short human-readable phrase in lower case. Static, never NULL. */
SHMRPC_API const char *shmrpc_status_text(int status);

/* Returns the status's code in the Connect protocol, as in
 * {"code":"not_found"}. Static. */
SHMRPC_API const char *shmrpc_status_connect_code(int status);

/* The HTTP status that a gateway answers with. */
SHMRPC_API int shmrpc_status_http(int status);

/* Whether a call that ended in `status` may have run: true forbids a retry of a
 * method that is not idempotent. Calls that ended in a declared error have run.
 * The answer is the worst case of the status; the error object of a call is
 * more exact (shmrpc_error.may_have_run). */
SHMRPC_API bool shmrpc_status_may_have_run(int status);

SHMRPC_END_DECLS

#endif
