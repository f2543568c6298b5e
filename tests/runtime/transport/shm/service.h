/*
 * A small service over shm for tests: a listener, its thread and workers, with
 * a unique name in a folder of its own.
 */
#ifndef SHMRPCI_TESTS_SHM_SERVICE_H
#define SHMRPCI_TESTS_SHM_SERVICE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sys/types.h>

#include "os/clock.h"
#include "os/thread.h"
#include "transport/transport.h"

#define PATIENCE_NS (20 * SHMRPCI_NS_PER_S)
#define MAX_WORKERS 4u
/* The one foreign user id that may connect. */
#define SERVICE_ALLOWED_UID 23456u

enum {
    METHOD_ECHO = 1, /* replies with the body */
    METHOD_HOLD = 2, /* holds until the service is released, then echoes */
    METHOD_SIZE = 3  /* body: u32; replies with that many bytes */
};
/* In a call with streams, each method first sends back the items that it
 * receives, and then replies. */

typedef struct service {
    shmrpci_address address;
    shmrpci_listener *listener;
    unsigned worker_count;
    shmrpci_thread run_thread;
    shmrpci_thread workers[MAX_WORKERS];
    atomic_uint next_index;
    atomic_uint opened;   /* workers that have taken their place */
    atomic_uint held;     /* number of handlers that wait for the release */
    atomic_uint lies;     /* streams that ended with DATA_LOSS */
    atomic_bool released; /* releases handlers that hold */
} service;

/* The setup and teardown of a group: makes a new folder and sets SHMRPC_DIR to
 * it; deletes the folder with all its contents. */
int folder_setup(void **state);
int folder_teardown(void **state);
const char *folder_path(void);
/* Returns how many files are in the folder. */
size_t folder_count(void);

/* Options with which services listen and clients connect from now on; tests may
 * change them. The setup of a group restores the usual values. */
extern shmrpci_listen_opts service_opts;

/* Returns an address at which nobody listens. */
shmrpci_address new_address(void);

/* Starts a service; returns when all workers have taken their places. */
void service_start(service *s, const shmrpci_address *address,
                   unsigned workers);
void service_stop(service *s);

/* Connects; fails the test on any error. */
shmrpci_conn *client_open(const shmrpci_address *address);
int client_try_open(const shmrpci_address *address, shmrpci_conn **out,
                    shmrpc_error *error);
/* Makes a call and waits for its end. Returns the status of the first step that
 * failed, or the reply's status. Sets *out_len to the reply's length unless
 * out_len is NULL. */
int client_call(shmrpci_conn *conn, uint32_t method, const void *body,
                size_t len, size_t reply_hint, size_t *out_len);
/* Sends a call; the caller must receive or cancel it. */
int client_send(shmrpci_conn *conn, shmrpci_call *call, uint32_t method,
                const void *body, size_t len, size_t reply_hint);
/* Checks that an echo of `text` comes back whole. */
void client_echoes(shmrpci_conn *conn, const char *text);

/* Publishes a request without a body and without ringing, like a client that
 * was stopped at this point or that relies on a lease. */
void client_publish(shmrpci_conn *conn, uint32_t slot, uint32_t method);

/* Opens a worker that the test runs itself, and answers its requests. */
shmrpci_participant *service_open_worker(service *s);
void worker_finish(shmrpci_request *request);

/* Waits until `*value` is at least `least`, or fails the test. */
void await_count(atomic_uint *value, unsigned least);

/* fork, for a child that ends with its parent, or at its first failed assertion
 * instead of continuing with the parent's tests. */
pid_t service_fork(void);

/* Whether to run the long versions of tests (SHMRPC_TEST_LONG=1). */
bool is_long(void);

#endif
