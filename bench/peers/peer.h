/*
 * A peer: another way to call a process on this machine.
 *
 * Each peer is one file that says how to serve, dial and call. The call is the
 * same echo as our shmrpc.raw, with payloads of a few sizes. It copies the
 * payload from the caller's buffer into the request and, if the library needs
 * it, from request to reply. The case checks every reply.
 *
 * Threading: as the library needs; serve, dial and call run in the only thread
 * of their process.
 */
#ifndef BENCH_PEERS_PEER_H
#define BENCH_PEERS_PEER_H

#include <stddef.h>
#include <stdint.h>

#include "case.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One request of `size` bytes, and its echo. */
typedef struct peer_message {
    unsigned char *request;
    size_t size;
    uint64_t sequence;
} peer_message;

typedef struct peer {
    /* Each run's address is the prefix, followed by a path in a folder of its
     * own. If the prefix ends with a colon and is not "unix:", a port of
     * 127.0.0.1 follows instead. */
    const char *prefix;
    /* Listens, calls bench_ready(), and answers forever. */
    void (*serve)(const char *address);
    void *(*dial)(const char *address);
    /* Sends the request and passes the reply to peer_check(). */
    void (*call)(void *connection, const peer_message *message);
    /* Removes files that a run has left behind; may be NULL. */
    void (*tidy)(void);
    /* Used instead of `call` to have many calls in flight: start sends a
     * request, which it copies; finish passes the oldest reply to
     * peer_check(). */
    void (*start)(void *connection, const peer_message *message);
    void (*finish)(void *connection, const peer_message *message);
    /* Used instead of `call` if the server sends items of message->size bytes
     * as fast as it can: passes `count` of them to peer_item(). The message is
     * the same each time. */
    void (*take)(void *connection, peer_message *message, unsigned count);
} peer;

/* The number of calls in flight with start and finish, and of turns in a
 * `call`: each turn finishes the oldest call and starts another one. */
enum { PEER_DEPTH = 64 };

/* Fails the case unless the bytes are the echo of the message. */
void peer_check(const peer_message *message, const void *bytes, size_t size);

/* Fails the case unless the bytes are the next item: of the expected length,
 * and beginning with its number. */
void peer_item(peer_message *message, const void *bytes, size_t size);

/* The functions of all peers' cases; `with` is the peer. */
void *peer_setup(const bench_case *self);
void peer_serve(void *state);
void peer_dial(void *state);
void peer_call(void *state);
void peer_teardown(void *state);
void peer_dial_pipeline(void *state);
void peer_call_pipeline(void *state);
void peer_take(void *state);

#ifdef __cplusplus
}
#endif

/* One case for each payload; peers that split or refuse large messages have
 * only the smaller two. */
#define PEER_CASE(places, name, about, payload, contest, peer)                 \
    {                                                                          \
        "peer." name, about, payload, places, BENCH_FLOOR_COPY, contest, name, \
            0, 0, &(peer), peer_setup, peer_serve, peer_dial, peer_call,       \
            peer_teardown                                                      \
    }

#define PEER_SMALL_CASES(places, name, about, peer)        \
    PEER_CASE(places, name, about, 64, "echo 64 B", peer), \
        PEER_CASE(places, name, about, 4096, "echo 4 KiB", peer)

#define PEER_CASES_IN(places, name, about, peer) \
    PEER_SMALL_CASES(places, name, about, peer), \
        PEER_CASE(places, name, about, 1 << 20, "echo 1 MiB", peer)

#define PEER_TCP_CASE(name, about, payload, contest, peer)                   \
    {                                                                        \
        "peer." name ".tcp", about, payload, BENCH_IN_APART | BENCH_IN_FREE, \
            BENCH_FLOOR_NONE, contest, name, 0, 0, &(peer), peer_setup,      \
            peer_serve, peer_dial, peer_call, peer_teardown                  \
    }

#define PEER_TCP_CASES(name, about, peer)             \
    PEER_TCP_CASE(name, about, 64, "tcp 64 B", peer), \
        PEER_TCP_CASE(name, about, 1 << 20, "tcp 1 MiB", peer)

/* The same echo, as a contestant of the NATS cases. */
#define PEER_NATS_CASE(name, about, peer)                                \
    {                                                                    \
        "nats.beside." name, about, 64, BENCH_IN_FREE, BENCH_FLOOR_NONE, \
            "nats 64 B", name, 0, 0, &(peer), peer_setup, peer_serve,    \
            peer_dial, peer_call, peer_teardown                          \
    }

#define PEER_TCP_PIPELINE(name, about, peer)                                   \
    {                                                                          \
        "peer." name ".tcp.pipelined", about, 40,                              \
            BENCH_IN_APART | BENCH_IN_FREE, BENCH_FLOOR_NONE, "pipelined tcp", \
            name, 0, PEER_DEPTH, &(peer), peer_setup, peer_serve,              \
            peer_dial_pipeline, peer_call_pipeline, peer_teardown              \
    }

/* Like STREAM_CASE of one_way.h, whose designators C++ does not accept. */
#define PEER_STREAM(way, spaced, label, name, about, bytes, items, peer) \
    {                                                                    \
        "stream." way label "." name, about, bytes,                      \
            BENCH_IN_APART | BENCH_IN_FREE, BENCH_FLOOR_NONE,            \
            "stream " spaced label, name, 0, items, &(peer), peer_setup, \
            peer_serve, peer_dial, peer_take, peer_teardown, 1           \
    }

#define PEER_STREAMS(way, spaced, name, about, peer)              \
    PEER_STREAM(way, spaced, "64B", name, about, 64, 1024, peer), \
        PEER_STREAM(way, spaced, "64K", name, about, 64 << 10, 16, peer)

#define PEER_CASES(name, about, peer) \
    PEER_CASES_IN(BENCH_IN_ALL, name, about, peer)

#endif
