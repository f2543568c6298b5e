/*
 * Tables: a shared map from bytes to bytes, in the order of insertion, in a
 * region (region/region.h). Dictionaries and shared values are built on it; it
 * knows no types, no encodings, no names.
 *
 * Promises. All changes have one order, and each is atomic: if a process dies
 * or stops in the middle of one, it either never began, or the next participant
 * finishes it, so that nobody waits for another and there is nothing to repair.
 * A get returns the value that was the newest at some moment during it, writes
 * nothing, and never waits. A view stays as it was when it was opened, for as
 * long as it is open.
 *
 * Every byte in the region is hostile until it has been checked: damage is
 * DATA_LOSS, never a crash or an endless loop.
 *
 * Threading: shmrpci_table_get, _contains, _len, _next: any thread, also while
 * one other uses the handle. All else: one thread at a time for a handle; each
 * thread or process may have its own.
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
    const char *name; /* as in shmrpci_region_spec */
    size_t name_len;
    uint64_t max_bytes;
    uint64_t type_hash;
    uint64_t hash_seed; /* random, so that nobody can choose keys that
                         * collide */
    uint64_t capacity;  /* most entries; 0: as many as fit */
    uint32_t log;       /* changes kept for watchers; 0: none */
    uint32_t kind;
    uint32_t encoding;
    uint32_t participants;
} shmrpci_table_spec;

typedef struct shmrpci_table {
    shmrpci_region region;
    shmrpci_table_roots *roots;
    /* From the region: where blocks are counted from, where the first span is,
     * how many bytes of spans there can be, and are paid for. */
    uint8_t *blocks;
    uint64_t spans_offset;
    uint64_t spans_bytes;
    shmrpci_atomic_u64 *paid;
    /* A root whose table was found to be in paid memory (0: none yet); the last
     * offset there where a record could begin; the limit for short records
     * (quick.h). */
    shmrpci_atomic_u64 known_root;
    shmrpci_atomic_u64 known_last;
    shmrpci_atomic_u64 known_short;
    uint32_t log_count; /* checked; 0: no log */
    uint64_t capacity;  /* UINT64_MAX: none */
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

/* The bytes of a buffer. Those of an empty one, which may have no memory, have
 * an address, too: NULL means that there is no value. */
static inline shmrpci_table_bytes shmrpci_table_bytes_of(const shmrpci_buf *buf)
{
    return (shmrpci_table_bytes){buf->len > 0 ? buf->data : (const uint8_t *)"",
                                 buf->len};
}

/* ---- making and attaching ------------------------------------------------ */

/* Fills in the region spec for callers that create the region themselves.
 * INVALID: the spec is out of range. */
shmrpc_status shmrpci_table_plan(const shmrpci_table_spec *spec,
                                 shmrpci_region_spec *out, shmrpc_error *error);
/* The size of the file, as shmrpci_region_size. */
shmrpc_status shmrpci_table_size(const shmrpci_table_spec *spec,
                                 uint64_t *out_bytes, shmrpc_error *error);
/* Makes an empty table in a file of zeros, as shmrpci_region_format. */
shmrpc_status shmrpci_table_format(int fd, const shmrpci_table_spec *spec,
                                   shmrpc_error *error);
/*
 * As shmrpci_region_attach, the descriptor included. `out` must not move. Kind,
 * type and encoding are in `out->region.facts`, for the caller to compare.
 */
shmrpc_status shmrpci_table_attach(int fd, shmrpci_access access,
                                   shmrpci_table *out, shmrpc_error *error);
/* Attaches to a damaged table, for shmrpci_table_salvage() only: also one of
 * another boot, destroyed, or truncated. The file must not become shorter
 * meanwhile. */
shmrpc_status shmrpci_table_attach_remains(int fd, shmrpci_table *out,
                                           shmrpc_error *error);
/* Closes its views, and leaves. All zeros except region.fd -1 is allowed. */
void shmrpci_table_detach(shmrpci_table *table);

/* Marks it destroyed for all its users, and wakes the watchers. */
void shmrpci_table_destroy(shmrpci_table *table);

/* ---- reading ------------------------------------------------------------- */

/*
 * Replaces the content of `out` by the value of a key, and returns its version,
 * which no other value of this table ever has (NULL: not wanted). NOT_FOUND;
 * DATA_LOSS; NO_MEMORY, or the status of the buffer's grow. ABORTED: the value
 * is a nest (nest.h), and changes faster than it can be read: _get_pinned can.
 */
shmrpc_status shmrpci_table_get(shmrpci_table *table, shmrpci_table_bytes key,
                                shmrpci_buf *out, uint64_t *out_version,
                                shmrpc_error *error);
/* The same, through a view of its own. */
shmrpc_status shmrpci_table_get_pinned(shmrpci_table *table,
                                       shmrpci_table_bytes key,
                                       shmrpci_buf *out, uint64_t *out_version,
                                       shmrpc_error *error);
/* OK or NOT_FOUND. */
shmrpc_status shmrpci_table_contains(shmrpci_table *table,
                                     shmrpci_table_bytes key,
                                     uint64_t *out_version);
uint64_t shmrpci_table_len(const shmrpci_table *table);

/* A position between two entries; all zeros: before the first one. */
typedef struct shmrpci_table_cursor {
    uint64_t order; /* the lowest number not yet returned */
    uint64_t root;  /* hints: which table it was in, and where */
    uint32_t position;
} shmrpci_table_cursor;

/*
 * The next entry in the order of insertion: replaces the content of the
 * buffers. Entries that exist throughout are returned once; changed ones may be
 * or not. NOT_FOUND: no more.
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
 * Makes `value` the value of `key` if the current version is as `expected`.
 * EXISTS: the key exists (ABSENT); ABORTED: it has another version, or does not
 * exist; EXHAUSTED: no memory, or too many entries: `error` has what is needed
 * and available; TOO_LARGE: key, or value beyond a quarter of max_bytes;
 * DATA_LOSS. `out_version` may be NULL.
 */
shmrpc_status shmrpci_table_put(shmrpci_table *table, shmrpci_table_bytes key,
                                shmrpci_table_bytes value, uint64_t expected,
                                uint64_t *out_version, shmrpc_error *error);

/*
 * The same in two steps, for callers that encode into the region itself:
 * reserves `value_len` bytes, aligned to 8; then commit with as many of them as
 * were written, or abort. At most one is reserved at a time; nothing else may
 * change the table by this handle in between, but reading is allowed. A commit
 * that fails has aborted, except with EXISTS and ABORTED, after which the
 * record may be committed again with another `expected`.
 */
shmrpc_status shmrpci_table_reserve(shmrpci_table *table,
                                    shmrpci_table_bytes key, size_t value_len,
                                    void **out_value, shmrpc_error *error);
shmrpc_status shmrpci_table_commit(shmrpci_table *table, size_t value_len,
                                   uint64_t expected, uint64_t *out_version,
                                   shmrpc_error *error);
void shmrpci_table_abort(shmrpci_table *table);

/* Deletes a key if `expected` holds (not ABSENT), and replaces the content of
 * `out` by its value; NULL: not wanted. NOT_FOUND; ABORTED; EXHAUSTED, as a
 * deletion needs a small record; DATA_LOSS. */
shmrpc_status shmrpci_table_del(shmrpci_table *table, shmrpci_table_bytes key,
                                uint64_t expected, shmrpci_buf *out,
                                shmrpc_error *error);

typedef enum shmrpci_table_verdict {
    SHMRPCI_TABLE_LEAVE, /* leave it as it is */
    SHMRPCI_TABLE_PUT,
    SHMRPCI_TABLE_DEL
} shmrpci_table_verdict;

/* Gets the current value (data NULL: none), returns what to do: PUT takes the
 * bytes written to `now`, which is empty before. Called again if another was
 * quicker. A status that is not OK ends the update. */
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
 * one. If a key occurs twice, the last one counts; keys to be deleted may be
 * missing. */
shmrpc_status shmrpci_table_merge(shmrpci_table *table,
                                  const shmrpci_table_pair *pairs, size_t count,
                                  shmrpc_error *error);
/* Deletes everything in one change. */
shmrpc_status shmrpci_table_clear(shmrpci_table *table, shmrpc_error *error);

/* ---- views --------------------------------------------------------------- */

/* The table as it was after one change; any handle, also a read-only one. */
typedef struct shmrpci_table_view {
    shmrpci_table *table;
    uint64_t change;
    uint64_t root; /* the table that was the root then, or a later one */
    uint32_t position;
    bool is_back;     /* positions fall from one to the next */
    shmrpci_buf nest; /* the last value returned, if it is a nest */
} shmrpci_table_view;

/* Opens a view of the current state, without waiting. EXHAUSTED, NO_MEMORY. */
shmrpc_status shmrpci_table_view_open(shmrpci_table *table,
                                      shmrpci_table_view *out,
                                      shmrpc_error *error);
void shmrpci_table_view_close(shmrpci_table_view *view);
/* The address of a value in the region, aligned to 8, valid until the view is
 * closed; a nest in the view's memory, until the next call. NOT_FOUND;
 * DATA_LOSS; NO_MEMORY. */
shmrpc_status shmrpci_table_view_get(shmrpci_table_view *view,
                                     shmrpci_table_bytes key,
                                     shmrpci_table_bytes *out_value,
                                     uint64_t *out_version);
/* The next entry of the view, in the order of insertion; from the beginning
 * after _rewind. NOT_FOUND: no more. */
shmrpc_status shmrpci_table_view_next(shmrpci_table_view *view,
                                      shmrpci_table_bytes *out_key,
                                      shmrpci_table_bytes *out_value,
                                      uint64_t *out_version);
/* The same backwards, from the end after _rewind. A change of direction needs a
   _rewind. */
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
    shmrpci_table_bytes key;   /* PUT, DEL: until the next call */
    shmrpci_table_bytes value; /* PUT */
} shmrpci_table_event;

typedef struct shmrpci_table_watch {
    shmrpci_table *table;
    uint64_t next;  /* the next change to report */
    uint64_t part;  /* of that change */
    uint64_t told;  /* the change as of which a nest was last reported */
    bool is_lost;   /* the next event is RESYNC */
    bool has_view;  /* RESYNC: the caller may read it until the next call */
    uint32_t awake; /* events since it last slept */
    shmrpci_listening listening; /* for read-only handles */
    shmrpci_table_view view;
    shmrpci_buf key;
    shmrpci_buf value;
} shmrpci_table_watch;

/*
 * Watches changes; any handle, also a read-only one. With a snapshot the first
 * event is RESYNC, else only changes from now on are reported. The handle must
 * stay attached until the watch is closed.
 */
shmrpc_status shmrpci_table_watch_open(shmrpci_table *table, bool with_snapshot,
                                       shmrpci_table_watch *out,
                                       shmrpc_error *error);
void shmrpci_table_watch_close(shmrpci_table_watch *watch);
/*
 * The next event, for which it waits until `deadline_ns`. A watcher that is
 * further behind than the log reaches, or whose next changes have been
 * overwritten in memory, gets RESYNC: everything may have changed, watch->view
 * is the current state, and events go on from there. DEADLINE; DESTROYED;
 * DATA_LOSS.
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

/* A snapshot of it was written at `at_ns`, since 1970; 0: one failed. Read-only
 * handles do nothing. */
void shmrpci_table_note_snapshot(shmrpci_table *table, int64_t at_ns);

typedef struct shmrpci_table_stat {
    uint64_t len;
    uint64_t changes;    /* since it was made */
    uint64_t helped;     /* bytes of memory, in use or not */
    uint64_t paid_bytes; /* of memory, not all in use */
    uint64_t max_bytes;
    uint64_t oldest_pin; /* number of a change; `changes`: no older view is
                          * open */
    int oldest_pid;      /* a process that holds it; 0: unknown */
    int64_t snapshot_ns; /* when the last one was written; 0: never */
    uint64_t snapshot_failures;
} shmrpci_table_stat;

/* Asks the kernel for locks, and /proc for the holder of the oldest: takes
 * milliseconds while a view is open. */
void shmrpci_table_stat_get(const shmrpci_table *table,
                            shmrpci_table_stat *out);

/* An entry that passed the checks; false: its value is not valid. The bytes are
 * the region's: others may still change them. */
typedef bool shmrpci_table_saved(void *user, shmrpci_table_bytes key,
                                 shmrpci_table_bytes value);
/* Reports the entries of a damaged table, in order, as far as the index leads
 * to whole records, and each lost one. Returns how many were lost. */
uint64_t shmrpci_table_salvage(const shmrpci_table *table,
                               shmrpci_table_saved *saved,
                               shmrpci_region_finding *finding, void *user);

/* As shmrpci_region_check, and checks everything in the table. A writable
 * handle inherits from the dead first. */
uint64_t shmrpci_table_check(shmrpci_table *table,
                             shmrpci_region_finding *finding, void *user);

/* Wakes all that wait, to look again, through any handle, also a read-only
 * one. */
void shmrpci_table_wake_all(const shmrpci_table *table);

/* Announces that the watch sleeps until there may be a change: it looks again
 * after this, then sleeps while `out` stays as it is, for `*out_max_ns` at
 * most. */
void shmrpci_table_watch_announce(shmrpci_table_watch *watch,
                                  shmrpci_futex_on *out, int64_t *out_max_ns);

#endif
