/*
 * Decides which thread does the rounds of a pump: the pump's own thread, or a
 * thread that waits for something that the pump brings. If the waiting thread
 * does them, this saves two wake-ups per call.
 *
 * A thread that gets events handles them in a round of its own, so no event is
 * lost when two threads wait at the same time. The pump's thread is parked
 * while other threads do the rounds, and for PARK_NS after the last of those
 * rounds, unless nats_pump_want was called.
 */
#include "os/poll.h"
#include "transport/nats/pump_inside.h"

/* How long the thread continues after stop to send what is left. */
#define LINGER_NS SHMRPCI_NS_PER_S

/* Maximum time after the last call during which no thread does rounds. */
#define PARK_NS (100 * SHMRPCI_NS_PER_MS)

/* Does a round in the calling thread. Returns when the next round is due. */
static int64_t step(nats_pump *pump, const uint64_t *tags, size_t count)
{
    shmrpci_mutex_lock(&pump->turn);
    /* Relaxed: other threads only compare it with their own numbers. */
    shmrpci_store_relaxed(&pump->thread_number, shmrpci_thread_number());
    int64_t wake_ns = nats_pump_step(pump, tags, count);
    pump->wake_ns = wake_ns;
    shmrpci_mutex_unlock(&pump->turn);
    return wake_ns;
}

/* ---- the pump's thread --------------------------------------------------- */

/* Whether all bytes of our side were sent. */
static bool is_quiet(nats_pump *pump)
{
    nats_view view;
    for (uint32_t i = 0; i < pump->link_top; i++) {
        if (pump->links[i] != NULL && pump->links[i]->number != 0 &&
            !pump->links[i]->has_ended) {
            return false;
        }
    }
    pump->ops->view(pump->carrier, &view);
    return !view.wants_write;
}

/* Called with `parking` held. Returns the time until which the pump's thread
 * stays parked; 0 if it must do rounds now. */
static int64_t parked_until(const nats_pump *pump)
{
    int64_t now_ns = shmrpci_now_ns();
    /* Relaxed: the lock orders the accesses. */
    if (shmrpci_load_relaxed(&pump->stopping) != 0) {
        return 0;
    }
    if (pump->is_driven) {
        return now_ns + PARK_NS;
    }
    int64_t until_ns = pump->driven_ns + PARK_NS;
    return pump->is_wanted || pump->driven_ns == 0 || now_ns >= until_ns
               ? 0
               : until_ns;
}

/* Returns true if other threads did rounds meanwhile. */
static bool park(nats_pump *pump)
{
    bool has_parked = false;
    int64_t until_ns;
    shmrpci_mutex_lock(&pump->parking);
    if (pump->is_driven) {
        /* Our last round may have brought what the other thread waits for,
         * while that thread sleeps in its drive: wake it. */
        shmrpci_event_set(pump->bell_fd);
    }
    while ((until_ns = parked_until(pump)) != 0) {
        has_parked = pump->is_parked = true;
        (void)shmrpci_cond_wait_until(&pump->changed, &pump->parking, until_ns);
    }
    pump->is_parked = pump->is_wanted = false;
    shmrpci_mutex_unlock(&pump->parking);
    return has_parked;
}

static void run(void *user)
{
    nats_pump *pump = user;
    uint64_t tags[NATS_EVENTS_MAX];
    size_t count = 0;
    int64_t until_ns = SHMRPCI_NEVER_NS;
    for (;;) {
        bool stops = shmrpci_load_acquire(&pump->stopping) != 0;
        int64_t wake_ns = step(pump, tags, count);
        if (stops && until_ns == SHMRPCI_NEVER_NS) {
            until_ns = shmrpci_deadline_after(LINGER_NS);
        }
        if (stops && (is_quiet(pump) || shmrpci_now_ns() >= until_ns)) {
            return;
        }
        if (stops || park(pump)) {
            wake_ns = stops ? shmrpci_deadline_after(SHMRPCI_NS_PER_MS) : 0;
        }
        count = nats_pump_await(pump, tags, wake_ns);
    }
}

int nats_pump_start(nats_pump *pump, shmrpc_error *error)
{
    shmrpc_status status =
        shmrpci_thread_create(&pump->thread, "nats", run, pump);
    pump->has_thread = status == SHMRPC_OK;
    return status == SHMRPC_OK
               ? SHMRPC_OK
               : shmrpc_error_set(error, status, "can't start a thread");
}

void nats_pump_wake(nats_pump *pump)
{
    shmrpci_event_set(pump->bell_fd);
    nats_pump_want(pump);
}

void nats_pump_stop(nats_pump *pump)
{
    if (pump->has_thread) {
        shmrpci_mutex_lock(&pump->parking);
        /* Release: pairs with the acquire in the pump's thread. */
        shmrpci_store_release(&pump->stopping, 1u);
        shmrpci_cond_signal(&pump->changed);
        shmrpci_mutex_unlock(&pump->parking);
        shmrpci_event_set(pump->bell_fd);
        shmrpci_thread_join(&pump->thread);
        pump->has_thread = false;
    }
}

/* ---- other threads ------------------------------------------------------- */

void nats_pump_want(nats_pump *pump)
{
    shmrpci_mutex_lock(&pump->parking);
    pump->is_wanted = true;
    if (pump->is_driven) {
        shmrpci_event_set(pump->bell_fd);
    } else if (pump->is_parked) {
        shmrpci_cond_signal(&pump->changed);
    }
    shmrpci_mutex_unlock(&pump->parking);
}

/* With `is_parked`, takes over only if the pump's thread is parked. */
static bool take_over(nats_pump *pump, bool is_parked)
{
    shmrpci_mutex_lock(&pump->parking);
    bool takes = !pump->is_driven && (pump->is_parked || !is_parked);
    if (takes) {
        pump->is_driven = true;
        pump->is_wanted = false;
    }
    shmrpci_mutex_unlock(&pump->parking);
    return takes;
}

bool nats_pump_take_over(nats_pump *pump)
{
    return take_over(pump, false);
}

void nats_pump_drive(nats_pump *pump, int64_t deadline_ns)
{
    uint64_t tags[NATS_EVENTS_MAX];
    shmrpci_mutex_lock(&pump->turn);
    int64_t wake_ns = pump->wake_ns;
    shmrpci_mutex_unlock(&pump->turn);
    wake_ns = deadline_ns < wake_ns ? deadline_ns : wake_ns;
    size_t count = nats_pump_await(pump, tags, wake_ns);
    (void)step(pump, tags, count);
}

void nats_pump_give_back(nats_pump *pump)
{
    shmrpci_mutex_lock(&pump->parking);
    pump->is_driven = false;
    pump->driven_ns = shmrpci_now_ns();
    if (pump->is_wanted && pump->is_parked) {
        shmrpci_cond_signal(&pump->changed);
    }
    shmrpci_mutex_unlock(&pump->parking);
}

void nats_pump_push(nats_pump *pump)
{
    if (take_over(pump, true)) {
        nats_pump_drive(pump, 0);
        nats_pump_give_back(pump);
    }
}
