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

/* A sleeper checks after this time whether the owner is dead. That also
 * recovers a wake-up that was lost because a process died. The first check
 * comes sooner, as the owner may have died long ago. */
#define SHMRPCI_LOCK_SLICE_NS       (16 * SHMRPCI_NS_PER_MS)
#define SHMRPCI_LOCK_FIRST_SLICE_NS (2 * SHMRPCI_NS_PER_MS)

/* With FAIR, a thread that has waited this long goes first. */
#define SHMRPCI_LOCK_PATIENCE_NS SHMRPCI_NS_PER_MS

/* A mapped lock file; the process need not be a participant. */
typedef struct shmrpci_lock_map {
    shmrpci_map map;
    shmrpci_lock_file *file;
    uint32_t kind; /* these two are checked copies; the file is not read
                    * again */
    uint32_t slot_count;
    /* More lock words of the same participants, `step` bytes apart. */
    uint8_t *words;
    uint32_t word_count; /* 0: the only word is in `file` */
    uint32_t word_step;
} shmrpci_lock_map;

static inline shmrpci_atomic_u32 *
shmrpci_lock_word_at(const shmrpci_lock_map *at, uint32_t index)
{
    return (shmrpci_atomic_u32 *)(void *)(at->words +
                                          (size_t)index * at->word_step);
}

struct shmrpc_lock {
    /* Every call reads this; only attaching and reattaching write it. */
    shmrpci_atomic_u32 *word;
    shmrpci_descent descent;
    uint32_t me;    /* our owner number: slot + 1 */
    uint32_t flags; /* SHMRPC_LOCK_..., as opened */
    /* The thread of this process that holds the lock, 0 if none. Only that
     * thread writes it, while it holds the lock. Others compare it with their
     * own number, so a stale value is harmless. Not used for semaphores. */
    shmrpci_atomic_u32 holder;
    uint32_t depth; /* RECURSIVE: the holder's further acquisitions */
    uint32_t turns; /* counts acquisitions until the holder publishes its CPU
                     * again; only the holder uses it */
    shmrpci_spinner spinner;
    int64_t spin_ns;
    shmrpci_lock_map at;
    shmrpci_lock_slot *self;
    /* How a forked child finds the file again. */
    int fd;
    shmrpci_fork_fd guard; /* makes forked children close `fd` */
    shmrpci_object_facts identity;
    shmrpci_room room;
    char folder[SHMRPCI_OBJECT_PATH_BYTES];
    char file_name[SHMRPCI_OBJECT_NAME_BYTES];
};

/* The pid of the owner that the word names; 0 if there is none, or it is
 * unknown. */
static inline int32_t shmrpci_lock_pid_of_word(const shmrpci_lock_map *at,
                                               uint32_t word)
{
    uint32_t owner = word & SHMRPCI_LOCK_OWNER;
    return owner == 0 || owner > at->slot_count
               ? 0
               : (int32_t)shmrpci_load_relaxed(&at->file->slots[owner - 1].pid);
}

/* ---- lock_file.c --------------------------------------------------------- */

/* Checks and maps a file. Returns DATA_LOSS if it is not a lock, CONTRACT if
 * another version of shmrpc made it. */
shmrpc_status shmrpci_lock_map_open(int fd, shmrpci_lock_map *out);

/* Makes the file of a new lock, unnamed and mapped, and attaches to it as
 * `lock`. `temporary` as in shmrpci_object_draft(). */
shmrpc_status shmrpci_lock_draft(shmrpc_lock *lock, int dir_fd,
                                 const shmrpc_lock_opts *opts, char *temporary);

/* Becomes a participant of the file in lock->fd, which is mapped. Returns
 * DESTROYED; EXHAUSTED if all slots are taken; or BUSY if the file is being
 * removed. */
shmrpc_status shmrpci_lock_attach(shmrpc_lock *lock);

/* Publishes the pid and CPU of participant `index`, whose byte we hold. */
void shmrpci_lock_introduce(const shmrpci_lock_map *at, uint32_t index);

/* Removes the dead participant `index` from all words and from the readers. The
 * caller holds its byte. */
void shmrpci_lock_bury(const shmrpci_lock_map *at, uint32_t index);

/* If the slot's participant is dead, buries it. */
void shmrpci_lock_look_for_death(const shmrpci_lock_map *at, int fd,
                                 uint32_t index);

/* Sets DESTROYED in all words, and wakes all sleepers. */
void shmrpci_lock_mark_destroyed(const shmrpci_lock_map *at);

/* The first checks whether a file, which may not be a lock at all, is a
 * destroyed lock; the second destroys it. */
bool shmrpci_lock_is_destroyed_file(int fd);
void shmrpci_lock_destroy_file(int fd);

/* ---- lock_open.c --------------------------------------------------------- */

/* The file name "name.lock". Returns INVALID if the name is not allowed. */
shmrpc_status shmrpci_lock_file_name(const char *name,
                                     char out[SHMRPCI_OBJECT_NAME_BYTES]);
#define SHMRPCI_LOCK_SUFFIX ".lock"

/* Whether this process attached, rather than its parent. */
static inline bool shmrpci_lock_is_ours(const shmrpc_lock *lock)
{
    return shmrpci_descent_is_ours(&lock->descent);
}

/* Attaches again in a forked child; otherwise does nothing. Called before each
 * slow use of the word. Returns FORKED if that is not possible any more, else
 * DESTROYED, EXHAUSTED, ... */
shmrpc_status shmrpci_lock_ensure(shmrpc_lock *lock);

/* ---- lock_wait.c --------------------------------------------------------- */

/* How long a call may wait. */
typedef struct shmrpci_lock_patience {
    int64_t deadline_ns; /* 0: does not wait at all */
    int64_t began_ns;
    int64_t spin_ns; /* as in shmrpc_lock_opts */
    bool has_slept;
    uint32_t slices;
} shmrpci_lock_patience;

/* Returns INVALID if `wait` is not valid. */
shmrpc_status shmrpci_lock_patience_init(const shmrpc_lock *lock,
                                         const shmrpc_lock_wait *wait,
                                         shmrpci_lock_patience *out);

/* The slow path of acquire. If `patience` is NULL it only tries. */
shmrpc_status shmrpci_lock_acquire_slowly(shmrpc_lock *lock,
                                          shmrpci_lock_patience *patience);
shmrpc_status shmrpci_lock_release_slowly(shmrpc_lock *lock);

/* Releases the word. The caller owns it. */
shmrpc_status shmrpci_lock_give_back(shmrpc_lock *lock);

/* Waits until the word is no longer `word`, which could not be taken; spins
 * first if that pays. OK means: look again. Else DEADLINE or BUSY. */
shmrpc_status shmrpci_lock_wait_for_change(shmrpc_lock *lock,
                                           shmrpci_lock_patience *patience);

/* The monotonic time at which the next sleep must end. */
int64_t shmrpci_lock_slice_end(const shmrpc_lock *lock,
                               const shmrpci_lock_patience *patience,
                               int64_t now_ns);

/* Ticks to spin for a holder that runs on `cpu`. */
uint64_t shmrpci_lock_spin_budget(shmrpc_lock *lock,
                                  const shmrpci_lock_patience *patience,
                                  uint32_t cpu);

/* Whether the death of the owner releases the lock. */
static inline bool shmrpci_lock_is_mortal(const shmrpc_lock *lock)
{
    return (lock->flags & SHMRPC_LOCK_SEMAPHORE) == 0;
}

/* ---- lock_borrow.c ------------------------------------------------------- */

/*
 * Makes a handle for a lock whose `word` is in an object that has participants
 * of its own. Participant p of the object holds byte p of `fd`, as in the file
 * of a lock; this process is participant `index`.  `at` maps a
 * shmrpci_lock_file of which only `high`, `word` and the slots are used; they
 * are zeros at first. `at` and `fd` must outlive the handle.  A new participant
 * of the object calls shmrpci_lock_bury() and _introduce() before anything
 * else, and _bury() when it leaves.  The handle needs no closing; a forked
 * child makes new handles.
 */
void shmrpci_lock_borrow(shmrpc_lock *lock, const shmrpci_lock_map *at,
                         shmrpci_atomic_u32 *word, uint32_t index, int fd,
                         uint32_t flags);

/* The pid of one of the processes that read; 0: none. */
int32_t shmrpci_lock_reader_pid(const shmrpci_lock_map *at);

/* ---- lock_shared.c ------------------------------------------------------- */

/* Called by a thread that is already a reader, or the owner: counts it as a
 * reader once more. It does not wait for a writer, because the writer may be
 * waiting for this thread. Returns EXHAUSTED if the count is full. */
shmrpc_status shmrpci_lock_enter_again(shmrpc_lock *lock);

/* Called by the owner of the word: waits until all readers have left. Returns
 * DEADLINE, BUSY or DESTROYED if some have not. */
shmrpc_status shmrpci_lock_drain(shmrpc_lock *lock,
                                 shmrpci_lock_patience *patience);

#endif
