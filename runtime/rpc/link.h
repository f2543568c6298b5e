/*
 * One connection of a client, with the state negotiated for it.
 *
 * A client outlives its connections: when one is lost, another takes its place,
 * perhaps to a server that numbers its methods differently. Everything that
 * depends on the connection is in the link, which never changes once the client
 * has it.
 *
 * A call protects the link with a hazard pointer (sync/hazard.h) from before
 * reserve until after release; a call that outlives the function that started
 * it has a hazard pointer of its own (rpc/async.h). A replaced link is closed
 * when no hazard pointer holds it (rpc/reconnect.h), and freed when no reply is
 * being read in its memory any more.
 *
 * Threading: any number of threads.
 */
#ifndef SHMRPCI_RPC_LINK_H
#define SHMRPCI_RPC_LINK_H

#include <stdbool.h>

#include "codec/flat.h"
#include "os/fork.h"
#include "shmrpc/stub.h"
#include "sync/atomic.h"
#include "transport/transport.h"

typedef struct shmrpci_link_method {
    const shmrpci_codec *codec;
    uint32_t id; /* the method's id at the server */
    /* Set for requests and replies whose values are flat and need no codec. */
    shmrpci_flat request;
    shmrpci_flat reply;
} shmrpci_link_method;

typedef struct shmrpci_link {
    /* Operations of its transport; `shared` may be NULL. */
    const shmrpci_client_ops *client;
    const shmrpci_shared_ops *shared;
    shmrpci_conn *conn;
    uint64_t serial;             /* number among the client's links, from 1 */
    uint32_t generation;         /* identifies the process that made it */
    uint32_t head_flags;         /* flags of every request */
    uint32_t place;              /* index of its place in the address list */
    shmrpci_atomic_u32 watchers; /* how many lists of links (rpc/async.h) have
                                  * it */
    shmrpci_atomic_u32 kept;     /* number of replies being read in its memory,
                                  * and the flag IS_CLOSED (link.c) */
    struct shmrpci_link *next;   /* in the list of replaced links */
    char where[128];
    shmrpci_link_method methods[]; /* methods of the service, then
                                    * shmrpci_ping */
} shmrpci_link;

/* Whether this process made the link. Otherwise it is the parent's, and must
 * not be used. */
static inline bool shmrpci_link_is_ours(const shmrpci_link *link)
{
    return link->generation == shmrpci_fork_generation();
}

/* The built-in method that shmrpc_ping calls, and its id at every server. Each
 * link has it after the methods of the service. */
extern const shmrpc_method shmrpci_ping;
#define SHMRPCI_METHOD_PING SHMRPCI_METHOD_MAX

typedef struct shmrpci_link_opts {
    const shmrpc_service *service;
    const char *where; /* address list */
    uint32_t places;   /* how many places to try; 0: all */
    int64_t deadline_ns;
    shmrpc_profile profile;
    size_t max_message_bytes;
    bool is_partial; /* a missing method only makes its calls UNIMPLEMENTED */
} shmrpci_link_opts;

/* Tries each place once, exchanges hello and welcome, and compares the method
 * tables. Returns the statuses of shmrpc_stub_connect. */
int shmrpci_link_open(const shmrpci_link_opts *opts, shmrpci_link **out,
                      shmrpc_error *error);

/* Whether this status means that no server was there or that it did not answer,
 * so that a later attempt may succeed. */
bool shmrpci_link_is_absent(int status);

/* Called when no call uses the link any more: disconnects and frees it, or
 * leaves that to the last reply that is read in place. In a forked child only
 * the child's part is freed. */
void shmrpci_link_close(shmrpci_link *link);

/* Called instead of releasing the call, to read its reply in place. Returns
 * false if that is not possible; the caller must then release the call. */
bool shmrpci_link_keep(shmrpci_link *link, shmrpci_call *call,
                       shmrpci_kept *out);
/* Drops a reply kept by shmrpci_link_keep. The link may then be freed. */
void shmrpci_link_let_go(shmrpci_link *link, const shmrpci_kept *kept);

#endif
