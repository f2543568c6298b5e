/*
 * The client's end of nats://: finds an instance of the service, opens a link
 * to it, and runs tcp's protocol code over that.
 *
 * Threading: as the interface.
 */
#ifndef SHMRPCI_TRANSPORT_NATS_CLIENT_H
#define SHMRPCI_TRANSPORT_NATS_CLIENT_H

#include "transport/nats/parcel.h"
#include "transport/transport.h"

extern const shmrpci_client_ops nats_client_ops;

#endif
