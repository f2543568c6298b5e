/*
 * Figures of services over time: samples all services every 5 s, and writes the
 * figures to a file in a log_dir (observe/store.h).
 *
 * It has a thread of its own, because disks and /proc may be slow. Without a
 * log_dir nothing is stored.
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

/* Returns NULL if memory ran out. */
mgr_figures *mgr_figures_create(mgr_manager *m);
/* Starts the thread that samples. */
int mgr_figures_start(mgr_figures *figures, shmrpc_error *error);
/* NULL is fine. */
void mgr_figures_destroy(mgr_figures *figures);

/* List the series, and read points of one, as the store returns them. They
 * return PRECONDITION if no figures are stored. */
int mgr_figures_list(mgr_figures *figures, const char *service,
                     shmrpci_on_series *series, void *user,
                     shmrpc_error *error);
int mgr_figures_read(mgr_figures *figures, const shmrpci_series *series,
                     int64_t from_s, int64_t to_s, shmrpci_on_point *point,
                     void *user, shmrpc_error *error);

#endif
