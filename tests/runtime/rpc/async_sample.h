/* Code shared by the tests of asynchronous calls: each test runs with its own
 * server and client, once for each transport of this machine. */
#ifndef SHMRPCI_TESTS_RUNTIME_RPC_ASYNC_SAMPLE_H
#define SHMRPCI_TESTS_RUNTIME_RPC_ASYNC_SAMPLE_H

#include "sample.h"

/* A number of calls that is larger than the number of slots of a connection. */
#define ASYNC_MANY  100
#define ASYNC_SLOTS 64

/* The server has two workers. */
typedef struct both {
    sample_server server;
    shmrpc_client *client;
} both;

/* Declares a test case. Its state points to a `both`, in which the server runs
 * and the client is connected. */
#define ASYNC_CASE(name) \
    cmocka_unit_test_setup_teardown(name, async_set_up, async_tear_down)

int async_set_up(void **state);
int async_tear_down(void **state);

/* Runs the tests for each transport. Returns the program's exit status. */
int async_main(const struct CMUnitTest *tests, size_t count);

/* The transport of the current test. */
extern const char *async_scheme;

extern const shmrpc_opts async_patient;
extern const shmrpc_opts async_hasty; /* 20 ms */

/* Sends a call. Fails the test if it can't be sent. */
shmrpc_call *async_start(const both *b, uint32_t method, const void *params);
shmrpc_call *async_start_add(const both *b, int64_t x, int64_t y);

int async_finish(shmrpc_call *call, uint32_t method, void *result,
                 shmrpc_error *error);
/* Finishes a call of ADD; fails the test if its result is wrong. */
void async_expect_sum(shmrpc_call *call, int64_t sum);

/* Returns when both workers are in handlers, until the gate is opened. */
void async_occupy(both *b, shmrpc_call *held[2]);

#endif
