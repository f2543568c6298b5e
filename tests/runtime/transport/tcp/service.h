/*
 * A service over TCP with limits that the test chooses, and raw peers that send
 * valid or invalid bytes of the protocol.
 *
 * Every wait has a deadline after which the test fails.
 */
#ifndef SHMRPCI_TESTS_RUNTIME_TRANSPORT_TCP_SERVICE_H
#define SHMRPCI_TESTS_RUNTIME_TRANSPORT_TCP_SERVICE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "os/clock.h"
#include "os/thread.h"
#include "transport/tcp/tcp.h"

#define PATIENCE_NS (20 * SHMRPCI_NS_PER_S)

/* What the workers do, depending on the method id. */
enum {
    METHOD_ECHO = 1,
    METHOD_SIZE = 2,  /* body: u32; replies with that many bytes */
    METHOD_HOLD = 3,  /* returns when is_open is set */
    METHOD_WATCH = 4, /* returns when it is cancelled */
    METHOD_TAKE = 5,  /* reads items to their end; replies with how it ended */
    METHOD_GIVE = 6   /* body: u32 count, u32 size; sends that many items */
};

#define SERVICE_WORKERS     2u
#define SERVICE_WORKERS_MAX 8u
#define SERVICE_MESSAGE     ((size_t)8 << 20)

typedef struct service {
    shmrpci_listener *listener;
    shmrpci_address address; /* with the port that the system chose */
    shmrpci_thread run_thread;
    unsigned worker_count;
    atomic_uint next_worker;
    shmrpci_thread workers[SERVICE_WORKERS_MAX];
    atomic_uint served; /* number of requests taken */
    atomic_uint
        cancelled;       /* number of METHOD_WATCH calls that were cancelled */
    atomic_uint items;   /* items received by METHOD_TAKE and sent by
                          * METHOD_GIVE */
    atomic_int last;     /* status of the TAKE or GIVE that ended last */
    atomic_uint ended;   /* how many TAKE and GIVE calls have ended */
    atomic_bool is_open; /* for METHOD_HOLD */
    char subject[300];   /* for service_expect_subject */
} service;

/* Limits with short times: 300 ms for a handshake and for a frame. */
tcp_limits service_limits(void);
void service_start(service *s, const tcp_limits *limits);
/* Starts a service with more workers than SERVICE_WORKERS. */
void service_start_many(service *s, const tcp_limits *limits, unsigned workers);
void service_start_packed(service *s, const tcp_limits *limits,
                          shmrpc_compression compression);
/* Starts a service whose key is in the file of that path. */
void service_start_keyed(service *s, const tcp_limits *limits,
                         const char *key_file);
/* Starts a service at a TLS address. */
void service_start_at(service *s, const tcp_limits *limits,
                      const shmrpci_address *address);
void service_stop(service *s);
tcp_counts service_counts(const service *s);
/* Waits until that many connections have ended for this reason. */
void service_expect_end(const service *s, tcp_end end, uint64_t count);
/* Waits until no connection and no call is left. */
void service_expect_empty(const service *s);
/* Checks the subject of the last client's certificate, or "nobody". */
void service_expect_subject(service *s, const char *subject);
/* Waits until `*counter` has reached `count`. */
void service_await(const atomic_uint *counter, unsigned count);

/* Connects with the library's client. */
shmrpci_conn *service_connect(const service *s);
int service_connect_at(const shmrpci_address *address, int64_t timeout_ns,
                       shmrpci_conn **out, shmrpc_error *error);
/* Checks that a well-behaved client is served. */
void service_expect_good(const service *s);
int call_echo(shmrpci_conn *conn, const void *body, size_t len);
int call_send(shmrpci_conn *conn, uint32_t method, const void *body, size_t len,
              int64_t timeout_ns, shmrpci_call *call);

/* ---- raw peers ---- */

/* Returns a connected, blocking socket. */
int raw_open(const service *s);
/* Returns a socket on which the handshake is done. */
int raw_hello(const service *s);
/* Does the handshake and offers compressions; sets *out to the server's
 * terms. */
int raw_hello_packed(const service *s, uint32_t offer, tcp_terms *out);
/* Sends all bytes; returns false if the connection is gone. */
bool raw_send(int fd, const void *data, size_t len);
bool raw_frame(int fd, const tcp_head *head, const void *body, size_t len);
/* Receives exactly `len` bytes; returns false at the end of the connection. */
bool raw_receive(int fd, void *data, size_t len);
/* Reads until the connection ends; returns how many bytes arrived. */
size_t raw_expect_end(int fd);
/* Returns a socket after a handshake that offers streams. */
int raw_hello_streams(const service *s);
/* Sends a request with streams of these windows. */
void raw_open_streams(int fd, uint32_t method, uint32_t call, uint32_t in,
                      uint32_t out, const void *body, size_t len);
/* Receives frames until one has that type and call, and skips all bodies;
 * returns false at the end of the connection. */
bool raw_await(int fd, tcp_type type, uint32_t call, tcp_head *head);
/* Writes the opening and HELLO to `out`; returns their length. */
size_t raw_hello_bytes(uint8_t out[128]);

#endif
