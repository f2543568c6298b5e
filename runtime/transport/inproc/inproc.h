/*
 * State shared by the files of the inproc transport.
 *
 * inproc connects a client and a service of one process through heap memory,
 * one mutex per listener, and condition variables. It is the reference
 * implementation: it is kept simple, and the conformance suite is checked
 * against it. Tests of user code run on it too, without sockets or shared
 * memory.
 *
 * A hub is the place where both ends meet; it lives as long as the listener or
 * any connection. A slot goes through these states:
 *
 *     FREE -> RESERVED -> SUBMITTED -> CLAIMED -> DONE | ABORTED -> FREE
 *                            |            +-> FREE (cancelled, oneway)
 *                            +-> FREE (withdrawn)
 *
 * A slot whose call was cancelled stays CLAIMED until its worker is done, so
 * that a late reply is dropped.
 *
 * Threading: the hub's lock guards everything below except `stops` and `cut`,
 * which are atomic.
 * Lock order: registry, hub.
 */
#ifndef SHMRPCI_TRANSPORT_INPROC_INPROC_H
#define SHMRPCI_TRANSPORT_INPROC_INPROC_H

#include "os/fork.h"
#include "os/semaphore.h"
#include "os/thread.h"
#include "sync/atomic.h"
#include "transport/farewell.h"
#include "transport/transport.h"

#define SHMRPCI_INPROC_SLOTS       64
#define SHMRPCI_INPROC_MAX_WORKERS 64u

typedef struct inproc_hub inproc_hub;
typedef struct inproc_conn inproc_conn;
typedef struct inproc_streams inproc_streams;

typedef enum inproc_state {
    INPROC_FREE,
    INPROC_RESERVED,
    INPROC_SUBMITTED,
    INPROC_CLAIMED,
    INPROC_DONE,
    INPROC_ABORTED
} inproc_state;

typedef struct inproc_slot {
    inproc_conn *conn;
    struct inproc_slot *next; /* in the hub's queue while SUBMITTED */
    inproc_state state;
    bool cancelled;
    bool is_detached; /* answered later; its worker serves other calls
                       * meanwhile */
    uint32_t owner;   /* worker index while CLAIMED */
    shmrpci_head head;
    int64_t deadline_ns;
    shmrpci_buf request; /* the memory is kept for the next call */
    shmrpci_buf reply;
    shmrpci_cond done;
    inproc_streams *streams; /* NULL if the call has no streams; kept until the
                              * slot is freed */
} inproc_slot;

struct inproc_conn {
    shmrpci_conn base;
    inproc_hub *hub;
    inproc_conn *next; /* in the hub's list */
    uint64_t serial;   /* number among the hub's connections, from 1 */
    bool open;         /* the client has it open */
    unsigned busy;     /* slots SUBMITTED or CLAIMED, which keep the connection
                        * alive */
    size_t max_message_bytes; /* the smaller of both sides' limits */
    shmrpc_peer peer;
    uint8_t hello[SHMRPCI_HELLO_MAX_BYTES]; /* the client's hello */
    size_t hello_len;
    shmrpci_farewell *farewell; /* NULL: nobody watches for its end */
    int told_fd;                /* an event descriptor; -1 until the connection
                                 * is watched */
    bool is_armed;              /* armed: set the event when a call ends */
    shmrpci_cond slot_free;
    inproc_slot slots[SHMRPCI_INPROC_SLOTS];
};

typedef struct inproc_participant {
    shmrpci_participant base;
    inproc_hub *hub;
    uint32_t index;
    bool taken;
    bool has_streams; /* this worker is in a call with streams */
} inproc_participant;

/* A connection request: a client waits in connect until its hello is
 * answered. */
typedef struct inproc_knock {
    struct inproc_knock *next;
    const shmrpci_connect_opts *opts;
    enum { KNOCK_QUEUED, KNOCK_RUNNING, KNOCK_ANSWERED } state;
    int status;
    shmrpci_buf welcome;
    shmrpc_error error;
    inproc_conn *conn;
    shmrpci_cond answered;
} inproc_knock;

struct inproc_hub {
    shmrpci_listener base;
    shmrpci_mutex lock;
    inproc_hub *next;    /* in the registry */
    unsigned refs;       /* one for the listener, each connection and each
                          * knock */
    uint32_t generation; /* fork generation of the process whose
                          * threads serve it */
    bool stopped;        /* run has seen `stops` */
    bool closed;
    /* How often stop was called; 0: not stopped. linger waits on this word. */
    shmrpci_atomic_u32 stops;
    shmrpci_atomic_u32 cut; /* 1: linger has ended the workers' streams; workers
                             * sleep on this word too */
    shmrpci_semaphore wake; /* run waits here for knocks and for stop */
    shmrpci_cond work;      /* workers wait here */
    inproc_slot *queue_head;
    inproc_slot *queue_tail;
    inproc_knock *knocks;
    inproc_conn *conns;
    shmrpci_farewell *farewells; /* closed connections whose end a worker
                                  * still has to report */
    unsigned conn_count;
    uint64_t last_serial;
    char name[64];
    char instance[64];
    uint16_t port;
    char address[160];
    shmrpci_listen_opts opts;
    inproc_participant participants[SHMRPCI_INPROC_MAX_WORKERS];
};

/* ---- inproc_call.c and inproc_watch.c: both ends of calls, event loops --- */

/* With the hub's lock held, after the service has closed: wakes all who wait on
 * the connection, and frees queued oneway calls, possibly the connection
 * too. */
void shmrpci_inproc_conn_lose(inproc_conn *conn);

int shmrpci_inproc_reserve(shmrpci_conn *conn, shmrpci_call *call,
                           size_t size_hint, size_t reply_hint,
                           int64_t deadline_ns, shmrpc_error *error);
void shmrpci_inproc_abort(shmrpci_call *call);
int shmrpci_inproc_commit(shmrpci_call *call);
int shmrpci_inproc_receive(shmrpci_call *call, int64_t deadline_ns);
void shmrpci_inproc_release(shmrpci_call *call);
bool shmrpci_inproc_cancel(shmrpci_call *call);

shmrpc_status shmrpci_inproc_watch(shmrpci_conn *conn, int poll_set,
                                   uint64_t tag);
int64_t shmrpci_inproc_arm(shmrpci_conn *conn, shmrpci_call *const *calls,
                           size_t count);
void shmrpci_inproc_acknowledge(shmrpci_conn *conn);
/* With the hub's lock held: sets the event of a watched connection if it is
 * armed or the service has closed. */
void shmrpci_inproc_tell(inproc_conn *conn);

int shmrpci_inproc_next(shmrpci_participant *participant,
                        shmrpci_request *request);
void shmrpci_inproc_reply_reserve(shmrpci_request *request, size_t size_hint);
void shmrpci_inproc_reply_commit(shmrpci_request *request);
void shmrpci_inproc_drop(shmrpci_request *request);
bool shmrpci_inproc_is_cancelled(const shmrpci_request *request);
bool shmrpci_inproc_is_draining(const shmrpci_request *request);
uint64_t shmrpci_inproc_connection(const shmrpci_request *request);
int shmrpci_inproc_detach(shmrpci_request *request, shmrpci_request *out);
void shmrpci_inproc_detached_end(shmrpci_request *request);
int shmrpci_inproc_watch_end(const shmrpci_request *request,
                             shmrpc_error *error);
size_t shmrpci_inproc_hello(const shmrpci_request *request,
                            uint8_t out[SHMRPCI_HELLO_MAX_BYTES]);

/* With the hub's lock held: ABORTs the calls that worker `index` holds. */
void shmrpci_inproc_recover_slots(inproc_hub *hub, uint32_t index);

/* ---- inproc_stream.c: streams ---- */

extern const shmrpci_stream_ops shmrpci_inproc_stream_ops;
extern const shmrpci_lend_ops shmrpci_inproc_lend_ops;
extern const shmrpci_pump_ops shmrpci_inproc_pump_ops;

/* The functions below need the hub's lock. */

/* Worker `index` is no longer in a call with streams: frees its stream place.
 */
void shmrpci_inproc_streams_leave_place(inproc_hub *hub, uint32_t index);

/* Drops the slot's reference to its streams, if it has any. */
void shmrpci_inproc_streams_drop(inproc_slot *slot);
/* Tells the client's end that no worker serves the call any more. */
void shmrpci_inproc_streams_lose(inproc_slot *slot);
/* Tells the worker's end that the client has gone. */
void shmrpci_inproc_streams_leave(inproc_slot *slot);

/* ---- inproc_conn.c: connections ---- */

int shmrpci_inproc_connect(const shmrpci_address *address,
                           const shmrpci_connect_opts *opts, shmrpci_conn **out,
                           shmrpci_buf *welcome, shmrpc_error *error);
void shmrpci_inproc_disconnect(shmrpci_conn *conn);

/* Returns this process as the peer. */
shmrpc_peer shmrpci_inproc_self(const inproc_hub *hub);

/* With the hub's lock held: removes a connection from its hub and frees it. */
void shmrpci_inproc_conn_free(inproc_conn *conn);

/* Answers one waiting client; returns false if there is none. Takes the hub's
 * lock itself, and releases it while on_hello runs. */
bool shmrpci_inproc_answer(inproc_hub *hub);

/* With the hub's lock held: turns away the clients that still wait. */
void shmrpci_inproc_turn_away(inproc_hub *hub);

/* ---- inproc.c: the registry ---- */

/* Returns the hub that listens at an address, with a new reference; NULL if
 * there is none. */
inproc_hub *shmrpci_inproc_find(const shmrpci_address *address);

/* Drops a reference, and frees the hub with the last one. The caller must not
 * hold the hub's lock. */
void shmrpci_inproc_unref(inproc_hub *hub);

#endif
