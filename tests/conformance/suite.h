/*
 * The conformance suite: the behaviour that every transport must have.
 *
 * A case uses a fixture: a listener with a unique name, a thread that runs it,
 * and any number of worker threads that serve the methods below. Cases that
 * control every step themselves start no workers and open a participant
 * instead.
 *
 * Cases never sleep: they wait for conditions, and every wait has a deadline
 * after which the case fails.
 */
#ifndef SHMRPCI_TESTS_CONFORMANCE_SUITE_H
#define SHMRPCI_TESTS_CONFORMANCE_SUITE_H

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
#include "transport/transport.h"

/* The timeout of every wait; a case fails when it expires. */
#define PATIENCE_NS (20 * SHMRPCI_NS_PER_S)

#define MAX_WORKERS 4u
#define MAX_MESSAGE ((size_t)16 << 20)

/* What the fixture's workers do with a request, depending on its method id. */
enum {
    METHOD_ECHO = 1,   /* replies with the body */
    METHOD_SIZE = 2,   /* body: u32; replies with that many pattern bytes */
    METHOD_HOLD = 3,   /* enters the gate, echoes when it is opened */
    METHOD_STATUS = 4, /* body: i32, text; replies with status and text */
    METHOD_COUNT = 5,  /* oneway: increments gate.counted */
    METHOD_WATCH = 6,  /* enters the gate, runs until it is cancelled */
    METHOD_PEER = 7,   /* replies with the shmrpc_peer */
    METHOD_HEAD = 8    /* replies with the head and the remaining time */
};

/* Synchronises handlers with the case. */
typedef struct gate {
    shmrpci_mutex lock;
    shmrpci_cond changed;
    unsigned entered;   /* number of handlers that have reached the gate */
    unsigned counted;   /* number of METHOD_COUNT calls */
    unsigned cancelled; /* METHOD_WATCH handlers that saw their cancellation */
    bool open;
} gate;

struct fixture;

typedef struct seat {
    struct fixture *fixture;
    uint32_t index;
} seat;

typedef struct fixture {
    const shmrpci_transport *transport;
    shmrpci_address address;
    shmrpci_listener *listener;
    gate gate;
    bool running;
    unsigned worker_count;
    shmrpci_thread run_thread;
    shmrpci_thread workers[MAX_WORKERS];
    seat seats[MAX_WORKERS];
} fixture;

/* The answer to METHOD_HEAD. */
typedef struct head_report {
    shmrpci_head head;
    int64_t deadline_ns;
} head_report;

/* ---- the fixture ---- */

/* Whether all events of a server's end arrive at once; otherwise several may
 * arrive, a moment apart. */
bool suite_ends_together(void);

/* Returns an address at which nobody listens. */
shmrpci_address suite_new_address(void);
/* Returns the part of an address that error messages must contain: its name,
 * port or path. */
const char *suite_name_of(const shmrpci_address *address);
/* Returns an address for another copy of the service. */
shmrpci_address suite_other_copy(const shmrpci_address *address);
/* Whether an armed client gets no event for the end of a call that was sent
 * without the flag TOLD. */
bool suite_tells_calls_only(void);
/* Whether workers learn which process the caller is. */
bool suite_knows_peers(void);
/* The scheme of the workers' transport if clients use a different one; set
 * before suite_run. */
extern const char *suite_worker_scheme;
/* Number of stream windows in series between the two ends: each relay adds one;
 * default 1. */
extern unsigned suite_windows;
/* How many links a client may open to one server, 1 to 4; default 1. */
extern unsigned suite_links;
/* Additional cases of this transport; set before suite_run. */
extern const struct CMUnitTest *suite_own_cases;
extern size_t suite_own_case_count;
/* Files that new addresses name, for TLS; "" for none. */
extern char suite_cert_file[64];
extern char suite_ca_file[64];

shmrpci_listen_opts suite_listen_opts(fixture *f);

/* Listens, but starts no thread. `opts` may be NULL: the suite's options. */
void fixture_init(fixture *f, const shmrpci_listen_opts *opts);
void fixture_run(fixture *f);
void fixture_start_workers(fixture *f, unsigned count);
/* Calls init with the suite's options, run and start_workers. */
void fixture_start(fixture *f, unsigned workers);
/* Stops the listener, joins all threads and closes the listener; may be called
 * twice. */
void fixture_stop(fixture *f);

void gate_open(gate *g);
/* Waits until `*field` (of the gate) has reached `count`; fails the case after
 * a timeout. */
void gate_await(gate *g, const unsigned *field, unsigned count);

/* ---- clients ---- */

/* Connects with this hello; fails the case if the connection is refused. */
shmrpci_conn *client_connect(fixture *f, const char *hello);
int client_try_connect(const fixture *f, const shmrpci_address *address,
                       const char *hello, int64_t timeout_ns,
                       shmrpci_conn **out, shmrpci_buf *welcome,
                       shmrpc_error *error);

/* Reserves and commits; the timeout is PATIENCE_NS. */
int client_send(shmrpci_conn *conn, uint32_t method, const void *body,
                size_t len, shmrpci_call *call);

/* Makes a call and waits for the reply. On OK sets *status to the reply's
 * status, and copies its body to *reply (a heap buffer, emptied first). */
int client_call(shmrpci_conn *conn, uint32_t method, const void *body,
                size_t len, int32_t *status, shmrpci_buf *reply);

/* Makes an echo call with `len` pattern bytes. Returns OK, the call's failure,
 * or DATA_LOSS if the reply differs. May be called on any thread. */
int client_echo(shmrpci_conn *conn, size_t len, uint8_t seed);

/* Waits for the reply, compares it with `len` bytes of `body`, releases it. */
void expect_reply(shmrpci_call *call, const void *body, size_t len);

/* ---- a worker controlled by the case ---- */

shmrpci_participant *worker_open(fixture *f, uint32_t index);
/* Waits for the next request; fails the case if there is none. */
void worker_next(shmrpci_participant *participant, shmrpci_request *request);
void worker_reply(shmrpci_request *request, const void *body, size_t len);

/* ---- data ---- */

void pattern_fill(uint8_t *data, size_t len, uint8_t seed);
bool pattern_is(const uint8_t *data, size_t len, uint8_t seed);

/* Sizes around every limit of any transport; ends with SIZE_MAX. */
extern const size_t suite_sizes[];
/* Sizes around larger powers of two, for long runs only; ends with SIZE_MAX. */
extern const size_t suite_long_sizes[];
bool suite_is_long(void);

/* ---- the cases ---- */

extern const struct CMUnitTest suite_connect_cases[];
extern const size_t suite_connect_case_count;
extern const struct CMUnitTest suite_call_cases[];
extern const size_t suite_call_case_count;
extern const struct CMUnitTest suite_life_cases[];
extern const size_t suite_life_case_count;
extern const struct CMUnitTest suite_load_cases[];
extern const size_t suite_load_case_count;
extern const struct CMUnitTest suite_watch_cases[];
extern const size_t suite_watch_case_count;
extern const struct CMUnitTest suite_detach_cases[];
extern const size_t suite_detach_case_count;
/* Cases for transports that have streams. */
extern const struct CMUnitTest suite_stream_cases[];
extern const size_t suite_stream_case_count;

/* Runs all cases with one transport; returns the exit status of the program. */
int suite_main(const char *scheme);
int suite_run(const shmrpci_transport *over);

#endif
