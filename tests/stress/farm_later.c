/* Detached calls and conversations of a worker process. */
#include "farm_later.h"

#include "farm_stream.h"
#include "os/clock.h"
#include "os/futex.h"
#include "os/thread.h"

#define MOST 32u
/* Max conversations at a time. There are so few that a new one often finds the
 * thread asleep, which tests the wake-up. */
#define TALKS 4u

static struct {
    shmrpci_mutex lock;
    shmrpci_cond changed;
    shmrpci_thread thread;
    shmrpci_atomic_u32 bell; /* counts arrivals */
    shmrpci_request waiting[MOST];
    unsigned first;
    unsigned count; /* including the one that is being answered */
    farm_late_talk *fresh[TALKS];
    unsigned fresh_count;
    unsigned talks; /* number of conversations, including those that the thread
                     * has taken */
    farm_later_ops ops;
} later = {.lock = SHMRPCI_MUTEX_INIT};

static _Thread_local bool is_talking;

bool farm_later_is_talking(void)
{
    return is_talking;
}

/* ---- the thread ---------------------------------------------------------- */

static void answer_calls(void)
{
    shmrpci_mutex_lock(&later.lock);
    while (later.count > 0) {
        shmrpci_request *request = &later.waiting[later.first];
        shmrpci_mutex_unlock(&later.lock);
        const shmrpci_worker_ops *ops = request->participant->transport->worker;
        later.ops.answer(later.ops.user, request);
        ops->detached_end(request);
        shmrpci_mutex_lock(&later.lock);
        later.first = (later.first + 1) % MOST;
        later.count--;
        shmrpci_cond_broadcast(&later.changed);
    }
    shmrpci_mutex_unlock(&later.lock);
}

static void take_fresh(farm_late_talk *own[TALKS])
{
    shmrpci_mutex_lock(&later.lock);
    for (size_t i = 0; i < TALKS && later.fresh_count > 0; i++) {
        if (own[i] == NULL) {
            own[i] = later.fresh[--later.fresh_count];
        }
    }
    shmrpci_mutex_unlock(&later.lock);
}

static void end_talk(farm_late_talk **own)
{
    bool is_right = farm_late_talk_end(*own);
    if (!is_right) {
        later.ops.wrong(later.ops.user);
    }
    shmrpci_mutex_lock(&later.lock);
    *own = NULL;
    later.talks--;
    shmrpci_cond_broadcast(&later.changed);
    shmrpci_mutex_unlock(&later.lock);
}

static bool has_talks(farm_late_talk *const own[TALKS])
{
    bool has_some = false;
    for (size_t i = 0; i < TALKS; i++) {
        has_some = has_some || own[i] != NULL;
    }
    return has_some;
}

/* Steps the conversations. Returns false if there was nothing to do. */
static bool step_talks(farm_late_talk *own[TALKS])
{
    bool has_moved = false;
    for (size_t i = 0; i < TALKS; i++) {
        if (own[i] != NULL) {
            has_moved = farm_late_talk_step(own[i]) || has_moved;
            if (farm_late_talk_is_over(own[i])) {
                end_talk(&own[i]);
            }
        }
    }
    return has_moved;
}

/* Sleeps like the library's code for detached streams. */
static void sleep_once(farm_late_talk *own[TALKS], uint32_t seen,
                       shmrpci_atomic_u32 *alarm, uint32_t raised)
{
    shmrpci_futex_on on[2 + 3 * TALKS];
    size_t count = 1;
    bool sleeps = true;
    on[0] = (shmrpci_futex_on){.word = &later.bell, .expected = seen};
    if (alarm != NULL) {
        on[count++] = (shmrpci_futex_on){.word = alarm, .expected = raised};
    }
    for (size_t i = 0; i < TALKS; i++) {
        sleeps = (own[i] == NULL ||
                  farm_late_talk_arm(own[i], &later.bell, on, &count)) &&
                 sleeps;
    }
    if (sleeps && !shmrpci_futex_wait_any(on, count, SHMRPCI_NEVER_NS)) {
        (void)shmrpci_futex_wait(&later.bell, seen,
                                 shmrpci_deadline_after(5 * SHMRPCI_NS_PER_MS));
    }
    for (size_t i = 0; i < TALKS; i++) {
        if (own[i] != NULL) {
            farm_late_talk_disarm(own[i]);
        }
    }
}

static void run(void *unused)
{
    farm_late_talk *own[TALKS] = {NULL};
    shmrpci_atomic_u32 *alarm = NULL;
    (void)unused;
    for (;;) {
        /* Read before the check, so that a later arrival ends the sleep. */
        uint32_t seen = shmrpci_load_seq(&later.bell);
        uint32_t raised = alarm != NULL ? shmrpci_load_seq(alarm) : 0;
        answer_calls();
        take_fresh(own);
        is_talking = has_talks(own);
        bool has_moved = step_talks(own);
        if (alarm == NULL) {
            for (size_t i = 0; i < TALKS && alarm == NULL; i++) {
                alarm = own[i] != NULL ? farm_late_talk_alarm(own[i]) : NULL;
            }
            has_moved = has_moved || alarm != NULL;
        }
        if (!has_moved) {
            sleep_once(own, seen, alarm, raised);
        }
        is_talking = false;
    }
}

/* ---- the worker ---------------------------------------------------------- */

static void ring(void)
{
    (void)shmrpci_add_seq(&later.bell, 1u);
    (void)shmrpci_futex_wake(&later.bell, 1);
}

bool farm_later_begin(const farm_later_ops *ops)
{
    shmrpci_cond_init(&later.changed);
    later.ops = *ops;
    return shmrpci_thread_create(&later.thread, "later", run, NULL) ==
           SHMRPC_OK;
}

bool farm_later_take(shmrpci_request *request)
{
    shmrpci_mutex_lock(&later.lock);
    bool has_room = later.count < MOST;
    if (has_room) {
        shmrpci_request *at =
            &later.waiting[(later.first + later.count) % MOST];
        has_room = request->participant->transport->worker->detach(
                       request, at) == SHMRPC_OK;
        later.count += has_room ? 1u : 0u;
    }
    shmrpci_mutex_unlock(&later.lock);
    ring();
    return has_room;
}

bool farm_later_talk(shmrpci_request *request, shmrpci_stream *stream,
                     uint64_t number)
{
    farm_late_talk *talk = NULL;
    shmrpci_mutex_lock(&later.lock);
    if (later.talks < TALKS) {
        is_talking = true;
        talk = farm_late_talk_begin(request, stream, number);
        is_talking = false;
    }
    if (talk != NULL) {
        later.fresh[later.fresh_count++] = talk;
        later.talks++;
    }
    shmrpci_mutex_unlock(&later.lock);
    ring();
    return talk != NULL;
}

void farm_later_end(void)
{
    shmrpci_mutex_lock(&later.lock);
    while (later.count > 0 || later.talks > 0) {
        shmrpci_cond_wait(&later.changed, &later.lock);
    }
    shmrpci_mutex_unlock(&later.lock);
}
