/*
 * Records of connections whose end must be reported (`watch` in
 * shmrpci_worker_ops). A record is allocated while the connection lives, so
 * that reporting its end needs no memory.
 *
 * Threading: the caller holds the lock that guards the list.
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

/* Returns NULL and fills `error` if out of memory. */
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

/* Prepends `f` to the list; does nothing if it is NULL. */
static inline void shmrpci_farewell_push(shmrpci_farewell **list,
                                         shmrpci_farewell *f)
{
    if (f != NULL) {
        f->next = *list;
        *list = f;
    }
}

/* Removes and returns the first record, or NULL if the list is empty. */
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
