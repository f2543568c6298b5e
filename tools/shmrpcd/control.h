/*
 * The control interface (manager.svc), served by threads of the manager.
 *
 * Threading: main thread; handlers run on threads of their own, and take the
 * manager's lock.
 */
#ifndef SHMRPC_TOOLS_SHMRPCD_CONTROL_H
#define SHMRPC_TOOLS_SHMRPCD_CONTROL_H

#include "shmrpc/error.h"
#include "tools/shmrpcd/figures.h"

typedef struct mgr_control mgr_control;

/* Takes the name of the control interface. Returns EXISTS if another manager
 * has it. `instance` is "", or distinguishes this manager from others on the
 * same machine. `where` receives the path of the socket. */
int mgr_control_create(mgr_manager *m, mgr_figures *figures,
                       const char *instance, char *where, size_t where_size,
                       mgr_control **out, shmrpc_error *error);
/* Begins to answer calls. */
int mgr_control_start(mgr_control *control, shmrpc_error *error);
/* Stops answering calls, and frees the control interface. NULL is fine. */
void mgr_control_destroy(mgr_control *control);

#endif
