/* Texts of the statuses. */
#include "shmrpc/status.h"

#include <stddef.h>

typedef struct {
    int number;
    int http;
    const char *name;
    const char *connect_code;
    const char *text;
    bool may_have_run;
} status_row;

static const status_row rows[] = {
    {SHMRPC_OK, 200, "OK", "ok", "success", true},
    {SHMRPC_MORE, 200, "MORE", "ok", "success, more to come", true},
#define X(name, number, connect, http, may_have_run, text) \
    {number, http, #name, connect, text, may_have_run},
    SHMRPC_STATUS_LIST(X)
#undef X
};

static const status_row declared = {
    SHMRPC_DECLARED_ERROR_MIN, 400, "DECLARED", "unknown",
    "declared error",          true};

static const status_row *find(int status)
{
    static const status_row unknown = {
        0, 500, "UNKNOWN", "unknown", "unknown status", true};
    if (status >= SHMRPC_DECLARED_ERROR_MIN) {
        return &declared;
    }
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].number == status) {
            return &rows[i];
        }
    }
    return &unknown;
}

const char *shmrpc_status_name(int status)
{
    return find(status)->name;
}

const char *shmrpc_status_text(int status)
{
    return find(status)->text;
}

const char *shmrpc_status_connect_code(int status)
{
    return find(status)->connect_code;
}

int shmrpc_status_http(int status)
{
    return find(status)->http;
}

bool shmrpc_status_may_have_run(int status)
{
    return find(status)->may_have_run;
}
