/*
 * A service whose workers and clients are processes, and an exact account of
 * every call, which survives their deaths.
 *
 * This process is the supervisor: it runs the control loop, starts workers and
 * clients, kills and stops them, and starts new ones in their places. Clients
 * call as fast as they can, several calls at a time, of all kinds and sizes.
 *
 * Each call has a unique number. In memory that all processes share, the call's
 * entry goes from issued (client, before it sends) to ran (handler) to answered
 * (client), or from issued to never (the call was withdrawn), each by
 * compare-and-swap. So a call that runs twice, or runs after it was withdrawn,
 * or is answered without having run, is detected at that moment by the process
 * that does it.
 *
 * Threading: one thread calls the supervisor's functions.
 */
#ifndef SHMRPCI_TESTS_STRESS_FARM_H
#define SHMRPCI_TESTS_STRESS_FARM_H

#include "service.h"

/* Upper limits. */
#define FARM_CLIENTS 4u
#define FARM_WORKERS 4u
#define FARM_CALLS   8u /* calls in flight per client */

/* Number of entries; a power of two. A call that runs this many calls later
 * than it was sent would be taken for another one. */
#define FARM_ENTRIES (1u << 18)

/* Divides a number of events under sanitizers, which are slow. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FARM_SLOWER 10u
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define FARM_SLOWER 10u
#endif
#endif
#ifndef FARM_SLOWER
#define FARM_SLOWER 1u
#endif

/* Counts that must stay 0. */
typedef enum farm_fault {
    FARM_RAN_TWICE,
    FARM_RAN_WITHDRAWN,
    FARM_RAN_UNKNOWN,
    FARM_ANSWERED_UNRUN,
    FARM_WRONG_REPLY,
    FARM_HUNG,
    FARM_UNEXPECTED, /* a status that nobody should get */
    FARM_FAULTS
} farm_fault;

typedef struct farm_client_account {
    atomic_ullong issued;
    atomic_ullong answered;
    atomic_ullong withdrawn;
    atomic_ullong died;     /* WORKER_DIED */
    atomic_ullong given_up; /* the call was cancelled, or nobody waits for it */
    atomic_ullong entries[FARM_ENTRIES];
} farm_client_account;

typedef struct farm_account {
    atomic_ullong faults[FARM_FAULTS];
    atomic_int status; /* the last unexpected status */
    atomic_ullong killed_clients;
    farm_client_account clients[FARM_CLIENTS];
} farm_account;

typedef enum farm_role { FARM_CLIENT, FARM_WORKER } farm_role;

typedef struct farm_process {
    pid_t pid;
    farm_role role;
    uint32_t index;
    int64_t resume_ns; /* the process is stopped until then; 0: it runs */
} farm_process;

typedef struct farm farm;

/* Called first in each process that is started; may be NULL. */
typedef void farm_born(const farm *f, const farm_process *self);

struct farm {
    unsigned workers;
    unsigned clients;
    bool talks; /* all calls have streams */
    farm_born *born;
    farm_account *account;
    shmrpci_address address;
    shmrpci_listener *listener;
    farm_process processes[FARM_CLIENTS + FARM_WORKERS]; /* workers first */
    uint64_t random;
    shmrpci_stats_gauges gauges;
    uint64_t excused; /* rescues of calls that a late recovery kept waiting */
};

/* Returns and prints the seed: SHMRPC_TEST_SEED, or a new one each time. */
uint64_t farm_seed(void);
/* Starts everything, with `workers` and `clients` processes. */
void farm_start(farm *f, uint64_t seed);
/* Returns a process by its role and index. */
farm_process *farm_process_of(farm *f, farm_role role, uint32_t index);
/* Ends everything, and checks that nothing is left of it. */
void farm_stop(farm *f);
uint64_t farm_random(farm *f);
/* A random time below `most_ns`, usually below a third of it. */
int64_t farm_some_time(farm *f, int64_t most_ns);
/* Runs the control loop until `until_ns`, and resumes stopped processes when it
 * is time. */
void farm_run(farm *f, int64_t until_ns);
/* Runs the control loop for a random time below 10 ms, occasionally almost
 * none. */
void farm_run_a_while(farm *f);
/* Kills a random process, and starts another one in its place. */
void farm_kill(farm *f);
/* Kills the process `p`, and starts another one in its place. */
void farm_replace(farm *f, farm_process *p);
/* Runs the control loop until the process has died of SIGKILL. Returns false if
 * the process is still alive at `until_ns`. If it is dead, the caller must call
 * farm_start_again. */
bool farm_await_death(farm *f, farm_process *p, int64_t until_ns);
void farm_start_again(farm *f, farm_process *p);
/* Starts clients in all places. */
void farm_start_clients(farm *f);
/* Kills all clients, and waits until neither a connection nor memory is left of
 * them. Fails the test if something stays. Returns how long it took. */
int64_t farm_empty(farm *f);
/* Returns the number of open descriptors of this process. */
size_t farm_open_fds(void);
/* Stops a random process until `resume_ns`, unless it is stopped already. */
void farm_pause(farm *f, int64_t resume_ns);
/* Resumes all processes, and waits until every client has had calls answered.
 * Fails the test if one has not. */
void farm_settle(farm *f);
/* Like farm_settle, but does not wait for the client `dead`. */
void farm_settle_without(farm *f, const farm_process *dead);
/* Fails the test if there is any fault, after printing the account, or if an
 * extent is kept for a reply that will never come. */
void farm_check(farm *f);
/* Returns the number of answered calls of all clients. */
uint64_t farm_answered(const farm *f);
/* Returns the number of wake-ups that clients had to rescue, except those that
 * waited for the recovery of a dead worker. */
uint64_t farm_rescued(const farm *f);

#endif
