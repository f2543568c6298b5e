/*
 * Figures in Prometheus' text format.
 *
 * Threading: one thread.
 */
#ifndef SHMRPC_WEB_METRICS_H
#define SHMRPC_WEB_METRICS_H

#include "base/buf.h"
#include "tools/shmrpc-web/board.h"
#include "tools/shmrpc-web/http.h"
#include "tools/shmrpc-web/rpc.h"

#define WEB_METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

void web_metrics_append(web_board *board, const web_http_stats *http,
                        const web_rpc_stats *rpc, shmrpci_buf *out);

/* Appends the lines before the samples of a metric. */
void web_metrics_head(shmrpci_buf *out, const char *name, const char *type,
                      const char *help);
/* Appends a label to a sample that was begun. The value may contain any
 * characters. */
void web_metrics_label(shmrpci_buf *out, const char *key, const char *value);

#endif
