/*
 * A service written by hand, as the generator would write it, with a method for
 * each feature of rpc; and a server of it on threads of the test.
 */
#ifndef SHMRPCI_TESTS_RUNTIME_RPC_SAMPLE_H
#define SHMRPCI_TESTS_RUNTIME_RPC_SAMPLE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "os/clock.h"
#include "os/thread.h"
#include "place.h"
#include "shmrpc/stub.h"

/* A wait that takes longer than this has failed. */
#define PATIENCE_NS (20 * SHMRPCI_NS_PER_S)

/* Indices of the methods. */
enum {
    ECHO_RAW,    /* raw (bytes data) -> bytes: a view of its parameter */
    ECHO_JSON,   /* json (string(..100000) text) -> string */
    ADD,         /* native (i64 a, i64 b) -> i64 throws Overflow, with a
                  * message if b is positive */
    ADD_MSGPACK, /* msgpack (i64 a, i64 b) -> i64 throws Overflow */
    NOTHING,     /* json () */
    FAIL,        /* json (i32 status, string message): returns the status */
    LONG_RESULT, /* json () -> string(..4): returns 5 bytes */
    HOLD,        /* json () @timeout: returns when the gate is open */
    WATCH,       /* json (): returns when it is cancelled */
    NOTE,        /* oneway native (i64 a, i64 b): counts its calls */
    REMAINING,   /* native () -> i64 */
    PEER,        /* native () -> i64: the peer's pid */
    FILL,        /* json (i64 a, i64 b) -> string: a bytes of character b */
    MISSING,     /* json (): returns UNIMPLEMENTED, as the generated function
                  * does until the user writes a handler */
    AGAIN,       /* native @idempotent () -> i64 */
    THROW,       /* native () throws Overflow, Detailed: throws the latter */
    SAMPLE_METHODS
};

#define OVERFLOW_ERROR 100
#define DETAILED_ERROR 101

/* The payload of Detailed. */
typedef struct detail {
    shmrpc_str text;
} detail;

extern const shmrpc_error_type detailed_error;

/* Parameters, by method. */
typedef struct bytes_params {
    shmrpc_bytes data;
} bytes_params;

typedef struct text_params {
    shmrpc_str text;
} text_params;

typedef struct pair_params {
    int64_t a;
    int64_t b;
} pair_params;

typedef struct fail_params {
    int32_t status;
    shmrpc_str message;
} fail_params;

extern const shmrpc_service sample_service;
extern const shmrpc_handler sample_handlers[SAMPLE_METHODS];
extern const shmrpc_method sample_methods[SAMPLE_METHODS];

/* The `user` of handlers. */
typedef struct sample_state {
    shmrpci_mutex lock;
    shmrpci_cond changed;
    unsigned entered;   /* number of handlers that hold or watch */
    unsigned cancelled; /* number of handlers that saw their cancellation */
    unsigned noted;
    bool open;
} sample_state;

/* Stands for the user's table of functions. */
typedef struct sample_impl {
    size_t size;
    int (*again)(void);
} sample_impl;

extern const sample_impl sample_implementation;

/* A running server at its own address. */
typedef struct sample_server {
    shmrpc_server *server;
    sample_state state;
    shmrpci_thread thread;
    place_gateway *gateway;
    char where[128]; /* the address for clients */
    int status;      /* result of run */
} sample_server;

/* Makes a new address for a place (place.h). */
void sample_address(const char *scheme, char out[128]);

void sample_start(sample_server *s, const char *scheme,
                  const shmrpc_service *service, uint32_t workers);
/* Starts a server at an address that the test chooses. */
void sample_start_at(sample_server *s, const char *where,
                     const shmrpc_service *service, uint32_t workers);
/* Starts a server at a new address, with handlers and options that the test
 * chooses; `more` may be NULL. */
void sample_start_with(sample_server *s, const char *scheme,
                       const shmrpc_handler *handlers,
                       const shmrpc_server_opts *more);
/* Starts a server with everything as the test chooses. */
void sample_start_serving(sample_server *s, const char *where,
                          const shmrpc_service *service,
                          const shmrpc_handler *handlers,
                          const shmrpc_server_opts *with);
void sample_stop(sample_server *s);
shmrpc_client *sample_connect(const sample_server *s);

void sample_open(sample_state *state);
void sample_await(sample_state *state, const unsigned *field, unsigned count);

/* Calls ADD. Fails the test unless the result is `a + b`. */
void sample_add(shmrpc_client *client, int64_t a, int64_t b);

/* Make a folder and set SHMRPC_DIR to it; remove the folder. */
void sample_folder_make(void);
void sample_folder_remove(void);
/* Make and remove the folder, as set-up and tear-down of a cmocka case. */
int sample_set_up(void **state);
int sample_tear_down(void **state);

/* Runs a case over both transports of one machine, or over all of them and
 * through a gateway; its state is the place's name. */
extern char sample_inproc[];
extern char sample_shm[];
extern char sample_unix[];
extern char sample_tcp[];
extern char sample_tls[];
extern char sample_relay[];
#define SAMPLE_OVER_BOTH(test)                      \
    cmocka_unit_test_prestate(test, sample_inproc), \
        cmocka_unit_test_prestate(test, sample_shm)
#define SAMPLE_OVER_ALL(test)                                             \
    SAMPLE_OVER_BOTH(test), cmocka_unit_test_prestate(test, sample_unix), \
        cmocka_unit_test_prestate(test, sample_tcp),                      \
        cmocka_unit_test_prestate(test, sample_tls),                      \
        cmocka_unit_test_prestate(test, sample_relay)

#endif
