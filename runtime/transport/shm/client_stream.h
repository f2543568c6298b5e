/*
 * State shared by a client's slot and the client's end of the call's streams.
 *
 * Threading: as client.h; whichever of the two ends last frees it.
 */
#ifndef SHMRPCI_TRANSPORT_SHM_CLIENT_STREAM_H
#define SHMRPCI_TRANSPORT_SHM_CLIENT_STREAM_H

#include "transport/shm/client.h"
#include "transport/shm/stream.h"

typedef struct shm_client_streams {
    shmrpci_atomic_u32 refs;
    shm_client *client;
    shm_streams said; /* where they are, as the slot's payload names them */
    shmrpci_stream_rings rings;
} shm_client_streams;

/* The call of a slot is over: the slot drops its reference. */
void shm_client_streams_drop(shm_client_slot *slot);
/* The connection ends, with all of its memory; slots of calls that were given
 * up still have theirs. Also in a forked child. */
void shm_client_streams_forget(shm_client *client);
/* A call with streams is given up while a worker has it: tells the worker. */
void shm_client_streams_leave(const shm_client_slot *slot);

#endif
