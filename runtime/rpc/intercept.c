/* Runs interceptors: their `begin` in list order, their `end` in reverse order.
 */
#include "rpc/intercept.h"

#include <string.h>

#include "base/assert.h"

int shmrpci_interceptors_take(const shmrpc_interceptor *const *list,
                              shmrpci_interceptors *out, shmrpc_error *error)
{
    *out = (shmrpci_interceptors){0};
    for (; list != NULL && *list != NULL; list++) {
        if (out->count == SHMRPC_INTERCEPTORS_MAX) {
            return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                    "more than %d interceptors",
                                    SHMRPC_INTERCEPTORS_MAX);
        }
        if ((*list)->size != sizeof **list) {
            return shmrpc_error_set(
                error, SHMRPC_E_INVALID,
                "interceptor %u: size is %zu, not sizeof(shmrpc_interceptor)",
                out->count, (*list)->size);
        }
        out->items[out->count++] = *list;
    }
    return SHMRPC_OK;
}

int shmrpci_intercept_begin(shmrpci_interception *looks,
                            const shmrpci_interceptors *by, shmrpc_error *error)
{
    looks->by = by;
    looks->begun = 0;
    memset(looks->states, 0, sizeof looks->states);
    for (uint32_t i = 0; i < by->count; i++) {
        const shmrpc_interceptor *it = by->items[i];
        looks->call.state = NULL;
        int status = it->begin != NULL
                         ? it->begin(it->user, &looks->call, error)
                         : SHMRPC_OK;
        if (status != SHMRPC_OK) {
            return status;
        }
        looks->states[i] = looks->call.state;
        looks->begun = i + 1;
    }
    return SHMRPC_OK;
}

void shmrpci_intercept_item(shmrpci_interception *looks)
{
    for (uint32_t i = 0; i < looks->begun; i++) {
        const shmrpc_interceptor *it = looks->by->items[i];
        looks->call.state = looks->states[i];
        if (it->item != NULL) {
            it->item(it->user, &looks->call);
        }
        looks->states[i] = looks->call.state;
    }
}

void shmrpci_intercept_end(shmrpci_interception *looks, int status,
                           const shmrpc_error *error)
{
    SHMRPCI_ASSERT(looks->begun == 0 || looks->begun <= looks->by->count,
                   "only listed interceptors have begun");
    while (looks->begun > 0) {
        const shmrpc_interceptor *it = looks->by->items[--looks->begun];
        looks->call.state = looks->states[looks->begun];
        if (it->end != NULL) {
            it->end(it->user, &looks->call, status, error);
        }
    }
}
