/* Worker processes, as the supervisor sees them. */
#include "supervise/state.h"

#include "os/clock.h"
#include "os/memory.h"
#include "os/poll.h"

uint32_t shmrpci_worker_place(const shmrpci_supervisor *s, uint32_t number)
{
    return number * s->opts.crew.threads;
}

uint32_t shmrpci_workers_count(const shmrpci_supervisor *s)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < SHMRPCI_WORKERS_MAX; i++) {
        count += s->workers[i].state != SHMRPCI_WORKER_NONE;
    }
    return count;
}

static bool is_active(const shmrpci_worker *it)
{
    return (it->state == SHMRPCI_WORKER_ASKED ||
            it->state == SHMRPCI_WORKER_RUNS) &&
           !it->is_outgoing;
}

uint32_t shmrpci_workers_active(const shmrpci_supervisor *s)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < SHMRPCI_WORKERS_MAX; i++) {
        count += is_active(&s->workers[i]);
    }
    return count;
}

static uint64_t calls_at(const shmrpci_supervisor *s, uint32_t number)
{
    uint64_t calls = 0;
    uint32_t first = shmrpci_worker_place(s, number);
    for (uint32_t i = 0; i < shmrpci_supervisor_outlets(s); i++) {
        shmrpci_outlet_view outlet = shmrpci_server_outlet(s->server, i);
        for (uint32_t t = 0; t < s->opts.crew.threads; t++) {
            shmrpci_worker_view view;
            outlet.transport->processes->observe(outlet.listener, first + t,
                                                 &view);
            calls += view.calls;
        }
    }
    return calls;
}

uint64_t shmrpci_worker_calls(const shmrpci_supervisor *s, uint32_t number)
{
    return calls_at(s, number) - s->workers[number].calls_before;
}

bool shmrpci_worker_is_busy(const shmrpci_supervisor *s, uint32_t number)
{
    uint32_t first = shmrpci_worker_place(s, number);
    bool is_busy = false;
    for (uint32_t i = 0; i < shmrpci_supervisor_outlets(s); i++) {
        shmrpci_outlet_view outlet = shmrpci_server_outlet(s->server, i);
        for (uint32_t t = 0; t < s->opts.crew.threads; t++) {
            shmrpci_worker_view view;
            outlet.transport->processes->observe(outlet.listener, first + t,
                                                 &view);
            is_busy = is_busy || view.is_busy;
        }
    }
    return is_busy;
}

bool shmrpci_worker_is_running(const shmrpci_supervisor *s, uint32_t number)
{
    uint32_t first = shmrpci_worker_place(s, number);
    bool is_running = false;
    for (uint32_t i = 0; i < shmrpci_supervisor_outlets(s); i++) {
        shmrpci_outlet_view outlet = shmrpci_server_outlet(s->server, i);
        for (uint32_t t = 0; t < s->opts.crew.threads; t++) {
            shmrpci_worker_view view;
            outlet.transport->processes->observe(outlet.listener, first + t,
                                                 &view);
            is_running = is_running || view.is_running;
        }
    }
    return is_running;
}

static void dismiss(shmrpci_supervisor *s, uint32_t number)
{
    for (uint32_t i = 0; i < shmrpci_supervisor_outlets(s); i++) {
        shmrpci_outlet_view outlet = shmrpci_server_outlet(s->server, i);
        outlet.transport->processes->dismiss(outlet.listener,
                                             shmrpci_worker_place(s, number));
    }
}

void shmrpci_worker_retire(shmrpci_supervisor *s, uint32_t number)
{
    for (uint32_t i = 0; i < shmrpci_supervisor_outlets(s); i++) {
        shmrpci_outlet_view outlet = shmrpci_server_outlet(s->server, i);
        outlet.transport->processes->retire(outlet.listener,
                                            shmrpci_worker_place(s, number));
    }
    s->workers[number].state = SHMRPCI_WORKER_LEAVES;
    s->workers[number].left_ns = shmrpci_now_ns();
}

/* Makes one link of a worker. The supervisor's end goes to the listener, the
 * other end to *out_fd. */
static shmrpc_status make_link(shmrpci_supervisor *s, uint32_t number,
                               uint32_t index, int *out_fd)
{
    int fds[2];
    shmrpc_error error;
    shmrpci_outlet_view outlet = shmrpci_server_outlet(s->server, index);
    shmrpc_status status = shmrpci_socket_pair(fds);
    if (status != SHMRPC_OK) {
        return status;
    }
    status = (shmrpc_status)outlet.transport->processes->enlist(
        outlet.listener, shmrpci_worker_place(s, number), s->opts.crew.threads,
        fds[0], &error);
    if (status != SHMRPC_OK) {
        shmrpci_fd_close(&fds[0]);
        shmrpci_fd_close(&fds[1]);
        return status;
    }
    *out_fd = fds[1];
    return SHMRPC_OK;
}

static shmrpc_status spawn(shmrpci_supervisor *s, uint32_t number)
{
    int links[SHMRPCI_SOCKET_MAX_FDS];
    uint32_t count = 0;
    shmrpc_status status = SHMRPC_OK;
    while (count < shmrpci_supervisor_outlets(s) && status == SHMRPC_OK) {
        status = make_link(s, number, count, &links[count]);
        count += status == SHMRPC_OK;
    }
    if (status == SHMRPC_OK) {
        shmrpci_zygote_message order = {.kind = SHMRPCI_ZYGOTE_SPAWN,
                                        .number = number};
        status = shmrpci_zygote_send(s->zygote_socket, &order, links, count);
    }
    for (uint32_t i = 0; i < count; i++) {
        shmrpci_fd_close(&links[i]);
    }
    if (status != SHMRPC_OK) {
        dismiss(s, number);
        return status;
    }
    s->workers[number].state = SHMRPCI_WORKER_ASKED;
    s->workers[number].calls_before = calls_at(s, number);
    s->workers[number].started_ns = shmrpci_now_ns();
    s->workers[number].first_bytes = 0;
    s->workers[number].measured_bytes = 0;
    return SHMRPC_OK;
}

/* Whether a number is free. Leaving workers keep their places until they have
 * ended. */
static bool is_free(const shmrpci_supervisor *s, uint32_t number)
{
    return s->workers[number].state == SHMRPCI_WORKER_NONE &&
           !shmrpci_elders_have(s, shmrpci_worker_place(s, number),
                                s->opts.crew.threads);
}

static uint32_t room_of(const shmrpci_supervisor *s)
{
    return SHMRPCI_WORKERS_MAX / s->opts.crew.threads;
}

uint32_t shmrpci_workers_free_number(const shmrpci_supervisor *s)
{
    for (uint32_t i = 0; i < room_of(s); i++) {
        if (is_free(s, i)) {
            return i;
        }
    }
    return SHMRPCI_WORKERS_MAX;
}

bool shmrpci_workers_serve(const shmrpci_supervisor *s)
{
    for (uint32_t i = 0; i < SHMRPCI_WORKERS_MAX; i++) {
        if (s->workers[i].state == SHMRPCI_WORKER_ASKED ||
            s->workers[i].state == SHMRPCI_WORKER_RUNS) {
            return true;
        }
    }
    return shmrpci_elders_count(s) > 0;
}

/* Returns the number of the worker to start next, and stores when to start it
 * in `*out_ns`. A number that pauses after a death counts as one of the wanted
 * workers, so no other number is used in its place. */
static uint32_t find_due(const shmrpci_supervisor *s, int64_t *out_ns)
{
    int64_t now_ns = shmrpci_now_ns();
    uint32_t ready = SHMRPCI_WORKERS_MAX;
    uint32_t first =
        SHMRPCI_WORKERS_MAX; /* the number whose pause ends first */
    uint32_t pausing = 0;
    for (uint32_t i = 0; i < room_of(s); i++) {
        if (is_free(s, i) && s->backoffs[i].next_ns <= now_ns) {
            ready = ready == SHMRPCI_WORKERS_MAX ? i : ready;
        } else if (is_free(s, i)) {
            pausing++;
            first = first == SHMRPCI_WORKERS_MAX ||
                            s->backoffs[i].next_ns < s->backoffs[first].next_ns
                        ? i
                        : first;
        }
    }
    *out_ns = now_ns;
    if (ready != SHMRPCI_WORKERS_MAX &&
        shmrpci_workers_active(s) + pausing < s->target) {
        return ready;
    }
    if (first != SHMRPCI_WORKERS_MAX) {
        *out_ns = s->backoffs[first].next_ns;
        if (!shmrpci_workers_serve(s) && s->revival.next_ns < *out_ns) {
            *out_ns = s->revival.next_ns;
        }
    }
    return first;
}

/* Whether another worker is wanted and can be started, apart from pauses after
 * deaths. */
static bool wants_more(const shmrpci_supervisor *s)
{
    return s->is_zygote_ready && s->successor_fd < 0 &&
           shmrpci_workers_active(s) < s->target;
}

int64_t shmrpci_workers_next_ns(const shmrpci_supervisor *s)
{
    int64_t next_ns;
    return wants_more(s) && find_due(s, &next_ns) != SHMRPCI_WORKERS_MAX
               ? next_ns
               : SHMRPCI_NEVER_NS;
}

/* Called when a worker has ended unexpectedly, or could not be started. */
static void note_death(shmrpci_supervisor *s, uint32_t number, int64_t lived_ns,
                       bool has_served)
{
    int64_t now_ns = shmrpci_now_ns();
    shmrpci_backoff *backoff = &s->backoffs[number];
    if (has_served) {
        shmrpci_backoff_died_within(backoff, now_ns, lived_ns,
                                    SHMRPCI_SERVED_PAUSE_NS);
    } else {
        shmrpci_backoff_died(backoff, now_ns, lived_ns);
    }
    shmrpci_revival_died(&s->revival, now_ns,
                         has_served || lived_ns >= SHMRPCI_YOUNG_NS);
    shmrpci_backoff_died(&s->series, now_ns, lived_ns);
    s->start_failures++;
}

/* A failed start counts like a death, which delays the next attempt. */
void shmrpci_workers_spawn(shmrpci_supervisor *s)
{
    int64_t due_ns;
    uint32_t number;
    while (wants_more(s) &&
           (number = find_due(s, &due_ns)) != SHMRPCI_WORKERS_MAX &&
           shmrpci_now_ns() >= due_ns) {
        shmrpc_status status = spawn(s, number);
        if (status != SHMRPC_OK) {
            (void)shmrpc_error_set(&s->start_error, status,
                                   "can't start a worker: %s",
                                   shmrpc_status_text(status));
            note_death(s, number, 0, false);
        }
    }
}

/* ---- replacing a worker -------------------------------------------------- */

/* How often to check whether an awaited worker has arrived. */
#define ARRIVAL_NS (5 * SHMRPCI_NS_PER_MS)

static bool has_arrived(const shmrpci_supervisor *s, uint32_t number)
{
    uint32_t first = shmrpci_worker_place(s, number);
    for (uint32_t i = 0; i < shmrpci_supervisor_outlets(s); i++) {
        shmrpci_outlet_view outlet = shmrpci_server_outlet(s->server, i);
        for (uint32_t t = 0; t < s->opts.crew.threads; t++) {
            shmrpci_worker_view view;
            outlet.transport->processes->observe(outlet.listener, first + t,
                                                 &view);
            if (!view.has_arrived) {
                return false;
            }
        }
    }
    return true;
}

bool shmrpci_workers_have_begun(const shmrpci_supervisor *s)
{
    for (uint32_t i = 0; i < SHMRPCI_WORKERS_MAX; i++) {
        if (s->workers[i].state == SHMRPCI_WORKER_RUNS && has_arrived(s, i)) {
            return true;
        }
    }
    return shmrpci_elders_count(s) > 0;
}

static bool have_arrived(const shmrpci_supervisor *s)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < SHMRPCI_WORKERS_MAX; i++) {
        count += is_active(&s->workers[i]) && has_arrived(s, i);
    }
    return count >= s->target;
}

void shmrpci_worker_replace(shmrpci_supervisor *s, uint32_t number)
{
    s->workers[number].is_outgoing = true;
}

int64_t shmrpci_workers_relieve(shmrpci_supervisor *s)
{
    bool is_due = have_arrived(s) ||
                  shmrpci_workers_free_number(s) == SHMRPCI_WORKERS_MAX;
    int64_t next_ns = SHMRPCI_NEVER_NS;
    if (shmrpci_elders_count(s) > 0) {
        if (is_due) {
            shmrpci_elders_retire(s);
        } else {
            next_ns = shmrpci_deadline_after(ARRIVAL_NS);
        }
    }
    for (uint32_t i = 0; i < SHMRPCI_WORKERS_MAX; i++) {
        if (!s->workers[i].is_outgoing ||
            s->workers[i].state != SHMRPCI_WORKER_RUNS) {
            continue;
        }
        if (is_due) {
            shmrpci_worker_retire(s, i);
        } else {
            next_ns = shmrpci_deadline_after(ARRIVAL_NS);
        }
    }
    return next_ns;
}

/* ---- ends ---------------------------------------------------------------- */

static void note_degraded(shmrpci_supervisor *s)
{
    bool is_degraded = shmrpci_backoff_is_degraded(&s->series);
    if (is_degraded != s->was_degraded) {
        s->was_degraded = is_degraded;
        shmrpci_supervisor_say(
            s, is_degraded
                   ? "degraded: workers die right after they are started"
                   : "no longer degraded");
    }
}

/* The process has ended. What it held is repaired before its place is used
 * again. */
void shmrpci_worker_bury(shmrpci_supervisor *s, uint32_t number)
{
    shmrpci_worker *dead = &s->workers[number];
    int64_t now_ns = shmrpci_now_ns();
    if (dead->state == SHMRPCI_WORKER_NONE) {
        return;
    }
    if (dead->pid != 0) {
        shmrpci_deaths_note(s, number);
    }
    dismiss(s, number);
    if (dead->state != SHMRPCI_WORKER_LEAVES) {
        note_death(s, number, now_ns - dead->started_ns,
                   shmrpci_worker_calls(s, number) > 0);
    }
    if (dead->watch_fd >= 0) {
        shmrpci_poll_remove(s->poll_set, dead->watch_fd);
        shmrpci_fd_close(&dead->watch_fd);
    }
    *dead = (shmrpci_worker){.watch_fd = -1};
    note_degraded(s);
}

void shmrpci_worker_forked(shmrpci_supervisor *s, shmrpci_zygote_packet *packet)
{
    uint32_t number = packet->head.number;
    shmrpci_worker *forked = &s->workers[number];
    if (packet->head.pid < 0) {
        (void)shmrpc_error_set(&s->start_error, SHMRPC_E_EXHAUSTED,
                               "can't fork a worker");
        shmrpci_supervisor_say(s, "error: can't fork worker %u (%s)", number,
                               packet->head.text);
        shmrpci_worker_bury(s, number);
        return;
    }
    forked->pid = packet->head.pid;
    if (forked->state == SHMRPCI_WORKER_ASKED) {
        forked->state = SHMRPCI_WORKER_RUNS;
    }
    if (packet->fd_count == 1) {
        forked->watch_fd = packet->fds[0];
        packet->fd_count = 0;
        (void)shmrpci_poll_add(s->poll_set, forked->watch_fd,
                               SHMRPCI_POLL_LEVEL,
                               SHMRPCI_TAG_WORKERS + number);
    }
}

void shmrpci_worker_kill(shmrpci_supervisor *s, uint32_t number)
{
    shmrpci_worker *it = &s->workers[number];
    if (it->watch_fd >= 0 && !it->is_killed) {
        it->is_killed = true;
        shmrpci_child_signal(it->watch_fd, SHMRPCI_CHILD_KILL);
    }
}

void shmrpci_workers_watch(shmrpci_supervisor *s)
{
    int64_t now_ns = shmrpci_now_ns();
    int64_t youngest_ns = INT64_MAX;
    for (uint32_t i = 0; i < SHMRPCI_WORKERS_MAX; i++) {
        const shmrpci_worker *it = &s->workers[i];
        if (it->state != SHMRPCI_WORKER_RUNS &&
            it->state != SHMRPCI_WORKER_LEAVES) {
            continue;
        }
        shmrpci_hang_look(s, i, now_ns);
        int64_t lived_ns = now_ns - it->started_ns;
        shmrpci_backoff_lives(&s->backoffs[i], lived_ns);
        youngest_ns = lived_ns < youngest_ns ? lived_ns : youngest_ns;
    }
    if (youngest_ns != INT64_MAX) {
        shmrpci_backoff_lives(&s->series, youngest_ns);
        note_degraded(s);
    }
}
