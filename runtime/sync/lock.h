/*
 * The inside of a lock's handle, which the files lock*.c share.
 *
 *   lock.c         the fast ways, and questions
 *   lock_wait.c    everything else about taking and releasing
 *   lock_shared.c  readers, and what writers owe them
 *   lock_file.c    the file: draft, check, attach, bury, destroy
 *   lock_open.c    modes, names, forked children
 *   lock_borrow.c  locks whose words lie in an object of somebody else's
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

/* A sleeper looks after this long whether the owner is dead. A wake-up that
 * was lost with a dead process is made up for as late as this too. The first
 * time sooner: it may have died long before. */
#define SHMRPCI_LOCK_SLICE_NS       (16 * SHMRPCI_NS_PER_MS)
#define SHMRPCI_LOCK_FIRST_SLICE_NS (2 * SHMRPCI_NS_PER_MS)

/* FAIR: who has waited this long goes first. */
#define SHMRPCI_LOCK_PATIENCE_NS SHMRPCI_NS_PER_MS

/* A mapped lock file, perhaps without being a participant of it. */
typedef struct shmrpci_lock_map {
    shmrpci_map map;
    shmrpci_lock_file *file;
    uint32_t kind;       /* checked copies, the originals are not looked at */
    uint32_t slot_count; /* again */
    /* Further words with the same participants, `step` bytes apart. */
    uint8_t *words;
    uint32_t word_count; /* 0: there is but the one in `file` */
    uint32_t word_step;
} shmrpci_lock_map;

static inline shmrpci_atomic_u32 *
shmrpci_lock_word_at(const shmrpci_lock_map *at, uint32_t index)
{
    return (shmrpci_atomic_u32 *)(void *)(at->words +
                                          (size_t)index * at->word_step);
}

struct shmrpc_lock {
    /* Read by every call, written at (re)attaching. */
    shmrpci_atomic_u32 *word;
    shmrpci_descent descent;
    uint32_t me;    /* our owner number: slot + 1 */
    uint32_t flags; /* SHMRPC_LOCK_..., as opened */
    /* The thread of this process that holds it, 0: none. Written by that
     * thread alone, while it holds the lock; others compare it with their own
     * number, so a stale value is harmless. Not for semaphores. */
    shmrpci_atomic_u32 holder;
    uint32_t depth; /* RECURSIVE: the holder's further acquisitions */
    uint32_t turns; /* the holder's: when to publish the CPU again */
    shmrpci_spinner spinner;
    int64_t spin_ns;
    shmrpci_lock_map at;
    shmrpci_lock_slot *self;
    /* How a child finds the file again. */
    int fd;
    shmrpci_fork_fd guard; /* children close it */
    shmrpci_object_facts identity;
    shmrpci_room room;
    char folder[SHMRPCI_OBJECT_PATH_BYTES];
    char file_name[SHMRPCI_OBJECT_NAME_BYTES];
};

/* The process that calls itself the owner of this word; 0: none, or unknown. */
static inline int32_t shmrpci_lock_pid_of_word(const shmrpci_lock_map *at,
                                               uint32_t word)
{
    uint32_t owner = word & SHMRPCI_LOCK_OWNER;
    return owner == 0 || owner > at->slot_count
               ? 0
               : (int32_t)shmrpci_load_relaxed(&at->file->slots[owner - 1].pid);
}

/* ---- lock_file.c --------------------------------------------------------- */

/* Checks and maps a file. DATA_LOSS: no lock; CONTRACT: another version. */
shmrpc_status shmrpci_lock_map_open(int fd, shmrpci_lock_map *out);

/* Makes the file of a new lock, without a name and mapped, and attaches to it
 * as `lock`. `temporary` as in shmrpci_object_draft(). */
shmrpc_status shmrpci_lock_draft(shmrpc_lock *lock, int dir_fd,
                                 const shmrpc_lock_opts *opts, char *temporary);

/* Becomes a participant of the file in lock->fd, which is mapped. DESTROYED;
 * EXHAUSTED: all slots are taken, or (BUSY) it is being removed. */
shmrpc_status shmrpci_lock_attach(shmrpc_lock *lock);

/* As that participant, whose byte we hold: says who and where it is. */
void shmrpci_lock_introduce(const shmrpci_lock_map *at, uint32_t index);

/* Slot `index` is dead, and the caller holds its byte: takes it out of all
 * words and of the readers. */
void shmrpci_lock_bury(const shmrpci_lock_map *at, uint32_t index);

/* If the slot's participant is dead, buries it. */
void shmrpci_lock_look_for_death(const shmrpci_lock_map *at, int fd,
                                 uint32_t index);

/* Sets DESTROYED in all words and wakes everyone. */
void shmrpci_lock_mark_destroyed(const shmrpci_lock_map *at);

/* Of a file, which is perhaps no lock: whether it is a destroyed one; destroys
 * it. */
bool shmrpci_lock_is_destroyed_file(int fd);
void shmrpci_lock_destroy_file(int fd);

/* ---- lock_open.c --------------------------------------------------------- */

/* "name.lock". INVALID: not a good name. */
shmrpc_status shmrpci_lock_file_name(const char *name,
                                     char out[SHMRPCI_OBJECT_NAME_BYTES]);
#define SHMRPCI_LOCK_SUFFIX ".lock"

/* Still the process that attached? */
static inline bool shmrpci_lock_is_ours(const shmrpc_lock *lock)
{
    return shmrpci_descent_is_ours(&lock->descent);
}

/* In a forked child attaches anew; else nothing. Before any use of the word by
 * a slow way. FORKED: it can't any more; DESTROYED, EXHAUSTED, ... */
shmrpc_status shmrpci_lock_ensure(shmrpc_lock *lock);

/* ---- lock_wait.c --------------------------------------------------------- */

/* How long a call is willing to wait. */
typedef struct shmrpci_lock_patience {
    int64_t deadline_ns; /* 0: not at all */
    int64_t began_ns;
    int64_t spin_ns; /* as in shmrpc_lock_opts */
    bool has_slept;
    uint32_t slices;
} shmrpci_lock_patience;

/* INVALID: not a good `wait`. */
shmrpc_status shmrpci_lock_patience_init(const shmrpc_lock *lock,
                                         const shmrpc_lock_wait *wait,
                                         shmrpci_lock_patience *out);

/* Everything that the fast way can't do. NULL patience: try. */
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

/* What a dead process can't hold any more. */
static inline bool shmrpci_lock_is_mortal(const shmrpc_lock *lock)
{
    return (lock->flags & SHMRPC_LOCK_SEMAPHORE) == 0;
}

/* ---- lock_borrow.c ------------------------------------------------------- */

/*
 * Makes a handle of a lock whose `word` lies in an object that has participants
 * of its own, who hold the bytes of `fd` that a lock's do: we are number
 * `index`.  What `at` maps is a shmrpci_lock_file of which only `high`, `word`
 * and the slots are used, and zeros at first; it outlives the handle, as does
 * `fd`.  Who becomes a participant of the object calls shmrpci_lock_bury() and
 * _introduce() before anything else, and _bury() when it leaves. There is
 * nothing to be closed; a forked child makes new ones.
 */
void shmrpci_lock_borrow(shmrpc_lock *lock, const shmrpci_lock_map *at,
                         shmrpci_atomic_u32 *word, uint32_t index, int fd,
                         uint32_t flags);

/* One of the processes that read; 0: none. */
int32_t shmrpci_lock_reader_pid(const shmrpci_lock_map *at);

/* ---- lock_shared.c ------------------------------------------------------- */

/* Counts a thread in that is in already, as a reader or as the owner: it need
 * not, and must not, wait for a writer that waits for it. EXHAUSTED. */
shmrpc_status shmrpci_lock_enter_again(shmrpc_lock *lock);

/* The word is ours: waits for all readers to leave. DEADLINE, BUSY, DESTROYED:
 * not all have. */
shmrpc_status shmrpci_lock_drain(shmrpc_lock *lock,
                                 shmrpci_lock_patience *patience);

#endif
