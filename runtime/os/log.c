/* Writes each line with a single write, because up to PIPE_BUF bytes that are
 * written to a pipe at once don't mix with those of other processes. */
#include "shmrpc/log.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/log_call.h"

/* Longest mark, "<3;2147483647;ffffffffffffffff>", and a newline. */
#define MARK_BYTES 48

_Static_assert(SHMRPC_LOG_BYTES + MARK_BYTES <= PIPE_BUF,
               "a line with its mark is written in one piece");

_Thread_local const uint64_t *shmrpci_log_call;

/* A level covers the numbers from `least` on. Its digit is for sd-daemon(3),
 * its name for people. */
static const struct {
    int least;
    char digit;
    const char *name;
} levels[] = {
    {SHMRPC_LOG_CRITICAL, '2', "critical"}, {SHMRPC_LOG_ERROR, '3', "error"},
    {SHMRPC_LOG_WARNING, '4', "warning"},   {SHMRPC_LOG_STDOUT, '6', "info"},
    {SHMRPC_LOG_NOTICE, '5', "notice"},     {SHMRPC_LOG_INFO, '6', "info"},
    {SHMRPC_LOG_DEBUG, '7', "debug"}};

/* Writes the mark before a line. A program that the manager has started
 * (SHMRPCD_OF) adds thread and call, which the manager understands. */
static size_t mark(shmrpc_log_level level, char *out, size_t size)
{
    size_t i = 0;
    while (i < sizeof levels / sizeof *levels && (int)level < levels[i].least) {
        i++;
    }
    if (i == sizeof levels / sizeof *levels) {
        return 0;
    }
    if (isatty(STDERR_FILENO) == 1) {
        return (size_t)snprintf(out, size, "%s: ", levels[i].name);
    }
    if (getenv("SHMRPCD_OF") == NULL) {
        return (size_t)snprintf(out, size, "<%c>", levels[i].digit);
    }
    return (size_t)snprintf(
        out, size, "<%c;%ld;%" PRIx64 ">", levels[i].digit, syscall(SYS_gettid),
        shmrpci_log_call != NULL ? *shmrpci_log_call : UINT64_C(0));
}

void shmrpc_log(shmrpc_log_level level, const char *format, ...)
{
    char line[SHMRPC_LOG_BYTES + MARK_BYTES];
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
