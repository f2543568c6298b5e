/*
 * Figures of services over time: samples all of them every 5 s, and writes each
 * to a file in its log_dir (observe/store.h).
 *
 * It has a thread of its own, because disks and /proc may be slow. Without a
 * log_dir nothing is kept.
 *
 * Threading: create, start and destroy: main thread; the rest: any thread,
 * without the manager's lock.
 */
#ifndef SHMRPC_TOOLS_SHMRPCD_FIGURES_H
#define SHMRPC_TOOLS_SHMRPCD_FIGURES_H

#include "observe/store.h"
#include "shmrpc/error.h"
#include "tools/shmrpcd/manager.h"

typedef struct mgr_figures mgr_figures;

/* The name of the file. */
#define MGR_FIGURES_FILE "shmrpcd.figures"

/* NULL: out of memory. */
mgr_figures *mgr_figures_create(mgr_manager *m);
/* Begins to sample. */
int mgr_figures_start(mgr_figures *figures, shmrpc_error *error);
/* NULL is fine. */
void mgr_figures_destroy(mgr_figures *figures);

/* The list of series, and their points, as the store returns them;
 * PRECONDITION: none are kept. */
int mgr_figures_list(mgr_figures *figures, const char *service,
                     shmrpci_on_series *series, void *user,
                     shmrpc_error *error);
int mgr_figures_read(mgr_figures *figures, const shmrpci_series *series,
                     int64_t from_s, int64_t to_s, shmrpci_on_point *point,
                     void *user, shmrpc_error *error);

#endif
