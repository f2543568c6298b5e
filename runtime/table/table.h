/*
 * Tables: a shared map from bytes to bytes, in the order of insertion, in a
 * region (region/region.h). Dictionaries and shared values are built on it;
 * types, encodings and names are left to them.
 *
 * Promises. All changes have one order, and each is atomic: if a process dies
 * or stops in the middle of one, it either never began, or the next participant
 * finishes it. So nobody waits for another participant, and there is nothing to
 * repair. A get returns the value that was the newest at some moment during it,
 * writes nothing, and never waits. A view stays as it was when it was opened,
 * for as long as it is open.
 *
 * Every byte in the region is hostile until it has been checked: damage is
 * DATA_LOSS, never a crash or an endless loop.
 *
 * Threading: any thread may call shmrpci_table_get, _contains, _len and _next,
 * also while another thread uses the handle. One thread at a time may call the
 * other functions of a handle; each thread or process may have its own handle.
 */
#ifndef SHMRPCI_TABLE_TABLE_H
#define SHMRPCI_TABLE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "os/futex.h"
#include "region/listen.h"
#include "region/region.h"
#include "shmrpc/error.h"
#include "table/layout.h"

typedef struct shmrpci_table_spec {
    const char *name; /* see shmrpci_region_spec */
    size_t name_len;
    uint64_t max_bytes;
    uint64_t type_hash;
    uint64_t hash_seed; /* random, so that nobody can choose keys that
                         * collide */
    uint64_t capacity;  /* most entries; 0: as many as fit */
    uint32_t log;       /* number of changes kept for watchers; 0: none */
    uint32_t kind;
    uint32_t encoding;
    uint32_t participants;
} shmrpci_table_spec;

typedef struct shmrpci_table {
    shmrpci_region region;
    shmrpci_table_roots *roots;
    /* Copied from the region: the address from which blocks are counted, the
     * offset of the first span, the most bytes of spans, and the word that says
     * how many of these are backed by memory. */
    uint8_t *blocks;
    uint64_t spans_offset;
    uint64_t spans_bytes;
    shmrpci_atomic_u64 *paid;
    /* For quick.h: a root whose table was found to be in paid memory (0: none
     * yet), and two offsets in the spans: the last one at which the head of a
     * record is still in paid memory, and the first one from which a short
     * record would not fit into it. */
    shmrpci_atomic_u64 known_root;
    shmrpci_atomic_u64 known_last;
    shmrpci_atomic_u64 known_short;
    uint32_t log_count; /* checked number of log entries; 0: no log */
    uint64_t capacity;  /* most entries; UINT64_MAX: no limit */
    shmrpci_listeners listeners;
    /* Blocks that the survey found in use (region.h). */
    uint64_t *used;
    uint32_t used_count;
    uint64_t used_epoch;
    /* The record of shmrpci_table_reserve; 0: none. */
    uint64_t reserved;
    uint64_t reserved_hash;
    uint32_t reserved_len;
    uint16_t reserved_key_len;
} shmrpci_table;

typedef struct shmrpci_table_bytes {
    const void *data;
    size_t len;
} shmrpci_table_bytes;

/* The bytes of a buffer. Their address is not NULL even if the buffer is empty
 * and has no memory, because NULL means that there is no value. */
static inline shmrpci_table_bytes shmrpci_table_bytes_of(const shmrpci_buf *buf)
{
    return (shmrpci_table_bytes){buf->len > 0 ? buf->data : (const uint8_t *)"",
                                 buf->len};
}

/* ---- making and attaching ------------------------------------------------ */

/* Fills in the region spec, for callers that create the region themselves.
 * Returns INVALID if the spec is out of range. */
shmrpc_status shmrpci_table_plan(const shmrpci_table_spec *spec,
                                 shmrpci_region_spec *out, shmrpc_error *error);
/* The size of the file; compare shmrpci_region_size. */
shmrpc_status shmrpci_table_size(const shmrpci_table_spec *spec,
                                 uint64_t *out_bytes, shmrpc_error *error);
/* Makes an empty table in a file of zeros; compare shmrpci_region_format. */
shmrpc_status shmrpci_table_format(int fd, const shmrpci_table_spec *spec,
                                   shmrpc_error *error);
/*
 * Attaches to a table; treats the descriptor as shmrpci_region_attach does.
 * `out` must not move. The caller compares kind, type and encoding, which are
 * in `out->region.facts`.
 */
shmrpc_status shmrpci_table_attach(int fd, shmrpci_access access,
                                   shmrpci_table *out, shmrpc_error *error);
/* Attaches to a damaged table, only for shmrpci_table_salvage(). The table may
 * also be of another boot, destroyed, or truncated. The file must not become
 * shorter meanwhile. */
shmrpc_status shmrpci_table_attach_remains(int fd, shmrpci_table *out,
                                           shmrpc_error *error);
/* Closes its views, and leaves the region. Allowed if `table` is all zeros
 * except that region.fd is -1. */
void shmrpci_table_detach(shmrpci_table *table);

/* Marks the table as destroyed for all its users, and wakes the watchers. */
void shmrpci_table_destroy(shmrpci_table *table);

/* ---- reading ------------------------------------------------------------- */

/*
 * Replaces the content of `out` by the value of a key. `out_version` (NULL: not
 * wanted) receives its version, which no other value of this table ever has.
 * Returns NOT_FOUND; DATA_LOSS; NO_MEMORY, or the status of the buffer's grow;
 * ABORTED if the value is a nest (nest.h) and changes faster than it can be
 * read; then use _get_pinned.
 */
shmrpc_status shmrpci_table_get(shmrpci_table *table, shmrpci_table_bytes key,
                                shmrpci_buf *out, uint64_t *out_version,
                                shmrpc_error *error);
/* The same, but reads through a view of its own. */
shmrpc_status shmrpci_table_get_pinned(shmrpci_table *table,
                                       shmrpci_table_bytes key,
                                       shmrpci_buf *out, uint64_t *out_version,
                                       shmrpc_error *error);
/* Returns OK or NOT_FOUND. */
shmrpc_status shmrpci_table_contains(shmrpci_table *table,
                                     shmrpci_table_bytes key,
                                     uint64_t *out_version);
uint64_t shmrpci_table_len(const shmrpci_table *table);

/* A position between two entries. All zeros is the position before the first
 * one. */
typedef struct shmrpci_table_cursor {
    uint64_t order; /* the lowest insertion number that was not returned yet */
    uint64_t root;  /* hints: the root of the table that was read last, and the
                     * position there */
    uint32_t position;
} shmrpci_table_cursor;

/*
 * Replaces the content of the buffers by the next entry in the order of
 * insertion. Entries that exist throughout an iteration are returned once;
 * entries that are inserted or deleted meanwhile may be returned or not.
 * Returns NOT_FOUND at the end.
 */
shmrpc_status shmrpci_table_next(shmrpci_table *table,
                                 shmrpci_table_cursor *cursor,
                                 shmrpci_buf *out_key, shmrpci_buf *out_value,
                                 uint64_t *out_version, shmrpc_error *error);

/* ---- changing ------------------------------------------------------------ */

/* The version that a change requires: any, none, or a certain one. */
#define SHMRPCI_TABLE_ANY    UINT64_MAX
#define SHMRPCI_TABLE_ABSENT UINT64_C(0)

/*
 * Makes `value` the value of `key` if the current version is `expected`.
 * Returns EXISTS if `expected` is ABSENT but the key exists. Returns ABORTED if
 * the key has another version than `expected`, or does not exist. Returns
 * EXHAUSTED if there is no memory, or there are too many entries; `error` says
 * how much is needed and how much is available. Returns TOO_LARGE if the key is
 * too long, or the value is larger than a quarter of max_bytes. Returns
 * DATA_LOSS if the table is damaged. `out_version` may be NULL.
 */
shmrpc_status shmrpci_table_put(shmrpci_table *table, shmrpci_table_bytes key,
                                shmrpci_table_bytes value, uint64_t expected,
                                uint64_t *out_version, shmrpc_error *error);

/*
 * The same in two steps, for callers that encode into the region itself:
 * reserve `value_len` bytes, aligned to 8, then commit as many of them as were
 * written, or abort. At most one record is reserved at a time. In between
 * nothing else may change the table through this handle, but reading is
 * allowed. A commit that fails also aborts, except if it returns EXISTS or
 * ABORTED: then the record may be committed again with another `expected`.
 */
shmrpc_status shmrpci_table_reserve(shmrpci_table *table,
                                    shmrpci_table_bytes key, size_t value_len,
                                    void **out_value, shmrpc_error *error);
shmrpc_status shmrpci_table_commit(shmrpci_table *table, size_t value_len,
                                   uint64_t expected, uint64_t *out_version,
                                   shmrpc_error *error);
void shmrpci_table_abort(shmrpci_table *table);

/* Deletes a key if its version is `expected` (ANY or a version), and replaces
 * the content of `out`, which may be NULL, by the deleted value. Returns
 * NOT_FOUND; ABORTED; EXHAUSTED, as a deletion needs a small record; or
 * DATA_LOSS. */
shmrpc_status shmrpci_table_del(shmrpci_table *table, shmrpci_table_bytes key,
                                uint64_t expected, shmrpci_buf *out,
                                shmrpc_error *error);

typedef enum shmrpci_table_verdict {
    SHMRPCI_TABLE_LEAVE, /* leave the value as it is */
    SHMRPCI_TABLE_PUT,
    SHMRPCI_TABLE_DEL
} shmrpci_table_verdict;

/* A callback of shmrpci_table_update. It receives the current value (data NULL:
 * none) and sets *verdict. For PUT it writes the new value to `now`, which is
 * empty before. The callback is called again if another change was committed
 * first. If it returns a status other than OK, the update ends. */
typedef shmrpc_status shmrpci_table_updater(void *user, shmrpci_table_bytes was,
                                            shmrpci_buf *now,
                                            shmrpci_table_verdict *verdict);
shmrpc_status shmrpci_table_update(shmrpci_table *table,
                                   shmrpci_table_bytes key,
                                   shmrpci_table_updater *updater, void *user,
                                   shmrpc_error *error);

typedef struct shmrpci_table_pair {
    shmrpci_table_bytes key;
    shmrpci_table_bytes value; /* data NULL: deletes the key */
} shmrpci_table_pair;

/* Puts and deletes many keys in one change, which views and watchers see as
 * one. If a key occurs twice, the last pair counts. Keys to be deleted need not
 * exist. */
shmrpc_status shmrpci_table_merge(shmrpci_table *table,
                                  const shmrpci_table_pair *pairs, size_t count,
                                  shmrpc_error *error);
/* Deletes everything in one change. */
shmrpc_status shmrpci_table_clear(shmrpci_table *table, shmrpc_error *error);

/* ---- views --------------------------------------------------------------- */

/* The table as it was after one change. Any handle can have views, also a
 * read-only one. */
typedef struct shmrpci_table_view {
    shmrpci_table *table;
    uint64_t change;
    uint64_t root; /* root of the table that was current then, or later */
    uint32_t position;
    bool is_back;     /* whether it runs backwards */
    shmrpci_buf nest; /* the last returned value, if it was a nest */
} shmrpci_table_view;

/* Opens a view of the current state, without waiting. Returns EXHAUSTED or
 * NO_MEMORY. */
shmrpc_status shmrpci_table_view_open(shmrpci_table *table,
                                      shmrpci_table_view *out,
                                      shmrpc_error *error);
void shmrpci_table_view_close(shmrpci_table_view *view);
/* Returns the address of a value in the region, aligned to 8, which is valid
 * until the view is closed. A nest is returned in the view's memory instead,
 * valid until the next call. Returns NOT_FOUND, DATA_LOSS or NO_MEMORY. */
shmrpc_status shmrpci_table_view_get(shmrpci_table_view *view,
                                     shmrpci_table_bytes key,
                                     shmrpci_table_bytes *out_value,
                                     uint64_t *out_version);
/* The next entry of the view, in the order of insertion; after _rewind the
 * first one. Returns NOT_FOUND at the end. */
shmrpc_status shmrpci_table_view_next(shmrpci_table_view *view,
                                      shmrpci_table_bytes *out_key,
                                      shmrpci_table_bytes *out_value,
                                      uint64_t *out_version);
/* The same backwards; after _rewind the last one. To change the direction, call
 * _rewind. */
shmrpc_status shmrpci_table_view_prev(shmrpci_table_view *view,
                                      shmrpci_table_bytes *out_key,
                                      shmrpci_table_bytes *out_value,
                                      uint64_t *out_version);
void shmrpci_table_view_rewind(shmrpci_table_view *view);

/* ---- watching ------------------------------------------------------------ */

typedef enum shmrpci_table_event_kind {
    SHMRPCI_TABLE_EVENT_PUT,
    SHMRPCI_TABLE_EVENT_DEL,
    SHMRPCI_TABLE_EVENT_CLEAR,
    SHMRPCI_TABLE_EVENT_RESYNC
} shmrpci_table_event_kind;

typedef struct shmrpci_table_event {
    shmrpci_table_event_kind kind;
    uint64_t change;           /* equal for all parts of one change */
    shmrpci_table_bytes key;   /* for PUT and DEL; valid until the next call */
    shmrpci_table_bytes value; /* for PUT */
} shmrpci_table_event;

typedef struct shmrpci_table_watch {
    shmrpci_table *table;
    uint64_t next;  /* the next change to report */
    uint64_t part;  /* the next part of that change */
    uint64_t told;  /* the change as of which a nest was last reported */
    bool is_lost;   /* the next event is RESYNC */
    bool has_view;  /* RESYNC: the caller may read it until the next call */
    uint32_t awake; /* events reported since it last slept */
    shmrpci_listening listening; /* used by read-only handles */
    shmrpci_table_view view;
    shmrpci_buf key;
    shmrpci_buf value;
} shmrpci_table_watch;

/*
 * Watches changes; any handle can, also a read-only one. With a snapshot the
 * first event is RESYNC, else only changes from now on are reported. The handle
 * must stay attached until the watch is closed.
 */
shmrpc_status shmrpci_table_watch_open(shmrpci_table *table, bool with_snapshot,
                                       shmrpci_table_watch *out,
                                       shmrpc_error *error);
void shmrpci_table_watch_close(shmrpci_table_watch *watch);
/*
 * Returns the next event, and waits for it until `deadline_ns`. A watcher that
 * is further behind than the log reaches, or whose next changes have been
 * overwritten in memory, gets RESYNC: everything may have changed, watch->view
 * is the current state, and events continue from there. Returns DEADLINE,
 * DESTROYED or DATA_LOSS.
 *
 * A change wakes all watchers. Read-only handles (region/listen.h) poll for
 * changes for some ms after the first sleep; where the kernel grants no lock
 * they poll every 50 ms.
 */
shmrpc_status shmrpci_table_watch_next(shmrpci_table_watch *watch,
                                       int64_t deadline_ns,
                                       shmrpci_table_event *out,
                                       shmrpc_error *error);

/* ---- facts --------------------------------------------------------------- */

/* Records that a snapshot of the table was written at `at_ns`, in ns since
 * 1970; 0: writing a snapshot failed. With read-only handles it does
 * nothing. */
void shmrpci_table_note_snapshot(shmrpci_table *table, int64_t at_ns);

typedef struct shmrpci_table_stat {
    uint64_t len;
    uint64_t changes; /* number of changes since it was made */
    uint64_t helped;
    uint64_t paid_bytes; /* bytes of paid memory, not all in use */
    uint64_t max_bytes;
    uint64_t oldest_pin; /* number of the oldest pinned change; equal to
                          * `changes` if no older change is pinned */
    int oldest_pid;      /* pid of a process that holds that pin; 0: unknown */
    int64_t snapshot_ns; /* when the last snapshot was written; 0: never */
    uint64_t snapshot_failures;
} shmrpci_table_stat;

/* Asks the kernel for locks, and /proc for the holder of the oldest pin, which
 * takes milliseconds while a view is open. */
void shmrpci_table_stat_get(const shmrpci_table *table,
                            shmrpci_table_stat *out);

/* Receives an entry that passed the checks; returns false if its value is not
 * valid. The bytes lie in the region, where others may still change them. */
typedef bool shmrpci_table_saved(void *user, shmrpci_table_bytes key,
                                 shmrpci_table_bytes value);
/* Reports the entries of a damaged table, in order, as far as the index leads
 * to whole records, and reports each lost one. Returns how many were lost. */
uint64_t shmrpci_table_salvage(const shmrpci_table *table,
                               shmrpci_table_saved *saved,
                               shmrpci_region_finding *finding, void *user);

/* Does what shmrpci_region_check does, and checks everything in the table. A
 * writable handle first inherits from dead participants. */
uint64_t shmrpci_table_check(shmrpci_table *table,
                             shmrpci_region_finding *finding, void *user);

/* Wakes all waiting threads, so that they look again; works through any handle,
 * also a read-only one. */
void shmrpci_table_wake_all(const shmrpci_table *table);

/* Announces that the watch is about to sleep. The caller looks again after
 * this, then sleeps while `out` is unchanged, for at most `*out_max_ns`. */
void shmrpci_table_watch_announce(shmrpci_table_watch *watch,
                                  shmrpci_futex_on *out, int64_t *out_max_ns);

#endif
