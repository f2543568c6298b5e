/*
 * Code shared by the tests of worker processes: a server whose processes are
 * known, and calls on threads of their own.
 */
#ifndef SHMRPC_TESTS_INTEGRATION_WORKERS_COMMON_H
#define SHMRPC_TESTS_INTEGRATION_WORKERS_COMMON_H

#include "harness.h"

#include <pthread.h>
#include <signal.h>

#include "workers_client.h"

#define MAX_PIDS 64

/* Connects, with retries. Fails the test if that takes too long. */
workers_workers *workers_connect(const char *where);

void workers_expect_echo(workers_workers *client, uint64_t number);

/* Lists the children of a process, up to MAX_PIDS. Returns how many there
 * are. */
size_t workers_children(pid_t parent, pid_t pids[MAX_PIDS]);

/* Returns the zygote of a server, which is the server's only child. */
pid_t workers_zygote(const child *server);

/* Waits until the zygote has exactly `count` workers, and fills `pids`. */
void workers_await(pid_t zygote, size_t count, pid_t pids[MAX_PIDS]);

/* Waits until a process that is not our child is gone. */
void workers_await_end(pid_t pid);

bool workers_is_alive(pid_t pid);

/* Returns the proportional share of memory of a process (PSS), in KiB; 0: it is
 * gone. */
uint64_t workers_share_of(pid_t pid);

/* Stops a worker while it sleeps. (If the worker were stopped after its answer
 * and before the end of its claim, it would keep the call's slot. This is a
 * known limitation.) */
void workers_stop_asleep(pid_t pid);

/* A call of nap or nap_again, made on a thread of its own. */
typedef struct napper {
    workers_workers *client;
    bool is_again; /* nap_again, the idempotent method */
    uint32_t ms;
    int64_t timeout_ns; /* 0: the default timeout */
    pthread_t thread;
    int status;
    uint32_t pid; /* the process that answered */
    int64_t ended_ns;
    shmrpc_error error;
} napper;

void napper_start(napper *n);
int napper_join(napper *n);

/* Returns the pid in the server's next line "nap PID"; skips other lines. */
pid_t workers_next_nap(child *server);
/* Reads lines until one contains `part`. */
void workers_await_line(child *server, const char *part);

#endif
