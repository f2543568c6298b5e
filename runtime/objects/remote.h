/*
 * Objects of many machines: what a queue or topic asks of the engine that keeps
 * it elsewhere, when its name is an address ("nats://host/acme.jobs").
 *
 * The engine moves bytes, as those of ring/ do; encoding them and handing them
 * out is the same for both.  It is in transport/nats, which alone knows the
 * protocol.
 *
 * Threading: any thread, except open and close.  A forked child may only close,
 * which frees memory.
 */
#ifndef SHMRPCI_OBJECTS_REMOTE_H
#define SHMRPCI_OBJECTS_REMOTE_H

#include <stdbool.h>

#include "objects/handle.h"

/* Whether the name of an object is an address of another machine's. */
bool shmrpci_remote_is(const char *name);

/* Opens the object there. UNIMPLEMENTED: the kind has no such objects. */
shmrpc_status shmrpci_remote_open(shmrpci_handle *handle, const char *address,
                                  const shmrpc_shared_opts *opts,
                                  shmrpc_error *error);

#endif
