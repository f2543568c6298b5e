/* One write per line: up to PIPE_BUF bytes don't mix with others' in a pipe. */
#include "shmrpc/log.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

_Static_assert(SHMRPC_LOG_BYTES + 16 <= PIPE_BUF, "with its mark in one piece");

/* Levels from each number on, for sd-daemon(3) and for people. */
static const struct {
    int least;
    char digit;
    const char *name;
} levels[] = {
    {SHMRPC_LOG_CRITICAL, '2', "critical"}, {SHMRPC_LOG_ERROR, '3', "error"},
    {SHMRPC_LOG_WARNING, '4', "warning"},   {SHMRPC_LOG_STDOUT, '6', "info"},
    {SHMRPC_LOG_NOTICE, '5', "notice"},     {SHMRPC_LOG_INFO, '6', "info"},
    {SHMRPC_LOG_DEBUG, '7', "debug"}};

static size_t mark(shmrpc_log_level level, char *out, size_t size)
{
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        if ((int)level >= levels[i].least) {
            int len = isatty(STDERR_FILENO) == 1
                          ? snprintf(out, size, "%s: ", levels[i].name)
                          : snprintf(out, size, "<%c>", levels[i].digit);
            return (size_t)len;
        }
    }
    return 0;
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
