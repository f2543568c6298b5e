/*
 * The state of a request on its way to a service, the same for calls with and
 * without streams.
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

/* A service whose client's descriptor is watched. It stays in the same entry of
 * the table, because the index of the entry is the tag of the descriptor. */
typedef struct web_watched {
    web_service *service; /* NULL: this entry is free */
    unsigned calls;       /* number of calls in progress */
    bool is_gone;         /* was replaced; freed when its last call ends */
    unsigned begun;       /* number of calls begun */
    uint64_t slow;        /* methods whose last wait timed out, a bit for each
                           * method modulo 64 */
} web_watched;

/* Lives in the request's arena, and is the request's `pending` until the
 * request is answered. */
typedef struct web_journey {
    web_rpc *rpc;
    web_request *request;
    web_target target;
    web_form form;
    uint64_t look; /* number of the directory's search that the request waits
                    * for */
    int64_t look_until_ns;
    bool is_waiting;
    struct web_journey *next; /* in the list of requests that wait for the
                               * directory */
    web_watched *at;          /* the service that is called */
    uint32_t method;
    /* One of these three is set while the call runs: */
    shmrpc_call *call;
    struct web_download *download; /* a stream from the service */
    struct web_upload *upload;     /* a stream to the service */
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
    web_rate changes; /* limits changes by actor and by address */
    web_place places[WEB_MAX_SERVICES];
};

/* Begins a journey. Returns NULL if it failed, and the request was answered. */
web_journey *web_journey_begin(web_rpc *rpc, web_request *request);
/* Goes on to call the service, or waits until the service is found. */
void web_journey_go(web_journey *j);

/* Answers with a result, or with an error. The fields of an error come from
 * `stream` if that is not NULL, else from `reply`. */
void web_journey_result(web_journey *j, const shmrpc_method *method,
                        const void *reply);
void web_journey_declared(web_journey *j, const shmrpc_method *method,
                          const void *reply, const shmrpc_stream *stream,
                          const shmrpc_error *error);
/* Answers with an error of this program. */
void web_journey_fail(web_journey *j, const shmrpc_error *error);

#endif
