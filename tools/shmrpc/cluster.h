/*
 * The gateways of a NATS cluster: asks all of them what they serve ($SRV.STATS,
 * ADR-32 of NATS), as anybody may.
 *
 * Their answers are untrusted: strings are cut, and control characters in them
 * become `?`.
 *
 * Threading: main thread.
 */
#ifndef SHMRPC_TOOLS_CLUSTER_H
#define SHMRPC_TOOLS_CLUSTER_H

#include "shmrpc/error.h"
#include "tools/shmrpc/cli.h"
#include "transport/nats/parcel.h"

/* Gateways that are shown. */
#define CLI_GATEWAYS_MAX 4096u

/* A gateway of a service, which NATS calls an instance. */
typedef struct cli_gateway {
    char service[64];
    char id[NATS_ID_BYTES];
    char host[64];
    char zone[64];    /* "": none */
    char version[16]; /* of the .svc */
    char hash[17];    /* of the contract; "": it is not known yet */
    uint64_t calls;   /* in progress */
    uint64_t links;
    uint64_t requests; /* of clients without shmrpc, so far */
    uint64_t messages; /* of the others, so far */
} cli_gateway;

/* By service, host and id. */
typedef struct cli_gateways {
    cli_gateway *items;
    size_t count;
} cli_gateways;

/* The default servers: SHMRPC_NATS of the environment, else those of this
 * machine. */
const char *cli_cluster_usual(void);

/*
 * Appends the addresses of `service` at `servers` (NULL: the usual ones): each
 * with the service's name, "nats://host/NAME?creds=FILE". Servers may be
 * written without their nats://.
 */
void cli_cluster_at(const char *servers, const char *service, shmrpci_buf *out);

/* `at`, or with --nats the addresses of `service` there, which are in `text`.
 */
const char *cli_cluster_or(const cli_nats *nats, const char *service,
                           const char *at, shmrpci_buf *text);

/* Asks all gateways, for at most 2 s, and until none has answered for 0.3 s.
 * Free with cli_cluster_free. Statuses of connecting over nats://. */
int cli_cluster_ask(const char *servers, cli_gateways *out,
                    shmrpc_error *error);
void cli_cluster_free(cli_gateways *gateways);

/* Whether gateways of the service have another contract than this one. */
bool cli_cluster_differs(const cli_gateways *all, const cli_gateway *one);

#endif
