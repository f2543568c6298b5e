/*
 * Objects of many machines: what a queue or topic asks of the engine that keeps
 * it elsewhere, when its name is an address ("nats://host/acme.jobs").
 *
 * The engine moves bytes, as those of ring/ do; encoding them and handing them
 * out is the same for both.  It is in transport/nats, which alone knows the
 * protocol.
 *
 * Deadlines are those of shmrpci_handle_deadline(): 0 waits for neither items
 * nor room, but for the engine's answer.
 *
 * Threading: any thread, except open and close.  A forked child may only close,
 * which frees memory; everything else is FORKED there.
 */
#ifndef SHMRPCI_OBJECTS_REMOTE_H
#define SHMRPCI_OBJECTS_REMOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "shmrpc/descriptor.h"
#include "shmrpc/error.h"
#include "shmrpc/shared.h"

typedef struct shmrpci_remote shmrpci_remote;
typedef struct shmrpci_remote_sub shmrpci_remote_sub;

/* What to open. `row` has the options applied; all else is read by open only.
 */
typedef struct shmrpci_remote_spec {
    const char *address;
    const shmrpc_shared *row;
    uint64_t type_hash; /* 0: of any shape */
    shmrpc_shared_mode mode;
    int64_t timeout_ns; /* of WAIT */
} shmrpci_remote_spec;

/* The properties of an open object, set by its maker. */
typedef struct shmrpci_remote_facts {
    uint32_t max_item_bytes;
    bool is_acked;
} shmrpci_remote_facts;

typedef struct shmrpci_remote_item {
    size_t at; /* offset in the buffer, a multiple of 16 */
    uint32_t len;
    bool came_before;
    uint64_t ticket; /* of a queue: what to settle */
} shmrpci_remote_item;

/* What becomes of an item that was popped. */
typedef enum shmrpci_settle {
    SHMRPCI_SETTLE_DONE,
    SHMRPCI_SETTLE_AGAIN /* comes again, at once */
} shmrpci_settle;

typedef struct shmrpci_remote_figures {
    uint64_t item_count;
    uint64_t byte_count;
    uint64_t capacity;
    uint64_t pushed_count;  /* or published */
    uint64_t dropped_count; /* by this handle */
    uint64_t redelivered_count;
    uint64_t unacked_count;
    uint64_t history;
    bool is_ended;
} shmrpci_remote_figures;

/* The engine. Statuses are those of the public functions. */
typedef struct shmrpci_remote_ops {
    shmrpc_status (*open)(const shmrpci_remote_spec *spec, shmrpci_remote **out,
                          shmrpc_error *error);
    /* Closes its subscriptions, too. */
    void (*close)(shmrpci_remote *remote);
    void (*facts)(const shmrpci_remote *remote, shmrpci_remote_facts *out);
    shmrpc_status (*end)(shmrpci_remote *remote);
    shmrpc_status (*destroy)(shmrpci_remote *remote);
    shmrpc_status (*figures)(shmrpci_remote *remote,
                             shmrpci_remote_figures *out);

    shmrpc_status (*push)(shmrpci_remote *remote, const void *data, size_t len,
                          int64_t deadline_ns, shmrpc_error *error);
    /* Appends up to `max` items to `buf`. */
    shmrpc_status (*pop)(shmrpci_remote *remote, uint32_t max,
                         int64_t deadline_ns, shmrpci_buf *buf,
                         shmrpci_remote_item *items, uint32_t *out_count,
                         shmrpc_error *error);
    /* Once for each item that was popped. */
    shmrpc_status (*settle)(shmrpci_remote *remote, uint64_t ticket,
                            shmrpci_settle how);

    shmrpc_status (*publish)(shmrpci_remote *remote, const void *data,
                             size_t len, int64_t deadline_ns,
                             shmrpc_error *error);
    shmrpc_status (*subscribe)(shmrpci_remote *remote, shmrpci_remote_sub **out,
                               shmrpc_error *error);
    void (*unsubscribe)(shmrpci_remote_sub *sub);
    /* LOST: *out_lost says how many. */
    shmrpc_status (*next)(shmrpci_remote_sub *sub, int64_t deadline_ns,
                          shmrpci_buf *buf, shmrpci_remote_item *item,
                          uint64_t *out_lost, shmrpc_error *error);
} shmrpci_remote_ops;

/* transport/nats/remote.c */
extern const shmrpci_remote_ops shmrpci_remote_nats;

/* ---- remote.c ------------------------------------------------------------ */

struct shmrpci_handle;

/* Whether the name of an object is an address of another machine's. */
bool shmrpci_remote_is(const char *name);

/* Opens the object there, as handle->remote. UNIMPLEMENTED: the kind has no
 * such objects. */
shmrpc_status shmrpci_remote_open(struct shmrpci_handle *handle,
                                  const char *address,
                                  const shmrpc_shared_opts *opts,
                                  shmrpc_error *error);

#endif
