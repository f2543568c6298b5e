/*
 * State shared by the files of the client's side.
 *
 * A connection has no thread of its own. One of the threads that wait on it
 * reads the socket for all of them (`has_reader`) and hands that role over when
 * it leaves. The states of a slot:
 *
 *     FREE -> RESERVED -> SENT -> DONE | ENDED -> FREE
 *                |         +-> GIVEN_UP -> FREE (when the server has ended it)
 *                +-> FREE (aborted; oneway)
 *
 * A slot whose request is still in the outbox becomes LEAVING instead of FREE,
 * until the request has left the outbox.
 *
 * Threading: everything is guarded by `lock`, with two exceptions. The reader
 * belongs to the thread that set has_reader. The outbox has its own lock, and
 * `lock` is never held while the outbox is used.
 */
#ifndef SHMRPCI_TRANSPORT_TCP_CLIENT_H
#define SHMRPCI_TRANSPORT_TCP_CLIENT_H

#include "os/fork.h"
#include "os/thread.h"
#include "sync/wait.h"
#include "transport/tcp/auth.h"
#include "transport/tcp/flow.h"
#include "transport/tcp/limits.h"
#include "transport/tcp/outbox.h"
#include "transport/tcp/pack.h"
#include "transport/tcp/reader.h"
#include "transport/transport.h"

typedef struct tcp_client tcp_client;

typedef enum tcp_slot_state {
    TCP_SLOT_FREE,
    TCP_SLOT_RESERVED,
    TCP_SLOT_SENT,
    TCP_SLOT_GIVEN_UP,
    TCP_SLOT_DONE,
    TCP_SLOT_ENDED,
    TCP_SLOT_LEAVING
} tcp_slot_state;

/* The server's answer to a CANCEL: whether the call has run. */
typedef enum tcp_verdict {
    TCP_VERDICT_NONE,
    TCP_VERDICT_NOT_RUN,
    TCP_VERDICT_RUNS
} tcp_verdict;

typedef struct tcp_slot {
    tcp_client *client;
    tcp_slot_state state;
    tcp_verdict verdict;
    bool is_out;          /* the request is not in the outbox: not added yet, or
                           * sent */
    bool was_cut;         /* only a part of the request was sent */
    bool is_told;         /* an event loop is notified when the call ends */
    bool is_asking;       /* a thread waits for the verdict and will free the
                           * slot */
    uint32_t call_id;     /* index of the slot, and a number that changes with
                           * each use */
    tcp_piece piece;      /* the request */
    uint8_t *request;     /* TCP_HEAD_BYTES, then the body */
    size_t request_cap;   /* capacity of the request's body */
    tcp_pack_room packed; /* holds the packed request, if packing makes it
                           * shorter */
    uint8_t *reply;
    size_t reply_len;
    size_t reply_cap;
    tcp_head head;          /* head of the reply, or of the frame that ended the
                             * call */
    shmrpci_stream *stream; /* the call's streams, until the server has ended
                             * the call */
    shmrpci_cond changed;
} tcp_slot;

/* State of the pusher, the thread that sends requests that were held too
 * long. */
typedef enum tcp_pusher_state {
    TCP_PUSHER_NONE,
    TCP_PUSHER_SLEEPS, /* sleeps until a request is held */
    TCP_PUSHER_LOOKS,  /* checks every TCP_HOLD_NS while requests are held */
    TCP_PUSHER_LEAVES
} tcp_pusher_state;

/* A thread that waits while another thread reads. */
typedef struct tcp_waiter {
    struct tcp_waiter *next;
    shmrpci_cond *cond;
} tcp_waiter;

struct tcp_client {
    shmrpci_conn base;
    int fd;
    shmrpci_fork_fd fd_place; /* closed in forked children, which would
                               * otherwise keep the connection open */
    uint32_t generation;      /* identifies the process that opened it */
    shmrpci_mutex lock;
    bool has_reader;
    bool reader_reserves; /* the reader also waits for a free slot */
    int wake_fd;
    bool is_lost;     /* the connection is gone */
    uint64_t lost_at; /* offset in the bytes that we sent; the server may not
                       * have received the bytes from this offset on */
    bool is_leaving;  /* the server takes no more calls */
    bool is_open;     /* the welcome has arrived */
    bool sent_oneway;
    bool is_mute; /* the server did not answer the last CANCEL */
    tcp_end end;
    uint32_t credits;
    uint32_t in_flight;
    uint32_t oneways;   /* number of `in_flight` calls that are oneway; CREDIT
                         * frames return their credits */
    uint32_t reserving; /* number of threads that wait for a free slot */
    size_t max_message_bytes;
    shmrpc_compression compression;
    tcp_flow flow;
    tcp_waiter *waiters;
    int watch_set; /* the poll set of the event loop that watches us; -1:
                    * none */
    int told_fd;   /* always in watch_set; the socket is in it only while
                    * armed */
    uint64_t watch_tag;
    bool is_armed;
    shmrpci_cond slot_free;
    bool has_looked;       /* some thread has read the socket since the pusher
                            * last ran */
    shmrpci_thread pusher; /* runs client_push.c */
    shmrpci_cond push;
    tcp_pusher_state pusher_state;
    bool has_held;      /* at least one request waits to be sent with others */
    uint32_t came;      /* number of replies that the last read of the socket
                         * brought */
    uint32_t coming;    /* number of replies in the read that is in progress */
    bool is_full;       /* the socket was full when the pusher last ran */
    uint32_t holds;     /* number of requests held so far */
    uint32_t next_slot; /* where the search for a free slot begins */
    tcp_spare spare_request;
    tcp_spare spare_reply; /* is lent to the reader */
    tcp_reader reader;
    size_t mark;   /* used by the reader, for tcp_bytes_mark */
    bool is_local; /* the server is on this machine */
    shmrpci_spinner spinner;
    shmrpci_atomic_u32 peer_is_here; /* the server runs on the CPU of the
                                      * reader */
    tcp_outbox outbox;
    shmrpci_tls *tls; /* NULL: the connection is unencrypted */
    char where[300];
    /* The fields below are used only while connecting. */
    size_t opening_len;
    bool has_opened; /* the server's opening has arrived, and also its proof if
                      * we have a key */
    shmrpci_secret key;
    tcp_auth auth;
    uint8_t proof[SHMRPCI_PROOF_BYTES]; /* the proof that follows the server's
                                         * opening and nonce */
    const shmrpci_connect_opts *opts;
    shmrpci_buf *welcome;
    shmrpc_error *error;
    int refused;
    tcp_slot slots[TCP_SLOTS];
};

/* Whether this process, and not its parent, opened the client. In a forked
 * child the locks may be held by threads that don't exist there. */
static inline bool tcp_client_is_ours(const tcp_client *client)
{
    return client->generation == shmrpci_fork_generation();
}

/* ---- client_wait.c: reading and waiting ---- */

/* Called with the lock held, and releases it meanwhile. Waits until something
 * may have changed; returns false once `deadline_ns` has passed (0: does not
 * wait). `cond` wakes the caller while another thread reads. */
bool tcp_client_wait(tcp_client *client, shmrpci_cond *cond,
                     int64_t deadline_ns);

/* Called with the lock held when the caller stops waiting. Another thread
 * becomes the reader. */
void tcp_client_leave(tcp_client *client);

/* Called without the lock. Ends the connection. */
void tcp_client_lose(tcp_client *client, tcp_end end);

/* Called with the lock held, and releases it meanwhile. Reads what has arrived,
 * without waiting, unless another thread is the reader. */
void tcp_client_look(tcp_client *client);

/* Called without the lock. Waits until the outbox is empty, but not longer than
 * `deadline_ns`. Returns false if it did not become empty. */
bool tcp_client_drain(tcp_client *client, int64_t deadline_ns);

/* Called with the lock held. Frees the slot of a finished call. */
void tcp_slot_free(tcp_slot *slot);

/* ---- client_await.c ---- */

/* Called by the reader, without the lock. Waits until there is something to
 * read, room to send, or, with `reserves`, a free slot; at most until the
 * deadline. Returns false if there is nothing to read. */
bool tcp_client_await(tcp_client *client, bool reserves, int64_t deadline_ns);

/* ---- client_call.c ---- */

int tcp_client_reserve(shmrpci_conn *conn, shmrpci_call *call, size_t size_hint,
                       size_t reply_hint, int64_t deadline_ns,
                       shmrpc_error *error);
void tcp_client_abort(shmrpci_call *call);
int tcp_client_commit(shmrpci_call *call);
int tcp_client_receive(shmrpci_call *call, int64_t deadline_ns);
void tcp_client_release(shmrpci_call *call);
bool tcp_client_cancel(shmrpci_call *call);

/* ---- client_stream.c ---- */

bool tcp_client_is_taken(const shmrpci_call *call);
int tcp_client_open_streams(shmrpci_call *call, const shmrpci_stream_opts *opts,
                            shmrpci_stream **out, shmrpc_error *error);
extern const tcp_flow_ops tcp_client_flow_ops;

/* Called with the lock held. Detaches the call from its streams. */
void tcp_slot_leave_streams(tcp_slot *slot);

/* ---- client_push.c ---- */

/* Whether a request of `bytes`, one of `waiting` in the outbox, may wait for
 * others. If it returns true, the pusher sends the request within TCP_HOLD_NS,
 * unless another thread flushes earlier. If it returns false, the caller must
 * flush now. */
bool tcp_client_hold(tcp_client *client, size_t bytes, uint32_t waiting);

/* Makes the pusher send bytes that did not fit into the socket and for which no
 * thread waits. */
void tcp_client_push_later(tcp_client *client);

/* Flushes the outbox. Bytes that don't fit are sent later by the pusher, if
 * there is one. If another thread is already flushing, that thread does the
 * work. */
tcp_flushed tcp_client_flush(tcp_client *client);

/* Ends the pusher. */
void tcp_client_push_no_more(tcp_client *client);

/* ---- client_watch.c ---- */

shmrpc_status tcp_client_watch(shmrpci_conn *conn, int poll_set, uint64_t tag);
int64_t tcp_client_arm(shmrpci_conn *conn, shmrpci_call *const *calls,
                       size_t count);
void tcp_client_acknowledge(shmrpci_conn *conn);

/* Called with the lock held. Wakes the event loop that armed the client. */
void tcp_client_tell(tcp_client *client);

/* ---- client_conn.c ---- */

/* Takes bytes of the server's opening and answers it. Returns NONE, or why the
 * connection must end. */
tcp_end tcp_client_open(tcp_client *client, const uint8_t **data, size_t *len);
int tcp_client_connect(const shmrpci_address *address,
                       const shmrpci_connect_opts *opts, shmrpci_conn **out,
                       shmrpci_buf *welcome, shmrpc_error *error);
void tcp_client_disconnect(shmrpci_conn *conn);

#endif
