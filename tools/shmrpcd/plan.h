/*
 * The plan of a section of service.ini: which program to start, how, and when.
 *
 * A plan is made when the file is read, owns all its memory, and doesn't
 * change.
 *
 * Threading: a constant.
 */
#ifndef SHMRPC_TOOLS_SHMRPCD_PLAN_H
#define SHMRPC_TOOLS_SHMRPCD_PLAN_H

#include "os/setup.h"
#include "supervise/ini.h"
#include "tools/common/log_file.h"

/* Limit of workers times threads of a service. */
#define MGR_MAX_THREADS 64u

typedef struct mgr_plan {
    shmrpci_arena arena;
    const char *name;
    char *const *argv;      /* ends in NULL */
    char *options;          /* "SHMRPC_OPTIONS=" followed by a server's
                             * options */
    char *const *variables; /* variables of the environment, ends in NULL */
    shmrpci_setup setup;
    const char *user; /* name in the file; NULL: our own user */
    const char *group;
    bool autostart;      /* start with the manager; false: only on demand */
    const char *command; /* the program and its arguments, for people */
    shmrpci_ini_list after;
    /* For a gateway, the services that it makes callable from other machines;
     * its argv must be completed (gate.c). Empty: not a gateway. */
    shmrpci_ini_list gate_of;
    /* It serves several services, and runs when one of them does. False: it
     * serves one service, and runs when that does. */
    bool is_common_gate;
    /* It is one of our programs, whose last line of standard error says why it
     * ended. */
    bool says_why;
    /* Minimum and maximum number of workers, each with `threads`. If both are
     * 0, it has threads only. */
    uint32_t least;
    uint32_t most;
    uint32_t threads;
    /* At the first start, later services in the file wait until this one runs
     * or has failed. False for our own programs. */
    bool waits;
    bool is_plain;       /* never reports readiness: counts as ready once
                          * started */
    int64_t start_ns;    /* how long it may take to report that it is ready */
    int64_t int_ns;      /* time from SIGINT to SIGTERM; 0: no SIGINT */
    int64_t term_ns;     /* time from SIGTERM to SIGKILL; 0: no SIGTERM */
    const char *log_dir; /* NULL: none */
    tool_log_limits log_limits;
} mgr_plan;

/* Makes the plan of a section. `own_path` is the path of this program. Returns
 * NULL if memory ran out. */
mgr_plan *mgr_plan_create(const shmrpci_ini_service *service,
                          const char *own_path);
void mgr_plan_destroy(mgr_plan *plan);

/* Whether worker processes can serve it, which is impossible at tcp:// and
 * unix://. */
bool mgr_plan_has_processes(const shmrpci_ini_service *service);

/* The plan of the page, shmrpc-web(8), which [web monitor] turns on. It is a
 * service like the others. If a section has this name, there is no such plan:
 * the section says how to run the page. */
#define MGR_PAGE_NAME "shmrpc-web"
bool mgr_plan_wants_page(const shmrpci_ini *ini);
mgr_plan *mgr_plan_create_page(const shmrpci_ini *ini, const char *own_path);

/* The plan of the gateway, shmrpc-tcp(8), of a service with worker processes
 * and tcp_bind. It is called NAME.tcp, unless there is a section of that
 * name. */
#define MGR_GATE_PROGRAM "shmrpc-tcp"
bool mgr_plan_wants_gate(const shmrpci_ini *ini,
                         const shmrpci_ini_service *service);
mgr_plan *mgr_plan_create_gate(const shmrpci_ini_service *service,
                               const char *own_path);

/* The plan of the gateway, shmrpc-nats(8), of all services with nats_bind,
 * unless there is a section of that name. */
#define MGR_NATS_NAME "shmrpc-nats"
bool mgr_plan_wants_nats(const shmrpci_ini *ini);
mgr_plan *mgr_plan_create_nats(const shmrpci_ini *ini, const char *own_path);

/* Returns a text in the plan's memory: `option`, which ends in `=`, followed by
 * the addresses among `values` that are servers of NATS. NULL if memory ran
 * out. */
char *mgr_plan_nats_option(mgr_plan *plan, const char *option,
                           const shmrpci_ini_value *values);

static inline bool mgr_plan_is_gate(const mgr_plan *plan)
{
    return plan->gate_of.count > 0;
}
bool mgr_plan_is_gate_of(const mgr_plan *plan, const char *service);

/* For functions that make plans: creates a plan with the settings that a
 * service and its gateway share. */
mgr_plan *mgr_plan_create_common(const shmrpci_ini_service *service);
/* The path of a program in our own folder if it is there, as after an install;
 * otherwise its name, for a search in PATH. A path is in the plan's memory. */
const char *mgr_plan_program(mgr_plan *plan, const char *own_path,
                             const char *name);
/* Whether a section of that name replaces one of our own plans, so that the
 * user decides how the program is run. */
bool mgr_plan_has_section(const shmrpci_ini *ini, const char *name);
/* How long a service may take to end, in seconds: for --stop-after of a
 * gateway. */
uint64_t mgr_plan_stop_seconds(uint64_t int_ns, uint64_t term_ns);
const char *mgr_plan_compression(const shmrpci_ini_service *service);
/* Appends a place of `tcp_bind` as an address, which uses TLS if a certificate
 * is given. */
void mgr_plan_append_tcp(shmrpci_buf *out, const shmrpci_ini_service *service,
                         const char *host);

/* Fills in `setup`, user, group and variables. Returns false if memory ran
 * out. */
bool mgr_plan_fill_setup(mgr_plan *plan, const shmrpci_ini_value *values);
bool mgr_plan_has_same_user(const mgr_plan *a, const mgr_plan *b);
bool mgr_plan_has_same_setup(const mgr_plan *a, const mgr_plan *b);

/* Whether both start the same program in the same way, so that a running
 * service needs no restart. */
bool mgr_plan_is_same(const mgr_plan *a, const mgr_plan *b);

/* Whether program, user and addresses are the same, so that one can take over
 * from the other. */
bool mgr_plan_is_alike(const mgr_plan *a, const mgr_plan *b);

#endif
