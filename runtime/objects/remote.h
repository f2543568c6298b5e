/*
 * Objects of many machines: the interface to the engine of an object that is
 * kept elsewhere, because its name is an address ("nats://host/acme.jobs").
 *
 * The engine moves bytes, as the engines in ring/ do; objects are encoded and
 * decoded in the same way for all engines. This engine is in transport/nats,
 * the only place that knows the protocol.
 *
 * Deadlines are those of shmrpci_handle_deadline(): with 0 a call waits neither
 * for items nor for room, but still for the engine's answer.
 *
 * Threading: any thread, except open and close. A forked child may only close,
 * which frees memory; everything else returns FORKED there.
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

/* What to open. `row` includes the caller's options. Only the operation `open`
 * reads the other members. */
typedef struct shmrpci_remote_spec {
    const char *address;
    const shmrpc_shared *row;
    uint64_t type_hash; /* 0: an object of any shape */
    shmrpc_shared_mode mode;
    int64_t timeout_ns; /* timeout for WAIT */
} shmrpci_remote_spec;

/* Properties of an open object, set by its maker. */
typedef struct shmrpci_remote_facts {
    uint32_t max_item_bytes;
    bool is_acked;
    /* For a dict: its name at the engine, and a number that is unique among all
     * dicts, including later ones with the same name. */
    const char *name;
    uint64_t identity;
} shmrpci_remote_facts;

typedef struct shmrpci_remote_item {
    size_t at; /* offset in the buffer, a multiple of 16 */
    uint32_t len;
    bool came_before;
    uint64_t ticket; /* for a queue: what to settle */
} shmrpci_remote_item;

/* How to settle an item that was popped. */
typedef enum shmrpci_settle {
    SHMRPCI_SETTLE_DONE,
    SHMRPCI_SETTLE_AGAIN /* deliver it again, at once */
} shmrpci_settle;

typedef struct shmrpci_remote_figures {
    uint64_t item_count;
    uint64_t byte_count;
    uint64_t capacity;
    uint64_t pushed_count;  /* pushed or published */
    uint64_t dropped_count; /* dropped by this handle */
    uint64_t redelivered_count;
    uint64_t unacked_count;
    uint64_t history;
    bool is_ended;
} shmrpci_remote_figures;

/* Special values of a revision that is expected. ANY means that any revision
 * will do. ABSENT means that the key never had a value; all real revisions are
 * greater than ABSENT. */
#define SHMRPCI_REMOTE_ANY    UINT64_MAX
#define SHMRPCI_REMOTE_ABSENT UINT64_C(0)

/*
 * The copy of a dict on this machine, as the engine sees it. The engine's
 * thread calls the functions, which must not wait. One of the copy's users on a
 * machine is its keeper.
 */
typedef struct shmrpci_remote_copy {
    void *user;
    /* Whether this handle is the copy's keeper. It becomes the keeper if nobody
     * else is. */
    bool (*may_keep)(void *user);
    /* Called before all entries are reported, and `whole` after them. In
     * between the copy keeps the entries that it had. */
    void (*begin)(void *user);
    void (*whole)(void *user);
    /* A key has a new value, or, if data is NULL, no value. Returns false if
     * that could not be stored; then everything is reported again later. */
    bool (*apply)(void *user, const void *key, size_t key_len, const void *data,
                  size_t len);
    /* All changes up to this revision have been reported. */
    void (*reached)(void *user, uint64_t revision);
    /* The dict was destroyed. */
    void (*gone)(void *user);
} shmrpci_remote_copy;

/* The operations of the engine. Statuses are those of the public functions. */
typedef struct shmrpci_remote_ops {
    shmrpc_status (*open)(const shmrpci_remote_spec *spec, shmrpci_remote **out,
                          shmrpc_error *error);
    /* Also closes its subscriptions. */
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
    /* Called once for each item that was popped. */
    shmrpc_status (*settle)(shmrpci_remote *remote, uint64_t ticket,
                            shmrpci_settle how);

    shmrpc_status (*publish)(shmrpci_remote *remote, const void *data,
                             size_t len, int64_t deadline_ns,
                             shmrpc_error *error);
    shmrpc_status (*subscribe)(shmrpci_remote *remote, shmrpci_remote_sub **out,
                               shmrpc_error *error);
    void (*unsubscribe)(shmrpci_remote_sub *sub);
    /* With LOST, *out_lost is the number of lost messages. */
    shmrpc_status (*next)(shmrpci_remote_sub *sub, int64_t deadline_ns,
                          shmrpci_buf *buf, shmrpci_remote_item *item,
                          uint64_t *out_lost, shmrpc_error *error);

    /* Reports all changes to `copy`, until close. */
    shmrpc_status (*follow)(shmrpci_remote *remote,
                            const shmrpci_remote_copy *copy,
                            shmrpc_error *error);
    /* Replaces the contents of `out`, a heap buffer, by the newest value. With
     * NOT_FOUND, *out_revision is what the next write must expect. */
    shmrpc_status (*read)(shmrpci_remote *remote, const void *key,
                          size_t key_len, int64_t deadline_ns, shmrpci_buf *out,
                          uint64_t *out_revision, shmrpc_error *error);
    /* Puts a value, or deletes it if data is NULL, provided that the key's
     * revision is `expected`; else returns ABORTED. */
    shmrpc_status (*write)(shmrpci_remote *remote, const void *key,
                           size_t key_len, const void *data, size_t len,
                           uint64_t expected, int64_t deadline_ns,
                           uint64_t *out_revision, shmrpc_error *error);
} shmrpci_remote_ops;

/* transport/nats/remote.c */
extern const shmrpci_remote_ops shmrpci_remote_nats;

/* ---- remote.c ------------------------------------------------------------ */

struct shmrpci_handle;

/* Whether the name of an object is an address. */
bool shmrpci_remote_is(const char *name);

/* Opens the remote object as handle->remote. Returns UNIMPLEMENTED if objects
 * of this kind can't be remote. */
shmrpc_status shmrpci_remote_open(struct shmrpci_handle *handle,
                                  const char *address,
                                  const shmrpc_shared_opts *opts,
                                  shmrpc_error *error);

#endif
