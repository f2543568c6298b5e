/* Lists of user and group ids that may call. */
#include "rpc/access.h"

#include <stdlib.h>
#include <string.h>

uint32_t *shmrpci_access_copy(const uint32_t *ids, size_t count)
{
    uint32_t *copy = count > 0 ? calloc(count, sizeof *copy) : NULL;
    if (copy != NULL) {
        memcpy(copy, ids, count * sizeof *copy);
    }
    return copy;
}

static shmrpci_access_list *access_of(const shmrpc_service *service,
                                      shmrpci_access_list *all,
                                      const char *method)
{
    for (uint32_t i = 0; i < service->method_count; i++) {
        if (strcmp(service->methods[i].name, method) == 0) {
            return &all[i];
        }
    }
    return NULL;
}

static int add(shmrpci_access_list *to, const shmrpc_method_access *rule,
               shmrpc_error *error)
{
    if (to->is_limited) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "%.64s has two access lists", rule->method);
    }
    *to = (shmrpci_access_list){
        .is_limited = true,
        .uids = shmrpci_access_copy(rule->uids, rule->uid_count),
        .uid_count = rule->uid_count,
        .gids = shmrpci_access_copy(rule->gids, rule->gid_count),
        .gid_count = rule->gid_count};
    return (to->uids == NULL && to->uid_count > 0) ||
                   (to->gids == NULL && to->gid_count > 0)
               ? shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory")
               : SHMRPC_OK;
}

int shmrpci_access_create(const shmrpc_service *service,
                          const shmrpc_method_access *rules, size_t count,
                          shmrpci_access_list **out, shmrpc_error *error)
{
    *out = NULL;
    if (count == 0) {
        return SHMRPC_OK;
    }
    shmrpci_access_list *all =
        calloc((size_t)service->method_count + 1, sizeof *all);
    if (all == NULL) {
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    int status = SHMRPC_OK;
    for (size_t i = 0; i < count && status == SHMRPC_OK; i++) {
        shmrpci_access_list *to = access_of(service, all, rules[i].method);
        status =
            to != NULL
                ? add(to, &rules[i], error)
                : shmrpc_error_set(error, SHMRPC_E_NOT_FOUND,
                                   "%s has no method \"%.64s\" to restrict",
                                   service->name, rules[i].method);
    }
    if (status != SHMRPC_OK) {
        shmrpci_access_destroy(all, service->method_count);
        return status;
    }
    *out = all;
    return SHMRPC_OK;
}

void shmrpci_access_destroy(shmrpci_access_list *all, uint32_t method_count)
{
    for (uint32_t i = 0; all != NULL && i < method_count; i++) {
        free(all[i].uids);
        free(all[i].gids);
    }
    free(all);
}

static bool has(const uint32_t *ids, size_t count, uint32_t id)
{
    for (size_t i = 0; i < count; i++) {
        if (ids[i] == id) {
            return true;
        }
    }
    return false;
}

bool shmrpci_access_allows(const shmrpci_access_list *access,
                           const shmrpc_peer *peer, uint32_t own_uid)
{
    if (!access->is_limited || peer->uid == 0 || peer->uid == own_uid ||
        has(access->uids, access->uid_count, peer->uid) ||
        has(access->gids, access->gid_count, peer->gid)) {
        return true;
    }
    for (size_t i = 0; i < peer->group_count; i++) {
        if (has(access->gids, access->gid_count, peer->groups[i])) {
            return true;
        }
    }
    return false;
}
