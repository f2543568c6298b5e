/*
 * Splits the output of a service into lines.
 *
 * All input is sanitised here, once, before it is shown or stored. After that
 * text is UTF-8 without control characters, and its length is limited.
 *
 * Threading: one thread at a time.
 */
#ifndef SHMRPC_TOOLS_SHMRPCD_LINES_H
#define SHMRPC_TOOLS_SHMRPCD_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Severity of a line; the numbers are those of manager.svc. */
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
    const char *service; /* section of the service; NULL in the log of a
                          * single service */
    const char *text;    /* not NUL-terminated */
    size_t len;
} mgr_line;

typedef void mgr_on_line(void *user, const mgr_line *line);

/* A stream with its unfinished last line. Must be zeroed at first, except for
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

/* Reports the unfinished line, if there is one. If more of it arrives later,
 * that counts as a new line. */
void mgr_lines_flush(mgr_lines *lines, mgr_on_line *on_line, void *user);

/* Like mgr_lines_flush, for the end of the stream: also reports a line that is
 * too long. */
void mgr_lines_end(mgr_lines *lines, mgr_on_line *on_line, void *user);

/* Sanitises `len` bytes into `out`, which has room for MGR_LINE_BYTES. Bytes
 * that are not UTF-8, control characters except tabs, and bidi controls become
 * \xHH. Returns the length, and sets `*truncated` if there was not enough
 * room. */
size_t mgr_text_inert(const char *data, size_t len, char *out, bool *truncated);

/* Finds the level of a line from its beginning: "<3>text", "error: text",
 * "name: warning: text", "[INFO] text". A line without a mark is INFO. */
mgr_level mgr_level_of(const char *text, size_t len);

#endif
