/*
 * HTTP, on libmicrohttpd: connections, requests, replies.
 *
 * No other module uses the library. It runs in its user's event loop: wait for
 * the descriptor of web_http_fd, then call web_http_run. A request whose head
 * was refused (head.h) never reaches the handler. The handler answers at once,
 * or returns without a reply and calls web_reply later, on the same thread.
 *
 * Limits: 64 connections; head and body as in head.h; 1 KiB for a body of an
 * unauthenticated client; 10 s from the connection, or from the last reply, to
 * the end of a head; 30 s for a body; 30 s to take a reply. A body that is
 * taken in pieces may pause for 10 min; if the rest of it is not wanted, the
 * rest may take 10 s. Slower clients are disconnected.
 *
 * If there are too many connections, the newest one displaces the
 * unauthenticated client that has kept us waiting for longest, or else the
 * longest idle one. So clients that only occupy connections displace each
 * other.
 *
 * Threading: one thread.
 */
#ifndef SHMRPC_WEB_HTTP_H
#define SHMRPC_WEB_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "shmrpc/error.h"
#include "tools/shmrpc-web/head.h"
#include "tools/shmrpc-web/times.h"
#include "tools/shmrpc-web/trace.h"

#define WEB_MAX_CONNECTIONS 64
/* Spare entries for new connections while dropped ones still end. */
#define WEB_SPARE_CONNECTIONS 16
#define WEB_ALL_CONNECTIONS   (WEB_MAX_CONNECTIONS + WEB_SPARE_CONNECTIONS)

typedef struct web_http web_http;
typedef struct web_connection web_connection;
typedef struct web_request web_request;

/* The sender of a request. Sessions have numbers from 1 on, tokens from
 * WEB_ACTOR_TOKEN on. */
enum { WEB_ACTOR_TOKEN = 1000, WEB_ACTOR_STRANGER = UINT16_MAX };

/* Kinds of changes, for the audit log. */
typedef enum web_change {
    WEB_CHANGE_NONE,
    WEB_CHANGE_CALL, /* a call that changes what the manager runs */
    WEB_CHANGE_LOGIN
} web_change;

/* A request, as its handler sees it. Texts live until the request ends. */
struct web_request {
    web_connection *connection;
    web_head head;
    char *path;        /* without the query; escapes are resolved */
    const char *query; /* after the `?`, as received; "" for none */
    shmrpci_buf body;
    shmrpci_arena arena; /* freed when the request ends */
    web_trace trace;
    int64_t since_ns; /* when its head had arrived */
    /* Set by the user of this module: */
    void *pending; /* state of a reply that is sent later */
    unsigned actor;
    const char *actor_name; /* name of the token; "": none */
    unsigned may;           /* permissions, WEB_MAY_... */
    web_change change;
    void *upload;    /* state of an upload, which receives the body in pieces */
    bool is_drained; /* the rest of the body is read and dropped */
};

/* What to do after the data that a stream has returned. */
typedef enum web_stream_state {
    WEB_STREAM_GOES_ON,
    WEB_STREAM_OVER,
    WEB_STREAM_BROKEN /* abort, so that the reader doesn't take the reply for
                       * complete */
} web_stream_state;

/* Provides more of a stream: appends the available data to `out`, some KiB at
 * most. It is called again when the client has read that data, or, if there was
 * none, after web_stream_wake. */
typedef web_stream_state web_stream_fn(void *user, shmrpci_buf *out);

typedef struct web_reply_head {
    unsigned status;
    const char *type;     /* Content-Type of the body; NULL: no body */
    const char *cookie;   /* Set-Cookie, or NULL */
    const char *allow;    /* Allow, or NULL */
    const char *location; /* Location, or NULL */
    /* Sent as Shmrpc-Meta-...; may be NULL. */
    const struct shmrpc_reply_metadata *metadata;
    unsigned retry_s; /* Retry-After; 0: none */
    bool cache;       /* clients may cache it for an hour; otherwise never */
} web_reply_head;

typedef struct web_http_opts {
    const char *address; /* a numeric address */
    uint16_t port;       /* 0: any free port */
    /* PEM texts for TLS, or NULL. */
    const char *certificate;
    const char *key;
    size_t max_body_bytes;
    web_times times;
    web_hosts hosts; /* accepted in addition to the names of this machine */
    /* Called with the head, before the body has arrived. Returns whether the
     * client is authenticated. Answers the request here if it must not
     * continue. */
    bool (*admit)(web_request *request, void *user);
    /* Called with the head of an authenticated client. Returns whether its
     * body, of any size, is passed piece by piece to `take`. */
    bool (*uploads)(web_request *request, void *user);
    /* Takes as much of a body as there is room for, and returns how much. If
     * that is not all, the connection is not read until web_upload_wake. */
    size_t (*take)(web_request *request, const char *data, size_t len,
                   void *user);
    /* Answers the request, or keeps it and answers later. */
    void (*handle)(web_request *request, void *user);
    /* Called when a request was answered. */
    void (*answered)(const web_request *request, unsigned status, void *user);
    /* Called when the client has hung up before the reply. The request must
     * still be answered. */
    void (*hung_up)(web_request *request, void *user);
    /* Called when a request whose body was to be taken in pieces has ended,
     * answered or not. */
    void (*ended)(web_request *request, void *user);
    void *user;
} web_http_opts;

/* Listens. Returns UNAVAILABLE if the address can't be used, INVALID if it is
 * malformed. */
int web_http_open(const web_http_opts *opts, web_http **out,
                  shmrpc_error *error);
/* All requests must have been answered. NULL is fine. */
void web_http_close(web_http *http);

uint16_t web_http_port(const web_http *http);
/* The descriptor that is readable when web_http_run has something to do. */
int web_http_fd(const web_http *http);
/* The latest time for the next web_http_run, even if the descriptor doesn't
 * become readable. */
int64_t web_http_deadline_ns(web_http *http);
/* Reads, handles and writes what is ready, and disconnects clients that are too
 * slow. `is_ready` says that the descriptor is readable. */
void web_http_run(web_http *http, bool is_ready);

/* Answers a request, with a copy of the body. */
void web_reply(web_request *request, const web_reply_head *head,
               const void *body, size_t len);
/* Answers a request. The body is constant, and outlives the server. */
void web_reply_constant(web_request *request, const web_reply_head *head,
                        const void *body, size_t len);
/* Answers with the data of `next`. `end` is called when nobody reads it any
 * more. A client that reads nothing for `stall_ns` is disconnected. */
void web_reply_stream(web_request *request, const web_reply_head *head,
                      int64_t stall_ns, web_stream_fn *next,
                      void (*end)(void *user), void *user);
/* Call this when the stream of this connection has more data, or has ended. */
void web_stream_wake(web_connection *connection);
/* Call this when there is room for more of the request's body. */
void web_upload_wake(web_connection *connection);

/* Writes the address that a request came from, without the port. */
#define WEB_PEER_BYTES 48
void web_peer_text(const web_request *request, char out[WEB_PEER_BYTES]);

/* Counts of events since the start. */
typedef struct web_http_stats {
    uint64_t requests;
    uint64_t refused; /* requests that head.h refused */
    uint64_t slow;    /* connections that were closed because the client was too
                       * slow */
    uint64_t crowded; /* connections that were dropped to make room */
    uint32_t connections;
} web_http_stats;
void web_http_read_stats(const web_http *http, web_http_stats *out);

#endif
