/*
 * Lines of logs on disk: each is one JSON object on one line, here wrapped.
 *
 *     {"time":"2026-01-31T12:00:00.123Z","service":"Echo","level":"info",
 *      "origin":"stdout","pid":71,"thread":72,"call":"1f3a","text":"..."}
 *
 * `pid` is absent if no process ran. `thread` and `call` (hexadecimal) are
 * absent unless shmrpc_log wrote the line, and `call` also if the thread served
 * none. `"truncated":true` follows the text if the line was longer.
 *
 * Threading: any thread.
 */
#ifndef SHMRPC_TOOLS_SHMRPCD_RECORD_H
#define SHMRPC_TOOLS_SHMRPCD_RECORD_H

#include "base/buf.h"
#include "tools/shmrpcd/lines.h"

typedef struct mgr_record {
    mgr_line line;
    int32_t pid; /* 0: no process */
} mgr_record;

/* Appends a record and a newline. */
void mgr_record_append(shmrpci_buf *out, const char *service,
                       const mgr_record *record);

/* Appends a text in the form that it has between the quotes of a record. */
void mgr_record_append_text(shmrpci_buf *out, const char *text, size_t len);

/* Reads a record in the form that append writes, without the newline. Its text
 * goes to `text`. Returns false if it is not a record. */
bool mgr_record_read(const char *data, size_t len, char text[MGR_LINE_BYTES],
                     mgr_record *out);

#endif
