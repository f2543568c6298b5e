/*
 * A connection, for the files that use libmicrohttpd.
 *
 * Threading: one thread, that of the loop.
 */
#ifndef SHMRPC_WEB_HTTP_INSIDE_H
#define SHMRPC_WEB_HTTP_INSIDE_H

#include <microhttpd.h>

#include "tools/shmrpc-web/http.h"

typedef enum web_phase {
    PHASE_HEAD,   /* waits for the head of the next request; may be idle */
    PHASE_BODY,   /* the body of the request is arriving */
    PHASE_UPLOAD, /* the body is arriving, and each piece is passed to the
                   * user */
    PHASE_CALL,   /* the request was passed to the user, who will answer */
    PHASE_REPLY,  /* the reply is being sent */
    PHASE_STREAM, /* a stream is being sent */
} web_phase;

typedef struct web_stream {
    web_stream_fn *next;
    void (*end)(void *user);
    void *user;
    int64_t stall_ns;
    web_stream_state state;
    shmrpci_buf waiting; /* stream data that was not passed to the library yet,
                          * from `sent` on */
    size_t sent;
} web_stream;

struct web_connection {
    web_http *http;
    struct MHD_Connection *native; /* NULL: this entry is free */
    int fd;
    web_phase phase;
    int64_t since_ns;
    bool is_suspended;
    bool is_watched;
    bool has_request; /* `request` is valid */
    bool has_hung_up;
    bool is_known; /* a request on this connection was authenticated */
    bool is_shut;
    web_request request;
    struct MHD_Response *reply;
    unsigned status;
    web_stream stream;
    web_field fields[WEB_MAX_FIELDS];
    char target[WEB_MAX_TARGET + 1];
    bool target_is_long;
};

struct web_http {
    web_http_opts opts;
    struct MHD_Daemon *daemon;
    int set; /* poll set that contains the library's own set and the sockets of
              * suspended connections */
    uint16_t port;
    int64_t sweep_ns;
    bool has_resumed; /* a connection was resumed: the library must run,
                       * although its descriptor doesn't show that */
    unsigned watched; /* number of connections that are watched for a hang-up */
    web_http_stats stats;
    web_connection connections[WEB_ALL_CONNECTIONS];
};

/* Changes the phase, and starts its timer. */
void web_connection_enter(web_connection *c, web_phase next);
/* Makes the library ignore the connection until it is resumed. */
void web_connection_suspend(web_connection *c);
void web_connection_resume(web_connection *c);

/* Passes the reply to the library. If memory ran out there is no reply, and the
 * connection is closed. */
enum MHD_Result web_connection_reply(web_connection *c);

#endif
