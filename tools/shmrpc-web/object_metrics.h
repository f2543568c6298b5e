/*
 * Metrics of shared objects, for Prometheus.
 *
 * Threading: one thread.
 */
#ifndef SHMRPC_WEB_OBJECT_METRICS_H
#define SHMRPC_WEB_OBJECT_METRICS_H

#include "base/buf.h"
#include "tools/shmrpc-web/objects.h"

void web_object_metrics_append(web_objects *objects, shmrpci_buf *out);

#endif
