/*
 * Shared dicts: a map that processes share by name, without a server.
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
 * unless the options say json. A dict that is declared in a .svc has functions
 * of its own with the declared types, which do the same.
 *
 * Order. All changes have one order, and each is atomic: others see it
 * completely or not at all. Reading takes no lock, writes nothing, and never
 * waits. Entries are in the order in which their keys were inserted.
 *
 * Keys are null, bool, numbers, text, bytes, and tuples of these
 * (shmrpc/any.h). Numbers with the same integral value are one key, whatever
 * their type: 1 and 1.0 are the same key; true is another one. A path leads
 * into a value: {"a", "b", 3} is position 3 of the list under "b" of the map
 * under "a"; negative positions count from the end. A change below a key is a
 * change of that key; two such changes at the same time both happen, one after
 * the other. In msgpack such a change costs the same however long the value is,
 * even in the middle of a list.
 *
 * Death. A process may die at any instruction: its change has then happened or
 * has not, and the next process that uses the dict completes what was left half
 * done. A stopped process holds up nobody, but its open views keep the memory
 * that they show.
 *
 * Between machines. The name "nats://host/acme.voices" means one dict for all
 * machines: a NATS bucket (docs/many-machines.md), of which each machine has a
 * copy. Reading, views and watches use this machine's copy, at local speed,
 * even while no server is reachable. The copy lacks the changes that are still
 * under way; after the death of the process that fills it, it is about a second
 * behind. Getting a value together with its version asks the servers instead,
 * and is exact; so are put_new, put_if, update and changes below a key.
 *
 * A change blocks for up to 30 s. It returns when the servers have stored it
 * and this machine's copy has it, but it waits at most 2 s for the copy. A
 * change that returns DEADLINE or UNAVAILABLE may have happened. Each key is
 * changed by itself: merge and clear make one change for each key, and other
 * processes may see some of these changes before the rest. update and changes
 * below a key read the whole value first.
 *
 * Between machines functions also return: UNAVAILABLE if no server is
 * reachable; TOO_LARGE for a value longer than the servers' max_payload (1
 * MiB), or a key of more than about 300 to 1,000 bytes; EXHAUSTED if the bucket
 * (max_bytes) or this machine's copy is full; FORKED in a forked child;
 * UNIMPLEMENTED for locks and load; INVALID for READ_ONLY, `capacity`,
 * `snapshot` and a `lifetime` other than FILE.
 *
 * shmrpc/shared.h describes what all shared objects have in common.
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

/* Keys and positions, the outermost first. */
typedef shmrpc_any_list shmrpc_path;

static inline shmrpc_path shmrpc_path_of(const shmrpc_any *steps, size_t len)
{
    shmrpc_path path;
    path.ptr = steps;
    path.len = len;
    return path;
}

/* How to open or create. NULL or zeroed: the defaults. All members except
 * `shared` apply only when the dict is created. */
typedef struct shmrpc_dict_opts {
    shmrpc_shared_opts shared; /* max_bytes: default 1 GiB, allocated as
                                * needed */
    uint64_t capacity;         /* max number of entries; 0: limited by memory
                                * only */
    uint64_t log;              /* changes kept for watchers; 0: 1024 */
    shmrpc_encoding encoding;  /* of values: MSGPACK (or 0), JSON */
    uint32_t reserved32;       /* 0 */
    uint64_t reserved[4];      /* 0; later members take its place */
} shmrpc_dict_opts;

/* Opens a dict, creates it, or both. READ_ONLY is allowed. Returns the statuses
 * in shmrpc/shared.h. */
SHMRPC_API shmrpc_status
shmrpc_dict_open(const char *name, const shmrpc_dict_opts *opts,
                 shmrpc_dict **out, shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* Closes a handle; NULL is fine. Close its views first; watches and values stay
 * valid. */
SHMRPC_API void shmrpc_dict_close(shmrpc_dict *dict);

/* ---- reading: any thread, never waits ------------------------------------ */

/*
 * Copies the value at a path, and its version (NULL: not wanted). Release the
 * copy with shmrpc_dict_release(). No other value of this dict ever gets the
 * same version; a path into a value has the version of its key. An empty path
 * is INVALID.
 *
 * Returns NOT_FOUND (the error says at which step the path ends); PRECONDITION
 * if a step leads into something that is neither map nor list; INVALID if a
 * step can't be a key; DATA_LOSS; DESTROYED; NO_MEMORY.
 */
SHMRPC_API shmrpc_status shmrpc_dict_get(
    shmrpc_dict *dict, const shmrpc_path *path, const shmrpc_any **out,
    uint64_t *out_version, shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* Frees a value that this dict returned; NULL is fine. */
SHMRPC_API void shmrpc_dict_release(shmrpc_dict *dict, const shmrpc_any *value);

/* Returns OK or NOT_FOUND; other statuses as get. */
SHMRPC_API shmrpc_status
shmrpc_dict_contains(shmrpc_dict *dict, const shmrpc_path *path,
                     shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* Gives the number of entries of the dict, or, if the path has steps, of the
 * map or list there. */
SHMRPC_API shmrpc_status
shmrpc_dict_len(shmrpc_dict *dict, const shmrpc_path *path, uint64_t *out,
                shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* ---- changing ------------------------------------------------------------ */

/*
 * Sets the value at a path to a copy of `value`. The map or list that it is put
 * into must exist already; in a list, so must the position.
 *
 * Returns NOT_FOUND, PRECONDITION and INVALID as get does; OUT_OF_RANGE if the
 * list is shorter; EXHAUSTED if the dict is full (the error says what the value
 * needs and what there is); TOO_LARGE if the value is too large; DENIED for a
 * READ_ONLY handle; DESTROYED; DATA_LOSS; NO_MEMORY. On failure nothing has
 * changed.
 */
SHMRPC_API shmrpc_status shmrpc_dict_put(
    shmrpc_dict *dict, const shmrpc_path *path, const shmrpc_any *value,
    shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* Puts only if nothing is at the path yet; otherwise returns EXISTS. */
SHMRPC_API shmrpc_status shmrpc_dict_put_new(
    shmrpc_dict *dict, const shmrpc_path *path, const shmrpc_any *value,
    shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* Puts only if the key still has the version that get returned; otherwise
 * returns ABORTED. The path has one step. `*out_version` (NULL: not wanted) is
 * the new version. */
SHMRPC_API shmrpc_status shmrpc_dict_put_if(
    shmrpc_dict *dict, const shmrpc_path *path, const shmrpc_any *value,
    uint64_t version, uint64_t *out_version,
    shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* Deletes what is at a path; in a list, later items move up. */
SHMRPC_API shmrpc_status
shmrpc_dict_del(shmrpc_dict *dict, const shmrpc_path *path,
                shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* Deletes as del does, and returns a copy of what was there, to be released. */
SHMRPC_API shmrpc_status
shmrpc_dict_pop(shmrpc_dict *dict, const shmrpc_path *path,
                const shmrpc_any **out, shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* Removes the entry that was inserted last, and returns its key and value;
 * release each. Returns NOT_FOUND if the dict is empty, or ABORTED if other
 * processes were faster a thousand times in a row. */
SHMRPC_API shmrpc_status shmrpc_dict_popitem(
    shmrpc_dict *dict, const shmrpc_any **out_key, const shmrpc_any **out_value,
    shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* Returns what is at a path; if nothing is there, puts a copy of `value` first.
 * Release `*out`. Statuses are those of get and put, and ABORTED as for
 * popitem. */
SHMRPC_API shmrpc_status shmrpc_dict_get_or_put(
    shmrpc_dict *dict, const shmrpc_path *path, const shmrpc_any *value,
    const shmrpc_any **out, shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* Inserts into a list. The last step of the path is the position before which
 * the item is inserted; the steps before it lead to the list. A position at or
 * beyond the list's end appends. */
SHMRPC_API shmrpc_status shmrpc_dict_insert(
    shmrpc_dict *dict, const shmrpc_path *path, const shmrpc_any *value,
    shmrpc_error *error) SHMRPC_WARN_UNUSED;
/* Appends to the list at a path. */
SHMRPC_API shmrpc_status shmrpc_dict_append(
    shmrpc_dict *dict, const shmrpc_path *path, const shmrpc_any *value,
    shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* What an updater decides. A negative number is a status, with which the update
 * ends. */
enum {
    SHMRPC_CHANGE_PUT = 0,
    SHMRPC_CHANGE_KEEP = 1,
    SHMRPC_CHANGE_DELETE = 2
};

/* Gets the current value (NULL: none) and decides on the next one. With PUT the
 * new value is `*now`, which is at first a copy of the current value. Trees
 * that `*now` refers to must live until shmrpc_dict_update() returns. An
 * updater must not use the dict. */
typedef int shmrpc_dict_updater(void *user, const shmrpc_any *was,
                                shmrpc_any *now);

/* Reads a key (a path of one step), calls the updater, and changes the key if
 * it still has the value that was read; otherwise starts again. So no increment
 * of a counter is ever lost. Returns the statuses of put, and those of the
 * updater. */
SHMRPC_API shmrpc_status shmrpc_dict_update(
    shmrpc_dict *dict, const shmrpc_path *path, shmrpc_dict_updater *updater,
    void *user, shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* Puts many keys in one atomic change. */
SHMRPC_API shmrpc_status
shmrpc_dict_merge(shmrpc_dict *dict, const shmrpc_any_entry *entries,
                  size_t count, shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* Deletes everything, in one change. */
SHMRPC_API shmrpc_status
shmrpc_dict_clear(shmrpc_dict *dict, shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* ---- views: one thread at a time for a view ------------------------------ */

/* Opens a view of the dict as it is now; later changes don't affect it. Opening
 * costs about two microseconds; reading from a view takes no lock. Returns
 * EXHAUSTED or NO_MEMORY on failure. */
SHMRPC_API shmrpc_status
shmrpc_dict_view_open(shmrpc_dict *dict, shmrpc_view **out,
                      shmrpc_error *error) SHMRPC_WARN_UNUSED;
/* NULL is fine. */
SHMRPC_API void shmrpc_view_close(shmrpc_view *view);

/* Returns the value at a path; valid until the next call with this view.
 * Statuses as get. */
SHMRPC_API shmrpc_status
shmrpc_view_get(shmrpc_view *view, const shmrpc_path *path,
                const shmrpc_any **out, shmrpc_error *error) SHMRPC_WARN_UNUSED;
/* Returns the next entry in the order of insertion; valid until the next call
 * with this view. Returns NOT_FOUND if there are no more; the next call then
 * starts over at the first. */
SHMRPC_API shmrpc_status shmrpc_view_next(
    shmrpc_view *view, const shmrpc_any **out_key, const shmrpc_any **out_value,
    shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* Returns the previous entry, beginning with the last one. Returns NOT_FOUND if
 * there are no more; the next call then starts over. Switching between next and
 * prev starts over, too. */
SHMRPC_API shmrpc_status shmrpc_view_prev(
    shmrpc_view *view, const shmrpc_any **out_key, const shmrpc_any **out_value,
    shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* Returns the whole dict at one instant, as a map, which must be released.
 * Returns NO_MEMORY on failure. */
SHMRPC_API shmrpc_status
shmrpc_dict_all(shmrpc_dict *dict, const shmrpc_any **out,
                shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* Whether both dicts have the same keys with equal values (shmrpc_any_equal),
 * in any order. Each dict is read as of one instant, but the two instants
 * differ. */
SHMRPC_API shmrpc_status
shmrpc_dict_equal(shmrpc_dict *dict, shmrpc_dict *other, bool *out,
                  shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* ---- watches: one thread at a time for a watch --------------------------- */

typedef enum shmrpc_event_kind {
    SHMRPC_EVENT_PUT = 1,   /* `key` now has `value` */
    SHMRPC_EVENT_DEL = 2,   /* `key` was deleted */
    SHMRPC_EVENT_CLEAR = 3, /* everything was deleted */
    SHMRPC_EVENT_RESYNC = 4 /* discard what you know: all current entries follow
                             * as PUT, then changes as usual */
} shmrpc_event_kind;

typedef struct shmrpc_event {
    shmrpc_event_kind kind;
    uint32_t reserved32;
    uint64_t change; /* number of the change; events of one change have the same
                      * number */
    const shmrpc_any *key;   /* of PUT and DEL, else NULL */
    const shmrpc_any *value; /* of PUT, else NULL */
} shmrpc_event;

enum {
    /* The watch begins with RESYNC, and so with all current entries. */
    SHMRPC_WATCH_SNAPSHOT = 1u << 0
};

typedef struct shmrpc_watch_opts {
    uint32_t flags; /* SHMRPC_WATCH_... */
    uint32_t reserved32;
    /* If not empty: watches only text keys that begin with it. Copied. */
    shmrpc_str prefix;
    uint64_t reserved[4]; /* 0; later members take its place */
} shmrpc_watch_opts;

/* Watches changes from now on. A change below a key is a PUT of the key with
 * its whole value. Of several changes of one key in quick succession only the
 * last one may be reported. Takes one of the writers' places unless the handle
 * is READ_ONLY. `opts` may be NULL. Statuses as open. */
SHMRPC_API shmrpc_status shmrpc_dict_watch_open(
    shmrpc_dict *dict, const shmrpc_watch_opts *opts, shmrpc_watch **out,
    shmrpc_error *error) SHMRPC_WARN_UNUSED;
/* NULL is fine. */
SHMRPC_API void shmrpc_watch_close(shmrpc_watch *watch);

/* Returns the next event; waits for it until the deadline of `opts`. The event
 * is valid until the next call with this watch. A watcher that falls behind the
 * dict's `log` gets RESYNC. Returns DEADLINE if no event came, or BUSY with
 * NONBLOCK; FORKED if another process opened the watch; DESTROYED; DATA_LOSS;
 * NO_MEMORY. */
SHMRPC_API shmrpc_status shmrpc_watch_next(
    shmrpc_watch *watch, const shmrpc_event **out, const shmrpc_opts *opts,
    shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* Returns a descriptor for event loops, readable when there may be an event;
 * see shmrpc_queue_fd(). Also returns FORKED. */
SHMRPC_API int shmrpc_watch_fd(shmrpc_watch *watch);

/* ---- locks --------------------------------------------------------------- */

/*
 * Advisory locks, for work that takes more than one change: they exclude only
 * those who ask for them. Each key has a lock, whether or not it has a value;
 * the lock of the dict as a whole excludes those of all keys. They work as
 * shmrpc/lock.h says: a lock belongs to the thread that took it; when its
 * process dies the next waiter gets it within 50 ms, and a stopped process
 * keeps it. Two keys never share a lock; up to 512 keys can be locked at the
 * same time.
 *
 *     if (shmrpc_dict_lock(d, &key, NULL, &error) == SHMRPC_OK) {
 *         read, compute, put...
 *         (void)shmrpc_dict_unlock(d, &key, NULL);
 *     }
 *
 * To avoid deadlock, lock several keys in the same order everywhere, or lock
 * the whole dict.
 */

/*
 * Waits for the lock of a key (NULL: of the whole dict), and takes it; `wait`
 * NULL: up to 30 s.
 *
 * Returns OK, or OWNER_DIED if the former owner died while it held the lock; in
 * both cases the lock is held. After OWNER_DIED repair what the lock protects,
 * then call shmrpc_dict_lock_consistent(). OWNER_DIED may also be returned for
 * a key that the dead process never held, if it died while it was taking a
 * lock.
 *
 * With any other status the lock is not held: DEADLINE (the error has the
 * process that holds it, `pid`, and for how long, `held_ns`); PRECONDITION if
 * this thread holds it already and the handle is not RECURSIVE, or if the
 * thread holds the lock of a key and asks for the whole dict; EXHAUSTED if too
 * many locks are held; DENIED for a READ_ONLY handle; INVALID if `wait` is not
 * valid, or `key` can't be a key; DESTROYED; DATA_LOSS; NO_MEMORY.
 */
SHMRPC_API shmrpc_status shmrpc_dict_lock(
    shmrpc_dict *dict, const shmrpc_any *key, const shmrpc_lock_wait *wait,
    shmrpc_error *error) SHMRPC_WARN_UNUSED;
/* Like lock, but returns BUSY instead of waiting for the owner. May block for
 * at most 10 ms while other threads create the locks of their keys. */
SHMRPC_API shmrpc_status
shmrpc_dict_try_lock(shmrpc_dict *dict, const shmrpc_any *key,
                     shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* Releases the lock; never waits. Returns PRECONDITION if this thread does not
 * hold it by this handle. Closing the handle releases all of its locks, and
 * so does the death of its process. */
SHMRPC_API shmrpc_status shmrpc_dict_unlock(shmrpc_dict *dict,
                                            const shmrpc_any *key,
                                            shmrpc_error *error);

/* States that what the lock protects has been repaired. Returns PRECONDITION if
 * this thread does not hold the lock. */
SHMRPC_API shmrpc_status shmrpc_dict_lock_consistent(shmrpc_dict *dict,
                                                     const shmrpc_any *key,
                                                     shmrpc_error *error);

/* A lock that is held, or whose owner died holding it. */
typedef struct shmrpc_dict_held {
    bool is_whole;   /* the lock of the whole dict */
    bool is_broken;  /* its owner died, and what it protects is not repaired */
    int32_t pid;     /* process that holds the lock; 0: dead, or not known */
    int64_t held_ns; /* how long it has been held */
    /* The first bytes of the encoded key, and its full length. */
    shmrpc_bytes key_bytes;
    uint32_t key_len;
} shmrpc_dict_held;
typedef void shmrpc_dict_lock_visit(void *user, const shmrpc_dict_held *held);

/* Calls `visit` for each lock that is held now, for display. READ_ONLY is
 * allowed. */
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
 * Writes all entries as of one instant to a file, in their order; writers of
 * the dict don't wait for it. The file is complete and on the disk before it
 * replaces an older one: if the process dies or the disk fills up, the older
 * file stays intact. `path` NULL: the default place (shmrpc/shared.h). `opts`
 * may be NULL; READ_ONLY is allowed.
 *
 * Returns EXHAUSTED if the disk is full; DENIED or NOT_FOUND if the folder
 * can't be used; BUSY if another process is writing the same file; INVALID if
 * the path or an option is not valid; DATA_LOSS if the dict is damaged;
 * DESTROYED; NO_MEMORY. Blocks as long as the disk takes.
 */
SHMRPC_API shmrpc_status shmrpc_dict_snapshot(
    shmrpc_dict *dict, const char *path, const shmrpc_snapshot_opts *opts,
    shmrpc_error *error) SHMRPC_WARN_UNUSED;

/*
 * Puts all entries of a snapshot into the dict, in one change; other entries
 * stay. To create a dict from a snapshot, see shmrpc_shared_opts.snapshot.
 * `path` is as in shmrpc_dict_snapshot().
 *
 * Returns NOT_FOUND or DENIED if the file can't be opened; DATA_LOSS if it is
 * damaged (the error says where); CONTRACT if it has another type or encoding,
 * or comes from a later version of this library; EXHAUSTED or TOO_LARGE if the
 * dict has no room for it; DESTROYED; NO_MEMORY. On failure nothing has
 * changed.
 */
SHMRPC_API shmrpc_status shmrpc_dict_load(shmrpc_dict *dict, const char *path,
                                          shmrpc_error *error)
    SHMRPC_WARN_UNUSED;

/* ---- destroying and statistics ------------------------------------------- */

/* Destroys the dict for everyone: all who use it get DESTROYED, and the name is
 * free. Returns DENIED for a READ_ONLY handle. Also returns DENIED if the dict
 * was destroyed but its name stays, because the folder's permissions let only
 * the file's owner remove it. */
SHMRPC_API shmrpc_status shmrpc_dict_destroy(shmrpc_dict *dict);

typedef struct shmrpc_dict_stat {
    uint64_t entry_count;
    uint64_t change_count; /* since it was made */
    uint64_t helped_count; /* how many of these another process completed */
    uint64_t memory_bytes; /* in use */
    uint64_t max_bytes;    /* limit */
    uint64_t view_age;     /* changes since the oldest open view; 0: none */
    uint32_t open_count;   /* living handles that may write */
    uint32_t lock_count;   /* locks that are held, including the lock of the
                            * whole dict */
    int64_t snapshot_ns;   /* when a handle that may write, or the object's
                            * service, wrote the last snapshot, counted from
                            * 1970; 0: never */
    uint64_t snapshot_failure_count;
    uint64_t reserved[6];
} shmrpc_dict_stat;

/* Reads the dict's current figures. */
SHMRPC_API shmrpc_status shmrpc_dict_stat_read(shmrpc_dict *dict,
                                               shmrpc_dict_stat *out);

SHMRPC_END_DECLS

#endif
