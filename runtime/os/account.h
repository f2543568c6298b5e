/*
 * Users and groups by name.
 *
 * Threading: any thread.
 */
#ifndef SHMRPCI_OS_ACCOUNT_H
#define SHMRPCI_OS_ACCOUNT_H

#include "shmrpc/status.h"

#include <stdint.h>

/* Give the id of a user, or of a group, by name; a number stands for itself.
 * Return NOT_FOUND if there is no such name. May query a network service. */
shmrpc_status shmrpci_account_user(const char *name, uint32_t *out_uid);
shmrpc_status shmrpci_account_group(const char *name, uint32_t *out_gid);

typedef struct shmrpci_account {
    uint32_t uid;
    uint32_t gid;
    char name[256];
    char home[4096];
} shmrpci_account;

/* Finds the whole account of a user, by name or number. A number without an
 * account gets the group of the same number, and no name. */
shmrpc_status shmrpci_account_find(const char *name, shmrpci_account *out);

#endif
