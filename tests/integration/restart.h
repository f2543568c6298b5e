/*
 * Clients of life.svc whose servers are restarted, or whose system calls fail.
 * Both sides note each call, and the notes are compared.
 */
#ifndef SHMRPC_TESTS_INTEGRATION_RESTART_H
#define SHMRPC_TESTS_INTEGRATION_RESTART_H

#include "harness.h"
#include "ledger.h"

extern ledger *book;

/* Opens the ledger, which the programs that this test starts use too. */
int restart_set_up(void **state);
void restart_clear_book(void);

typedef struct restart_sums {
    unsigned ok;
    unsigned maybe;
    unsigned repeated;
} restart_sums;

/* Checks one call. A call with an odd number, which may be repeated, must have
 * succeeded. Any other call has run at most once, and exactly once if it was
 * reported as successful. */
void restart_check_call(unsigned number, restart_sums *s);

/* Starts a client that makes `what` ("calls" or "mixed") with these numbers. */
child restart_start_client(const char *where, const char *what, uint32_t first,
                           uint32_t count);
/* Waits until the client has made all of its calls. */
void restart_await_client(child *client);

/* A load of eight clients, and a server that is ended repeatedly. */
typedef struct restart_load {
    const char *where;   /* the service */
    const char *relayed; /* address of its gateway; NULL: there is none */
    bool kills_gateway;  /* the gateway is killed rather than the service */
    int signals[2];      /* end the service or gateway; used in turn */
    uint32_t each;       /* number of calls of each client */
    uint32_t between;    /* after how many calls of all clients the server is
                          * ended again */
} restart_load;

restart_sums restart_run(const restart_load *load);

/* restart_keeper.c */
void idempotent_call_outlives_servers_but_not_three(void **state);
void other_call_runs_once_and_says_that_it_may_have(void **state);
void storm_of_retries_costs_a_tenth_more(void **state);

/* restart_faults.c */
void interrupted_and_short_calls_are_not_noticed(void **state);
void full_sockets_are_not_noticed(void **state);
void accept_that_fails_is_tried_again(void **state);
void connections_that_are_reset_have_no_call_run_twice(void **state);

#endif
