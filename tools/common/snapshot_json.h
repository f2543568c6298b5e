/*
 * What a service has counted, as JSON: of `shmrpc stats` and `top`, and of the
 * page's API, with the same keys.
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

/* Of the service as a whole. `span_key` is what the time is called for which it
 * has counted: "uptime_s", or "interval_s" for a difference. */
void tool_snapshot_totals(const shmrpc_snapshot *s, const char *span_key,
                          shmrpci_buf *out);

/* More members of a worker, by its index; may be NULL. */
typedef void tool_worker_more(void *user, uint32_t index, shmrpci_buf *out);

/* Its times and its errors by status, its methods, and the places of its
 * workers. */
void tool_snapshot_parts(const shmrpc_snapshot *s, tool_worker_more *more,
                         void *user, shmrpci_buf *out);

#endif
