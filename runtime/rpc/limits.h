/* What a peer may make us allocate or repeat. */
#ifndef SHMRPCI_RPC_LIMITS_H
#define SHMRPCI_RPC_LIMITS_H

/* The memory in which a message of at most `bytes` is decoded: C values are
 * larger than their wire form, by up to this factor. */
#define SHMRPCI_DECODE_FACTOR       16
#define SHMRPCI_DECODE_LIMIT(bytes) ((bytes)*SHMRPCI_DECODE_FACTOR)

/* How often a call of an idempotent method is sent, if its worker dies. */
#define SHMRPCI_ATTEMPTS_MAX 3

/* Memory that a worker keeps between calls; more is given back. */
#define SHMRPCI_WORKER_KEEP_BYTES ((size_t)8 << 20)

#endif
