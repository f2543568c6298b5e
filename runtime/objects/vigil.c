/*
 * One thread that waits for the ends of servers. vigil.h says why, and what it
 * decides. This file starts the thread with the first watch, and ends it with
 * the last.
 *
 * There are two mutexes. `duty` is held to begin or end a watch, also while the
 * thread is started, or joined at its end. `mutex` protects the list, and the
 * thread takes only this one. So nobody holds a mutex that the thread needs
 * while waiting for the thread.
 */
#include "objects/vigil.h"

#include <stdlib.h>

#include "objects/handle.h"
#include "os/byte_lock.h"
#include "os/clock.h"
#include "os/poll.h"
#include "os/thread.h"

/* A killed process loses its sockets and its locks in some order, a moment
 * apart. If the lock is held for longer, a successor has it. */
#define FIRST_LOOK_NS SHMRPCI_NS_PER_MS
#define MAX_LOOKS     10u

#define MAX_EVENTS 16

/* Each process has one watchman. A forked child makes its own, because it has
 * neither its parent's thread nor mutexes in a known state. */
typedef struct shmrpci_watchman {
    struct shmrpci_watchman *parents; /* keeps the parent's memory reachable */
    uint32_t generation;
    shmrpci_mutex duty; /* held to begin and end watches; always taken first */
    /* These members are valid while there is at least one watch. */
    shmrpci_thread thread;
    int set;
    int end; /* an event descriptor that tells the thread to end */
    shmrpci_fork_fd guards[2];
    shmrpci_mutex mutex; /* for the list, and all vigils in it */
    shmrpci_vigil *first;
} shmrpci_watchman;

/* The tag of the event `end` in the set. The tag of a vigil is its address,
 * which is never 0. */
#define TAG_END ((uint64_t)0)

static _Atomic(shmrpci_watchman *) watchman;

/* ---- the thread ---------------------------------------------------------- */

/* Closes the socket, which is of no further use. */
static void drop(shmrpci_watchman *of, shmrpci_vigil *vigil)
{
    if (vigil->fd >= 0) {
        shmrpci_poll_remove(of->set, vigil->fd);
        shmrpci_fork_keep_fd(&vigil->guard);
        shmrpci_fd_close(&vigil->fd);
    }
}

/* Notes that a server's socket was hung up. The tag is an address that is
 * compared, but never followed, as the vigil may have ended meanwhile. */
static void hang_up(shmrpci_watchman *of, uint64_t tag)
{
    for (shmrpci_vigil *at = of->first; at != NULL; at = at->next) {
        if ((uint64_t)(uintptr_t)at == tag && at->fd >= 0) {
            drop(of, at);
            at->looks = 1;
        }
    }
}

/* Ends the object if its server is certainly dead; else returns when to look
 * again. Pauses double, as the kernel may release the lock a moment after the
 * socket. */
static int64_t look(shmrpci_vigil *vigil)
{
    shmrpci_handle *handle = vigil->handle;
    const shmrpci_region *region = handle->face->region(handle);
    if (vigil->looks == 0 || vigil->looks > MAX_LOOKS) {
        return SHMRPCI_NEVER_NS;
    }
    if (!shmrpci_byte_lock_is_held(region->fd, SHMRPCI_OBJECT_CREATOR_BYTE)) {
        vigil->looks = 0;
        if (region->is_writer) {
            handle->face->destroy(handle);
        } else {
            shmrpci_region_orphan(region);
            handle->face->wake(handle);
        }
        return SHMRPCI_NEVER_NS;
    }
    return shmrpci_deadline_after(FIRST_LOOK_NS << vigil->looks++);
}

/* Vigils are checked under the mutex, so that no handle can be closed
 * meanwhile. */
static void keep_watch(void *user)
{
    shmrpci_watchman *of = user;
    int64_t until_ns = SHMRPCI_NEVER_NS;
    for (;;) {
        uint64_t tags[MAX_EVENTS];
        size_t count = shmrpci_poll_wait(of->set, tags, MAX_EVENTS, until_ns);
        bool is_over = false;
        until_ns = SHMRPCI_NEVER_NS;
        shmrpci_mutex_lock(&of->mutex);
        for (size_t i = 0; i < count; i++) {
            is_over = is_over || tags[i] == TAG_END;
            hang_up(of, tags[i]);
        }
        for (shmrpci_vigil *at = of->first; at != NULL; at = at->next) {
            int64_t again_ns = look(at);
            until_ns = again_ns < until_ns ? again_ns : until_ns;
        }
        shmrpci_mutex_unlock(&of->mutex);
        if (is_over) {
            return;
        }
    }
}

/* ---- beginning and ending watches ---------------------------------------- */

/* The watchman of this process, made on first use. Returns NULL if out of
 * memory. */
static shmrpci_watchman *ours(void)
{
    uint32_t generation = shmrpci_fork_generation();
    shmrpci_watchman *of =
        atomic_load_explicit(&watchman, memory_order_acquire);
    if (of != NULL && of->generation == generation) {
        return of;
    }
    shmrpci_watchman *mine = calloc(1, sizeof *mine);
    if (mine == NULL) {
        return NULL;
    }
    *mine = (shmrpci_watchman){
        .parents = of, .generation = generation, .set = -1, .end = -1};
    shmrpci_mutex_init(&mine->duty);
    shmrpci_mutex_init(&mine->mutex);
    if (atomic_compare_exchange_strong(&watchman, &of, mine)) {
        return mine;
    }
    free(mine); /* another thread was first */
    return of;
}

/* Drops the guards first, so that a fork in between doesn't close a descriptor
 * number that was reused. */
static void close_set(shmrpci_watchman *of)
{
    shmrpci_fork_keep_fd(&of->guards[0]);
    shmrpci_fork_keep_fd(&of->guards[1]);
    shmrpci_fd_close(&of->set);
    shmrpci_fd_close(&of->end);
}

/* Called with `duty` held. The first watch makes everything. Returns false if
 * there is no memory, descriptor or thread; then there is no watch, and waiting
 * threads notice the server's death when their slice is over. */
static bool start(shmrpci_watchman *of)
{
    if (of->first != NULL) {
        return true;
    }
    if (shmrpci_poll_create(&of->set) == SHMRPC_OK &&
        shmrpci_event_create(&of->end) == SHMRPC_OK &&
        shmrpci_fork_close_fd(&of->guards[0], &of->set) == SHMRPC_OK &&
        shmrpci_fork_close_fd(&of->guards[1], &of->end) == SHMRPC_OK &&
        shmrpci_poll_add(of->set, of->end, SHMRPCI_POLL_LEVEL, TAG_END) ==
            SHMRPC_OK &&
        shmrpci_thread_create(&of->thread, "shmrpc-vigil", keep_watch, of) ==
            SHMRPC_OK) {
        return true;
    }
    close_set(of);
    return false;
}

/* Called with `duty` held. The thread ends with the last watch, so that a
 * process without objects of services has no such thread. */
static void stop(shmrpci_watchman *of)
{
    if (of->first == NULL) {
        shmrpci_event_set(of->end);
        shmrpci_thread_join(&of->thread);
        close_set(of);
    }
}

void shmrpci_vigil_begin(shmrpci_vigil *vigil, shmrpci_handle *handle,
                         int watch_fd)
{
    shmrpci_watchman *of = watch_fd >= 0 ? ours() : NULL;
    *vigil = (shmrpci_vigil){.handle = handle, .fd = watch_fd};
    if (of == NULL) {
        shmrpci_fd_close(&vigil->fd);
        return;
    }
    shmrpci_mutex_lock(&of->duty);
    if (shmrpci_fork_close_fd(&vigil->guard, &vigil->fd) == SHMRPC_OK &&
        start(of)) {
        shmrpci_mutex_lock(&of->mutex);
        vigil->watchman = of;
        vigil->next = of->first;
        of->first = vigil;
        (void)shmrpci_poll_add(of->set, vigil->fd, SHMRPCI_POLL_LEVEL,
                               (uint64_t)(uintptr_t)vigil);
        shmrpci_mutex_unlock(&of->mutex);
    } else {
        shmrpci_fork_keep_fd(&vigil->guard);
        shmrpci_fd_close(&vigil->fd);
    }
    shmrpci_mutex_unlock(&of->duty);
}

void shmrpci_vigil_end(shmrpci_vigil *vigil)
{
    shmrpci_watchman *of = vigil->watchman;
    if (of == NULL) {
        return;
    }
    vigil->watchman = NULL;
    if (of->generation != shmrpci_fork_generation()) {
        return; /* it is our parent's; the fork closed the descriptor */
    }
    shmrpci_mutex_lock(&of->duty);
    shmrpci_mutex_lock(&of->mutex);
    shmrpci_vigil **at = &of->first;
    while (*at != vigil) {
        at = &(*at)->next;
    }
    *at = vigil->next;
    drop(of, vigil);
    shmrpci_mutex_unlock(&of->mutex);
    stop(of);
    shmrpci_mutex_unlock(&of->duty);
}
