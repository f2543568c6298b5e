/*
 * Shared dicts: a map that processes share, by name, without a server.
 *
 *     shmrpc_dict *config;
 *     if (shmrpc_dict_open("config", NULL, &config, &error) == SHMRPC_OK) {
 *         shmrpc_any key = shmrpc_any_str("rate");
 *         shmrpc_any rate = shmrpc_any_i64(16000);
 *         shmrpc_path path = shmrpc_path_of(&key, 1);
 *         const shmrpc_any *value;
 *         (void)shmrpc_dict_put(config, &path, &rate, &error);
 *         if (shmrpc_dict_get(config, &path, &value, NULL, &error) ==
 *             SHMRPC_OK) {
 *             use(value);
 *             shmrpc_dict_release(config, value);
 *         }
 *         shmrpc_dict_close(config);
 *     }
 *
 * These functions are for keys and values of any shape, encoded as msgpack
 * unless the options say json.  A dict that is declared in a .svc has functions
 * of its own, with the declared types, which do the same.
 *
 * Order.  All changes have one order, and each happens at one instant: others
 * see it whole, or not at all.  Reading takes no lock, writes nothing, and
 * never waits.  Entries come in the order in which their keys were inserted.
 *
 * Keys are null, bool, numbers, text, bytes, and tuples of these
 * (shmrpc/any.h). A number with an integral value is one key, however it was
 * given: 1 and 1.0 are the same, true is another. A path leads into a value:
 * {"a", "b", 3} is position 3 of the list under "b" of the map under "a";
 * negative positions count from the end. Changes below a key are changes of
 * that key: of two at the same time both happen, one after the other. In
 * msgpack such a change costs the same however long the value is, also one in
 * the middle of a list.
 *
 * Death.  A process that dies at any instruction has changed the dict, or has
 * not; whoever comes next finishes what it was at.  A stopped process holds up
 * nobody; one with an open view holds the memory of what it looks at.
 *
 * What else holds for all shared objects stands in shmrpc/shared.h.
 */
#ifndef SHMRPC_DICT_H
#define SHMRPC_DICT_H

#include <stdbool.h>
#include <stddef.h>

#include "shmrpc/lock.h"
#include "shmrpc/shared.h"

SHMRPC_BEGIN_DECLS

typedef struct shmrpc_dict shmrpc_dict;
typedef struct shmrpc_view shmrpc_view;
typedef struct shmrpc_watch shmrpc_watch;

/* Keys and positions, from the outside in. */
typedef shmrpc_any_list shmrpc_path;

static inline shmrpc_path shmrpc_path_of(const shmrpc_any *steps, size_t len)
{
    shmrpc_path path;
    path.ptr = steps;
    path.len = len;
    return path;
}

/* How to open or create. NULL or zeroed: the defaults. All but `shared` counts
 * when the dict is created, and is ignored otherwise. */
typedef struct shmrpc_dict_opts {
    shmrpc_shared_opts shared; /* max_bytes: 0: 1 GiB, taken as it is needed */
    uint64_t capacity;         /* entries at most; 0: as memory allows */
    uint64_t log;              /* changes kept for watchers; 0: 1024 */
    shmrpc_encoding encoding;  /* of values: MSGPACK (or 0), JSON */
    uint32_t reserved32;       /* 0 */
    uint64_t reserved[4];      /* 0; later members take its place */
} shmrpc_dict_opts;

/* Opens a dict, makes it, or both. READ_ONLY is fine. Statuses:
 * shmrpc/shared.h. */
SHMRPC_API shmrpc_status
shmrpc_dict_open(const char *name, const shmrpc_dict_opts *opts,
                 shmrpc_dict **out, shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* Ends the use of a handle; NULL is fine. Close its views before; its watches
 * and values go on. */
SHMRPC_API void shmrpc_dict_close(shmrpc_dict *dict);

/* ---- reading: any thread, never waits ------------------------------------ */

/*
 * A copy of what lies at a path, to be released, and its version (NULL: don't),
 * which no other value of this dict ever has; that of a path into a value is
 * the version of its key.  An empty path is INVALID.
 *
 * NOT_FOUND: the error says from which step on there is nothing; PRECONDITION:
 * a step leads into what is no map and no list; INVALID: a step can't be a key;
 * DATA_LOSS; DESTROYED; NO_MEMORY.
 */
SHMRPC_API shmrpc_status shmrpc_dict_get(
    shmrpc_dict *dict, const shmrpc_path *path, const shmrpc_any **out,
    uint64_t *out_version, shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* Ends the life of a value; NULL is fine. */
SHMRPC_API void shmrpc_dict_release(shmrpc_dict *dict, const shmrpc_any *value);

/* OK or NOT_FOUND; other statuses as get. */
SHMRPC_API shmrpc_status
shmrpc_dict_contains(shmrpc_dict *dict, const shmrpc_path *path,
                     shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* How many entries it has, or (path not NULL, not empty) how many the map or
 * list there. */
SHMRPC_API shmrpc_status
shmrpc_dict_len(shmrpc_dict *dict, const shmrpc_path *path, uint64_t *out,
                shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* ---- changing ------------------------------------------------------------ */

/*
 * Makes a copy of `value` the value at a path.  What it is put into must be
 * there: a map gets a new key, a list has the position already.
 *
 * NOT_FOUND, PRECONDITION, INVALID: as get; OUT_OF_RANGE: the list is shorter;
 * EXHAUSTED: the dict is full, the error says what it needs and has; TOO_LARGE:
 * the value; DENIED: READ_ONLY; DESTROYED; DATA_LOSS; NO_MEMORY.  On failure
 * nothing has changed.
 */
SHMRPC_API shmrpc_status shmrpc_dict_put(
    shmrpc_dict *dict, const shmrpc_path *path, const shmrpc_any *value,
    shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* The same if nothing is there yet; else EXISTS. */
SHMRPC_API shmrpc_status shmrpc_dict_put_new(
    shmrpc_dict *dict, const shmrpc_path *path, const shmrpc_any *value,
    shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* The same if the version of the key, of a path of one step, is still the one
 * that get told; else ABORTED. `*out_version` (NULL: don't) is the new one. */
SHMRPC_API shmrpc_status shmrpc_dict_put_if(
    shmrpc_dict *dict, const shmrpc_path *path, const shmrpc_any *value,
    uint64_t version, uint64_t *out_version,
    shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* Deletes what lies at a path; of a list, what stands behind it moves up. */
SHMRPC_API shmrpc_status
shmrpc_dict_del(shmrpc_dict *dict, const shmrpc_path *path,
                shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* The same, and gives what it was, to be released. */
SHMRPC_API shmrpc_status
shmrpc_dict_pop(shmrpc_dict *dict, const shmrpc_path *path,
                const shmrpc_any **out, shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* Takes the entry away that was inserted last, and gives its key and value,
 * each to be released. NOT_FOUND: it is empty; ABORTED: others were quicker a
 * thousand times. */
SHMRPC_API shmrpc_status shmrpc_dict_popitem(
    shmrpc_dict *dict, const shmrpc_any **out_key, const shmrpc_any **out_value,
    shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* What lies at a path, to be released; a copy of `value`, if nothing did. As
 * get and put; ABORTED as popitem. */
SHMRPC_API shmrpc_status shmrpc_dict_get_or_put(
    shmrpc_dict *dict, const shmrpc_path *path, const shmrpc_any *value,
    const shmrpc_any **out, shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* Inserts into the list that the path but for its last step leads to, before
 * the position that is the last one; the list's length (or more) appends. */
SHMRPC_API shmrpc_status shmrpc_dict_insert(
    shmrpc_dict *dict, const shmrpc_path *path, const shmrpc_any *value,
    shmrpc_error *error) SHMRPC_WARN_UNUSED;
/* Appends to the list at a path. */
SHMRPC_API shmrpc_status shmrpc_dict_append(
    shmrpc_dict *dict, const shmrpc_path *path, const shmrpc_any *value,
    shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* What an updater wants; a negative number is a status, in which the update
 * ends. */
enum {
    SHMRPC_CHANGE_PUT = 0,
    SHMRPC_CHANGE_KEEP = 1,
    SHMRPC_CHANGE_DELETE = 2
};

/* Told what is there (NULL: nothing), says what shall be: for PUT in `*now`,
 * which begins as what is there. Trees that `*now` refers to must live until
 * shmrpc_dict_update() returns. Must not use the dict. */
typedef int shmrpc_dict_updater(void *user, const shmrpc_any *was,
                                shmrpc_any *now);

/* Reads a key (a path of one step), asks the updater, and changes it if it is
 * still what was read; else again. So a counter never misses a step. Statuses
 * as put, and what the updater returns. */
SHMRPC_API shmrpc_status shmrpc_dict_update(
    shmrpc_dict *dict, const shmrpc_path *path, shmrpc_dict_updater *updater,
    void *user, shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* Puts many keys in one change, which views and watchers see as one. */
SHMRPC_API shmrpc_status
shmrpc_dict_merge(shmrpc_dict *dict, const shmrpc_any_entry *entries,
                  size_t count, shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* Deletes everything, in one change. */
SHMRPC_API shmrpc_status
shmrpc_dict_clear(shmrpc_dict *dict, shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* ---- views: one thread at a time for a view ------------------------------ */

/* The dict as it is now, for as long as the view is open, whatever others
 * change. Costs about two microseconds; what it gives costs no lock.
 * EXHAUSTED; NO_MEMORY. */
SHMRPC_API shmrpc_status
shmrpc_dict_view_open(shmrpc_dict *dict, shmrpc_view **out,
                      shmrpc_error *error) SHMRPC_WARN_UNUSED;
/* NULL is fine. */
SHMRPC_API void shmrpc_view_close(shmrpc_view *view);

/* What lies at a path; valid until the next call with this view. As get. */
SHMRPC_API shmrpc_status
shmrpc_view_get(shmrpc_view *view, const shmrpc_path *path,
                const shmrpc_any **out, shmrpc_error *error) SHMRPC_WARN_UNUSED;
/* The next entry in the order of insertion; valid until the next call with this
 * view. NOT_FOUND: that was the last one, and it begins anew. */
SHMRPC_API shmrpc_status shmrpc_view_next(
    shmrpc_view *view, const shmrpc_any **out_key, const shmrpc_any **out_value,
    shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* The entry before, from the last one on. NOT_FOUND: that was the first one,
 * and it begins anew. Who turns round begins anew, too. */
SHMRPC_API shmrpc_status shmrpc_view_prev(
    shmrpc_view *view, const shmrpc_any **out_key, const shmrpc_any **out_value,
    shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* The whole dict at one instant, as a map, to be released. NO_MEMORY. */
SHMRPC_API shmrpc_status
shmrpc_dict_all(shmrpc_dict *dict, const shmrpc_any **out,
                shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* Whether both have the same keys with equal values (shmrpc_any_equal), in
 * whatever order; each as it was at an instant of its own. */
SHMRPC_API shmrpc_status
shmrpc_dict_equal(shmrpc_dict *dict, shmrpc_dict *other, bool *out,
                  shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* ---- watches: one thread at a time for a watch --------------------------- */

typedef enum shmrpc_event_kind {
    SHMRPC_EVENT_PUT = 1,   /* of `key`, now `value` */
    SHMRPC_EVENT_DEL = 2,   /* of `key` */
    SHMRPC_EVENT_CLEAR = 3, /* of everything */
    SHMRPC_EVENT_RESYNC = 4 /* forget what you know: all entries that there
                             * are follow as PUT, then what changes */
} shmrpc_event_kind;

typedef struct shmrpc_event {
    shmrpc_event_kind kind;
    uint32_t reserved32;
    uint64_t change; /* its number; parts of one change have the same one */
    const shmrpc_any *key;   /* of PUT and DEL, else NULL */
    const shmrpc_any *value; /* of PUT, else NULL */
} shmrpc_event;

enum {
    /* Begins with RESYNC, that is with all that there is. */
    SHMRPC_WATCH_SNAPSHOT = 1u << 0
};

typedef struct shmrpc_watch_opts {
    uint32_t flags; /* SHMRPC_WATCH_... */
    uint32_t reserved32;
    /* Only text keys that begin so, if it is not empty; copied. */
    shmrpc_str prefix;
    uint64_t reserved[4]; /* 0; later members take its place */
} shmrpc_watch_opts;

/* Tells of changes from now on; of one below a key as PUT of the key, with its
 * whole value. Changes of one key that follow each other closely may come as
 * the last one. Takes a place of a writer of its own, unless the handle is
 * READ_ONLY. `opts` may be NULL. Statuses as open.
 */
SHMRPC_API shmrpc_status shmrpc_dict_watch_open(
    shmrpc_dict *dict, const shmrpc_watch_opts *opts, shmrpc_watch **out,
    shmrpc_error *error) SHMRPC_WARN_UNUSED;
/* NULL is fine. */
SHMRPC_API void shmrpc_watch_close(shmrpc_watch *watch);

/* The next event; waits for it until the deadline of `opts`. It is valid until
 * the next call with this watch. Who is too slow for the dict's `log` gets
 * RESYNC. DEADLINE; BUSY: nothing is there, and NONBLOCK; DESTROYED; FORKED:
 * watches belong to the process that opened them; DATA_LOSS; NO_MEMORY. */
SHMRPC_API shmrpc_status shmrpc_watch_next(
    shmrpc_watch *watch, const shmrpc_event **out, const shmrpc_opts *opts,
    shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* A descriptor for event loops, readable when there may be a change
 * to tell: as
 * shmrpc_queue_fd(). FORKED. */
SHMRPC_API int shmrpc_watch_fd(shmrpc_watch *watch);

/* ---- locks --------------------------------------------------------------- */

/*
 * Advisory locks, for what one change can't do: they keep out who asks for
 * them, and nobody else.  Each key has one, whether it is there or not, and
 * the dict as a whole, which excludes those of all keys.  They are as
 * shmrpc/lock.h says: a lock belongs to the thread that took it; the death of
 * its process passes it on within 50 ms, a stopped one keeps it.  Two keys
 * never share a lock; 512 of them can be locked at the same time.
 *
 *     if (shmrpc_dict_lock(d, &key, NULL, &error) == SHMRPC_OK) {
 *         read, compute, put...
 *         (void)shmrpc_dict_unlock(d, &key, NULL);
 *     }
 *
 * To lock several keys without waiting for each other for ever, take them in
 * one order everywhere, or the whole.
 */

/*
 * Waits for the lock of a key (NULL: of the whole), and takes it; `wait` NULL:
 * up to 30 s.
 *
 * OK: held.  OWNER_DIED: held, but its owner died before it was done: repair
 * what it protects, then call shmrpc_dict_lock_consistent(); who dies while it
 * takes a lock may leave this for a key that it did not hold.  Otherwise not
 * held: DEADLINE: the error has the process that holds it (`pid`) and since
 * when (`held_ns`); PRECONDITION: this thread has it already, and the handle
 * is not RECURSIVE, or it has the lock of a key and asks for the whole;
 * EXHAUSTED: too many are held; DENIED: READ_ONLY; INVALID: `wait`, or a key
 * that can't be one; DESTROYED; DATA_LOSS; NO_MEMORY.
 */
SHMRPC_API shmrpc_status shmrpc_dict_lock(
    shmrpc_dict *dict, const shmrpc_any *key, const shmrpc_lock_wait *wait,
    shmrpc_error *error) SHMRPC_WARN_UNUSED;
/* The same without waiting for its owner: BUSY in place of DEADLINE. A key that
 * has no lock yet gets one first, for which others may be before it: at most
 * 10 ms. */
SHMRPC_API shmrpc_status
shmrpc_dict_try_lock(shmrpc_dict *dict, const shmrpc_any *key,
                     shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* Gives it up, never waits. PRECONDITION: this thread does not hold it by this
 * handle. Closing the handle gives up all, as a death does. */
SHMRPC_API shmrpc_status shmrpc_dict_unlock(shmrpc_dict *dict,
                                            const shmrpc_any *key,
                                            shmrpc_error *error);

/* What the lock protects is in order again. PRECONDITION: this thread does not
 * hold it. */
SHMRPC_API shmrpc_status shmrpc_dict_lock_consistent(shmrpc_dict *dict,
                                                     const shmrpc_any *key,
                                                     shmrpc_error *error);

/* A lock that is held, or that a dead process held. */
typedef struct shmrpc_dict_held {
    bool is_whole;   /* not of a key */
    bool is_broken;  /* its owner died, and nobody has repaired it yet */
    int32_t pid;     /* of who holds it; 0: nobody who lives, or not known */
    int64_t held_ns; /* for how long */
    /* The beginning of the key as it is encoded, and how long all of it is. */
    shmrpc_bytes key_bytes;
    uint32_t key_len;
} shmrpc_dict_held;
typedef void shmrpc_dict_lock_visit(void *user, const shmrpc_dict_held *held);

/* Tells of all locks that are held, as of now, for people. READ_ONLY is fine.
 */
SHMRPC_API shmrpc_status shmrpc_dict_each_lock(shmrpc_dict *dict,
                                               shmrpc_dict_lock_visit *visit,
                                               void *user, shmrpc_error *error);

/* ---- snapshots ----------------------------------------------------------- */

typedef struct shmrpc_snapshot_opts {
    uint32_t permissions; /* of the file, as in 0640; 0: 0600 */
    uint32_t reserved32;  /* 0 */
    uint64_t reserved[4]; /* 0; later members take its place */
} shmrpc_snapshot_opts;

/*
 * Writes all entries, as they are at one moment, to a file, in their order;
 * nobody who changes the dict waits for it. The file is complete, and on the
 * disk, before it takes the place of an older one: a death or a full disk at
 * any moment leaves that as it was. `path` NULL: the place that shmrpc/shared.h
 * tells of. `opts` may be NULL; READ_ONLY is fine.
 *
 * EXHAUSTED: no room on the disk; DENIED, NOT_FOUND: the folder; BUSY: another
 * is writing the same file; INVALID: path, options; DATA_LOSS: the dict is
 * damaged; DESTROYED; NO_MEMORY. Blocks as long as the disk takes.
 */
SHMRPC_API shmrpc_status shmrpc_dict_snapshot(
    shmrpc_dict *dict, const char *path, const shmrpc_snapshot_opts *opts,
    shmrpc_error *error) SHMRPC_WARN_UNUSED;

/*
 * Puts all entries of a snapshot into the dict, in one change; what else is in
 * it stays. To make a dict of a snapshot, see shmrpc_shared_opts.snapshot.
 * `path` as above.
 *
 * NOT_FOUND, DENIED: the file; DATA_LOSS: it is damaged, the error says where;
 * CONTRACT: it is of another type or encoding, or of a later version of this
 * library; EXHAUSTED, TOO_LARGE: the dict has no room for it; DESTROYED;
 * NO_MEMORY. On failure nothing has changed.
 */
SHMRPC_API shmrpc_status shmrpc_dict_load(shmrpc_dict *dict, const char *path,
                                          shmrpc_error *error)
    SHMRPC_WARN_UNUSED;

/* ---- ends and figures ---------------------------------------------------- */

/* Ends the dict for everyone: who uses it gets DESTROYED, and the name is free.
 * DENIED: READ_ONLY, or the folder's rules let only its owner remove the name
 * (it is destroyed then). */
SHMRPC_API shmrpc_status shmrpc_dict_destroy(shmrpc_dict *dict);

typedef struct shmrpc_dict_stat {
    uint64_t entry_count;
    uint64_t change_count; /* since it was made */
    uint64_t helped_count; /* of those: finished by others than their makers */
    uint64_t memory_bytes; /* that it has taken */
    uint64_t max_bytes;    /* that it may take */
    uint64_t view_age;     /* changes since the oldest open view; 0: none */
    uint32_t open_count;   /* living handles that may write */
    uint32_t lock_count;   /* locks that are held, the whole's included */
    int64_t snapshot_ns;   /* when the last one was written, since 1970, by a
                            * handle that may write, or its service; 0: never */
    uint64_t snapshot_failure_count;
    uint64_t reserved[6];
} shmrpc_dict_stat;

/* Figures as of now. */
SHMRPC_API shmrpc_status shmrpc_dict_stat_read(shmrpc_dict *dict,
                                               shmrpc_dict_stat *out);

SHMRPC_END_DECLS

#endif
