/*
 * A service's counters as JSON, with the same keys for `shmrpc stats`, `shmrpc
 * top` and the web page's API.
 *
 * Each function appends members to an object that the caller has begun.  Times
 * are exact decimal numbers in the unit of their key.
 *
 * Threading: pure functions.
 */
#ifndef SHMRPC_TOOLS_SNAPSHOT_JSON_H
#define SHMRPC_TOOLS_SNAPSHOT_JSON_H

#include "base/buf.h"
#include "shmrpc/observe.h"

/* Appends the members for the service as a whole. `span_key` is the key of the
 * time that the counts cover: "uptime_s", or "interval_s" for a difference. */
void tool_snapshot_totals(const shmrpc_snapshot *s, const char *span_key,
                          shmrpci_buf *out);

/* Callbacks that add facts to the service; any of them may be NULL. */
typedef struct tool_snapshot_more {
    /* Appends members to the worker at `index`. */
    void (*worker)(void *user, uint32_t index, shmrpci_buf *out);
    /* Appends the counts of the errors that the method at `index` declares, by
     * their names. Without this callback they are one count. */
    void (*declared)(void *user, uint32_t index, shmrpci_buf *out);
    void *user;
} tool_snapshot_more;

/* Appends the service's times and errors by status, its methods, and its worker
 * slots. `more` may be NULL. */
void tool_snapshot_parts(const shmrpc_snapshot *s,
                         const tool_snapshot_more *more, shmrpci_buf *out);

#endif
