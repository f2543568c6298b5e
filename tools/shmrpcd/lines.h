/*
 * The output of a service, split into lines: bytes in, lines out.
 *
 * All input is sanitised here, once, before it is shown or stored: text is
 * UTF-8 without control characters, and of limited length.
 *
 * Threading: one thread at a time.
 */
#ifndef SHMRPC_TOOLS_SHMRPCD_LINES_H
#define SHMRPC_TOOLS_SHMRPCD_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Severity; numbers are those of manager.svc. */
typedef enum mgr_level {
    MGR_LEVEL_DEBUG,
    MGR_LEVEL_INFO,
    MGR_LEVEL_NOTICE,
    MGR_LEVEL_WARNING,
    MGR_LEVEL_ERROR,
    MGR_LEVEL_CRITICAL
} mgr_level;

/* The source of a line; the numbers are those of manager.svc. */
typedef enum mgr_origin {
    MGR_ORIGIN_STDOUT,
    MGR_ORIGIN_STDERR,
    MGR_ORIGIN_MANAGER
} mgr_origin;

/* The maximum length of a line; the rest is cut off. */
#define MGR_LINE_BYTES ((size_t)16 << 10)

typedef struct mgr_line {
    int64_t unix_ms;
    mgr_level level;
    mgr_origin origin;
    bool truncated;
    int32_t thread;      /* the thread that called shmrpc_log; 0: not known */
    uint64_t call;       /* the call that this thread served; 0: none, or not
                          * known */
    const char *service; /* its section; NULL: that of the log which has the
                          * line */
    const char *text;    /* no NUL behind it */
    size_t len;
} mgr_line;

typedef void mgr_on_line(void *user, const mgr_line *line);

/* A stream whose last line is not complete. Zeroed at first, except for
 * `origin`. */
typedef struct mgr_lines {
    mgr_origin origin;
    size_t len;
    bool is_long;    /* the line is longer than the buffer */
    int64_t unix_ms; /* when the line began */
    char bytes[MGR_LINE_BYTES];
} mgr_lines;

/* Takes received bytes; reports every complete line. */
void mgr_lines_feed(mgr_lines *lines, const void *data, size_t len,
                    int64_t unix_ms, mgr_on_line *on_line, void *user);

/* Reports a line that has no newline yet, if there is one; the rest of it
 * counts as a new line. */
void mgr_lines_flush(mgr_lines *lines, mgr_on_line *on_line, void *user);

/* The same at the end of the stream: also of a line that is too long. */
void mgr_lines_end(mgr_lines *lines, mgr_on_line *on_line, void *user);

/* Sanitises `len` bytes into `out`, of up to MGR_LINE_BYTES: bytes that are not
 * UTF-8, control characters except tabs, and bidi controls become \xHH. Returns
 * the length; `*truncated` if there was not enough room. */
size_t mgr_text_inert(const char *data, size_t len, char *out, bool *truncated);

/* The level of a line, from how it begins: "<3>text", "error: text", "name:
 * warning: text", "[INFO] text"; INFO if it has no mark. */
mgr_level mgr_level_of(const char *text, size_t len);

#endif
