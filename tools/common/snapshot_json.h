/*
 * A service's counters as JSON, with the same keys for `shmrpc stats`, `shmrpc
 * top` and the page's API.
 *
 * Each function appends members to an object that the caller has begun.  Times
 * are exact decimal numbers of the unit in their key.
 *
 * Threading: pure functions.
 */
#ifndef SHMRPC_TOOLS_SNAPSHOT_JSON_H
#define SHMRPC_TOOLS_SNAPSHOT_JSON_H

#include "base/buf.h"
#include "shmrpc/observe.h"

/* Members of the service as a whole. `span_key` is the key of the counted time:
 * "uptime_s", or "interval_s" for a difference. */
void tool_snapshot_totals(const shmrpc_snapshot *s, const char *span_key,
                          shmrpci_buf *out);

/* Additional facts about the service; any member may be NULL. */
typedef struct tool_snapshot_more {
    /* Appends members to the worker at `index`. */
    void (*worker)(void *user, uint32_t index, shmrpci_buf *out);
    /* Appends the counts of the errors that the method at `index` declares, by
     * their names; without it they are one count. */
    void (*declared)(void *user, uint32_t index, shmrpci_buf *out);
    void *user;
} tool_snapshot_more;

/* The service's times and errors by status, its methods, and the places of its
 * workers. `more` may be NULL. */
void tool_snapshot_parts(const shmrpc_snapshot *s,
                         const tool_snapshot_more *more, shmrpci_buf *out);

#endif
