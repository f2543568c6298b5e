/*
 * Code shared by integration tests: programs that are started, watched, killed,
 * and observed from outside.
 *
 * Tests use the library as any user does, through generated code and
 * <shmrpc/...> only. Each works in a socket folder of its own.
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

/* The folder that SHMRPC_DIR names; harness_main creates it. */
extern char harness_folder[64];

/* Runs the tests in a new socket folder. If SHMRPC_TEST_ONLY is set, a pattern
 * with * and ?, runs only the tests that it matches. Returns the exit
 * status. */
int harness_main(const struct CMUnitTest *tests, size_t count);

int64_t harness_now_ns(void);

bool harness_is_long(void);

/* ---- programs ---- */

typedef struct child {
    pid_t pid; /* 0 once it was waited for */
    int out;   /* its standard output and error */
    /* The address at which it serves, once it has printed that. */
    char place[96];
} child;

/* Starts a program, which dies with the test; `arguments` end with NULL. */
child harness_start(const char *program, const char *const *arguments);

/* Reads the next line of output, without the newline. Fails the test if none
 * arrives. */
void harness_read_line(child *c, char *out, size_t size);
/* Discards the output so far. A program blocks when its output is not read and
 * the pipe is full. */
void harness_discard(const child *c);
/* Reads the output until the program ends. */
void harness_read_all(child *c, char *out, size_t size);

/* Sends a signal and, unless it is SIGSTOP or SIGCONT, waits for the end. */
void harness_signal(child *c, int number);
/* Waits for the end. Returns the exit status, or the negative signal number. */
int harness_wait(child *c);

/* Starts a server at `where`, with threads of its own as workers, and waits
 * until it serves. Over tcp:// native methods are allowed. */
child harness_serve(const char *program, const char *where,
                    const char *threads);
/* Like harness_serve, with worker processes; each has `threads` threads. */
child harness_serve_by(const char *program, const char *where,
                       const char *workers, const char *threads);

/* Starts a gateway and waits until it serves. Clients connect to `to`; the
 * service is at `where`, a shm:// address with a name, and has this `port`. */
child harness_relay(const char *where, uint16_t port, const char *to);

/* A service and, over "gateway", the gateway in front of it. */
typedef struct harness_service {
    child server;
    child gateway;  /* pid 0: there is none */
    char at[96];    /* where the server listens */
    char where[96]; /* where clients connect */
} harness_service;

/* Starts a server with threads. `over` is the initial state of a test that
 * HARNESS_CASE defines: harness_shm, harness_tcp, harness_unix, harness_tls or
 * harness_gateway. */
harness_service harness_serve_over(const void *over, const char *program,
                                   const char *name, uint16_t port,
                                   const char *threads);
/* Like harness_serve_over, with one more option such as "--max-streams=1";
 * NULL: none. */
harness_service harness_serve_with(const void *over, const char *program,
                                   const char *name, uint16_t port,
                                   const char *threads, const char *option);
/* Ends the server and the gateway if they are still running. */
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
/* Defines a case for each kind of transport. */
#define HARNESS_ALL_CASES(test, set_up, tear_down)   \
    HARNESS_CASES(test, set_up, tear_down),          \
        HARNESS_CASE(test, set_up, tear_down, unix), \
        HARNESS_CASE(test, set_up, tear_down, tls)

/* Makes a new address of the service `name`. */
void harness_address(const char *name, char out[96]);
/* Makes an address over tcp that no other program uses (a loopback address of
 * our own), so that a server can be restarted there. */
void harness_tcp_address(uint16_t port, char out[96]);

/* ---- observing processes ------------------------------------------------- */

/* Numbers of descriptors, and of mappings of shared memory, that a process
 * has. */
typedef struct holdings {
    unsigned fds;
    unsigned maps;
} holdings;

holdings harness_holdings(pid_t pid);

/* Returns the resident memory of a process, including shared memory that it has
 * touched. */
unsigned long harness_rss_kib(pid_t pid);

/* How much processes may grow while far more than this passes through them. The
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

/* Waits until a supervisor watches `workers` workers. Call it before
 * harness_holdings, which counts the supervisor's descriptor of each worker: a
 * worker may serve before its supervisor has that descriptor. */
void harness_await_watched(pid_t supervisor, unsigned workers);

/* Waits until a process has no more than `most`. Fails the test if it still has
 * more after `timeout_ns`. */
void harness_await_holdings(pid_t pid, holdings most, int64_t timeout_ns);

/* Lists the names in a folder, sorted, one per line. */
void harness_list(const char *folder, char *out, size_t size);

#endif
