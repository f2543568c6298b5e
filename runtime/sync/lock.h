/*
 * The private structure of a lock's handle, shared by the files lock*.c.
 *
 *   lock.c         the fast paths, and queries
 *   lock_wait.c    everything else about taking and releasing
 *   lock_shared.c  readers, and how writers wait for them
 *   lock_file.c    the file: draft, check, attach, bury, destroy
 *   lock_open.c    modes, names, forked children
 *   lock_borrow.c  locks whose words lie in an object of another kind
 *
 * Threading: as each function says; fields as noted.
 */
#ifndef SHMRPCI_SYNC_LOCK_H
#define SHMRPCI_SYNC_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "os/fork.h"
#include "os/memory.h"
#include "os/object.h"
#include "shmrpc/lock.h"
#include "sync/descent.h"
#include "sync/lock_layout.h"
#include "sync/wait.h"

/* A sleeper checks after this time whether the owner is dead. It also makes up
 * for a wake-up that was lost with a dead process. The first check is sooner:
 * the owner may have died long before. */
#define SHMRPCI_LOCK_SLICE_NS       (16 * SHMRPCI_NS_PER_MS)
#define SHMRPCI_LOCK_FIRST_SLICE_NS (2 * SHMRPCI_NS_PER_MS)

/* FAIR: a thread that has waited this long goes first. */
#define SHMRPCI_LOCK_PATIENCE_NS SHMRPCI_NS_PER_MS

/* A mapped lock file, with or without being a participant of it. */
typedef struct shmrpci_lock_map {
    shmrpci_map map;
    shmrpci_lock_file *file;
    uint32_t kind;       /* checked copies, the originals are not read */
    uint32_t slot_count; /* again */
    /* More words with the same participants, `step` bytes apart. */
    uint8_t *words;
    uint32_t word_count; /* 0: only the one in `file` */
    uint32_t word_step;
} shmrpci_lock_map;

static inline shmrpci_atomic_u32 *
shmrpci_lock_word_at(const shmrpci_lock_map *at, uint32_t index)
{
    return (shmrpci_atomic_u32 *)(void *)(at->words +
                                          (size_t)index * at->word_step);
}

struct shmrpc_lock {
    /* Read by every call, written when (re)attaching. */
    shmrpci_atomic_u32 *word;
    shmrpci_descent descent;
    uint32_t me;    /* our owner number: slot + 1 */
    uint32_t flags; /* SHMRPC_LOCK_..., as opened */
    /* The thread of this process that holds it, 0: none. Written by that
     * thread alone, while it holds the lock; others compare it with their own
     * number, so a stale value is harmless. Not for semaphores. */
    shmrpci_atomic_u32 holder;
    uint32_t depth; /* RECURSIVE: the holder's further acquisitions */
    uint32_t turns; /* only the holder: counts to the next publication of its
                     * CPU */
    shmrpci_spinner spinner;
    int64_t spin_ns;
    shmrpci_lock_map at;
    shmrpci_lock_slot *self;
    /* With these a child finds the file again. */
    int fd;
    shmrpci_fork_fd guard; /* children close it */
    shmrpci_object_facts identity;
    shmrpci_room room;
    char folder[SHMRPCI_OBJECT_PATH_BYTES];
    char file_name[SHMRPCI_OBJECT_NAME_BYTES];
};

/* The process that the word names as owner; 0: none, or unknown. */
static inline int32_t shmrpci_lock_pid_of_word(const shmrpci_lock_map *at,
                                               uint32_t word)
{
    uint32_t owner = word & SHMRPCI_LOCK_OWNER;
    return owner == 0 || owner > at->slot_count
               ? 0
               : (int32_t)shmrpci_load_relaxed(&at->file->slots[owner - 1].pid);
}

/* ---- lock_file.c --------------------------------------------------------- */

/* Checks and maps a file. DATA_LOSS: not a lock; CONTRACT: another version. */
shmrpc_status shmrpci_lock_map_open(int fd, shmrpci_lock_map *out);

/* Makes the file of a new lock, unnamed and mapped, and attaches to it as
 * `lock`. `temporary` as in shmrpci_object_draft(). */
shmrpc_status shmrpci_lock_draft(shmrpc_lock *lock, int dir_fd,
                                 const shmrpc_lock_opts *opts, char *temporary);

/* Becomes a participant of the file in lock->fd, which is mapped. DESTROYED;
 * EXHAUSTED: all slots are taken, or (BUSY) it is being removed. */
shmrpc_status shmrpci_lock_attach(shmrpc_lock *lock);

/* Publishes pid and CPU of that participant, whose byte we hold. */
void shmrpci_lock_introduce(const shmrpci_lock_map *at, uint32_t index);

/* Slot `index` is dead, and the caller holds its byte: takes it out of all
 * words and of the readers. */
void shmrpci_lock_bury(const shmrpci_lock_map *at, uint32_t index);

/* If the slot's participant is dead, buries it. */
void shmrpci_lock_look_for_death(const shmrpci_lock_map *at, int fd,
                                 uint32_t index);

/* Sets DESTROYED in all words and wakes everyone. */
void shmrpci_lock_mark_destroyed(const shmrpci_lock_map *at);

/* Checks whether a file, which may be no lock, is a destroyed one; destroys
 * it. */
bool shmrpci_lock_is_destroyed_file(int fd);
void shmrpci_lock_destroy_file(int fd);

/* ---- lock_open.c --------------------------------------------------------- */

/* "name.lock". INVALID: not a good name. */
shmrpc_status shmrpci_lock_file_name(const char *name,
                                     char out[SHMRPCI_OBJECT_NAME_BYTES]);
#define SHMRPCI_LOCK_SUFFIX ".lock"

/* Whether this process attached, not its parent. */
static inline bool shmrpci_lock_is_ours(const shmrpc_lock *lock)
{
    return shmrpci_descent_is_ours(&lock->descent);
}

/* In a forked child, attaches again; else does nothing. Called before each slow
 * use of the word. FORKED: not possible any more; DESTROYED, EXHAUSTED, ... */
shmrpc_status shmrpci_lock_ensure(shmrpc_lock *lock);

/* ---- lock_wait.c --------------------------------------------------------- */

/* How long a call may wait. */
typedef struct shmrpci_lock_patience {
    int64_t deadline_ns; /* 0: not at all */
    int64_t began_ns;
    int64_t spin_ns; /* as in shmrpc_lock_opts */
    bool has_slept;
    uint32_t slices;
} shmrpci_lock_patience;

/* INVALID: a bad `wait`. */
shmrpc_status shmrpci_lock_patience_init(const shmrpc_lock *lock,
                                         const shmrpc_lock_wait *wait,
                                         shmrpci_lock_patience *out);

/* The slow path of acquire. NULL patience: only try. */
shmrpc_status shmrpci_lock_acquire_slowly(shmrpc_lock *lock,
                                          shmrpci_lock_patience *patience);
shmrpc_status shmrpci_lock_release_slowly(shmrpc_lock *lock);

/* Gives the word back; the caller is its owner. */
shmrpc_status shmrpci_lock_give_back(shmrpc_lock *lock);

/* Waits for `word` to change from one in which it could not be taken, after
 * a spin if that pays; OK: look again. DEADLINE, BUSY. */
shmrpc_status shmrpci_lock_wait_for_change(shmrpc_lock *lock,
                                           shmrpci_lock_patience *patience);

/* How long the next sleep may last at most, by the monotonic clock. */
int64_t shmrpci_lock_slice_end(const shmrpc_lock *lock,
                               const shmrpci_lock_patience *patience,
                               int64_t now_ns);

/* Ticks to spin for a holder that runs on `cpu`. */
uint64_t shmrpci_lock_spin_budget(shmrpc_lock *lock,
                                  const shmrpci_lock_patience *patience,
                                  uint32_t cpu);

/* Whether the owner's death releases the lock. */
static inline bool shmrpci_lock_is_mortal(const shmrpc_lock *lock)
{
    return (lock->flags & SHMRPC_LOCK_SEMAPHORE) == 0;
}

/* ---- lock_borrow.c ------------------------------------------------------- */

/*
 * Makes a handle for a lock whose `word` is in an object with participants of
 * its own, which hold the same bytes of `fd` as a lock's: we are number
 * `index`.  `at` maps a shmrpci_lock_file of which only `high`, `word` and the
 * slots are used, zeros at first; it outlives the handle, as does `fd`.  A new
 * participant of the object calls shmrpci_lock_bury() and _introduce() before
 * anything else, and _bury() when it leaves.  Nothing needs closing; a forked
 * child makes new handles.
 */
void shmrpci_lock_borrow(shmrpc_lock *lock, const shmrpci_lock_map *at,
                         shmrpci_atomic_u32 *word, uint32_t index, int fd,
                         uint32_t flags);

/* One of the processes that read; 0: none. */
int32_t shmrpci_lock_reader_pid(const shmrpci_lock_map *at);

/* ---- lock_shared.c ------------------------------------------------------- */

/* Counts a thread in again that is already in, as a reader or as the owner: it
 * must not wait for a writer, which waits for it. EXHAUSTED. */
shmrpc_status shmrpci_lock_enter_again(shmrpc_lock *lock);

/* We own the word: waits for all readers to leave. DEADLINE, BUSY, DESTROYED:
 * some have not. */
shmrpc_status shmrpci_lock_drain(shmrpc_lock *lock,
                                 shmrpci_lock_patience *patience);

#endif
