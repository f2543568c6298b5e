/*
 * Sections of a manager's service.ini, as other names of services.
 *
 * Threading: main thread.
 */
#ifndef SHMRPC_TOOLS_MANAGED_H
#define SHMRPC_TOOLS_MANAGED_H

#include "svc/find.h"

/* Like svc_find, but also finds sections of managers. */
int cli_find(shmrpci_arena *arena, const char *service, const char *at,
             svc_target *out, shmrpci_buf *message);

#endif
