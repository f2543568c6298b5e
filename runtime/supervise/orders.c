/*
 * Orders from a manager, as lines on a pipe (os/program.h).
 *
 *     workers=MIN..MAX    the number of workers from now on
 *
 * Only the process that started this one has the pipe. Malformed orders change
 * nothing.
 */
#include <stdio.h>
#include <string.h>

#include "os/memory.h"
#include "os/poll.h"
#include "os/program.h"
#include "supervise/state.h"

void shmrpci_orders_watch(shmrpci_supervisor *s)
{
    if (s->opts.orders_fd > 0) {
        (void)shmrpci_poll_add(s->poll_set, s->opts.orders_fd,
                               SHMRPCI_POLL_LEVEL, SHMRPCI_TAG_ORDERS);
    }
}

void shmrpci_orders_close(shmrpci_supervisor *s)
{
    if (s->opts.orders_fd > 0) {
        shmrpci_poll_remove(s->poll_set, s->opts.orders_fd);
        shmrpci_fd_close(&s->opts.orders_fd);
    }
}

/* Returns the newest worker that is not leaving yet; with `is_idle` only idle
 * ones count. */
static uint32_t find_newest(const shmrpci_supervisor *s, bool is_idle)
{
    uint32_t newest = SHMRPCI_WORKERS_MAX;
    for (uint32_t i = 0; i < SHMRPCI_WORKERS_MAX; i++) {
        const shmrpci_worker *it = &s->workers[i];
        if (it->state == SHMRPCI_WORKER_RUNS &&
            (!is_idle || !shmrpci_worker_is_busy(s, i)) &&
            (newest == SHMRPCI_WORKERS_MAX ||
             it->started_ns >= s->workers[newest].started_ns)) {
            newest = i;
        }
    }
    return newest;
}

/* Tells workers to leave until at most `most` remain. They end their calls
 * first. */
static void dismiss(shmrpci_supervisor *s, uint32_t most)
{
    s->target = s->target > most ? most : s->target;
    while (shmrpci_workers_active(s) > most) {
        uint32_t newest = find_newest(s, true);
        if (newest == SHMRPCI_WORKERS_MAX) {
            newest = find_newest(s, false);
        }
        if (newest == SHMRPCI_WORKERS_MAX) {
            return; /* the remaining ones are still being started */
        }
        shmrpci_worker_retire(s, newest);
    }
}

static void set_workers(shmrpci_supervisor *s, uint32_t least, uint32_t most)
{
    if (least == 0 || least > most ||
        (uint64_t)most * s->opts.crew.threads > SHMRPCI_WORKERS_MAX ||
        s->stop_deadline_ns != 0) {
        return;
    }
    s->opts.min_workers = s->opts.scale.min_workers = least;
    s->opts.max_workers = s->opts.scale.max_workers = most;
    shmrpci_supervisor_say(s, "%u to %u workers are requested", least, most);
    s->target = s->target < least ? least : s->target;
    dismiss(s, most);
    s->scaling.next_ns = 0;
}

static void obey(shmrpci_supervisor *s, const char *line)
{
    unsigned least;
    unsigned most;
    int end = 0;
    if (sscanf(line, "workers=%4u..%4u%n", &least, &most, &end) == 2 &&
        line[end] == '\0') {
        set_workers(s, least, most);
    }
}

void shmrpci_orders_take(shmrpci_supervisor *s)
{
    char text[512];
    size_t len;
    shmrpc_status status =
        shmrpci_program_read(s->opts.orders_fd, text, sizeof text - 1, &len);
    if (status == SHMRPC_OK) {
        text[len] = '\0';
        char *rest = text;
        for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
            obey(s, line);
        }
    } else if (status != SHMRPC_E_BUSY) {
        shmrpci_orders_close(s);
    }
}
