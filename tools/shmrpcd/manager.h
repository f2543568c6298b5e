/*
 * The manager: one loop that starts, watches and ends services.
 *
 * All its state is under one lock, which the loop releases only while it waits.
 * Handlers (control.h) take the lock, set what is wanted, wake the loop, and
 * wait for `changed`.
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

/* Processes of a killed manager that were found when this one started. */
typedef struct mgr_leftovers {
    int *watch_fds; /* process descriptors */
    size_t count;
    int64_t kill_ns; /* when the remaining processes are killed */
} mgr_leftovers;

typedef struct mgr_manager {
    shmrpci_mutex lock;
    shmrpci_cond changed; /* signalled after every turn of the loop */
    const char *file;
    /* The services to run, along with all services that they come after; NULL
     * means all services. */
    char *const *names;
    char own_path[4096];
    int64_t since_unix_ms;

    mgr_unit **units; /* in starting order */
    size_t unit_count;
    mgr_console *console;
    mgr_run **runs; /* slots; NULL: free */
    size_t run_room;

    int poll_set;
    int signal_fd;
    int wake_fd;
    int dir_fd; /* the folder of our socket */
    int notify_fd;
    int open_notify_fd; /* for programs of other users; -1: there are none */
    /* Environment variables of the programs that we start. */
    char notify_line[SHMRPCI_NOTIFY_PATH_BYTES + 16];
    char open_notify_line[SHMRPCI_NOTIFY_PATH_BYTES + 16]; /* for programs of
                                                            * other users */
    char mark_line[768];
    char orders_line[32];

    uint32_t stops;  /* how many times we were told to stop */
    bool is_settled; /* the first start is over */
    mgr_leftovers leftovers;
} mgr_manager;

/* The changes made by a reload: names, each followed by a newline. */
typedef struct mgr_changes {
    shmrpci_buf added;
    shmrpci_buf removed;
    shmrpci_buf changed;
} mgr_changes;

/* ---- manager.c ------------------------------------------------------- */

/* Creates a manager for the services of `file`. If the file has errors, it
 * prints them and returns INVALID, and `error` has no detail. */
int mgr_manager_create(const char *file, char *const *names, mgr_manager **out,
                       shmrpc_error *error);
/* Sets up the notify socket beside the control socket `where`. Must precede the
 * first call. */
int mgr_manager_settle(mgr_manager *m, const char *where, shmrpc_error *error);
void mgr_manager_run(mgr_manager *m);
void mgr_manager_destroy(mgr_manager *m);

/* The unit of a section; NULL if there is none. */
mgr_unit *mgr_find(const mgr_manager *m, const char *name, size_t len);
/* Like mgr_find, but accepts all names that people use: the section, or the
 * name that the service has reported, as in "echo_serv", "echo_serv@two" or
 * "shm://echo_serv". */
mgr_unit *mgr_find_called(const mgr_manager *m, const char *name, size_t len);
/* Makes the loop check what should run. */
void mgr_wake(mgr_manager *m);

/* ---- next.c ---------------------------------------------------------- */

/* Marks a service as wanted, and all services that it comes after. */
void mgr_want(mgr_manager *m, mgr_unit *unit);
/* Starts, stops and removes units as needed. Returns when it must be called
 * again. */
int64_t mgr_units_step(mgr_manager *m);

/* ---- reload.c -------------------------------------------------------- */

/* Reads the file again; `changes` may be NULL. Returns INVALID if the file has
 * errors, which are in `messages`: then nothing has changed. Returns NO_MEMORY
 * if memory runs out. */
shmrpc_status mgr_reload(mgr_manager *m, mgr_changes *changes,
                         shmrpci_buf *messages);

/* ---- gate.c ---------------------------------------------------------- */

/* Whether a service of the gateway is wanted; true for units that are not
 * gateways. */
bool mgr_gate_may_run(const mgr_manager *m, const mgr_unit *unit);
/* Records the names of a gateway's services, with which it is about to start.
 * Returns false if none of them has a shm:// address. */
bool mgr_gate_aim(const mgr_manager *m, mgr_unit *unit);
/* When to start the gateway, or to restart it because it doesn't serve a
 * service that can be called, perhaps under a new name. 0 means now; NEVER
 * means that there is no need, or that the unit is not a gateway. */
int64_t mgr_gate_due_ns(const mgr_manager *m, mgr_unit *unit);
/* The program and arguments of any unit, in one block of memory that the caller
 * frees; NULL if memory ran out. */
char **mgr_gate_argv(const mgr_unit *unit);

/* ---- launch.c -------------------------------------------------------- */

#define MGR_LAUNCH_WHY_BYTES 128

/* Starts the program of a unit. On failure `why` tells people what failed. */
shmrpc_status mgr_launch(mgr_manager *m, const mgr_unit *unit, bool takes_over,
                         shmrpci_program *out, char why[MGR_LAUNCH_WHY_BYTES]);

/* ---- run.c ----------------------------------------------------------- */

/* Starts the program; a failure is stored in the unit's `last_end`. */
bool mgr_run_start(mgr_manager *m, mgr_unit *unit);
/* Whether a new program can take over from the running one. */
bool mgr_run_can_replace(const mgr_unit *unit);
/* Starts an heir, which takes over from the running program. */
bool mgr_run_replace(mgr_manager *m, mgr_unit *unit);
/* Call this when a descriptor of a run is readable. */
void mgr_run_read(mgr_manager *m, size_t slot, int which);
/* Call this when a child has ended. Children that are no runs are ignored. */
void mgr_run_ended(mgr_manager *m, int32_t pid, const shmrpci_child_end *end);
/* Call this when a signal has stopped or continued a child. */
void mgr_run_paused(mgr_manager *m, int32_t pid, bool is_stopped);
/* Handles a message of a program, such as READY=1 or its addresses. */
void mgr_run_told(mgr_manager *m, int32_t pid, const char *text);
/* Reports incomplete lines, kills late programs, and frees ended runs. Returns
 * when it must be called again. */
int64_t mgr_runs_step(mgr_manager *m);
/* When the next program will miss its deadline, including programs just
 * started. */
int64_t mgr_runs_late_ns(const mgr_manager *m);
/* Sets the number of workers of a service, now and for later starts. Returns
 * false if its program doesn't accept orders. */
bool mgr_run_scale(mgr_unit *unit, uint32_t least, uint32_t most);
void mgr_run_signal_all(mgr_manager *m, int signal);
/* Poll tags from this number on belong to runs. */
#define MGR_TAG_RUNS UINT64_C(16)

#endif
