/*
 * Users and groups by name.
 *
 * Threading: any thread.
 */
#ifndef SHMRPCI_OS_ACCOUNT_H
#define SHMRPCI_OS_ACCOUNT_H

#include "shmrpc/status.h"

#include <stdint.h>

/* The id of a user, or of a group; a number stands for itself. NOT_FOUND: there
 * is none of that name. May ask a network. */
shmrpc_status shmrpci_account_user(const char *name, uint32_t *out_uid);
shmrpc_status shmrpci_account_group(const char *name, uint32_t *out_gid);

#endif
