/*
 * The structure of shmrpc_interface, and a function that reads one and reports
 * all errors.
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
    shmrpci_arena arena;    /* of all that follows */
    svc_target target;      /* where it was asked; {NULL, 0}: it was read */
    shmrpc_service service; /* `port` as it was found */
};

/*
 * As shmrpc_interface_read, with all errors, laid out for people, in `message`,
 * and the first of them in `error`. `name` is the text's name in messages.
 * Either may be NULL.
 */
shmrpc_status svc_interface_read(const char *name, const char *text, size_t len,
                                 shmrpc_interface **out, shmrpci_buf *message,
                                 shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* Says where it was asked; NO_MEMORY. */
shmrpc_status
svc_interface_set_target(shmrpc_interface *interface,
                         const svc_target *target) SHMRPC_WARN_UNUSED;

#endif
