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
    /* Parameters and result are flat, and there are no streams: calls need no
     * codec. */
    bool is_flat;
    /* It is worthwhile to try the short path first (answer_short in
     * dispatch.c), because a failed try costs little: the size of the result is
     * bounded, or its codec stops when there is no room. */
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
    int64_t
        drain_ns; /* how long a stopping worker waits for unfinished calls */
    uint32_t uid; /* the server's user id */
    /* Statistics. If their fd is -1, nothing is counted. */
    shmrpci_stats stats;
    shmrpci_access_list *access; /* for each method; NULL: everybody may call
                                  * every method */
    /* Calls must be admitted: there are access lists, authorize, interceptors
     * or limits, or the ends of connections are reported. */
    bool is_guarded;
    shmrpci_overload overload;
    void (*disconnected)(void *user, uint64_t connection);
    shmrpci_relayed *relayed; /* peers whose ends must be reported; NULL: none
                               * are */
    shmrpci_interceptors interceptors;
    int (*authorize)(void *user, shmrpc_ctx *ctx, const char *method,
                     const char *token, shmrpc_error *error);
    void *authorize_user;
    /* The memory of each shared object (-1: not made), or NULL if there are no
     * objects. This and the following members belong to shared.c. */
    int *object_fds;
    uint32_t object_generation;     /* identifies the process that must end the
                                     * objects */
    struct shmrpci_saver *saver;    /* NULL: nothing is saved */
    const shmrpci_address *address; /* where the server's other processes get
                                     * the objects */
    struct shmrpci_served *next;
} shmrpci_served;

/* The options of a server, with pointers to its own copies. */
typedef struct shmrpci_server_opts {
    shmrpc_server_opts opts; /* zeros replaced by defaults */
    char *listen;
    uint32_t *allowed_uids;
    uint32_t *allowed_gids;
} shmrpci_server_opts;

/* Checks and copies the options; `opts` may be NULL. Call
 * shmrpci_server_opts_fini for `out` even after a failure. */
int shmrpci_server_opts_init(shmrpci_server_opts *out,
                             const shmrpc_server_opts *opts,
                             shmrpc_error *error);
void shmrpci_server_opts_fini(shmrpci_server_opts *own);

/* Makes a service with a copy of `impl`. It neither listens nor counts yet.
 * Destroying NULL is allowed. */
int shmrpci_served_create(const shmrpc_server_opts *opts,
                          const shmrpc_service *service,
                          const shmrpc_handler *handlers, const void *impl,
                          size_t impl_size, void *user, shmrpci_served **out,
                          shmrpc_error *error);
void shmrpci_served_destroy(shmrpci_served *served);
/* Makes the statistics: a row for each method, and a place for each worker at
 * each address. If that fails, the service runs without statistics. */
void shmrpci_served_count(shmrpci_served *served, uint32_t places);
/* Prepares the limits on calls, for the same number of places. Returns
 * EXHAUSTED, NO_MEMORY or OK. */
int shmrpci_served_limit(shmrpci_served *served, const shmrpc_server_opts *opts,
                         uint32_t places, shmrpc_error *error);

/* Most workers of a listener. */
#define SHMRPCI_WORKERS_MAX 64u

/* Serves requests at `participant` until the listener is stopped, and counts
 * them at `place` of the service's statistics. */
void shmrpci_dispatch_run(const shmrpci_served *served,
                          shmrpci_participant *participant, uint32_t place);

/* Runs the server like shmrpc_server_run, and calls `on_serving` when its
 * workers run. */
int shmrpci_server_run(shmrpc_server *server, void (*on_serving)(void *user),
                       void *user, shmrpc_error *error);

/* Adds a service like shmrpc_stub_serve, but listens only in
 * shmrpci_server_listen, and then accepts workers of other processes. */
int shmrpci_server_add(shmrpc_server *server, const shmrpc_service *service,
                       const shmrpc_handler *handlers, const void *impl,
                       size_t impl_size, void *user, shmrpc_error *error);
int shmrpci_server_listen(shmrpc_server *server, shmrpc_error *error);

/* ---- handover to another process ----------------------------------------- */

/* Sets the callback for a successor, before the server listens. The successor
 * waits at the other end of `fd`, which the callback then owns. */
void shmrpci_server_set_successor(shmrpc_server *server,
                                  void (*on_successor)(void *user, int fd),
                                  void *user);
/* The four operations of the handover (transport.h), for all outlets. After a
 * failed take_over this server serves nothing, and the other server is
 * unchanged. */
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

/* Returns the number of CPUs that this process may use. */
uint32_t shmrpci_server_default_workers(void);

/* Returns one line of text that says where the server's listener `index`
 * listens, or NULL after the last one. */
const char *shmrpci_server_describe(const shmrpc_server *server,
                                    uint32_t index);

#endif
