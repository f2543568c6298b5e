/*
 * One service behind the gateway: its relay, its connection to NATS, and the
 * clients that search for it there.
 *
 *     NATS -> pump -> socket pair -> adopted listener -> relay -> workers
 *
 * Threading: open, run, close: one thread; stop: any thread, or a signal
 * handler.
 */
#ifndef SHMRPC_TOOLS_NATS_GATE_H
#define SHMRPC_TOOLS_NATS_GATE_H

#include "os/thread.h"
#include "sync/atomic.h"
#include "tools/relay/greeting.h"
#include "tools/relay/relay.h"
#include "tools/shmrpc-nats/foreign.h"
#include "tools/shmrpc-nats/options.h"
#include "transport/nats/pump.h"

/* The queue group for requests of clients without shmrpc: NATS picks one of the
 * service's gateways. */
#define GATE_QUEUE "q"

typedef struct gate {
    const char *service; /* NAME[@INSTANCE], as in a shm:// address */
    char name[64];       /* NAME: what clients on other machines ask for */
    const options *options;
    greeting greeting;
    shmrpci_mutex lock; /* guards `relay`, which is closed before the pump
                         * ends */
    relay *relay;
    nats_pump *pump;
    foreign *foreign; /* calls of clients without shmrpc */
    nats_who who;     /* identity of this instance */
    char file[256];   /* what messages about a refusal name: the file with our
                       * credentials, key or certificate; if there is none, the
                       * servers */
    char instance[NATS_SUBJECT_BYTES];
    int64_t started_s; /* since 1970 */
    bool is_announced; /* used by the pump: clients were told that the gateway
                        * has started */
    shmrpci_atomic_u32 is_leaving;
    shmrpci_atomic_u32 is_refused; /* NATS has refused us, and libnats will not
                                    * reconnect */
} gate;

/* Opens everything that must be opened before the sandbox forbids it; starts no
 * thread. `at` are the servers of NATS. */
int gate_open(gate *g, const char *service, const shmrpci_address *at,
              const shmrpci_address *back, const options *o,
              const shmrpci_buf *hello, shmrpc_error *error);
/* Runs the gateway until it is stopped. */
int gate_run(gate *g, shmrpc_error *error);
void gate_stop(gate *g);
/* Returns the number of calls in progress; 0 once the gate is closing. */
uint32_t gate_calls(gate *g);
void gate_close(gate *g);

#endif
