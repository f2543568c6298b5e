/* The registry of transports. */
#include "transport/transport.h"

#include <string.h>

static const shmrpci_transport *const transports[] = {
#ifdef SHMRPCI_WITH_SHM
    &shmrpci_transport_shm,
#endif
#ifdef SHMRPCI_WITH_INPROC
    &shmrpci_transport_inproc,
#endif
#ifdef SHMRPCI_WITH_TCP
    &shmrpci_transport_tcp,
    &shmrpci_transport_tls,
#endif
#ifdef SHMRPCI_WITH_NATS
    &shmrpci_transport_nats,
#endif
#ifdef SHMRPCI_WITH_UNIX
    &shmrpci_transport_unix,
#endif
    NULL,
};

const shmrpci_transport *shmrpci_transport_of(const char *scheme,
                                              size_t scheme_len)
{
    for (size_t i = 0; transports[i] != NULL; i++) {
        const char *known = transports[i]->scheme;
        if (strlen(known) == scheme_len &&
            memcmp(known, scheme, scheme_len) == 0) {
            return transports[i];
        }
    }
    return NULL;
}

int shmrpci_stream_places_taken(uint32_t places, shmrpc_error *error)
{
    return shmrpc_error_set(error, SHMRPC_E_EXHAUSTED,
                            "%u of %u stream places taken", places, places);
}
