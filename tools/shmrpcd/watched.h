/*
 * Samples services, and writes the figures to the store.
 *
 * Threading: the thread of figures.c, under its lock.
 */
#ifndef SHMRPC_TOOLS_SHMRPCD_WATCHED_H
#define SHMRPC_TOOLS_SHMRPCD_WATCHED_H

#include "shmrpc/observe.h"
#include "tools/common/samples.h"
#include "tools/shmrpcd/figures.h"

/* A service of the file. */
typedef struct mgr_watched {
    char name[64];
    char address[256]; /* first address of the service; "" if it has none */
    int32_t pid;       /* process and session id; 0: it does not run */
    uint32_t starts;   /* counts so far, followed by the counts that were
                        * written */
    uint32_t deaths;
    uint32_t starts_told;
    uint32_t deaths_told;
    tool_samples processes;
    shmrpc_stats *stats;
    shmrpc_snapshot *last;
    bool is_there; /* is still in the manager's list */
} mgr_watched;

/* A process of the system. */
typedef struct mgr_member {
    int32_t pid;
    int32_t session;
} mgr_member;

struct mgr_figures {
    mgr_manager *m;
    shmrpci_thread thread;
    bool has_thread;
    shmrpci_mutex lock; /* protects what follows */
    shmrpci_cond stopped;
    bool stops;
    shmrpci_store *store;
    char path[512]; /* path of the store; "": none */
    bool has_said;  /* a failure to open the store was reported */

    /* Used by the thread only. */
    mgr_watched **all;
    size_t count;
    mgr_member *members;
    size_t member_count;
    size_t member_room;
    int64_t now_s;
    uint32_t looks;
};

/* Forgets the counters of the service's process. Must be called before another
 * process of the service is sampled. */
void mgr_watched_forget_stats(mgr_watched *w);
/* Each function adds to the store: events of the service, resources of its
 * processes, and figures of its calls. The last two need a running service. */
void mgr_look_at_events(mgr_figures *f, mgr_watched *w);
void mgr_look_at_processes(mgr_figures *f, mgr_watched *w);
void mgr_look_at_calls(mgr_figures *f, mgr_watched *w);

#endif
