/*
 * Notes of connections whose end must be reported (`watch` of a worker's
 * operations). A note is allocated while the connection lives, so that its end
 * needs no memory.
 *
 * Threading: under the lock of the list's owner.
 */
#ifndef SHMRPCI_TRANSPORT_FAREWELL_H
#define SHMRPCI_TRANSPORT_FAREWELL_H

#include <stdint.h>
#include <stdlib.h>

#include "shmrpc/error.h"

typedef struct shmrpci_farewell {
    uint64_t connection;
    struct shmrpci_farewell *next;
} shmrpci_farewell;

/* NULL: out of memory, and `error` says so. */
static inline shmrpci_farewell *shmrpci_farewell_new(uint64_t connection,
                                                     shmrpc_error *error)
{
    shmrpci_farewell *f = malloc(sizeof *f);
    if (f == NULL) {
        (void)shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
        return NULL;
    }
    *f = (shmrpci_farewell){.connection = connection};
    return f;
}

/* `f` may be NULL. */
static inline void shmrpci_farewell_push(shmrpci_farewell **list,
                                         shmrpci_farewell *f)
{
    if (f != NULL) {
        f->next = *list;
        *list = f;
    }
}

/* NULL: there is none. */
static inline shmrpci_farewell *shmrpci_farewell_pop(shmrpci_farewell **list)
{
    shmrpci_farewell *f = *list;
    if (f != NULL) {
        *list = f->next;
    }
    return f;
}

static inline void shmrpci_farewell_drop_all(shmrpci_farewell **list)
{
    for (shmrpci_farewell *f; (f = shmrpci_farewell_pop(list)) != NULL;) {
        free(f);
    }
}

#endif
