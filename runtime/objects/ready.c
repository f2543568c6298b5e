/*
 * One thread that sleeps on bells for the consumers that poll descriptors.
 * ready.h has the protocol; this file has the thread, its list, and how both
 * begin.
 *
 * A mutex guards the list; the thread does not hold it while it sleeps. A
 * change of the list increments `orders`, which is the first of the words that
 * the thread waits for. So the wait returns, and the thread reads the list
 * again. A handle that is closed removes itself from the list under the mutex.
 * The thread may then still sleep on a word of an object that is unmapped a
 * moment later. The kernel allows that, and the increment of `orders` ends the
 * sleep.
 */
#include "objects/ready.h"

#include <stdlib.h>

#include "os/clock.h"
#include "os/memory.h"
#include "os/poll.h"
#include "os/thread.h"
#include "ring/bell.h"

/* How often the words are checked, if the kernel can't wait for several, or
 * there are too many. */
#define LOOK_NS (10 * SHMRPCI_NS_PER_MS)

/* Each process has one sentry, for its whole life. A forked child makes its
 * own, because it has neither its parent's thread nor a mutex in a known
 * state. */
typedef struct shmrpci_sentry {
    struct shmrpci_sentry *parents; /* keeps the parent's memory reachable */
    uint32_t generation;
    shmrpci_atomic_u32 orders; /* incremented to make the thread read the list
                                * again */
    shmrpci_mutex mutex;       /* for the list and everything in it */
    shmrpci_ready *first;
    bool is_out; /* whether the thread runs */
} shmrpci_sentry;

static _Atomic(shmrpci_sentry *) sentry;

/* ---- the thread ---------------------------------------------------------- */

/* Makes a descriptor readable; under the mutex. `is_late` means that its slice
 * ended without a ring. */
static void wake_for(shmrpci_ready *ready, bool is_late)
{
    ready->is_resting = false;
    ready->was_late = is_late;
    shmrpci_event_set(ready->fd);
    if (!is_late && ready->passes_on) {
        shmrpci_bell_ring(ready->on.word, 1);
    }
}

/* The words on which the thread sleeps, and until when. `on[0]` is `orders`. */
typedef struct list {
    shmrpci_futex_on on[SHMRPCI_FUTEX_ANY_MAX];
    size_t count;
    int64_t until_ns;
} list;

/* Adds a word to wait for. Words beyond the kernel's limit are polled. */
static void stay_with(list *of, const shmrpci_ready *ready, int64_t now_ns)
{
    int64_t until_ns = ready->until_ns;
    if (of->count < SHMRPCI_FUTEX_ANY_MAX) {
        of->on[of->count++] = ready->on;
    } else if (until_ns > now_ns + LOOK_NS) {
        until_ns = now_ns + LOOK_NS;
    }
    of->until_ns = until_ns < of->until_ns ? until_ns : of->until_ns;
}

/* Wakes the consumers whose bells have rung or whose slices are over; adds the
 * others to the list to wait for. */
static void look_at_all(shmrpci_sentry *of, list *out)
{
    int64_t now_ns = shmrpci_now_ns();
    out->count = 1;
    out->until_ns = SHMRPCI_NEVER_NS;
    shmrpci_mutex_lock(&of->mutex);
    out->on[0] = (shmrpci_futex_on){&of->orders, shmrpci_load_seq(&of->orders)};
    for (shmrpci_ready *at = of->first; at != NULL; at = at->next) {
        if (!at->is_resting) {
            continue;
        }
        bool has_rung = shmrpci_load_seq(at->on.word) != at->on.expected;
        if (has_rung || now_ns >= at->until_ns) {
            wake_for(at, !has_rung);
        } else {
            stay_with(out, at, now_ns);
        }
    }
    shmrpci_mutex_unlock(&of->mutex);
}

static void stand_sentry(void *user)
{
    shmrpci_sentry *of = user;
    list words;
    for (;;) {
        look_at_all(of, &words);
        /* If the kernel is too old to wait for several words, waits for
         * `orders` alone, and polls the bells. */
        if (!shmrpci_futex_wait_any(words.on, words.count, words.until_ns)) {
            int64_t look_ns = shmrpci_deadline_after(LOOK_NS);
            bool is_idle = words.count == 1;
            (void)shmrpci_futex_wait(&of->orders, words.on[0].expected,
                                     is_idle ? words.until_ns : look_ns);
        }
    }
}

/* ---- starting the thread ------------------------------------------------- */

/* The sentry is never freed: its thread does not end, and a handle may be
 * closed at any time. */
static shmrpci_sentry *engage(shmrpci_sentry *parents)
{
    shmrpci_sentry *of = calloc(1, sizeof *of);
    if (of != NULL) {
        of->parents = parents;
        of->generation = shmrpci_fork_generation();
        shmrpci_mutex_init(&of->mutex);
    }
    return of;
}

/* The sentry of this process, made on first use. Returns NULL if out of
 * memory. */
static shmrpci_sentry *ours(void)
{
    shmrpci_sentry *of = atomic_load_explicit(&sentry, memory_order_acquire);
    if (of != NULL && of->generation == shmrpci_fork_generation()) {
        return of;
    }
    shmrpci_sentry *mine = engage(of);
    if (mine != NULL && !atomic_compare_exchange_strong(&sentry, &of, mine)) {
        shmrpci_mutex_fini(&mine->mutex);
        free(mine); /* another thread was first */
        return of;
    }
    return mine;
}

/* Starts the thread; under the mutex. After EXHAUSTED the next caller tries
 * again. */
static shmrpc_status send_out(shmrpci_sentry *of)
{
    shmrpci_thread thread;
    if (of->is_out) {
        return SHMRPC_OK;
    }
    shmrpc_status status =
        shmrpci_thread_create(&thread, "shmrpc-sentry", stand_sentry, of);
    if (status == SHMRPC_OK) {
        shmrpci_thread_detach(&thread);
        of->is_out = true;
    }
    return status;
}

static void give_order(shmrpci_sentry *of)
{
    (void)shmrpci_add_seq(&of->orders, 1u);
    (void)shmrpci_futex_wake(&of->orders, 1);
}

/* The descriptor is readable at first, since a first look is always due. */
static shmrpc_status make(shmrpci_ready *ready, shmrpci_sentry *of,
                          bool passes_on)
{
    int fd;
    shmrpc_status status = shmrpci_event_create(&fd);
    if (status != SHMRPC_OK) {
        return status;
    }
    *ready = (shmrpci_ready){.fd = fd, .sentry = of, .passes_on = passes_on};
    status = shmrpci_fork_close_fd(&ready->guard, &ready->fd);
    if (status != SHMRPC_OK) {
        shmrpci_fd_close(&ready->fd);
        return status;
    }
    shmrpci_event_set(fd);
    ready->next = of->first;
    of->first = ready;
    shmrpci_store_release(&ready->generation, of->generation);
    return SHMRPC_OK;
}

shmrpc_status shmrpci_ready_open(shmrpci_ready *ready, bool passes_on,
                                 int *out_fd)
{
    shmrpci_sentry *of = ours();
    if (of == NULL) {
        return SHMRPC_E_NO_MEMORY;
    }
    shmrpci_mutex_lock(&of->mutex);
    shmrpc_status status = send_out(of);
    if (status == SHMRPC_OK && !shmrpci_ready_is_on(ready)) {
        status = make(ready, of, passes_on);
    }
    if (status == SHMRPC_OK) {
        *out_fd = ready->fd;
    }
    shmrpci_mutex_unlock(&of->mutex);
    return status;
}

/* ---- looking and sleeping ------------------------------------------------ */

void shmrpci_ready_clear(const shmrpci_ready *ready)
{
    shmrpci_event_clear(ready->fd);
}

void shmrpci_ready_found(const shmrpci_ready *ready)
{
    shmrpci_event_set(ready->fd);
}

void shmrpci_ready_rest(shmrpci_ready *ready, const shmrpci_futex_on *on,
                        int64_t max_ns)
{
    shmrpci_sentry *of = ready->sentry;
    shmrpci_mutex_lock(&of->mutex);
    int64_t slice_ns =
        /* Slices double each time that nothing has come. */
        ready->was_late ? ready->slice_ns * 2 : SHMRPCI_BELL_FIRST_SLICE_NS;
    ready->slice_ns = slice_ns < max_ns ? slice_ns : max_ns;
    ready->until_ns = shmrpci_deadline_after(ready->slice_ns);
    ready->on = *on;
    ready->is_resting = true;
    shmrpci_mutex_unlock(&of->mutex);
    give_order(of);
}

/* Sets the event first, which wakes a thread that polls it; closing a
 * descriptor would not. */
void shmrpci_ready_close(shmrpci_ready *ready)
{
    shmrpci_sentry *of = ready->sentry;
    if (of == NULL) {
        return;
    }
    ready->sentry = NULL;
    shmrpci_store_release(&ready->generation, 0u);
    if (of->generation != shmrpci_fork_generation()) {
        return; /* it is our parent's; the fork closed the descriptor */
    }
    shmrpci_mutex_lock(&of->mutex);
    shmrpci_ready **at = &of->first;
    while (*at != ready) {
        at = &(*at)->next;
    }
    *at = ready->next;
    shmrpci_mutex_unlock(&of->mutex);
    give_order(of);
    shmrpci_event_set(ready->fd);
    shmrpci_fork_keep_fd(&ready->guard);
    shmrpci_fd_close(&ready->fd);
}
