/*
 * A request on its way to a service: the state that calls with and without
 * streams share.
 *
 * Threading: one thread.
 */
#ifndef SHMRPC_WEB_JOURNEY_H
#define SHMRPC_WEB_JOURNEY_H

#include "shmrpc/beside.h"
#include "shmrpc/stream_stub.h"
#include "tools/shmrpc-web/form.h"
#include "tools/shmrpc-web/rate.h"
#include "tools/shmrpc-web/rpc.h"
#include "tools/shmrpc-web/target.h"

/* A service whose client is watched; it stays in its place, which is its tag.
 */
typedef struct web_watched {
    web_service *service; /* NULL: free */
    unsigned calls;       /* in progress */
    bool is_gone;         /* freed with its last call */
    unsigned begun;       /* calls */
    uint64_t slow;        /* a bit for each method, more or less */
} web_watched;

/* In the request's arena; it is the request's `pending` until that is answered.
 */
typedef struct web_journey {
    web_rpc *rpc;
    web_request *request;
    web_target target;
    web_form form;
    uint64_t look; /* of the directory, that is waited for */
    int64_t look_until_ns;
    bool is_waiting;
    struct web_journey *next; /* in the list that waits for the directory */
    web_watched *at;          /* the service that is called */
    uint32_t method;
    shmrpc_call *call;             /* or one of these: */
    struct web_download *download; /* a stream from the service */
    struct web_upload *upload;     /* a stream to it */
    shmrpc_metadata with[SHMRPC_METADATA_MAX_ENTRIES + 2];
    shmrpc_reply_metadata back;
} web_journey;

struct web_rpc {
    web_directory *directory;
    int set;
    uint64_t first_tag;
    bool read_only;
    web_times times;
    web_watched services[WEB_MAX_SERVICES * 2];
    web_journey *waiting;
    struct web_download *downloads;
    web_rpc_stats stats;
    web_rate changes; /* by actor and by address */
    web_place places[WEB_MAX_SERVICES];
};

/* NULL: it was answered. */
web_journey *web_journey_begin(web_rpc *rpc, web_request *request);
/* Calls the service, once it is known. */
void web_journey_go(web_journey *j);

/* Answers with a result, or with an error that may have fields: those of
 * `reply` or, if that is not NULL, of `stream`. */
void web_journey_result(web_journey *j, const shmrpc_method *method,
                        const void *reply);
void web_journey_declared(web_journey *j, const shmrpc_method *method,
                          const void *reply, const shmrpc_stream *stream,
                          const shmrpc_error *error);
/* Answers with an error of the gateway. */
void web_journey_fail(web_journey *j, const shmrpc_error *error);

#endif
