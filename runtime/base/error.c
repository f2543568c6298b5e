/* The error object. */
#include "base/error.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

void shmrpci_error_name(shmrpc_error *error, const char *name)
{
    if (error != NULL) {
        size_t len =
            shmrpci_utf8_cut(name, strlen(name), sizeof error->name - 1);
        memcpy(error->name, name, len);
        error->name[len] = '\0';
    }
}

void shmrpci_error_code(shmrpc_error *error, int status)
{
    if (error != NULL) {
        error->code = status;
        error->pid = 0;
        error->may_have_run = shmrpc_status_may_have_run(status);
        error->held_ns = 0;
        memset(error->reserved, 0, sizeof error->reserved);
        error->retry_after_ns = 0;
        shmrpci_error_name(error, shmrpc_status_name(status));
    }
}

void shmrpci_error_ran(shmrpc_error *error, bool may_have_run)
{
    if (error == NULL) {
        return;
    }
    error->may_have_run = may_have_run;
    if (may_have_run || shmrpc_status_may_have_run(error->code)) {
        const char *words =
            may_have_run ? "; it may have run" : "; it has not run";
        size_t room = sizeof error->message - 1 - strlen(words);
        size_t len =
            shmrpci_utf8_cut(error->message, strlen(error->message), room);
        memcpy(error->message + len, words, strlen(words) + 1);
    }
}

const char *shmrpc_error_text(const shmrpc_error *error, char *text,
                              size_t size)
{
    char whole[SHMRPC_ERROR_TEXT_BYTES];
    int len = snprintf(whole, sizeof whole, "%s%s%s%s%s", error->name,
                       error->path[0] != '\0' ? ": " : "", error->path,
                       error->message[0] != '\0' ? ": " : "", error->message);
    size_t cut = shmrpci_utf8_cut(whole, (size_t)len, size - 1);
    memcpy(text, whole, cut);
    text[cut] = '\0';
    return text;
}

int shmrpc_error_set(shmrpc_error *error, int status, const char *format, ...)
{
    if (error == NULL) {
        return status;
    }
    shmrpci_error_code(error, status);
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
