/* One write a line: up to PIPE_BUF bytes don't mix with others' in a pipe. */
#include "shmrpc/log.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

_Static_assert(SHMRPC_LOG_BYTES + 16 <= PIPE_BUF, "with its mark in one piece");

/* As of sd-daemon(3), and for people. */
static const struct {
    char digit;
    const char *name;
} levels[] = {{'7', "debug"},   {'6', "info"},  {'5', "notice"},
              {'4', "warning"}, {'3', "error"}, {'2', "critical"}};

static size_t mark(shmrpc_log_level level, char *out, size_t size)
{
    size_t index = (unsigned)level < sizeof levels / sizeof *levels
                       ? (size_t)level
                       : SHMRPC_LOG_CRITICAL;
    int len = isatty(STDERR_FILENO) == 1
                  ? snprintf(out, size, "%s: ", levels[index].name)
                  : snprintf(out, size, "<%c>", levels[index].digit);
    return (size_t)len;
}

void shmrpc_log(shmrpc_log_level level, const char *format, ...)
{
    char line[SHMRPC_LOG_BYTES + 16];
    int before = errno;
    size_t len = mark(level, line, sizeof line);
    va_list arguments;
    va_start(arguments, format);
    int wanted = vsnprintf(line + len, SHMRPC_LOG_BYTES + 1, format, arguments);
    va_end(arguments);
    len += strlen(line + len);
    for (size_t i = 0; i < len; i++) {
        line[i] = line[i] == '\n' ? ' ' : line[i];
    }
    line[len++] = '\n';
    ssize_t written = -1;
    while (wanted >= 0 && written < 0) {
        written = write(STDERR_FILENO, line, len);
        if (written < 0 && errno != EINTR) {
            break;
        }
    }
    errno = before;
}
