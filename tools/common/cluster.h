/*
 * The gateways of a NATS cluster: asks all of them what they serve ($SRV.STATS,
 * ADR-32 of NATS), as anybody may.
 *
 * Their answers are untrusted: strings are cut, and control characters in them
 * become `?`.
 *
 * Threading: any thread; one at a time for each result.
 */
#ifndef SHMRPC_TOOLS_COMMON_CLUSTER_H
#define SHMRPC_TOOLS_COMMON_CLUSTER_H

#include "base/buf.h"
#include "shmrpc/error.h"
#include "transport/nats/parcel.h"

/* Gateways that are shown. */
#define TOOL_GATEWAYS_MAX 4096u

/* A gateway of a service, which NATS calls an instance. */
typedef struct tool_gateway {
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
} tool_gateway;

/* Sorted by service, host and id. */
typedef struct tool_gateways {
    tool_gateway *items;
    size_t count;
} tool_gateways;

/* The default servers: SHMRPC_NATS of the environment, else those of this
 * machine. */
const char *tool_cluster_usual(void);

/*
 * Appends the addresses of `service` at `servers` (NULL: the usual ones): each
 * with the service's name, "nats://host/NAME?creds=FILE". Servers may be
 * written without their nats://.
 */
void tool_cluster_at(const char *servers, const char *service,
                     shmrpci_buf *out);

/* Whether `servers` (NULL: the usual ones) are addresses of one cluster.
 * INVALID: what is wrong. Asks nobody. */
int tool_cluster_check(const char *servers, shmrpc_error *error);

/* Asks all gateways, for at most 2 s, and until none has answered for 0.3 s.
 * Free with tool_cluster_free. Statuses of connecting over nats://. */
int tool_cluster_ask(const char *servers, tool_gateways *out,
                     shmrpc_error *error);
void tool_cluster_free(tool_gateways *gateways);

/* Whether gateways of the service have another contract than this one. */
bool tool_cluster_differs(const tool_gateways *all, const tool_gateway *one);

/* Appends a gateway as an object of JSON. */
void tool_gateway_append(const tool_gateways *all, const tool_gateway *one,
                         shmrpci_buf *out);

#endif
