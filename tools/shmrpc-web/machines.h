/*
 * The services of all machines of a cluster of NATS: what its gateways say of
 * themselves (tools/common/cluster.h), asked by a thread, since that takes
 * time.
 *
 * Nobody is asked while nobody looks: each question makes every gateway of the
 * cluster answer.
 *
 * Threading: any thread, but for open and close.
 */
#ifndef SHMRPC_WEB_MACHINES_H
#define SHMRPC_WEB_MACHINES_H

#include "base/buf.h"
#include "shmrpc/error.h"

typedef struct web_machines web_machines;

/* `servers` must outlive it. EXHAUSTED, NO_MEMORY. */
int web_machines_open(const char *servers, web_machines **out,
                      shmrpc_error *error);
/* May take some seconds, if servers don't answer. NULL is fine. */
void web_machines_close(web_machines *machines);

/*
 * Appends an object: whether there is a `cluster`, whether it was `asked` so
 * far, the `error` of the latest question or null, and `gateways`, an array.
 * NULL: there is no cluster. The next question is asked because of that.
 */
void web_machines_show(web_machines *machines, shmrpci_buf *out);

#endif
