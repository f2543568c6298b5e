/*
 * The plan of a section of service.ini: which program to start, how, and when.
 *
 * A plan is made when the file is read, owns all its memory, and is constant.
 *
 * Threading: a constant.
 */
#ifndef SHMRPC_TOOLS_SHMRPCD_PLAN_H
#define SHMRPC_TOOLS_SHMRPCD_PLAN_H

#include "os/setup.h"
#include "supervise/ini.h"
#include "tools/common/log_file.h"

/* Limits for all workers of a service. */
#define MGR_MAX_THREADS 64u

typedef struct mgr_plan {
    shmrpci_arena arena;
    const char *name;
    char *const *argv;      /* NULL behind the last */
    char *options;          /* "SHMRPC_OPTIONS=" and those of a server */
    char *const *variables; /* of its environment, NULL behind the last */
    shmrpci_setup setup;
    const char *user; /* as in the file; NULL: ours */
    const char *group;
    bool autostart;      /* else it is started on demand only */
    const char *command; /* for people: the program and its arguments */
    shmrpci_ini_list after;
    /* For a gateway, the services that it makes callable from other machines;
     * its argv must be completed (gate.c). Empty: not a gateway. */
    shmrpci_ini_list gate_of;
    /* It runs when one of its services does; otherwise when its only one
     * does. */
    bool is_common_gate;
    /* One of our programs: its last line of standard error says why it
     * ended. */
    bool says_why;
    /* Minimum and maximum number of workers, each with `threads`; 0 to 0: it
     * has threads only. */
    uint32_t least;
    uint32_t most;
    uint32_t threads;
    /* At the first start, later services in the file wait for this one until it
     * runs or has failed; false for our own programs. */
    bool waits;
    bool is_plain;       /* can be called as soon as it is started */
    int64_t start_ns;    /* otherwise how long it may take to report that it can
                          * be called */
    int64_t int_ns;      /* from SIGINT to SIGTERM; 0: no SIGINT */
    int64_t term_ns;     /* from SIGTERM to SIGKILL; 0: no SIGTERM */
    const char *log_dir; /* NULL: none */
    tool_log_limits log_limits;
} mgr_plan;

/* `own_path` is this program. NULL: out of memory. */
mgr_plan *mgr_plan_create(const shmrpci_ini_service *service,
                          const char *own_path);
void mgr_plan_destroy(mgr_plan *plan);

/* Whether it can be served by worker processes, which don't listen at tcp:// or
 * unix://. */
bool mgr_plan_has_processes(const shmrpci_ini_service *service);

/* The page, shmrpc-web(8), of [web monitor]: a service like the others, unless
 * a section of the name says how it is run. */
#define MGR_PAGE_NAME "shmrpc-web"
bool mgr_plan_wants_page(const shmrpci_ini *ini);
mgr_plan *mgr_plan_create_page(const shmrpci_ini *ini, const char *own_path);

/* The gateway, shmrpc-tcp(8), of a service that has worker processes and
 * tcp_bind: NAME.tcp, unless there is a section of that name. */
#define MGR_GATE_PROGRAM "shmrpc-tcp"
bool mgr_plan_wants_gate(const shmrpci_ini *ini,
                         const shmrpci_ini_service *service);
mgr_plan *mgr_plan_create_gate(const shmrpci_ini_service *service,
                               const char *own_path);

/* The gateway, shmrpc-nats(8), of all services with nats_bind, unless there is
 * a section of that name. */
#define MGR_NATS_NAME "shmrpc-nats"
bool mgr_plan_wants_nats(const shmrpci_ini *ini);
mgr_plan *mgr_plan_create_nats(const shmrpci_ini *ini, const char *own_path);

/* `option`, which ends in =, with the servers of NATS among `values`; NULL: out
 * of memory. */
char *mgr_plan_nats_option(mgr_plan *plan, const char *option,
                           const shmrpci_ini_value *values);

static inline bool mgr_plan_is_gate(const mgr_plan *plan)
{
    return plan->gate_of.count > 0;
}
bool mgr_plan_is_gate_of(const mgr_plan *plan, const char *service);

/* For functions that make plans: a plan with the settings that a service and
 * its gateway share. */
mgr_plan *mgr_plan_create_common(const shmrpci_ini_service *service);
/* A program beside ours, as it is installed, else by PATH; in the plan's
 * memory. */
const char *mgr_plan_program(mgr_plan *plan, const char *own_path,
                             const char *name);
/* Whether a section of that name replaces one of our own plans: then the user
 * decides how the program is run. */
bool mgr_plan_has_section(const shmrpci_ini *ini, const char *name);
/* For --stop-after of a gateway: how long a service may take to end, in
 * seconds. */
uint64_t mgr_plan_stop_seconds(uint64_t int_ns, uint64_t term_ns);
const char *mgr_plan_compression(const shmrpci_ini_service *service);
/* A place of `tcp_bind`, as an address: for TLS, if a certificate is given. */
void mgr_plan_append_tcp(shmrpci_buf *out, const shmrpci_ini_service *service,
                         const char *host);

/* Fills `setup`, user, group and variables. False: out of memory. */
bool mgr_plan_fill_setup(mgr_plan *plan, const shmrpci_ini_value *values);
bool mgr_plan_has_same_user(const mgr_plan *a, const mgr_plan *b);
bool mgr_plan_has_same_setup(const mgr_plan *a, const mgr_plan *b);

/* Whether both start the same program in the same way, so that a running
 * service needs no restart. */
bool mgr_plan_is_same(const mgr_plan *a, const mgr_plan *b);

/* Whether program, user and addresses are the same: then one can take over from
 * the other. */
bool mgr_plan_is_alike(const mgr_plan *a, const mgr_plan *b);

#endif
