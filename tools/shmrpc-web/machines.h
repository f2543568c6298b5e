/*
 * The services of all machines of a NATS cluster. A thread asks their gateways
 * (tools/common/cluster.h), since that takes time.
 *
 * It asks only while somebody looks at the page, because each question makes
 * every gateway of the cluster answer.
 *
 * Threading: any thread, except open and close.
 */
#ifndef SHMRPC_WEB_MACHINES_H
#define SHMRPC_WEB_MACHINES_H

#include "base/buf.h"
#include "shmrpc/error.h"

typedef struct web_machines web_machines;

/* Starts the thread. `servers` must outlive it. Returns EXHAUSTED or NO_MEMORY
 * on failure. */
int web_machines_open(const char *servers, web_machines **out,
                      shmrpc_error *error);
/* May take some seconds if servers don't answer. NULL is fine. */
void web_machines_close(web_machines *machines);

/* Appends an object with these members: `cluster`, whether there is a cluster;
 * `asked`, whether it has been asked yet; `error`, the error of the latest
 * question, or null; and the array `gateways`. NULL means that there is no
 * cluster. The call keeps the thread asking. */
void web_machines_show(web_machines *machines, shmrpci_buf *out);

#endif
