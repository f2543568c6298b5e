/* Texts of the statuses and the error object: see <shmrpc/status.h>. */
#include "shmrpc/status.h"
#include "shmrpc/error.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

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

int shmrpc_error_set(shmrpc_error *error, int status, const char *format, ...)
{
    if (error == NULL) {
        return status;
    }
    error->code = status;
    error->name = shmrpc_status_name(status);
    error->path[0] = '\0';
    char text[4 * SHMRPC_ERROR_MESSAGE_BYTES];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    size_t have = len < 0                      ? 0
                  : (size_t)len >= sizeof text ? sizeof text - 1
                                               : (size_t)len;
    size_t cut = shmrpci_utf8_cut(text, have, sizeof error->message - 1);
    memcpy(error->message, text, cut);
    error->message[cut] = '\0';
    return status;
}
