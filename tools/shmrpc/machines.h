/*
 * Services of all machines of a NATS cluster, for the commands list, ps and top
 * with --nats.
 *
 * Threading: main thread.
 */
#ifndef SHMRPC_TOOLS_MACHINES_H
#define SHMRPC_TOOLS_MACHINES_H

#include "tools/shmrpc/cli.h"

#define CLI_NATS_HELP                                                      \
    "  -N, --nats[=SERVERS] ask the gateways of a NATS cluster,\n"         \
    "                       shmrpc-nats(8); SERVERS as nats://a,nats://b " \
    "(default:\n"                                                          \
    "                       SHMRPC_NATS, else nats://127.0.0.1)\n"

/* Returns `at`, or with --nats the addresses of `service` in the cluster, which
 * are written to `text`. */
const char *cli_machines_at(const cli_nats *nats, const char *service,
                            const char *at, shmrpci_buf *text);

/* For list: prints one row for each service and contract. */
cli_exit cli_machines_list(const cli_nats *nats, bool json);
/* For ps: prints one row for each gateway. */
cli_exit cli_machines_ps(const cli_nats *nats, bool json);
/* For top: prints the table of ps repeatedly, `count` times; 0 means until it
 * is stopped. */
cli_exit cli_machines_top(const cli_nats *nats, bool json, int64_t interval_ns,
                          uint64_t count);

#endif
