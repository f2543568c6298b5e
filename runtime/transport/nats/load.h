/*
 * Finds the carrier, in this program or in the library that is loaded at the
 * first nats://, and connects with it.
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

/* Registers the carrier that a program contains: it is used from now on. Before
 * any other thread uses this transport. */
void nats_load_this(const nats_carrier_ops *ops);

/* Connects. UNAVAILABLE: no server; UNAUTHENTICATED: the error names the file
 * with our credentials. */
int nats_open(const nats_carrier_ops *ops, const nats_opts *opts,
              nats_carrier **out, shmrpc_error *error);

/* Makes the error of a carrier that failed with `opts`. `why` is the carrier's
 * text. Returns the error's code. */
int nats_failed(nats_result result, const nats_opts *opts, const char *why,
                shmrpc_error *error);

#endif
