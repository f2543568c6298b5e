/*
 * Dead workers: counting, logging and showing them.
 *
 * A worker's pidfd reports its death at once. The zygote reports a little later
 * how it ended. The names of the worker's calls are kept in between.
 */
#include "supervise/state.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "os/clock.h"

/* ---- calls in progress --------------------------------------------------- */

/* Lists the calls in these places, like "echo.crash, echo.nap". If their
 * process is dead, counts each call as failed. Returns the row of the first
 * call in its service's statistics, or SHMRPCI_STATS_NO_ROW. */
static uint32_t list_calls(const shmrpci_supervisor *s, uint32_t first,
                           uint32_t count, bool is_dead, shmrpci_buf *out)
{
    uint32_t first_row = SHMRPCI_STATS_NO_ROW;
    for (uint32_t i = 0; i < shmrpci_supervisor_outlets(s); i++) {
        shmrpci_outlet_view outlet = shmrpci_server_outlet(s->server, i);
        const shmrpc_service *service = outlet.served->service;
        for (uint32_t t = 0; t < count; t++) {
            uint32_t method;
            uint32_t row = SHMRPCI_STATS_NO_ROW;
            if (outlet.transport->processes->observe_call(outlet.listener,
                                                          first + t, &method)) {
                row = method <= service->method_count ? method : 0;
                first_row = out->len == 0 ? row : first_row;
                shmrpci_buf_printf(
                    out, "%s%s.%s", out->len > 0 ? ", " : "", service->name,
                    row > 0 ? service->methods[row - 1].name : "(describe)");
            }
            if (is_dead) {
                shmrpci_stats_bury(&outlet.served->stats,
                                   outlet.first_place + first + t, row);
                shmrpci_overload_bury(&outlet.served->overload,
                                      outlet.first_place + first + t);
            }
        }
    }
    return first_row;
}

static uint32_t read_calls(const shmrpci_supervisor *s, uint32_t first,
                           uint32_t count, bool is_dead,
                           char out[SHMRPCI_DEATH_CALLS_BYTES])
{
    shmrpci_buf text;
    shmrpci_buf_init_fixed(&text, (uint8_t *)out,
                           SHMRPCI_DEATH_CALLS_BYTES - 1);
    uint32_t row = list_calls(s, first, count, is_dead, &text);
    out[text.len] = '\0';
    return row;
}

void shmrpci_deaths_name_calls(const shmrpci_supervisor *s, uint32_t number,
                               char out[SHMRPCI_DEATH_CALLS_BYTES])
{
    (void)read_calls(s, shmrpci_worker_place(s, number), s->opts.crew.threads,
                     false, out);
}

/* ---- recording deaths ---------------------------------------------------- */

void shmrpci_deaths_note(shmrpci_supervisor *s, uint32_t number)
{
    const shmrpci_worker *dead = &s->workers[number];
    shmrpci_death death = {.at_ns = shmrpci_now_ns(), .pid = dead->pid};
    death.row = read_calls(s, shmrpci_worker_place(s, number),
                           s->opts.crew.threads, true, death.calls);
    death.is_unasked =
        dead->state != SHMRPCI_WORKER_LEAVES || death.calls[0] != '\0';
    s->deaths[number] = death;
    if (death.is_unasked) {
        s->crashes++;
        s->last_death = death;
    }
}

void shmrpci_deaths_note_elder(shmrpci_supervisor *s, uint32_t first)
{
    const shmrpci_elder *dead = &s->elders[first];
    shmrpci_death death = {.at_ns = shmrpci_now_ns(), .pid = dead->pid};
    death.row = read_calls(s, first, dead->count, true, death.calls);
    if (death.calls[0] == '\0') {
        return; /* it had been told to leave */
    }
    s->crashes++;
    s->last_death = death;
    shmrpci_supervisor_say(
        s, "error: a worker of the previous server (pid %d) died in %s",
        (int)dead->pid, death.calls);
}

/* Appends how the worker ended, like "was ended by signal 11 (Segmentation
 * fault) in echo.crash". */
static void describe(const shmrpci_death *death, shmrpci_buf *out)
{
    const shmrpci_child_end *end = &death->end;
    if (end->signal != 0) {
        shmrpci_buf_printf(out, "was ended by signal %d (%s)%s",
                           (int)end->signal, strsignal(end->signal),
                           end->has_dumped ? ", core dumped" : "");
    } else {
        shmrpci_buf_printf(out, "ended with status %d", (int)end->status);
    }
    if (death->calls[0] != '\0') {
        shmrpci_buf_printf(out, " in %s", death->calls);
    }
}

void shmrpci_deaths_tell(shmrpci_supervisor *s, uint32_t number, int32_t pid,
                         const shmrpci_child_end *end)
{
    char memory[320];
    shmrpci_buf text;
    shmrpci_death *death = &s->deaths[number];
    if (death->pid != pid) {
        *death = (shmrpci_death){.pid = pid, .row = SHMRPCI_STATS_NO_ROW};
    }
    death->end = *end;
    death->is_known = true;
    if (s->last_death.pid == pid) {
        s->last_death.end = *end;
        s->last_death.is_known = true;
    }
    if (end->signal == 0 && end->status == 0 && death->calls[0] == '\0') {
        return; /* an orderly end */
    }
    shmrpci_buf_init_fixed(&text, (uint8_t *)memory, sizeof memory - 1);
    describe(death, &text);
    memory[text.len] = '\0';
    shmrpci_supervisor_say(s, "error: worker %u (pid %d) %s", number, (int)pid,
                           memory);
}

void shmrpci_deaths_describe_last(const shmrpci_supervisor *s, shmrpci_buf *out)
{
    const shmrpci_death *last = &s->last_death;
    if (!last->is_known) {
        shmrpci_buf_append_text(out, "the last has died");
    } else if (last->end.signal != 0) {
        char name[24];
        shmrpci_child_signal_name(last->end.signal, name, sizeof name);
        shmrpci_buf_printf(out, "the last died of %s", name);
    } else {
        shmrpci_buf_printf(out, "the last ended with status %d",
                           (int)last->end.status);
    }
    if (last->calls[0] != '\0') {
        shmrpci_buf_printf(out, " in %.60s", last->calls);
    }
}

/* ---- figures for observers ----------------------------------------------- */

void shmrpci_deaths_show(const shmrpci_supervisor *s)
{
    const shmrpci_death *last = &s->last_death;
    bool is_unknown = last->pid != 0 && !last->is_known;
    for (uint32_t i = 0; i < shmrpci_supervisor_outlets(s); i++) {
        shmrpci_stats_gauges *g = shmrpci_stats_gauges_of(
            &shmrpci_server_outlet(s->server, i).served->stats);
        if (g == NULL) {
            continue;
        }
        /* Relaxed: the figures are only displayed, and independent of each
         * other. */
        shmrpci_store_relaxed(&g->workers_wanted, s->target);
        shmrpci_store_relaxed(&g->workers_alive, shmrpci_workers_active(s));
        shmrpci_store_relaxed(&g->next_start_ns, (uint64_t)s->next_start_ns);
        shmrpci_store_relaxed(&g->crashes, s->crashes);
        shmrpci_store_relaxed(&g->crash_ns, (uint64_t)last->at_ns);
        shmrpci_store_relaxed(&g->crash_pid, (uint32_t)last->pid);
        shmrpci_store_relaxed(&g->crash_signal,
                              is_unknown ? SHMRPCI_STATS_END_UNKNOWN
                                         : (uint32_t)last->end.signal);
        shmrpci_store_relaxed(&g->crash_status, (uint32_t)last->end.status);
        shmrpci_store_relaxed(&g->crash_row, last->row == SHMRPCI_STATS_NO_ROW
                                                 ? 0
                                                 : last->row + 1);
    }
}
