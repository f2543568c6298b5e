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

/* The user and group ids that may call one method. Everybody may call a method
 * that is not limited. */
typedef struct shmrpci_access_list {
    bool is_limited;
    uint32_t *uids;
    size_t uid_count;
    uint32_t *gids;
    size_t gid_count;
} shmrpci_access_list;

/* Makes one list for each method of the service, or NULL if the rules limit no
 * method. Returns NOT_FOUND if a rule names an unknown method, or NO_MEMORY. */
int shmrpci_access_create(const shmrpc_service *service,
                          const shmrpc_method_access *rules, size_t count,
                          shmrpci_access_list **out, shmrpc_error *error);
void shmrpci_access_destroy(shmrpci_access_list *all, uint32_t method_count);

/* Returns whether a peer may call the method. The server's own user and root
 * always may. */
bool shmrpci_access_allows(const shmrpci_access_list *access,
                           const shmrpc_peer *peer, uint32_t own_uid);

/* Copies a list of ids. Returns NULL if the list is empty or memory is short.
 */
uint32_t *shmrpci_access_copy(const uint32_t *ids, size_t count);

#endif
