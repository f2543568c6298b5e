/*
 * A service with streams of each kind, which tests share, and a server and a
 * client of it for the current case.
 */
#ifndef SHMRPCI_TESTS_RUNTIME_RPC_STREAM_SAMPLE_H
#define SHMRPCI_TESTS_RUNTIME_RPC_STREAM_SAMPLE_H

#include "sample.h"

#include "shmrpc/stream_stub.h"

#define MIRROR_MOST 200000

/* Indices of the methods. */
enum {
    DOWN,   /* json (i64 a, i64 b) -> stream i64 throws Detailed: 0 to a - 1,
             * then b is returned; Detailed if it is its number */
    UP,     /* msgpack (stream string(..50000)) -> i64: how many bytes; returns
             * when one is "stop" */
    BOTH,   /* native (stream i64) -> stream i64: twice each */
    FLOOD,  /* native (stream i64) -> stream i64: sends, and never reads */
    CAT,    /* raw (bytes) -> stream bytes: its bytes, in pieces of 1000 */
    IDLE,   /* json @idle(20ms) () -> stream i64: one, then none until the gate
             * opens */
    MIRROR, /* raw (stream bytes(..MIRROR_MOST)) -> stream bytes: lends what
             * it sends back; returns when one is "stop" */
    METHODS
};

extern const shmrpc_service stream_sample;

/* The place where the cases run: the server's address (place.h), and where
 * clients find it. */
extern const char *place;
extern char client_place[PLACE_BYTES];
extern shmrpc_client *client;
extern shmrpc_error error;

/* Interceptors for all calls, of both ends; or NULL. */
extern const shmrpc_interceptor *const *who_looks;

/* Handlers other than the service's own, how long the server waits at its end,
 * and how old its streams may become; or NULL, 0, 0. */
extern const shmrpc_handler *other_handlers;
extern int64_t drain_ns;
extern int64_t age_ns;

/* Where the server listens as well, to be asked for its statistics; or NULL. */
extern const char *also_at;

/* Run around each case. */
int begin(void **state);
int end(void **state);
/* The first part of end. */
void stop_server(void);

/* Runs the cases over inproc, shm and, unless `is_local`, every other place of
 * place.h; returns how many have failed. */
int over_all(const struct CMUnitTest *tests, size_t count, bool is_local);

/* Waits until that many handlers have returned; returns what the last one
 * returned. */
int returned(unsigned count);

/* Fail the test if they fail. */
shmrpc_stream *open_with(uint32_t method, const void *params,
                         const shmrpc_opts *opts);
void expect_number(shmrpc_stream *stream, int64_t number);

#endif
