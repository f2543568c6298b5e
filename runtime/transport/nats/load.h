/*
 * Finds the carrier: in this program, or in the library that is loaded at the
 * first nats://. Connects with it.
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

/* Connects. UNAVAILABLE: no server; UNAUTHENTICATED: the error names the file
 * that says who we are. */
int nats_open(const nats_carrier_ops *ops, const nats_opts *opts,
              nats_carrier **out, shmrpc_error *error);

/* The error for what a carrier of `opts` could not do. `why` is the carrier's
 * text. Returns the error's code. */
int nats_failed(nats_result result, const nats_opts *opts, const char *why,
                shmrpc_error *error);

#endif
