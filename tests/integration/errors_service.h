/*
 * A service that throws the requested error, and the expected results.
 */
#ifndef SHMRPC_TESTS_INTEGRATION_ERRORS_SERVICE_H
#define SHMRPC_TESTS_INTEGRATION_ERRORS_SERVICE_H

#include "errors_server.h"

/* The parameter of each method: which error it throws. */
enum {
    BAD_QUERY,
    OVERFLOW_MAX,
    UNAVAILABLE,
    REFUSED,
    UNHEARD,
    UNHEARD_PLAIN,
    WITH_MESSAGE, /* Overflow, with a message from the handler */
    WITHOUT_PAYLOAD,
    TOO_WIDE, /* a payload that exceeds its bounds */
    OTHER,    /* throws one error but returns the number of another */
    NOTHING_WRONG,
    CASES
};

typedef struct errors_row {
    int status;
    const char *name;
    const char *message;
    bool has_payload;
} errors_row;

/* Indexed by the cases above. */
extern const errors_row errors_rows[CASES];

/* The payloads that are thrown. */
extern const errors_bad_query errors_thrown_bad_query;
extern const errors_overflow errors_thrown_overflow;
extern const common_refused errors_thrown_refused;
extern const errors_unheard errors_thrown_unheard;
/* The payload that `by_name` throws; its first number is the index. */
extern const shmrpc_str errors_named_text;
#define ERRORS_NAMED_NUMBERS(place) \
    {                               \
        (place), INT64_MIN          \
    }

errors_errors_impl errors_service(void);

#endif
