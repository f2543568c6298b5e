/*
 * Finds the carrier: in this program, or in the library that is loaded at the
 * first nats://.
 *
 * Threading: any thread.
 */
#ifndef SHMRPCI_TRANSPORT_NATS_LOAD_H
#define SHMRPCI_TRANSPORT_NATS_LOAD_H

#include "shmrpc/error.h"
#include "transport/nats/carrier.h"

/* UNIMPLEMENTED: the library is missing, or has another version; the message
 * names its package. */
int nats_load(const nats_carrier_ops **out, shmrpc_error *error);

/* For programs that contain a carrier: it is used from now on. Before any other
 * thread uses this transport. */
void nats_load_this(const nats_carrier_ops *ops);

#endif
