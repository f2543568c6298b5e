/*
 * Finds the carrier, either built into this program or in the library that is
 * loaded when the first nats:// address is used, and connects with it.
 *
 * Threading: any thread.
 */
#ifndef SHMRPCI_TRANSPORT_NATS_LOAD_H
#define SHMRPCI_TRANSPORT_NATS_LOAD_H

#include "shmrpc/error.h"
#include "transport/nats/carrier.h"

/* Returns the carrier in *out. UNIMPLEMENTED: the library is missing or has
 * another version; the message names its package. */
int nats_load(const nats_carrier_ops **out, shmrpc_error *error);

/* Registers the carrier that is built into this program; nats_load returns it
 * from now on. Must be called before any other thread uses this transport. */
void nats_load_this(const nats_carrier_ops *ops);

/* Connects. Returns UNAVAILABLE if no server answers; UNAUTHENTICATED if the
 * server refuses us: the error then names the file with our credentials. */
int nats_open(const nats_carrier_ops *ops, const nats_opts *opts,
              nats_carrier **out, shmrpc_error *error);

/* Sets the error for a carrier function that failed with `result`; `why` is the
 * carrier's text. Returns the error's code. */
int nats_failed(nats_result result, const nats_opts *opts, const char *why,
                shmrpc_error *error);

#endif
