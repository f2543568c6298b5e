/*
 * The gateways of a NATS cluster: asks all of them what they serve ($SRV.STATS,
 * ADR-32 of NATS), which any client of the cluster may do.
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

/* The most gateways that are shown. */
#define TOOL_GATEWAYS_MAX 4096u

/* A gateway of a service, which NATS calls an instance. */
typedef struct tool_gateway {
    char service[64];
    char id[NATS_ID_BYTES];
    char host[64];
    char zone[64];    /* "": none */
    char version[16]; /* version of the .svc */
    char hash[17];    /* hash of the contract; "": not known yet */
    uint64_t calls;   /* calls in progress */
    uint64_t links;
    uint64_t requests; /* requests so far from clients that don't use shmrpc */
    uint64_t messages; /* messages so far from clients that do */
} tool_gateway;

/* Sorted by service, host and id. */
typedef struct tool_gateways {
    tool_gateway *items;
    size_t count;
} tool_gateways;

/* The default servers: the environment variable SHMRPC_NATS, else those of this
 * machine. */
const char *tool_cluster_usual(void);

/* Appends the addresses of `service` at `servers` (NULL: the default ones),
 * each in the form "nats://host/NAME?creds=FILE" with the service's name.
 * Servers may be given without "nats://". */
void tool_cluster_at(const char *servers, const char *service,
                     shmrpci_buf *out);

/* Checks that `servers` (NULL: the default ones) are addresses of one cluster.
 * Returns INVALID if they are not, and the error says why. Sends nothing. */
int tool_cluster_check(const char *servers, shmrpc_error *error);

/* Asks all gateways. Takes 2 s at most, and ends earlier if no answer has come
 * for 0.3 s. Free the result with tool_cluster_free. Returns the statuses of
 * connecting to nats://. */
int tool_cluster_ask(const char *servers, tool_gateways *out,
                     shmrpc_error *error);
void tool_cluster_free(tool_gateways *gateways);

/* Whether another gateway of the same service has a different contract. */
bool tool_cluster_differs(const tool_gateways *all, const tool_gateway *one);

/* Appends a gateway as a JSON object. */
void tool_gateway_append(const tool_gateways *all, const tool_gateway *one,
                         shmrpci_buf *out);

#endif
