/*
 * Locks of dicts: shmrpc/dict.h over sync/lock.
 *
 * dict_lock.h has the layout and the idea: a lock for the whole, entries for
 * keys, and a desk at which entries are given out. This file has the order in
 * which they are taken. A thread that locks a key first becomes a reader of the
 * lock of the whole dict, then takes the key's entry. A thread that locks the
 * whole dict becomes the writer of that lock, and so waits for all holders of
 * keys. Nobody waits for the whole while it holds a key, and nobody waits for a
 * key at the desk: these steps add no deadlock to those that users can make by
 * locking two keys in two orders.
 *
 * An entry's tag is read before its word is taken and again afterwards, because
 * another key may take over the entry between the two reads. If it did, the
 * word is released and the search begins again. The number of repetitions is
 * bounded, as a process that damages the memory could move tags for ever.
 *
 * A lock of sync/lock belongs to a thread. The words are in the region; what
 * the process knows of them (depth, holder) is in shmrpci_dict_locks.
 */
#include "objects/dict_lock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/utf8.h"
#include "objects/dict_remote.h"
#include "os/clock.h"
#include "os/thread.h"
#include "table/hash.h"

#define COUNT SHMRPCI_DICT_LOCK_COUNT

/* How often a caller that doesn't wait may be sent from entry to entry, by
 * threads that take entries over, or by a process that damages the tags. Other
 * callers go on until their deadline. */
#define ROUNDS 16u

/* How long a caller that doesn't wait for the key waits for the desk, which is
 * normally held for a microsecond only. */
#define DESK_NS (10 * SHMRPCI_NS_PER_MS)

/* The index of no entry. */
#define NO_ENTRY UINT32_MAX

/* What this process knows of the locks. Made on first use, so that dicts
 * without locks take no memory for it. */
struct shmrpci_dict_locks {
    shmrpci_lock_map at;
    shmrpci_atomic_u64 *tags;
    shmrpci_dict_lock_entry *entries;
    shmrpc_lock whole;
    shmrpc_lock desk;
    /* shmrpc_lock *, at index entry + 1; NULL: never used by this handle. */
    _Atomic(void *) of[COUNT];
};

/* ---- state of a handle --------------------------------------------------- */

void shmrpci_dict_locks_free(shmrpci_dict_locks *locks)
{
    if (locks == NULL) {
        return;
    }
    for (uint32_t i = 0; i < COUNT; i++) {
        free(locks->of[i]);
    }
    free(locks);
}

/* Whether a thread may take a lock again is a choice of the handle, not of the
 * dict. */
static uint32_t flags_of(const shmrpc_dict *dict)
{
    return (dict->handle.flags & SHMRPC_SHARED_RECURSIVE) != 0
               ? SHMRPC_LOCK_RECURSIVE
               : 0u;
}

/* Publishes a new object, or frees it and returns the one that another thread
 * published first. */
static void *publish(_Atomic(void *) *to, void *made)
{
    void *seen = NULL;
    /* Acquire and release: if another thread was first, its object is complete
     * for us. */
    if (atomic_compare_exchange_strong_explicit(
            to, &seen, made, memory_order_acq_rel, memory_order_acquire)) {
        return made;
    }
    free(made);
    return seen;
}

/* The handle's locks, made on first use. */
static shmrpc_status locks_of(shmrpc_dict *dict, shmrpci_dict_locks **out,
                              shmrpc_error *error)
{
    const shmrpci_region *region = &dict->table.region;
    shmrpci_dict_lock_area in;
    shmrpci_dict_locks *locks =
        atomic_load_explicit(&dict->locks, memory_order_acquire);
    if (locks == NULL) {
        if (!shmrpci_dict_lock_find(region, &in)) {
            return shmrpc_error_set(error, SHMRPC_E_DATA_LOSS,
                                    "its file has no area for locks");
        }
        locks = calloc(1, sizeof *locks);
        if (locks == NULL) {
            return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
        }
        locks->at = in.at;
        locks->tags = in.tags;
        locks->entries = in.entries;
        shmrpci_lock_borrow(&locks->whole, &in.at, &in.at.file->word,
                            region->me, region->fd,
                            flags_of(dict) | SHMRPC_LOCK_SHARED);
        shmrpci_lock_borrow(&locks->desk, &in.at, &in.entries[0].word,
                            region->me, region->fd, 0);
        locks = publish(&dict->locks, locks);
    }
    *out = locks;
    return SHMRPC_OK;
}

/* This process's lock of entry `index`, made on first use. Returns NULL if out
 * of memory. */
static shmrpc_lock *lock_of(const shmrpc_dict *dict, shmrpci_dict_locks *locks,
                            uint32_t index)
{
    const shmrpci_region *region = &dict->table.region;
    shmrpc_lock *lock =
        atomic_load_explicit(&locks->of[index], memory_order_acquire);
    if (lock == NULL && (lock = malloc(sizeof *lock)) != NULL) {
        shmrpci_lock_borrow(lock, &locks->at, &locks->entries[index + 1].word,
                            region->me, region->fd, flags_of(dict));
        lock = publish(&locks->of[index], lock);
    }
    return lock;
}

/* Relaxed: only our own number matters, and only we write it. */
static bool is_of_thread(const shmrpc_lock *lock)
{
    return lock != NULL &&
           shmrpci_load_relaxed(&lock->holder) == shmrpci_thread_number();
}

/* Whether this thread holds the lock of any key. We search, because a count
 * would have to survive forks and deaths. */
static bool has_key(shmrpci_dict_locks *locks)
{
    for (uint32_t i = 0; i < COUNT; i++) {
        if (is_of_thread(
                atomic_load_explicit(&locks->of[i], memory_order_acquire))) {
            return true;
        }
    }
    return false;
}

/* ---- waiting ------------------------------------------------------------- */

/* The state of one call. All its waits end by the same deadline. */
typedef struct asking {
    shmrpc_dict *dict;
    shmrpci_dict_locks *locks;
    shmrpci_dict_key key;
    uint64_t tag;        /* tag of the key; 0: the whole dict */
    int64_t deadline_ns; /* 0: don't wait */
    int64_t began_ns;
    int64_t spin_ns;
    int32_t blocker; /* pid of the process that holds the lock; 0: none, or
                      * unknown */
    int64_t held_ns; /* for how long it has held it; 0: unknown */
} asking;

/* The remaining time; at least 1 ns, as 0 means a default. */
static shmrpc_lock_wait what_is_left(const asking *of)
{
    int64_t left = shmrpci_remaining_ns(of->deadline_ns);
    return (shmrpc_lock_wait){.timeout_ns = left > 0 ? left : 1,
                              .spin_ns = of->spin_ns};
}

/* Returns the statuses of sync/lock: OK, OWNER_DIED (held, to be repaired),
 * DEADLINE, BUSY, DESTROYED. */
static shmrpc_status acquire(const asking *of, shmrpc_lock *lock)
{
    if (of->deadline_ns == 0) {
        return shmrpc_lock_try_acquire(lock);
    }
    shmrpc_lock_wait wait = what_is_left(of);
    return shmrpc_lock_acquire(lock, &wait);
}

static bool is_taken(shmrpc_status status)
{
    return status == SHMRPC_OK || status == SHMRPC_E_OWNER_DIED;
}

static bool is_over(shmrpc_status status)
{
    return status == SHMRPC_E_DEADLINE || status == SHMRPC_E_BUSY;
}

/* Records, for the error message, who holds a lock that was not available, and
 * since when. Both may have changed by now. */
static void blame(asking *of, const shmrpc_lock *lock,
                  const shmrpci_dict_lock_entry *entry)
{
    of->blocker =
        shmrpci_lock_pid_of_word(&lock->at, shmrpci_load_seq(lock->word));
    int64_t since_ns = (int64_t)shmrpci_load_relaxed(&entry->since_ns);
    int64_t now_ns = shmrpci_now_ns();
    of->held_ns = of->blocker != 0 && since_ns > 0 && since_ns < now_ns
                      ? now_ns - since_ns
                      : 0;
}

/* ---- finding an entry ---------------------------------------------------- */

/* The entry whose tag is that of the key. Entries are searched from the key's
 * hash on, without gaps, so an unused entry ends the search. */
static uint32_t entry_of(const asking *of)
{
    for (uint32_t i = 0; i < COUNT; i++) {
        uint32_t index = (uint32_t)(of->tag + i) % COUNT;
        /* Sequentially consistent: if this thread took the entry's word before,
         * it now sees the tag that the previous holder of the word wrote. */
        uint64_t tag = shmrpci_load_seq(&of->locks->tags[index]);
        if (tag == of->tag) {
            return index;
        }
        if (tag == 0) {
            break;
        }
    }
    return NO_ENTRY;
}

/* Called as the holder of the entry: gives the entry to our key. The tag is
 * written last, as other threads search for it. */
static void inscribe(const asking *of, uint32_t index)
{
    shmrpci_dict_lock_entry *entry = &of->locks->entries[index + 1];
    shmrpci_table_bytes key = shmrpci_dict_key_bytes(&of->key);
    uint64_t words[SHMRPCI_DICT_LOCK_KEY_WORDS] = {0};
    memcpy(words, key.data, key.len < sizeof words ? key.len : sizeof words);
    /* Relaxed: only shown in listings. */
    shmrpci_store_relaxed(&entry->key_len, (uint32_t)key.len);
    for (uint32_t i = 0; i < SHMRPCI_DICT_LOCK_KEY_WORDS; i++) {
        shmrpci_store_relaxed(&entry->key[i], words[i]);
    }
    shmrpci_store_seq(&of->locks->tags[index], of->tag);
}

/* Takes an entry for our key. `is_new` means that no key ever had it; then
 * waiting is allowed, since only a thread that died while it took the entry can
 * hold it. */
static shmrpc_status take_entry(const asking *of, uint32_t index, bool is_new,
                                uint32_t *out_index)
{
    shmrpc_lock *lock = lock_of(of->dict, of->locks, index);
    if (lock == NULL) {
        return SHMRPC_E_NO_MEMORY;
    }
    shmrpc_status status =
        is_new ? acquire(of, lock) : shmrpc_lock_try_acquire(lock);
    if (status == SHMRPC_E_OWNER_DIED && is_new) {
        /* A process died here before it wrote a tag, so it held no key. */
        status = shmrpc_lock_consistent(lock);
    } else if (status == SHMRPC_E_OWNER_DIED) {
        (void)shmrpc_lock_release(lock);
    }
    if (status == SHMRPC_OK) {
        inscribe(of, index);
        *out_index = index;
    }
    return status;
}

/* Called as the holder of the desk. Takes the first entry that no key ever had;
 * if there is none, one that nobody holds. Returns EXHAUSTED if all are held or
 * broken. */
static shmrpc_status take_any_entry(const asking *of, uint32_t *out_index)
{
    for (uint32_t i = 0; i < COUNT; i++) {
        uint32_t index = (uint32_t)(of->tag + i) % COUNT;
        if (shmrpci_load_seq(&of->locks->tags[index]) == 0) {
            return take_entry(of, index, true, out_index);
        }
    }
    for (uint32_t i = 0; i < COUNT; i++) {
        uint32_t index = (uint32_t)(of->tag + i) % COUNT;
        if (shmrpci_load_seq(&of->locks->entries[index + 1].word) == 0) {
            shmrpc_status status = take_entry(of, index, false, out_index);
            if (status == SHMRPC_OK || status == SHMRPC_E_NO_MEMORY) {
                return status;
            }
        }
    }
    return SHMRPC_E_EXHAUSTED;
}

/* The desk is held for a microsecond only. So even a caller that doesn't wait
 * for the key waits for the desk, unless its holder is stopped. */
static shmrpc_status acquire_desk(const asking *of)
{
    shmrpc_lock_wait wait = {.timeout_ns = DESK_NS, .spin_ns = of->spin_ns};
    if (of->deadline_ns != 0) {
        wait = what_is_left(of);
    }
    shmrpc_status status = shmrpc_lock_acquire(&of->locks->desk, &wait);
    return status == SHMRPC_E_DEADLINE && of->deadline_ns == 0 ? SHMRPC_E_BUSY
                                                               : status;
}

/* Takes an entry for a key that has none, and holds it. Returns MORE if another
 * thread has meanwhile made an entry for the key. */
static shmrpc_status claim(asking *of, uint32_t *out_index)
{
    shmrpc_lock *desk = &of->locks->desk;
    shmrpc_status status = acquire_desk(of);
    if (status == SHMRPC_E_OWNER_DIED) {
        /* A holder of the desk that dies leaves nothing half done, so nothing
         * needs to be repaired. */
        status = shmrpc_lock_consistent(desk);
    }
    if (status != SHMRPC_OK) {
        if (is_over(status)) {
            of->blocker = shmrpc_lock_owner_pid(desk);
        }
        return status;
    }
    status =
        entry_of(of) != NO_ENTRY ? SHMRPC_MORE : take_any_entry(of, out_index);
    (void)shmrpc_lock_release(desk);
    return status;
}

/* ---- taking -------------------------------------------------------------- */

/* One attempt to take the key's entry, or a new one. Returns MORE if another
 * key has taken over the entry, or another thread has made an entry for our
 * key. */
static shmrpc_status take_once(asking *of, uint32_t *out_index)
{
    uint32_t index = entry_of(of);
    if (index == NO_ENTRY) {
        return claim(of, out_index);
    }
    shmrpc_lock *lock = lock_of(of->dict, of->locks, index);
    if (lock == NULL) {
        return SHMRPC_E_NO_MEMORY;
    }
    shmrpc_status status = acquire(of, lock);
    if (is_over(status)) {
        blame(of, lock, &of->locks->entries[index + 1]);
    }
    if (is_taken(status) &&
        shmrpci_load_seq(&of->locks->tags[index]) != of->tag) {
        (void)shmrpc_lock_release(lock);
        return SHMRPC_MORE;
    }
    *out_index = index;
    return status;
}

/* Repeats while entries are taken over by other keys. */
static shmrpc_status take_key(asking *of, uint32_t *out_index)
{
    bool waits = of->deadline_ns != 0;
    shmrpc_status status = SHMRPC_MORE;
    for (uint32_t i = 0;
         status == SHMRPC_MORE &&
         (i < ROUNDS || (waits && shmrpci_remaining_ns(of->deadline_ns) > 0));
         i++) {
        status = take_once(of, out_index);
    }
    if (status == SHMRPC_MORE) {
        return waits ? SHMRPC_E_DEADLINE : SHMRPC_E_BUSY;
    }
    return status;
}

/* Becomes a reader of the lock of the whole dict, as all holders of keys are.
 * This is not possible while another thread holds the whole dict. A thread that
 * already holds the whole dict or another key goes ahead of threads that wait
 * for the whole dict: to wait behind them would be a deadlock. */
static shmrpc_status enter(asking *of)
{
    shmrpc_lock *whole = &of->locks->whole;
    shmrpc_status status = is_of_thread(whole)
                               ? SHMRPC_E_BUSY
                               : shmrpc_lock_try_acquire_shared(whole);
    if (status != SHMRPC_E_BUSY) {
        return status;
    }
    if (is_of_thread(whole) || has_key(of->locks)) {
        return shmrpci_lock_enter_again(whole);
    }
    if (of->deadline_ns != 0) {
        shmrpc_lock_wait wait = what_is_left(of);
        status = shmrpc_lock_acquire_shared(whole, &wait);
    }
    if (is_over(status)) {
        blame(of, whole, &of->locks->entries[0]);
    }
    return status;
}

static void note_time(shmrpci_dict_lock_entry *entry)
{
    /* Relaxed: only shown in listings. */
    shmrpci_store_relaxed(&entry->since_ns, (uint64_t)shmrpci_now_ns());
}

/* If this thread holds the key's lock already, sync/lock decides: through a
 * RECURSIVE handle the lock is taken once more, otherwise PRECONDITION is
 * returned. */
static shmrpc_status lock_key(asking *of)
{
    uint32_t index = entry_of(of);
    shmrpc_lock *mine =
        index == NO_ENTRY ? NULL : lock_of(of->dict, of->locks, index);
    if (is_of_thread(mine)) {
        /* This doesn't wait, as this thread is the holder. */
        return shmrpc_lock_try_acquire(mine);
    }
    shmrpc_status entered = enter(of);
    if (!is_taken(entered)) {
        return entered;
    }
    shmrpc_status status = take_key(of, &index);
    if (!is_taken(status)) {
        (void)shmrpc_lock_release_shared(&of->locks->whole);
        return status;
    }
    note_time(&of->locks->entries[index + 1]);
    /* If the key's lock and the whole dict's lock both have OWNER_DIED, this
     * call reports the key's, and the next thread that enters gets that of the
     * whole dict. */
    return status == SHMRPC_OK ? entered : status;
}

/* Not allowed while this thread holds a key: it would wait for itself. */
static shmrpc_status lock_whole(asking *of)
{
    shmrpc_lock *whole = &of->locks->whole;
    if (!is_of_thread(whole) && has_key(of->locks)) {
        return SHMRPC_E_PRECONDITION;
    }
    shmrpc_status status = acquire(of, whole);
    if (is_over(status)) {
        blame(of, whole, &of->locks->entries[0]);
        if (of->blocker == 0) {
            of->blocker = shmrpci_lock_reader_pid(&of->locks->at);
        }
    } else if (is_taken(status)) {
        note_time(&of->locks->entries[0]);
    }
    return status;
}

/* ---- error messages ------------------------------------------------------ */

/* Names the holder, since when it holds the lock, and how long we waited, so
 * that users can find the culprit. */
static shmrpc_status explain_wait(const asking *of, shmrpc_status status,
                                  shmrpc_error *error)
{
    const char *what = of->tag != 0 ? "the key" : "the dict";
    int64_t waited_ms = (shmrpci_now_ns() - of->began_ns) / SHMRPCI_NS_PER_MS;
    char since[48] = "";
    if (of->held_ns > 0) {
        (void)snprintf(since, sizeof since, " since %" PRId64 " ms",
                       of->held_ns / SHMRPCI_NS_PER_MS);
    }
    char who[32] = "another process";
    if (of->blocker != 0) {
        (void)snprintf(who, sizeof who, "process %" PRId32, of->blocker);
    }
    if (status == SHMRPC_E_BUSY) {
        return shmrpc_error_set(error, status, "%s is locked by %s%s", what,
                                who, since);
    }
    return shmrpc_error_set(error, status,
                            "%s is locked by %s%s; waited %" PRId64 " ms", what,
                            who, since, waited_ms);
}

/* Explains a lock's status for a dict. OWNER_DIED is an error for the caller,
 * which holds the lock nevertheless. */
static shmrpc_status explain(const asking *of, shmrpc_status status,
                             shmrpc_error *error)
{
    switch ((int)status) {
    case SHMRPC_OK:
        return SHMRPC_OK;
    case SHMRPC_E_DEADLINE:
    case SHMRPC_E_BUSY:
        (void)explain_wait(of, status, error);
        break;
    case SHMRPC_E_OWNER_DIED:
        (void)shmrpc_error_set(error, status,
                               "locked, but a process died while it held this "
                               "lock: repair what it protects, then say that "
                               "it is consistent");
        break;
    case SHMRPC_E_PRECONDITION:
        (void)shmrpc_error_set(
            error, status,
            of->tag == 0 && has_key(of->locks)
                ? "this thread holds the lock of a key: release that first"
                : "this thread already holds the lock");
        break;
    case SHMRPC_E_EXHAUSTED:
        (void)shmrpc_error_set(error, status,
                               "the locks of %u keys are held or broken: no "
                               "more can be held at the same time",
                               COUNT);
        break;
    case SHMRPC_E_DESTROYED:
        (void)shmrpc_error_set(error, status, "it has been destroyed");
        break;
    case SHMRPC_E_INVALID:
        (void)shmrpc_error_set(error, status,
                               "timeout_ns or spin_ns is negative");
        break;
    default:
        (void)shmrpc_error_set(error, status, "%s", shmrpc_status_text(status));
    }
    status = shmrpci_handle_explain(&of->dict->handle, status, error);
    if (error != NULL) {
        error->pid = of->blocker;
        error->held_ns = of->held_ns;
    }
    return status;
}

/* ---- public functions ---------------------------------------------------- */

/* Begins a call. shmrpci_dict_key_fini() must be called in any case. */
static shmrpc_status begin(asking *of, shmrpc_dict *dict, const void *key,
                           shmrpc_error *error)
{
    *of = (asking){.dict = dict};
    shmrpc_status status = shmrpci_dict_key_init(dict, NULL, &of->key, error);
    if (status == SHMRPC_OK) {
        status = shmrpci_dict_may_change(dict, error);
    }
    if (status == SHMRPC_OK) {
        status = shmrpci_dict_remote_lacks(
            dict,
            "there are no locks over NATS, as a dead holder on another machine "
            "can't be told from a slow one: use put_if or update",
            error);
    }
    if (status == SHMRPC_OK) {
        status = locks_of(dict, &of->locks, error);
    }
    if (status != SHMRPC_OK || key == NULL) {
        return status;
    }
    status = shmrpci_dict_key_init(dict, key, &of->key, error);
    if (status == SHMRPC_OK) {
        shmrpci_table_bytes bytes = shmrpci_dict_key_bytes(&of->key);
        of->tag = shmrpci_hash_bytes(dict->table.region.facts.hash_seed,
                                     bytes.data, bytes.len);
        /* 0 means no key. */
        of->tag += of->tag == 0 ? 1 : 0;
    }
    return status;
}

/* Applies the defaults of sync/lock, and computes spinning and the deadline. */
static shmrpc_status wait_until(asking *of, const shmrpc_lock_wait *wait)
{
    shmrpci_lock_patience patience;
    shmrpc_status status =
        shmrpci_lock_patience_init(&of->locks->whole, wait, &patience);
    if (status == SHMRPC_OK) {
        of->deadline_ns = patience.deadline_ns;
        of->began_ns = patience.began_ns;
        of->spin_ns = patience.spin_ns;
    }
    return status;
}

/* Takes the lock. Fails at once if the dict is destroyed, instead of
 * waiting. */
static shmrpc_status take(asking *of)
{
    if (shmrpci_region_is_destroyed(&of->dict->table.region)) {
        return SHMRPC_E_DESTROYED;
    }
    return of->tag != 0 ? lock_key(of) : lock_whole(of);
}

int shmrpc_stub_dict_lock(shmrpc_dict *dict, const void *key,
                          const shmrpc_lock_wait *wait, shmrpc_error *error)
{
    asking of;
    shmrpc_status status = begin(&of, dict, key, error);
    if (status == SHMRPC_OK) {
        status = wait_until(&of, wait);
        if (status == SHMRPC_OK) {
            status = take(&of);
        }
        status = explain(&of, status, error);
    } else {
        status = shmrpci_handle_explain(&dict->handle, status, error);
    }
    shmrpci_dict_key_fini(&of.key);
    return status;
}

int shmrpc_stub_dict_try_lock(shmrpc_dict *dict, const void *key,
                              shmrpc_error *error)
{
    asking of;
    shmrpc_status status = begin(&of, dict, key, error);
    status = status == SHMRPC_OK
                 ? explain(&of, take(&of), error)
                 : shmrpci_handle_explain(&dict->handle, status, error);
    shmrpci_dict_key_fini(&of.key);
    return status;
}

/* The lock that this thread holds; NULL if it holds none. */
static shmrpc_lock *held_by_thread(const asking *of)
{
    uint32_t index = of->tag != 0 ? entry_of(of) : NO_ENTRY;
    shmrpc_lock *lock =
        of->tag == 0 ? &of->locks->whole
        : index == NO_ENTRY
            ? NULL
            : atomic_load_explicit(&of->locks->of[index], memory_order_acquire);
    return is_of_thread(lock) ? lock : NULL;
}

/* Releases a key's lock or the whole dict's lock. The last release of a key's
 * lock also releases the whole dict's lock, which the thread held as a
 * reader. */
static shmrpc_status release(const asking *of, shmrpc_lock *lock)
{
    bool is_last = lock->depth == 0;
    shmrpc_status status = shmrpc_lock_release(lock);
    if (of->tag != 0 && is_last) {
        (void)shmrpc_lock_release_shared(&of->locks->whole);
    }
    return status;
}

/* Releases or repairs a lock that this thread must hold. */
static int with_held(shmrpc_dict *dict, const void *key, bool releases,
                     shmrpc_error *error)
{
    asking of;
    shmrpc_status status = begin(&of, dict, key, error);
    if (status == SHMRPC_OK) {
        shmrpc_lock *lock = held_by_thread(&of);
        if (lock == NULL) {
            status = shmrpc_error_set(error, SHMRPC_E_PRECONDITION,
                                      "this thread does not hold the lock");
        } else {
            status =
                releases ? release(&of, lock) : shmrpc_lock_consistent(lock);
        }
    }
    shmrpci_dict_key_fini(&of.key);
    return shmrpci_handle_explain(&dict->handle, status, error);
}

int shmrpc_stub_dict_unlock(shmrpc_dict *dict, const void *key,
                            shmrpc_error *error)
{
    return with_held(dict, key, true, error);
}

int shmrpc_stub_dict_lock_consistent(shmrpc_dict *dict, const void *key,
                                     shmrpc_error *error)
{
    return with_held(dict, key, false, error);
}

/* ---- keys of any shape --------------------------------------------------- */

shmrpc_status shmrpc_dict_lock(shmrpc_dict *dict, const shmrpc_any *key,
                               const shmrpc_lock_wait *wait,
                               shmrpc_error *error)
{
    return (shmrpc_status)shmrpc_stub_dict_lock(dict, key, wait, error);
}

shmrpc_status shmrpc_dict_try_lock(shmrpc_dict *dict, const shmrpc_any *key,
                                   shmrpc_error *error)
{
    return (shmrpc_status)shmrpc_stub_dict_try_lock(dict, key, error);
}

shmrpc_status shmrpc_dict_unlock(shmrpc_dict *dict, const shmrpc_any *key,
                                 shmrpc_error *error)
{
    return (shmrpc_status)shmrpc_stub_dict_unlock(dict, key, error);
}

shmrpc_status shmrpc_dict_lock_consistent(shmrpc_dict *dict,
                                          const shmrpc_any *key,
                                          shmrpc_error *error)
{
    return (shmrpc_status)shmrpc_stub_dict_lock_consistent(dict, key, error);
}
