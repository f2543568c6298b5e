/*
 * The manager: one loop that starts, watches and ends services.
 *
 * Everything it holds is under one lock, which the loop gives up only while it
 * waits; those who ask for something (control.h) take it, say what they want,
 * wake the loop, and wait for `changed`.
 *
 * Threading: create, run, destroy: main thread; the rest under the lock.
 */
#ifndef SHMRPC_TOOLS_SHMRPCD_MANAGER_H
#define SHMRPC_TOOLS_SHMRPCD_MANAGER_H

#include "os/notify.h"
#include "os/program.h"
#include "os/thread.h"
#include "shmrpc/error.h"
#include "tools/shmrpcd/unit.h"

/* What is left of a manager that was killed, when this one came. */
typedef struct mgr_leftovers {
    int *watch_fds; /* of the processes */
    size_t count;
    int64_t kill_ns; /* those that still live then are killed */
} mgr_leftovers;

typedef struct mgr_manager {
    shmrpci_mutex lock;
    shmrpci_cond changed; /* after every turn of the loop */
    const char *file;
    /* Those that are to run, with what they come after; NULL: all. */
    char *const *names;
    char own_path[4096];
    int64_t since_unix_ms;

    mgr_unit **units; /* in the order in which they are started */
    size_t unit_count;
    mgr_run **runs; /* NULL where there is none */
    size_t run_room;

    int poll_set;
    int signal_fd;
    int wake_fd;
    int dir_fd; /* the folder of our socket */
    int notify_fd;
    int open_notify_fd; /* -1: nobody runs as another user */
    /* Variables of the programs that we start. */
    char notify_line[SHMRPCI_NOTIFY_PATH_BYTES + 16];
    char open_notify_line[SHMRPCI_NOTIFY_PATH_BYTES + 16]; /* other users' */
    char mark_line[768];
    char orders_line[32];

    uint32_t stops;  /* how often we were told to end */
    bool is_settled; /* the first start is over */
    mgr_leftovers leftovers;
} mgr_manager;

/* What a reload has changed: names, a newline behind each. */
typedef struct mgr_changes {
    shmrpci_buf added;
    shmrpci_buf removed;
    shmrpci_buf changed;
} mgr_changes;

/* ---- manager.c ------------------------------------------------------- */

/* Runs the services of `file` until told to end, printing what happens. What
 * the file has to say is said on OK only; INVALID: the messages were printed.
 */
int mgr_manager_create(const char *file, char *const *names, mgr_manager **out,
                       shmrpc_error *error);
/* Finds its place beside the control socket `where`, before anyone may call. */
int mgr_manager_settle(mgr_manager *m, const char *where, shmrpc_error *error);
void mgr_manager_run(mgr_manager *m);
void mgr_manager_destroy(mgr_manager *m);

/* The unit of a section; NULL: there is none. */
mgr_unit *mgr_find(const mgr_manager *m, const char *name, size_t len);
/* The same by what people call it: its section, or the service that it has said
 * it serves, as in "echo_serv", "echo_serv@two" or "shm://echo_serv". */
mgr_unit *mgr_find_called(const mgr_manager *m, const char *name, size_t len);
/* Has the loop look at what is wanted. */
void mgr_wake(mgr_manager *m);

/* ---- next.c ---------------------------------------------------------- */

/* Marks a service as wanted, with all that it comes after. */
void mgr_want(mgr_manager *m, mgr_unit *unit);
/* Starts, stops and removes what is due; returns when it wants to be called
 * again. */
int64_t mgr_units_step(mgr_manager *m);

/* ---- reload.c -------------------------------------------------------- */

/* Reads the file; `changes` may be NULL. INVALID: `messages` say what is wrong,
 * and nothing has changed; NO_MEMORY. */
shmrpc_status mgr_reload(mgr_manager *m, mgr_changes *changes,
                         shmrpci_buf *messages);

/* ---- gate.c ---------------------------------------------------------- */

/* Whether the service of a gateway is to run; true of what is none. */
bool mgr_gate_may_run(const mgr_manager *m, const mgr_unit *unit);
/* Notes under which name a gateway finds its service, which runs; false: it
 * has no address of shared memory. */
bool mgr_gate_aim(const mgr_manager *m, mgr_unit *unit);
/* Whether the service has another name since. */
bool mgr_gate_is_astray(const mgr_manager *m, const mgr_unit *unit);
/* The program of any unit and its arguments, in one block of memory to be
 * freed; NULL: out of memory. */
char **mgr_gate_argv(const mgr_unit *unit);

/* ---- launch.c -------------------------------------------------------- */

#define MGR_LAUNCH_WHY_BYTES 128

/* Loads the program of a unit; on failure `why` says to people what failed. */
shmrpc_status mgr_launch(mgr_manager *m, const mgr_unit *unit, bool takes_over,
                         shmrpci_program *out, char why[MGR_LAUNCH_WHY_BYTES]);

/* ---- run.c ----------------------------------------------------------- */

/* Starts the program; what has failed is in the unit's `last_end`. */
bool mgr_run_start(mgr_manager *m, mgr_unit *unit);
/* Whether another one can take over from the one that runs. */
bool mgr_run_can_replace(const mgr_unit *unit);
/* Starts the one that is to. */
bool mgr_run_replace(mgr_manager *m, mgr_unit *unit);
/* A descriptor is readable. */
void mgr_run_read(mgr_manager *m, size_t slot, int which);
/* A child has ended, perhaps one of ours. */
void mgr_run_ended(mgr_manager *m, int32_t pid, const shmrpci_child_end *end);
/* A child was stopped by a signal, or goes on. */
void mgr_run_paused(mgr_manager *m, int32_t pid, bool is_stopped);
/* Takes a message of a program: READY=1, its addresses. */
void mgr_run_told(mgr_manager *m, int32_t pid, const char *text);
/* Tells of half lines, kills what is late, forgets what has gone; returns when
 * it wants to be called again. */
int64_t mgr_runs_step(mgr_manager *m);
/* When the next of them is late, also of those that were just started. */
int64_t mgr_runs_late_ns(const mgr_manager *m);
/* Has a service have so many workers, now and when it is started again. False:
 * its program doesn't listen. */
bool mgr_run_scale(mgr_unit *unit, uint32_t least, uint32_t most);
void mgr_run_signal_all(mgr_manager *m, int signal);
/* Of poll tags: those of runs. */
#define MGR_TAG_RUNS UINT64_C(16)

#endif
