/* Limits on what a peer may make us allocate or repeat. */
#ifndef SHMRPCI_RPC_LIMITS_H
#define SHMRPCI_RPC_LIMITS_H

/* The memory limit for decoding a message of at most `bytes`: C values are
 * larger than their wire form, by up to this factor. */
#define SHMRPCI_DECODE_FACTOR       16
#define SHMRPCI_DECODE_LIMIT(bytes) ((bytes)*SHMRPCI_DECODE_FACTOR)

/* How often a call of an idempotent method may run, if workers or servers die
 * in it. A call that has certainly not run is sent again until its deadline. */
#define SHMRPCI_RUNS_MAX 3u

/* How many runs of one call may end with the death of the worker. The limit is
 * low, because the call itself may be what kills workers. */
#define SHMRPCI_DEATHS_MAX 2u

/* The time limit of one attempt to connect, even if calls have a longer
 * timeout: a service that does not answer hello within this time never will. */
#define SHMRPCI_CONNECT_TIMEOUT_NS INT64_C(5000000000)

/* The pause between two attempts to reconnect: the first, and the longest. */
#define SHMRPCI_RECONNECT_MIN_NS INT64_C(1000000)
#define SHMRPCI_RECONNECT_MAX_NS INT64_C(1000000000)

/* How long a client may go without reading before it is evicted, unless the
 * server sets another limit. */
#define SHMRPCI_STREAM_STALL_NS INT64_C(60000000000)

/* How long a stopping worker waits for unfinished calls, unless the server sets
 * another limit. */
#define SHMRPCI_STREAM_DRAIN_NS INT64_C(30000000000)

/* Memory that a worker keeps between calls; more is given back. */
#define SHMRPCI_WORKER_KEEP_BYTES ((size_t)8 << 20)

#endif
