/*
 * State shared by a client's slot and the client's end of the streams of its
 * call.
 *
 * Threading: as client.h. The slot and the end have one reference each; the
 * state is freed when the last reference is dropped.
 */
#ifndef SHMRPCI_TRANSPORT_SHM_CLIENT_STREAM_H
#define SHMRPCI_TRANSPORT_SHM_CLIENT_STREAM_H

#include "transport/shm/client.h"
#include "transport/shm/stream.h"

typedef struct shm_client_streams {
    shmrpci_atomic_u32 refs;
    shm_client *client;
    shm_streams said; /* the place of the rings, as the slot's payload names
                       * it */
    shmrpci_stream_rings rings;
} shm_client_streams;

/* The call on a slot is over: drops the slot's reference. */
void shm_client_streams_drop(shm_client_slot *slot);
/* The connection ends, with all of its memory: drops the references of slots
 * whose calls were given up. Also used in a forked child. */
void shm_client_streams_forget(shm_client *client);
/* A call with streams is given up while a worker has it: ends our side of the
 * streams, which tells the worker. */
void shm_client_streams_leave(const shm_client_slot *slot);

#endif
