/*
 * Lists of the users and groups that may call each method.
 *
 * Threading: fixed before the workers start.
 */
#ifndef SHMRPCI_RPC_ACCESS_H
#define SHMRPCI_RPC_ACCESS_H

#include <stdbool.h>

#include "shmrpc/server.h"
#include "shmrpc/stub.h"

/* A copy of the lists for one method. If it is not limited, everybody may call
 * it. */
typedef struct shmrpci_access_list {
    bool is_limited;
    uint32_t *uids;
    size_t uid_count;
    uint32_t *gids;
    size_t gid_count;
} shmrpci_access_list;

/* Makes the list of each method of the service; NULL where none is limited.
 * NOT_FOUND: no method has that name; NO_MEMORY. */
int shmrpci_access_create(const shmrpc_service *service,
                          const shmrpc_method_access *rules, size_t count,
                          shmrpci_access_list **out, shmrpc_error *error);
void shmrpci_access_destroy(shmrpci_access_list *all, uint32_t method_count);

/* Whether a peer may call; `own_uid` and root always may. */
bool shmrpci_access_allows(const shmrpci_access_list *access,
                           const shmrpc_peer *peer, uint32_t own_uid);

/* Copies a list; NULL: nothing to copy, or no memory. */
uint32_t *shmrpci_access_copy(const uint32_t *ids, size_t count);

#endif
