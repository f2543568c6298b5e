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
        shmrpci_error_name(error, shmrpc_status_name(status));
    }
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
