/*
 * A service under management: its plan, its programs, its log.
 *
 *     STOPPED --wanted--> WAITING --its turn--> STARTING
 *     STARTING --told ready, or a plain program--> RUNNING
 *     STARTING --not in time--> is ended, as below
 *     STARTING, RUNNING --not wanted--> STOPPING --all ended--> STOPPED
 *     STOPPING --says STOPPING=1--> DRAINING --all ended--> STOPPED
 *     STARTING, RUNNING --its end--> BACKOFF --after a while--> STARTING
 *     STARTING, RUNNING --a signal--> CRASHED --after a while--> STARTING
 *
 * A server that runs is restarted by another one that takes over from it, its
 * heir; the state stays RUNNING.
 *
 * A request sets what is wanted; the loop's next step carries it out.
 *
 * A run is one start of the program. It outlasts the program itself, as long as
 * its child processes run: workers of a supervisor that died finish their
 * calls, and their output is still read.
 *
 * Threading: everything under the manager's lock; programs are started, and
 * descriptors read, by the loop's thread only.
 */
#ifndef SHMRPC_TOOLS_SHMRPCD_UNIT_H
#define SHMRPC_TOOLS_SHMRPCD_UNIT_H

#include "os/child.h"
#include "supervise/policy.h"
#include "tools/shmrpcd/console.h"

/* The numbers are those of manager.svc. */
typedef enum mgr_state {
    MGR_STOPPED,
    MGR_WAITING,
    MGR_STARTING,
    MGR_RUNNING,
    MGR_STOPPING,
    MGR_BACKOFF,
    MGR_DRAINING,
    MGR_CRASHED
} mgr_state;

/* Size of a text that says how a program ended. */
#define MGR_END_BYTES 256

typedef struct mgr_unit mgr_unit;

typedef struct mgr_run {
    mgr_unit *unit;
    int32_t pid;      /* of the program and of its process group */
    bool has_ended;   /* the program has ended; its group may live on */
    bool is_stopped;  /* stopped by a signal such as SIGSTOP, so it does
                       * nothing */
    int64_t ready_ns; /* deadline for reporting ready; NEVER: it has reported */
    bool is_late;     /* it missed its deadline, and was told to end */
    int64_t kill_ns;  /* when the group is killed; NEVER while all is well */
    int fds[2];       /* standard output and error; -1: closed */
    int order_fd;
    int64_t flush_ns[2]; /* when an incomplete line is reported; NEVER: there is
                          * none */
    mgr_lines *streams;  /* one for each of the two descriptors */
    /* The last line of standard error, if the plan says that this is why the
     * program ended. */
    char said[MGR_END_BYTES - 24];
} mgr_run;

struct mgr_unit {
    mgr_plan *plan;
    bool is_wanted;
    bool is_removed; /* no longer in the file; freed when it has ended */
    bool restarts;   /* a new program will replace this one */
    bool is_cold;    /* the new program can't take over: this one is stopped
                      * first */
    mgr_state state;
    int64_t since_unix_ms; /* when it entered the state */
    mgr_run *run;          /* the current program; NULL: none */
    mgr_run *heir;         /* the run that takes over when it is ready; equal to
                            * `run` if that has ended meanwhile */
    bool is_outdated;      /* the file has changed since the heir was started */
    uint32_t run_count;    /* all its runs, even if only left-over processes
                            * live */
    int64_t started_ns;
    uint32_t step;   /* next signal of the stop ladder */
    int64_t step_ns; /* when the next signal is due */
    shmrpci_backoff backoff;
    /* Numbers of workers set by `shmrpc scale`, instead of the plan's. */
    uint32_t least; /* both 0: not set */
    uint32_t most;
    uint32_t starts;
    uint32_t deaths; /* times it ended unasked, or could not be started */
    char last_end[MGR_END_BYTES];
    uint32_t refusals;           /* heirs that could not take over */
    char refusal[MGR_END_BYTES]; /* how the last refused heir ended */
    char addresses[1024];        /* separated by commas */
    /* For a gateway: the names of its services, separated by commas; and until
     * when it waits for more services, 0 if it does not wait. */
    char targets[SHMRPCI_INI_NATS_MAX * 128];
    int64_t gather_ns;
    mgr_console *console; /* belongs to the manager */
    mgr_ring ring;
    tool_log_file log;
    bool log_failed;     /* the failure to write was reported */
    shmrpci_buf pending; /* lines for the file */
};

/* Takes over the plan. The console must outlive the unit. Returns NULL if
 * memory ran out. */
mgr_unit *mgr_unit_create(mgr_plan *plan, mgr_console *console);
/* Must not be called while the unit has runs. */
void mgr_unit_destroy(mgr_unit *unit);

void mgr_unit_enter(mgr_unit *unit, mgr_state state);

/* Whether the unit was told to end; its program may still run. */
static inline bool mgr_unit_is_ending(const mgr_unit *unit)
{
    return unit->state == MGR_STOPPING || unit->state == MGR_DRAINING;
}

/* Whether the unit has died and waits for its next start. */
static inline bool mgr_unit_backs_off(const mgr_unit *unit)
{
    return unit->state == MGR_BACKOFF || unit->state == MGR_CRASHED;
}

/* log adds a line to the service's log and to the common log of all services;
 * `run` may be NULL. say adds a message of the manager, formatted as by
 * printf. */
void mgr_unit_log(mgr_unit *unit, const mgr_run *run, const mgr_line *line);
void mgr_unit_say(mgr_unit *unit, mgr_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Writes the lines since the last call to the file. */
void mgr_unit_write_log(mgr_unit *unit);

/* Milliseconds since 1970 UTC. */
int64_t mgr_now_unix_ms(void);
/* Also prints the services' output to standard output (--echo). */
void mgr_log_set_echo(void);

#endif
