/*
 * Types shared by the parts of the server: services and their listeners.
 *
 * Threading: everything here is fixed before the workers start.
 */
#ifndef SHMRPCI_RPC_SERVER_H
#define SHMRPCI_RPC_SERVER_H

#include "base/buf.h"
#include "codec/flat.h"
#include "observe/stats.h"
#include "rpc/access.h"
#include "rpc/ctx.h"
#include "rpc/intercept.h"
#include "rpc/overload.h"
#include "rpc/relayed.h"
#include "shmrpc/stub.h"
#include "transport/transport.h"

/* How the values of a method are encoded. */
typedef struct shmrpci_served_method {
    const shmrpci_codec *codec;
    shmrpci_flat params;
    shmrpci_flat result;
    bool is_flat; /* a call needs no codec for its reply */
    /* Checking whether the result is short costs little: its size is bounded,
     * or its codec stops when there is no room. */
    bool is_tried;
    bool has_streams;
} shmrpci_served_method;

/* `codec` is NULL where this library lacks the encoding. */
shmrpci_served_method shmrpci_served_method_of(const shmrpc_method *method);

/* A service that is served: its descriptor and the user's code. */
typedef struct shmrpci_served {
    const shmrpc_service *service;
    const shmrpc_handler *handlers;
    void *impl; /* our copy */
    void *user;
    shmrpci_served_method *methods;
    shmrpci_buf contract; /* encoded for welcomes */
    size_t decode_limit;
    shmrpci_stream_rules streams;
    int64_t drain_ns; /* for unfinished calls of a stopping worker */
    uint32_t uid;     /* the server's user id */
    /* Without memory (fd -1) nothing is counted. */
    shmrpci_stats stats;
    shmrpci_access_list *access; /* for each method; NULL: everybody may call
                                  * every method */
    /* By access lists, authorize, interceptors or limits; or the service wants
     * to hear of the ends of connections. */
    bool is_guarded;
    shmrpci_overload overload;
    void (*disconnected)(void *user, uint64_t connection);
    shmrpci_relayed *relayed; /* for the ends of connections; else NULL */
    shmrpci_interceptors interceptors;
    int (*authorize)(void *user, shmrpc_ctx *ctx, const char *method,
                     const char *token, shmrpc_error *error);
    void *authorize_user;
    /* The memory of each shared object; -1: not made. NULL: no objects. The
     * following members belong to shared.c. */
    int *object_fds;
    uint32_t object_generation;     /* identifies the process that ends them */
    struct shmrpci_saver *saver;    /* NULL: nothing is saved */
    const shmrpci_address *address; /* where its other processes get them */
    struct shmrpci_served *next;
} shmrpci_served;

/* The options of a server, with pointers to its own copies. */
typedef struct shmrpci_server_opts {
    shmrpc_server_opts opts; /* zeros replaced by defaults */
    char *listen;
    uint32_t *allowed_uids;
    uint32_t *allowed_gids;
} shmrpci_server_opts;

/* `opts` may be NULL. `out` must be finished in any case. */
int shmrpci_server_opts_init(shmrpci_server_opts *out,
                             const shmrpc_server_opts *opts,
                             shmrpc_error *error);
void shmrpci_server_opts_fini(shmrpci_server_opts *own);

/* Copies `impl`; neither listens nor counts yet. Destroying NULL is allowed. */
int shmrpci_served_create(const shmrpc_server_opts *opts,
                          const shmrpc_service *service,
                          const shmrpc_handler *handlers, const void *impl,
                          size_t impl_size, void *user, shmrpci_served **out,
                          shmrpc_error *error);
void shmrpci_served_destroy(shmrpci_served *served);
/* Makes its statistics: a row for each method, and a place for each worker at
 * each address. If that fails, it serves without them. */
void shmrpci_served_count(shmrpci_served *served, uint32_t places);
/* Prepares the limits on calls: for the same places. EXHAUSTED, NO_MEMORY. */
int shmrpci_served_limit(shmrpci_served *served, const shmrpc_server_opts *opts,
                         uint32_t places, shmrpc_error *error);

/* Most workers of a listener. */
#define SHMRPCI_WORKERS_MAX 64u

/* Serves requests at `participant` until the listener is stopped, and counts
 * them at `place` of the service's statistics. */
void shmrpci_dispatch_run(const shmrpci_served *served,
                          shmrpci_participant *participant, uint32_t place);

/* As shmrpc_server_run; calls `on_serving` when its workers run. */
int shmrpci_server_run(shmrpc_server *server, void (*on_serving)(void *user),
                       void *user, shmrpc_error *error);

/* As shmrpc_stub_serve, but listens only with shmrpci_server_listen, and then
 * for workers in other processes. */
int shmrpci_server_add(shmrpc_server *server, const shmrpc_service *service,
                       const shmrpc_handler *handlers, const void *impl,
                       size_t impl_size, void *user, shmrpc_error *error);
int shmrpci_server_listen(shmrpc_server *server, shmrpc_error *error);

/* ---- one process takes over from another ----------------------------- */

/* Called before it listens: sets the callback for a successor that waits at the
 * other end of `fd`, which the callee then owns. */
void shmrpci_server_set_successor(shmrpc_server *server,
                                  void (*on_successor)(void *user, int fd),
                                  void *user);
/* The four operations of the handover (transport.h), for all outlets. After a
 * failed take_over the server serves nothing, and nothing has changed for
 * others. */
int shmrpci_server_summon(const shmrpc_server *server, int64_t deadline_ns,
                          int *out_fd, shmrpc_error *error);
shmrpc_status shmrpci_server_hand_over(shmrpc_server *server, int fd,
                                       int64_t deadline_ns);
int shmrpci_server_take_over(shmrpc_server *server, int fd, int64_t deadline_ns,
                             shmrpc_error *error);
void shmrpci_server_abandon(shmrpc_server *server);

/* A place where a service is served, or will be (listener NULL). */
typedef struct shmrpci_outlet_view {
    const shmrpci_served *served;
    const shmrpci_transport *transport;
    shmrpci_listener *listener;
    uint32_t first_place; /* index of its worker 0 in the service's
                           * statistics */
} shmrpci_outlet_view;

uint32_t shmrpci_server_outlet_count(const shmrpc_server *server);
shmrpci_outlet_view shmrpci_server_outlet(const shmrpc_server *server,
                                          uint32_t index);

/* One worker for each CPU that we may use. */
uint32_t shmrpci_server_default_workers(void);

/* One line for people: where the server's listener `index` listens; NULL after
 * the last one. */
const char *shmrpci_server_describe(const shmrpc_server *server,
                                    uint32_t index);

#endif
