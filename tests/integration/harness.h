/*
 * Code shared by integration tests: programs that are started, watched and
 * killed, and observed from outside.
 *
 * Tests use the library as any user does, through generated code and
 * <shmrpc/...> only.  Each works in a socket folder of its own.
 */
#ifndef SHMRPC_TESTS_INTEGRATION_HARNESS_H
#define SHMRPC_TESTS_INTEGRATION_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include <cmocka.h>

#define MS INT64_C(1000000)
#define S  (1000 * MS)

/* A wait that takes longer than this has failed. */
#define PATIENCE (60 * S)

/* The folder that SHMRPC_DIR names; made by harness_main. */
extern char harness_folder[64];

/* Runs the tests in a new socket folder, or those that SHMRPC_TEST_ONLY names
 * with * and ?; returns the program's exit status. */
int harness_main(const struct CMUnitTest *tests, size_t count);

int64_t harness_now_ns(void);

bool harness_is_long(void);

/* ---- programs ---- */

typedef struct child {
    pid_t pid; /* 0 when it has been waited for */
    int out;   /* its standard output and error */
    /* Where it serves, once it has printed that. */
    char place[96];
} child;

/* Starts a program; `arguments` end with NULL. It dies with the test. */
child harness_start(const char *program, const char *const *arguments);

/* Its next line, without the newline; fails the test when none arrives. */
void harness_read_line(child *c, char *out, size_t size);
/* Discards its output so far. A program whose output nobody reads blocks when
 * the pipe is full. */
void harness_discard(const child *c);
/* Its output until it ends. */
void harness_read_all(child *c, char *out, size_t size);

/* Sends a signal and, unless it is STOP or CONT, waits for the end. */
void harness_signal(child *c, int number);
/* Waits for the end: the exit status, or -signal. */
int harness_wait(child *c);

/* Starts a server at `where`, with threads of its own as workers, and waits
 * until it serves; over tcp:// native methods too. */
child harness_serve(const char *program, const char *where,
                    const char *threads);
/* The same with worker processes, each with that many threads. */
child harness_serve_by(const char *program, const char *where,
                       const char *workers, const char *threads);

/* Starts a gateway at `to`, to which clients connect, for the service at
 * `where`, a shm:// address with a name, and that port; waits until it
 * serves. */
child harness_relay(const char *where, uint16_t port, const char *to);

/* A service and, for "gateway", the gateway in front of it. */
typedef struct harness_service {
    child server;
    child gateway;  /* pid 0: none */
    char at[96];    /* where the server listens */
    char where[96]; /* where clients connect */
} harness_service;

/* Starts a server with threads over "shm", "tcp", "unix", "tls" or "gateway";
 * for tests whose cases take that as their initial state. */
harness_service harness_serve_over(const void *over, const char *program,
                                   const char *name, uint16_t port,
                                   const char *threads);
/* The same with one more option, as in "--max-streams=1"; NULL: none. */
harness_service harness_serve_with(const void *over, const char *program,
                                   const char *name, uint16_t port,
                                   const char *threads, const char *option);
/* Ends whatever is still running. */
void harness_end(harness_service *service);

extern char harness_shm[];
extern char harness_tcp[];
extern char harness_unix[];
extern char harness_tls[];
extern char harness_gateway[];

#define HARNESS_CASE(test, set_up, tear_down, over)               \
    {                                                             \
#test ", " #over, test, set_up, tear_down, harness_##over \
    }
#define HARNESS_CASES(test, set_up, tear_down)      \
    HARNESS_CASE(test, set_up, tear_down, shm),     \
        HARNESS_CASE(test, set_up, tear_down, tcp), \
        HARNESS_CASE(test, set_up, tear_down, gateway)
/* A case for each kind of socket. */
#define HARNESS_ALL_CASES(test, set_up, tear_down)   \
    HARNESS_CASES(test, set_up, tear_down),          \
        HARNESS_CASE(test, set_up, tear_down, unix), \
        HARNESS_CASE(test, set_up, tear_down, tls)

/* A new address of the service `name`. */
void harness_address(const char *name, char out[96]);
/* An address over tcp that no other program uses, so that a server can be
 * started there again: a loopback address of our own. */
void harness_tcp_address(uint16_t port, char out[96]);

/* ---- what is to be seen ---- */

/* How many descriptors, and mappings of shared memory, a process has. */
typedef struct holdings {
    unsigned fds;
    unsigned maps;
} holdings;

holdings harness_holdings(pid_t pid);

/* Its memory, including shared memory that it has touched. */
unsigned long harness_rss_kib(pid_t pid);

/* How much processes may grow while far more than that passes through them. The
 * address sanitizer keeps freed memory for a while. */
#if defined(__SANITIZE_ADDRESS__)
#define HARNESS_GROWTH_KIB 65536
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HARNESS_GROWTH_KIB 65536
#endif
#endif
#ifndef HARNESS_GROWTH_KIB
#define HARNESS_GROWTH_KIB 4096
#endif

/* Waits until a supervisor watches that many workers: each may serve before its
 * supervisor has the descriptor for it, one of those counted above. */
void harness_await_watched(pid_t supervisor, unsigned workers);

/* Waits until a process has no more than `most`, for `timeout_ns` at most;
 * fails the test if it still has more. */
void harness_await_holdings(pid_t pid, holdings most, int64_t timeout_ns);

/* The names in a folder, sorted, one per line. */
void harness_list(const char *folder, char *out, size_t size);

#endif
