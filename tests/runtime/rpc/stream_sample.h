/*
 * A service with streams of each kind, which tests share, and a server and a
 * client for the current case.
 */
#ifndef SHMRPCI_TESTS_RUNTIME_RPC_STREAM_SAMPLE_H
#define SHMRPCI_TESTS_RUNTIME_RPC_STREAM_SAMPLE_H

#include "sample.h"

#include "shmrpc/stream_stub.h"

#define MIRROR_MOST 200000

/* Indices of the methods. */
enum {
    DOWN,   /* json (i64 a, i64 b) -> stream i64 throws Detailed: sends 0 to
             * a - 1, then returns b as its status; throws Detailed if b is
             * the number of that error */
    UP,     /* msgpack (stream string(..50000)) -> i64: the number of bytes;
             * returns early at an item "stop" */
    BOTH,   /* native (stream i64) -> stream i64: twice each item */
    FLOOD,  /* native (stream i64) -> stream i64: sends, and never reads */
    CAT,    /* raw (bytes) -> stream bytes: its bytes, in pieces of 1000 */
    IDLE,   /* json @idle(20ms) () -> stream i64: sends one item, then none
             * until the gate opens */
    MIRROR, /* raw (stream bytes(..MIRROR_MOST)) -> stream bytes: sends each
             * item back as a lent item; returns early at an item "stop" */
    METHODS
};

extern const shmrpc_service stream_sample;

/* The place where the cases run: the server's address (place.h), and where
 * clients find it. */
extern const char *place;
extern char client_place[PLACE_BYTES];
extern shmrpc_client *client;
extern shmrpc_error error;

/* Interceptors for all calls at both ends, or NULL. */
extern const shmrpc_interceptor *const *who_looks;

/* Options of the server, set before begin: handlers to use instead of the
 * service's own (or NULL), how long it waits for calls when it stops (or 0),
 * and the age limit of its streams (or 0). */
extern const shmrpc_handler *other_handlers;
extern int64_t drain_ns;
extern int64_t age_ns;

/* A second address of the server, for its statistics, or NULL. */
extern const char *also_at;

/* Set-up and tear-down of each case. */
int begin(void **state);
int end(void **state);
/* Stops the server, which is the first part of end. */
void stop_server(void);

/* Runs the cases over inproc, shm and, unless `is_local`, every other place of
 * place.h; returns how many have failed. */
int over_all(const struct CMUnitTest *tests, size_t count, bool is_local);

/* Waits until `count` handlers have returned. Returns the status of the last
 * one. */
int returned(unsigned count);

/* Open a stream, and read a number. They fail the test if that fails. */
shmrpc_stream *open_with(uint32_t method, const void *params,
                         const shmrpc_opts *opts);
void expect_number(shmrpc_stream *stream, int64_t number);

#endif
