/*
 * Lines of logs on disk: one JSON object each.
 *
 *     {"time":"2026-01-31T12:00:00.123Z","service":"Echo","level":"info",
 *      "origin":"stdout","pid":71,"thread":72,"call":"1f3a","text":"..."}
 *
 * without the line break. `pid` is left out if no process ran, `thread` and
 * `call` (hexadecimal) unless shmrpc_log wrote the line, and `call` if the
 * thread served none. `"truncated":true` follows the text of a line that was
 * longer.
 *
 * Threading: any thread.
 */
#ifndef SHMRPC_TOOLS_SHMRPCD_RECORD_H
#define SHMRPC_TOOLS_SHMRPCD_RECORD_H

#include "base/buf.h"
#include "tools/shmrpcd/lines.h"

typedef struct mgr_record {
    mgr_line line;
    int32_t pid; /* 0: none */
} mgr_record;

/* Appends a record and a newline. */
void mgr_record_append(shmrpci_buf *out, const char *service,
                       const mgr_record *record);

/* Appends a text as it appears between the quotes of a record. */
void mgr_record_append_text(shmrpci_buf *out, const char *text, size_t len);

/* Reads a record as append writes them, without the newline; its text goes to
 * `text`. False: it is not a record. */
bool mgr_record_read(const char *data, size_t len, char text[MGR_LINE_BYTES],
                     mgr_record *out);

#endif
