/*
 * The structure of shmrpc_interface, and a function that reads a description
 * and reports all errors.
 *
 * Threading: as shmrpc/interface.h.
 */
#ifndef SHMRPC_SVC_INTERFACE_H
#define SHMRPC_SVC_INTERFACE_H

#include "base/arena.h"
#include "base/buf.h"
#include "idl/diag.h"
#include "shmrpc/interface.h"
#include "svc/find.h"

struct shmrpc_interface {
    shmrpci_arena arena;    /* holds everything below */
    svc_target target;      /* where it was requested; {NULL, 0} if it was
                             * read from text */
    shmrpc_service service; /* `port` is the one that was found */
};

/*
 * Like shmrpc_interface_read, but puts all errors in the text into `message`,
 * formatted for people, and the first one into `error`. Both `message` and
 * `error` may be NULL. `name` is the text's name in messages.
 */
shmrpc_status svc_interface_read(const char *name, const char *text, size_t len,
                                 shmrpc_interface **out, shmrpci_buf *message,
                                 shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* Records where the description was requested; copies `target`. The target's
 * port becomes the service's port, unless it is 0. Returns NO_MEMORY on
 * failure. */
shmrpc_status
svc_interface_set_target(shmrpc_interface *interface,
                         const svc_target *target) SHMRPC_WARN_UNUSED;

#endif
