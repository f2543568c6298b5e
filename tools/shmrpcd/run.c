/* Runs of programs: how they start, print and end. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/clock.h"
#include "os/memory.h"
#include "os/poll.h"
#include "os/program.h"
#include "tools/shmrpcd/manager.h"

/* An incomplete line is reported if nothing has followed it for this long. */
#define FLUSH_NS (100 * SHMRPCI_NS_PER_MS)

/* How long workers of the old program may finish their calls after a takeover,
 * in addition to the stop times of the plan. Then they are killed. */
#define ELDERS_NS (30 * SHMRPCI_NS_PER_S)

/* Maximum number of bytes read in one turn, so that a program that prints
 * endlessly doesn't keep the others waiting. */
#define READ_BYTES 16384u

/* ---- the table ------------------------------------------------------- */

/* Runs never move, because the index of a slot is part of its poll tags. */
static bool find_slot(mgr_manager *m, size_t *out)
{
    for (*out = 0; *out < m->run_room; (*out)++) {
        if (m->runs[*out] == NULL) {
            return true;
        }
    }
    size_t room = m->run_room == 0 ? 16 : 2 * m->run_room;
    mgr_run **runs = realloc(m->runs, room * sizeof *runs);
    if (runs == NULL) {
        return false;
    }
    memset(runs + m->run_room, 0, (room - m->run_room) * sizeof *runs);
    m->runs = runs;
    m->run_room = room;
    return true;
}

/* Removes the descriptor from the poll set before closing it: epoll would keep
 * it while a child that is being started has a copy. */
static void close_stream(mgr_manager *m, mgr_run *run, int which)
{
    if (run->fds[which] >= 0) {
        shmrpci_poll_remove(m->poll_set, run->fds[which]);
        shmrpci_fd_close(&run->fds[which]);
    }
}

/* Frees a run. Its whole process group must have ended. */
static void drop(mgr_manager *m, size_t slot)
{
    mgr_run *run = m->runs[slot];
    for (int i = 0; i < 2; i++) {
        close_stream(m, run, i);
    }
    shmrpci_fd_close(&run->order_fd);
    run->unit->run_count--;
    free(run->streams);
    free(run);
    m->runs[slot] = NULL;
}

/* ---- starting -------------------------------------------------------- */

/* Each run has its own streams of 16 KiB each, since two runs of one service
 * may print at the same time. */
static mgr_run *run_create(mgr_unit *unit)
{
    mgr_run *run = calloc(1, sizeof *run);
    mgr_lines *streams = calloc(2, sizeof *streams);
    if (run == NULL || streams == NULL) {
        free(run);
        free(streams);
        return NULL;
    }
    streams[1].origin = MGR_ORIGIN_STDERR;
    *run = (mgr_run){.unit = unit,
                     .ready_ns = SHMRPCI_NEVER_NS,
                     .kill_ns = SHMRPCI_NEVER_NS,
                     .fds = {-1, -1},
                     .order_fd = -1,
                     .flush_ns = {SHMRPCI_NEVER_NS, SHMRPCI_NEVER_NS},
                     .streams = streams};
    return run;
}

/* A plain program never reports that it is ready, so it has no time limit. A
 * program that takes over must always report, whatever the plan says. */
static shmrpc_status start(mgr_manager *m, mgr_run *run, size_t slot,
                           bool takes_over, char why[MGR_LAUNCH_WHY_BYTES])
{
    shmrpci_program program;
    shmrpc_status status = mgr_launch(m, run->unit, takes_over, &program, why);
    if (status != SHMRPC_OK) {
        return status;
    }
    run->pid = program.pid;
    run->ready_ns = run->unit->plan->is_plain && !takes_over
                        ? SHMRPCI_NEVER_NS
                        : shmrpci_deadline_after(run->unit->plan->start_ns);
    run->fds[0] = program.out_fd;
    run->fds[1] = program.err_fd;
    run->order_fd = program.order_fd;
    for (uint64_t i = 0; i < 2; i++) {
        /* If this fails, the loop does not see the output, which is then read
         * only when the program ends. */
        (void)shmrpci_poll_add(m->poll_set, run->fds[i], SHMRPCI_POLL_LEVEL,
                               MGR_TAG_RUNS + 2 * (uint64_t)slot + i);
    }
    return SHMRPC_OK;
}

/* Returns a run in the table, or NULL and the reason in `why`. */
static mgr_run *run_start(mgr_manager *m, mgr_unit *unit, bool takes_over,
                          char why[MGR_LAUNCH_WHY_BYTES])
{
    size_t slot = 0;
    mgr_run *run = run_create(unit);
    (void)snprintf(why, MGR_LAUNCH_WHY_BYTES, "out of memory");
    if (run == NULL || !find_slot(m, &slot) ||
        start(m, run, slot, takes_over, why) != SHMRPC_OK) {
        if (run != NULL) {
            free(run->streams);
            free(run);
        }
        return NULL;
    }
    m->runs[slot] = run;
    unit->run_count++;
    return run;
}

/* Counts as a start even if it fails. Addresses of the previous run are
 * dropped. */
bool mgr_run_start(mgr_manager *m, mgr_unit *unit)
{
    char why[MGR_LAUNCH_WHY_BYTES];
    bool has_target = !mgr_plan_is_gate(unit->plan) || mgr_gate_aim(m, unit);
    unit->run = has_target ? run_start(m, unit, false, why) : NULL;
    unit->starts++;
    unit->started_ns = shmrpci_now_ns();
    unit->addresses[0] = '\0';
    unit->is_cold = false;
    if (!has_target) {
        (void)snprintf(unit->last_end, sizeof unit->last_end,
                       "`%s` has no shm:// address",
                       unit->plan->gate_of.items[0]);
    } else if (unit->run == NULL) {
        (void)snprintf(unit->last_end, sizeof unit->last_end, "%s", why);
    }
    return unit->run != NULL;
}

/* Only our own servers report addresses, so a program without an address can't
 * be replaced. Servers with threads can't take over, and a stopped process
 * can't hand over. */
bool mgr_run_can_replace(const mgr_unit *unit)
{
    return unit->state == MGR_RUNNING && unit->addresses[0] != '\0' &&
           unit->plan->most > 0 && !unit->is_cold && !unit->run->is_stopped;
}

/* The state stays RUNNING, and `run` unchanged, until the heir is ready. */
bool mgr_run_replace(mgr_manager *m, mgr_unit *unit)
{
    char why[MGR_LAUNCH_WHY_BYTES];
    unit->heir = run_start(m, unit, true, why);
    if (unit->heir == NULL) {
        mgr_unit_say(unit, MGR_LEVEL_WARNING, "can't start a successor: %s",
                     why);
        return false;
    }
    mgr_unit_say(unit, MGR_LEVEL_INFO, "started pid %d to take over",
                 (int)unit->heir->pid);
    return true;
}

/* ---- output ---------------------------------------------------------- */

/* Stores the line without the "PROGRAM: " in front, since the unit is named
 * anyway. */
static void note_reason(mgr_run *run, const mgr_line *line)
{
    const char *text = line->text;
    size_t len = line->len;
    const char *colon = memchr(text, ':', len);
    size_t skipped = colon != NULL ? (size_t)(colon - text) + 2 : 0;
    if (skipped > 0 && skipped < len && colon[1] == ' ') {
        text += skipped;
        len -= skipped;
    }
    (void)snprintf(run->said, sizeof run->said, "%.*s", (int)len, text);
}

static void on_line(void *user, const mgr_line *line)
{
    mgr_run *run = user;
    if (run->unit->plan->says_why && line->origin == MGR_ORIGIN_STDERR) {
        note_reason(run, line);
    }
    mgr_unit_log(run->unit, run, line);
}

/* Reads once, so that all programs get their turn. Returns false if there is
 * nothing more to read now. At the end of the stream the last line is reported
 * even without a newline. */
static bool read_some(mgr_manager *m, mgr_run *run, int which)
{
    char bytes[READ_BYTES];
    size_t len;
    mgr_lines *stream = &run->streams[which];
    shmrpc_status status =
        run->fds[which] >= 0
            ? shmrpci_program_read(run->fds[which], bytes, sizeof bytes, &len)
            : SHMRPC_E_BUSY;
    if (status == SHMRPC_OK) {
        mgr_lines_feed(stream, bytes, len, mgr_now_unix_ms(), on_line, run);
        run->flush_ns[which] = stream->len > 0
                                   ? shmrpci_deadline_after(FLUSH_NS)
                                   : SHMRPCI_NEVER_NS;
        return true;
    }
    if (status != SHMRPC_E_BUSY) {
        mgr_lines_end(stream, on_line, run);
        run->flush_ns[which] = SHMRPCI_NEVER_NS;
        close_stream(m, run, which);
    }
    return false;
}

void mgr_run_read(mgr_manager *m, size_t slot, int which)
{
    if (slot < m->run_room && m->runs[slot] != NULL) {
        (void)read_some(m, m->runs[slot], which);
    }
}

/* Reads at most as much as a pipe holds, because processes outside of the group
 * may have the other end open and never stop writing. */
static void read_rest(mgr_manager *m, mgr_run *run)
{
    for (int which = 0; which < 2; which++) {
        for (int i = 0; i < 64 && read_some(m, run, which); i++) {
        }
    }
}

/* ---- the end of a program ------------------------------------------------ */

/* "signal 9 (Killed)", "status 1", or "status 1: REASON". */
static void describe_end(const shmrpci_child_end *end, const char *said,
                         char out[MGR_END_BYTES])
{
    if (end->signal != 0) {
        (void)snprintf(out, MGR_END_BYTES, "signal %d (%s)%s", (int)end->signal,
                       shmrpci_program_signal_name(end->signal),
                       end->has_dumped ? ", core dumped" : "");
    } else {
        bool has_reason = end->status != 0 && said[0] != '\0';
        (void)snprintf(out, MGR_END_BYTES, "status %d%s%s", (int)end->status,
                       has_reason ? ": " : "", has_reason ? said : "");
    }
}

/* "90 s", "0.5 s". */
static void describe_time(int64_t ns, char out[24])
{
    (void)snprintf(out, 24, ns % SHMRPCI_NS_PER_S == 0 ? "%.0f s" : "%.3g s",
                   (double)ns / SHMRPCI_NS_PER_S);
}

/* Says that the run was not ready in time, if we ended it for that; otherwise
 * how its process ended. */
static void describe_run_end(const mgr_run *run, const shmrpci_child_end *end,
                             char out[MGR_END_BYTES])
{
    char time[24];
    if (run->is_late) {
        describe_time(run->unit->plan->start_ns, time);
        (void)snprintf(out, MGR_END_BYTES,
                       "not ready within %s (start_timeout)", time);
    } else {
        describe_end(end, run->said, out);
    }
}

/* The current program has ended, because it was told to or by itself. If it
 * ended by itself, the unit backs off. The state degraded is reported once for
 * each series of deaths. */
static void note_end(mgr_unit *unit, const mgr_run *run,
                     const shmrpci_child_end *end)
{
    int64_t now_ns = shmrpci_now_ns();
    describe_run_end(run, end, unit->last_end);
    if (mgr_unit_is_ending(unit)) {
        mgr_unit_say(unit, MGR_LEVEL_INFO, "has ended (%s)", unit->last_end);
        return;
    }
    bool was_degraded = shmrpci_backoff_is_degraded(&unit->backoff);
    unit->deaths++;
    shmrpci_backoff_died(&unit->backoff, now_ns, now_ns - unit->started_ns);
    mgr_unit_enter(unit, end->signal != 0 && !run->is_late ? MGR_CRASHED
                                                           : MGR_BACKOFF);
    mgr_unit_say(unit, MGR_LEVEL_ERROR, "pid %d has ended: %s", (int)run->pid,
                 unit->last_end);
    if (!was_degraded && shmrpci_backoff_is_degraded(&unit->backoff)) {
        mgr_unit_say(unit, MGR_LEVEL_CRITICAL,
                     "degraded: it ends as soon as it is started");
    }
}

/* Called when an heir has taken over, or has failed to. If the file has changed
 * since the heir was started, the unit is restarted once more. */
static void end_heir(mgr_unit *unit)
{
    unit->heir = NULL;
    unit->restarts = unit->restarts || unit->is_outdated;
    unit->is_outdated = false;
}

/* A program other than the current one has ended: an heir that could not take
 * over, or a predecessor. */
static void note_other(mgr_unit *unit, const mgr_run *run,
                       const shmrpci_child_end *end)
{
    if (run != unit->heir) {
        mgr_unit_say(unit, MGR_LEVEL_INFO,
                     "pid %d has ended after the takeover", (int)run->pid);
        return;
    }
    describe_run_end(run, end, unit->refusal);
    end_heir(unit);
    unit->refusals++;
    mgr_unit_say(unit, MGR_LEVEL_ERROR,
                 "pid %d could not take over (%s); the old one goes on",
                 (int)run->pid, unit->refusal);
}

/* Whether a program has ended because its heir has taken over everything, even
 * if the heir has not yet reported that it is ready. */
static bool has_handed_over(const mgr_unit *unit, const mgr_run *run,
                            const shmrpci_child_end *end)
{
    return unit->heir != NULL && unit->heir != run &&
           unit->state == MGR_RUNNING && end->signal == 0 && end->status == 0;
}

/* Finds out which of the unit's runs has ended. If the current one dies while
 * an heir starts, the heir becomes the current one. That counts as a start,
 * because no server is left to take over from. */
static void note_run(mgr_unit *unit, const mgr_run *run,
                     const shmrpci_child_end *end)
{
    if (run != unit->run) {
        note_other(unit, run, end);
        return;
    }
    if (has_handed_over(unit, run, end)) {
        mgr_unit_say(unit, MGR_LEVEL_INFO,
                     "pid %d has ended after the takeover", (int)run->pid);
        unit->run = unit->heir;
        return;
    }
    note_end(unit, run, end);
    unit->run = NULL;
    if (unit->heir == run) {
        end_heir(unit);
    }
    if (unit->heir != NULL && mgr_unit_backs_off(unit)) {
        unit->run = unit->heir; /* there is no server to take over from */
        end_heir(unit);
        unit->starts++;
        unit->started_ns = shmrpci_now_ns();
        mgr_unit_enter(unit, MGR_STARTING);
    }
}

void mgr_run_ended(mgr_manager *m, int32_t pid, const shmrpci_child_end *end)
{
    for (size_t i = 0; i < m->run_room; i++) {
        mgr_run *run = m->runs[i];
        /* A run keeps its pid until it is dropped, but the kernel may reuse the
         * pid. */
        if (run == NULL || run->pid != pid || run->has_ended) {
            continue;
        }
        read_rest(m, run);
        run->has_ended = true;
        if (run->kill_ns == SHMRPCI_NEVER_NS) {
            run->kill_ns = shmrpci_deadline_after(run->unit->plan->int_ns +
                                                  run->unit->plan->term_ns);
        }
        /* Ask the remaining processes to end; workers still finish their
         * calls. */
        shmrpci_program_signal_group(pid, SIGTERM);
        note_run(run->unit, run, end);
        return;
    }
}

/* Only concerns programs, not their workers: a supervisor handles its own
 * stopped workers. */
void mgr_run_paused(mgr_manager *m, int32_t pid, bool is_stopped)
{
    mgr_run *run = NULL;
    for (size_t i = 0; i < m->run_room && run == NULL; i++) {
        run = m->runs[i] != NULL && m->runs[i]->pid == pid ? m->runs[i] : NULL;
    }
    if (run == NULL || run->is_stopped == is_stopped) {
        return;
    }
    run->is_stopped = is_stopped;
    if (is_stopped) {
        mgr_unit_say(
            run->unit, MGR_LEVEL_WARNING,
            "pid %d was stopped by a signal (kill -CONT %d resumes it)",
            (int)pid, (int)pid);
    } else {
        mgr_unit_say(run->unit, MGR_LEVEL_NOTICE, "pid %d was resumed",
                     (int)pid);
    }
}

/* Ends a program that has missed its deadline for reporting readiness.
 * Otherwise other services would wait for it, and nobody would learn why. */
static void end_late(mgr_run *run)
{
    const mgr_plan *plan = run->unit->plan;
    char time[24];
    describe_time(plan->start_ns, time);
    mgr_unit_say(run->unit, MGR_LEVEL_ERROR,
                 "pid %d has not reported within %s that it is ready "
                 "(READY=1, sd_notify(3)), and is ended: a plain program needs "
                 "`ready = started`, a slow one a longer `start_timeout`",
                 (int)run->pid, time);
    run->ready_ns = SHMRPCI_NEVER_NS;
    run->is_late = true;
    run->kill_ns = shmrpci_deadline_after(plan->int_ns + plan->term_ns);
    shmrpci_program_signal(run->pid, SIGTERM);
    if (run->is_stopped) {
        shmrpci_program_signal(run->pid, SIGCONT); /* so that it receives the
                                                    * signal */
    }
}

/* Drops the run when its group is empty; then the run must not be used any
 * more. */
static int64_t step(mgr_manager *m, size_t slot)
{
    mgr_run *run = m->runs[slot];
    int64_t next_ns = SHMRPCI_NEVER_NS;
    if (!run->has_ended && shmrpci_remaining_ns(run->ready_ns) == 0) {
        end_late(run);
    }
    for (int i = 0; i < 2; i++) {
        /* Read before flushing: if the loop is late, the rest of the line may
         * have arrived long ago. */
        if (shmrpci_remaining_ns(run->flush_ns[i]) == 0 &&
            !read_some(m, run, i)) {
            run->flush_ns[i] = SHMRPCI_NEVER_NS;
            mgr_lines_flush(&run->streams[i], on_line, run);
        }
        next_ns = run->flush_ns[i] < next_ns ? run->flush_ns[i] : next_ns;
    }
    if (run->has_ended && !shmrpci_program_group_lives(run->pid)) {
        read_rest(m, run);
        for (int i = 0; i < 2; i++) {
            mgr_lines_end(&run->streams[i], on_line, run);
        }
        drop(m, slot);
        return next_ns;
    }
    if (shmrpci_remaining_ns(run->kill_ns) == 0) {
        shmrpci_program_signal_group(run->pid, SHMRPCI_CHILD_KILL);
        /* Steps again soon, because the kernel takes a moment to release the
         * processes of the group. */
        return shmrpci_deadline_after(10 * SHMRPCI_NS_PER_MS);
    }
    return run->kill_ns < next_ns ? run->kill_ns : next_ns;
}

int64_t mgr_runs_step(mgr_manager *m)
{
    int64_t next_ns = SHMRPCI_NEVER_NS;
    for (size_t i = 0; i < m->run_room; i++) {
        if (m->runs[i] != NULL) {
            int64_t its_ns = step(m, i);
            next_ns = its_ns < next_ns ? its_ns : next_ns;
        }
    }
    return next_ns;
}

/* Called after the step of the units, because that may have started programs
 * whose deadlines mgr_runs_step could not see. */
int64_t mgr_runs_late_ns(const mgr_manager *m)
{
    int64_t next_ns = SHMRPCI_NEVER_NS;
    for (size_t i = 0; i < m->run_room; i++) {
        const mgr_run *run = m->runs[i];
        if (run != NULL && !run->has_ended && run->ready_ns < next_ns) {
            next_ns = run->ready_ns;
        }
    }
    return next_ns;
}

/* ---- messages of programs ------------------------------------------------ */

/* Addresses are shown in terminals and on the page, so control characters are
 * escaped. A list that is too long is ignored, because a cut address would be
 * wrong. */
static void take_addresses(mgr_unit *unit, const char *text, size_t len)
{
    bool truncated = false;
    char inert[MGR_LINE_BYTES];
    size_t used = mgr_text_inert(text, len, inert, &truncated);
    (void)snprintf(unit->addresses, sizeof unit->addresses, "%.*s",
                   used < sizeof unit->addresses ? (int)used : 0, inert);
}

/* An heir that is ready becomes the current run. The old run may finish its
 * calls, and is killed if they take longer than ELDERS_NS and the stop times.
 */
static void take_ready(mgr_unit *unit, mgr_run *run)
{
    if (run->is_late) {
        return; /* the unit is about to end */
    }
    run->ready_ns = SHMRPCI_NEVER_NS;
    if (run == unit->heir) {
        if (unit->run != run) {
            unit->run->kill_ns = shmrpci_deadline_after(
                ELDERS_NS + unit->plan->int_ns + unit->plan->term_ns);
            unit->run = run;
        }
        end_heir(unit);
        unit->starts++;
        unit->started_ns = shmrpci_now_ns();
        mgr_unit_say(unit, MGR_LEVEL_INFO, "pid %d has taken over",
                     (int)run->pid);
    } else if (run == unit->run && unit->state == MGR_STARTING) {
        mgr_unit_enter(unit, MGR_RUNNING);
        mgr_unit_say(unit, MGR_LEVEL_INFO, "can be called%s%s",
                     unit->addresses[0] != '\0' ? " at " : "", unit->addresses);
    }
}

/* A program that ends by itself may send STOPPING=1 too. This is ignored: the
 * unit's state changes when the program has ended. */
static void take_stopping(mgr_unit *unit, const mgr_run *run)
{
    if (run == unit->run && unit->state == MGR_STOPPING) {
        mgr_unit_enter(unit, MGR_DRAINING);
    }
}

static bool is_line(const char *line, size_t len, const char *wanted)
{
    return len == strlen(wanted) && memcmp(line, wanted, len) == 0;
}

/* The sender's process group identifies the run: a worker, or a shell's child,
 * may send for the program, but no process of another service. READY is handled
 * after all other lines, so that addresses in the same message count. */
void mgr_run_told(mgr_manager *m, int32_t pid, const char *text)
{
    static const char addresses[] = "X_SHMRPC_ADDRESSES=";
    int32_t group = shmrpci_program_group_of(pid);
    mgr_run *run = NULL;
    bool ready = false;
    for (size_t i = 0; i < m->run_room; i++) {
        if (m->runs[i] != NULL && m->runs[i]->pid == group &&
            !m->runs[i]->has_ended) {
            run = m->runs[i];
        }
    }
    while (run != NULL && *text != '\0') {
        size_t len = strcspn(text, "\n");
        if (strncmp(text, addresses, sizeof addresses - 1) == 0) {
            take_addresses(run->unit, text + sizeof addresses - 1,
                           len - (sizeof addresses - 1));
        }
        ready = ready || is_line(text, len, "READY=1");
        if (is_line(text, len, "STOPPING=1")) {
            take_stopping(run->unit, run);
        }
        text += len + (text[len] == '\n');
    }
    if (ready) {
        take_ready(run->unit, run);
    }
}

void mgr_run_signal_all(mgr_manager *m, int signal)
{
    for (size_t i = 0; i < m->run_room; i++) {
        if (m->runs[i] != NULL) {
            shmrpci_program_signal_group(m->runs[i]->pid, signal);
        }
    }
}

/* ---- orders to programs -------------------------------------------------- */

/* The numbers are kept for the next start even if the order can't be sent. */
bool mgr_run_scale(mgr_unit *unit, uint32_t least, uint32_t most)
{
    char line[64];
    (void)snprintf(line, sizeof line, "workers=%u..%u\n", least, most);
    unit->least = least;
    unit->most = most;
    mgr_unit_say(unit, MGR_LEVEL_NOTICE, "may now have %u to %u workers", least,
                 most);
    return unit->run == NULL ||
           shmrpci_program_order(unit->run->order_fd, line);
}
