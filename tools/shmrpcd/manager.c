/* The manager's event loop: signals, messages, timers. */
#include "tools/shmrpcd/manager.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/clock.h"
#include "os/folder.h"
#include "os/memory.h"
#include "os/poll.h"
#include "os/process.h"
#include "os/program.h"
#include "os/signals.h"

#define TAG_SIGNAL      UINT64_C(1)
#define TAG_WAKE        UINT64_C(2)
#define TAG_NOTIFY      UINT64_C(3)
#define TAG_OPEN_NOTIFY UINT64_C(4)

/* How long processes that a killed manager left behind have to exit. */
#define LEFTOVERS_NS (10 * SHMRPCI_NS_PER_S)

/* A service that takes longer than this to start no longer delays our READY=1.
 * systemd gives up after 90 s. */
#define SLOW_NS (60 * SHMRPCI_NS_PER_S)

/* Scans the list: there are tens of services, and names are short. */
mgr_unit *mgr_find(const mgr_manager *m, const char *name, size_t len)
{
    for (size_t i = 0; i < m->unit_count; i++) {
        const char *its = m->units[i]->plan->name;
        if (strlen(its) == len && memcmp(its, name, len) == 0) {
            return m->units[i];
        }
    }
    return NULL;
}

/* Whether one of the unit's addresses is "shm://" and this name. */
static bool serves(const mgr_unit *unit, const char *name, size_t len)
{
    static const char shm[] = "shm://";
    const char *at = unit->addresses;
    while (*at != '\0') {
        size_t its = strcspn(at, ",");
        if (its == len + sizeof shm - 1 &&
            strncmp(at, shm, sizeof shm - 1) == 0 &&
            memcmp(at + sizeof shm - 1, name, len) == 0) {
            return true;
        }
        at += its + (at[its] == ',');
    }
    return false;
}

/* Services keep their last addresses after they have ended, so several may have
 * the same name. The running one wins. */
mgr_unit *mgr_find_called(const mgr_manager *m, const char *name, size_t len)
{
    static const char shm[] = "shm://";
    mgr_unit *unit = mgr_find(m, name, len);
    if (unit != NULL || len == 0) {
        return unit;
    }
    if (len > sizeof shm - 1 && memcmp(name, shm, sizeof shm - 1) == 0) {
        name += sizeof shm - 1;
        len -= sizeof shm - 1;
    }
    for (size_t i = 0; i < m->unit_count; i++) {
        mgr_unit *other = m->units[i];
        if (serves(other, name, len) &&
            (unit == NULL || unit->state != MGR_RUNNING)) {
            unit = other;
        }
    }
    return unit;
}

void mgr_wake(mgr_manager *m)
{
    shmrpci_event_set(m->wake_fd);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* ---- leftovers ------------------------------------------------------- */

/* Keeps a descriptor of the process, so that its number can't be reused before
 * it is killed. */
static void found_leftover(void *user, int32_t pid)
{
    mgr_leftovers *left = user;
    int watch_fd;
    int *more = realloc(left->watch_fds, (left->count + 1) * sizeof *more);
    if (more == NULL) {
        return;
    }
    left->watch_fds = more;
    if (shmrpci_child_watch(pid, &watch_fd) == SHMRPC_OK) {
        left->watch_fds[left->count++] = watch_fd;
        shmrpci_child_signal(watch_fd, SIGTERM);
    }
}

/* All our programs have our socket's path in their environment as a mark. We
 * hold that socket's lock, so the manager that set the mark is dead. */
static void find_leftovers(mgr_manager *m)
{
    shmrpci_program_find(m->mark_line, found_leftover, &m->leftovers);
    if (m->leftovers.count > 0) {
        m->leftovers.kill_ns = shmrpci_deadline_after(LEFTOVERS_NS);
        fprintf(
            stderr,
            "shmrpcd: a previous manager was killed; ending %zu processes of "
            "its services\n",
            m->leftovers.count);
    }
}

/* Sends SIGKILL to all leftover processes when their time is over. For those
 * that have ended after SIGTERM this does nothing. */
static int64_t step_leftovers(mgr_manager *m)
{
    mgr_leftovers *left = &m->leftovers;
    if (left->count == 0) {
        return SHMRPCI_NEVER_NS;
    }
    if (shmrpci_remaining_ns(left->kill_ns) > 0) {
        return left->kill_ns;
    }
    while (left->count > 0) {
        int *watch_fd = &left->watch_fds[--left->count];
        shmrpci_child_signal(*watch_fd, SHMRPCI_CHILD_KILL);
        shmrpci_fd_close(watch_fd);
    }
    return SHMRPCI_NEVER_NS;
}

/* ---- the loop -------------------------------------------------------- */

/* The second stop signal kills all processes, so Ctrl-C twice ends
 * everything. */
static void take_stop(mgr_manager *m)
{
    m->stops++;
    if (m->stops == 1) {
        fputs("shmrpcd: stopping\n", stderr);
        (void)shmrpci_notify_send("STOPPING=1");
    } else {
        fputs("shmrpcd: killing the remaining processes\n", stderr);
        mgr_run_signal_all(m, SHMRPCI_CHILD_KILL);
    }
}

/* systemd requires the time with RELOADING=1, and then waits for READY=1, which
 * is sent whether or not the file was good. */
static void take_reload(mgr_manager *m)
{
    shmrpci_buf messages;
    char lines[64];
    shmrpci_buf_init_heap(&messages);
    (void)snprintf(lines, sizeof lines, "RELOADING=1\nMONOTONIC_USEC=%lld",
                   (long long)(shmrpci_now_ns() / 1000));
    (void)shmrpci_notify_send(lines);
    if (mgr_reload(m, NULL, &messages) != SHMRPC_OK) {
        fwrite(messages.data, 1, messages.len, stderr);
        fputs("shmrpcd: nothing has changed\n", stderr);
    }
    (void)shmrpci_notify_send("READY=1");
    shmrpci_buf_fini(&messages);
}

/* One signal may stand for several children, so all ended children are
 * collected. */
static void take_signals(mgr_manager *m)
{
    shmrpci_signal signal;
    shmrpci_child_end end;
    bool is_stopped;
    int32_t pid;
    while (shmrpci_signals_next(m->signal_fd, &signal)) {
        if (signal == SHMRPCI_SIGNAL_STOP) {
            take_stop(m);
        } else if (signal == SHMRPCI_SIGNAL_RELOAD && m->stops == 0) {
            take_reload(m);
        }
    }
    while (shmrpci_program_paused(&pid, &is_stopped)) {
        mgr_run_paused(m, pid, is_stopped);
    }
    while (shmrpci_program_reap(&pid, &end)) {
        mgr_run_ended(m, pid, &end);
    }
}

/* Handles a limited number of messages in each turn, so that a program that
 * sends endlessly can't block the loop. If messages are left, the descriptor
 * stays readable. A message that is too long is skipped. */
static void take_notes(mgr_manager *m, int fd)
{
    char text[SHMRPCI_NOTIFY_BYTES];
    int32_t pid;
    for (int i = 0; i < 64; i++) {
        shmrpc_status status = shmrpci_notify_receive(fd, text, &pid);
        if (status == SHMRPC_OK) {
            mgr_run_told(m, pid, text);
        } else if (status != SHMRPC_E_TOO_LARGE) {
            return;
        }
    }
}

/* Each run has two tags, one for each of its streams. If its slot was freed in
 * this turn, mgr_run_read finds it empty. */
static void take(mgr_manager *m, uint64_t tag)
{
    if (tag == TAG_SIGNAL) {
        take_signals(m);
    } else if (tag == TAG_WAKE) {
        shmrpci_event_clear(m->wake_fd);
    } else if (tag == TAG_NOTIFY) {
        take_notes(m, m->notify_fd);
    } else if (tag == TAG_OPEN_NOTIFY) {
        take_notes(m, m->open_notify_fd);
    } else if (tag >= MGR_TAG_RUNS) {
        mgr_run_read(m, (size_t)(tag - MGR_TAG_RUNS) / 2,
                     (int)((tag - MGR_TAG_RUNS) % 2));
    }
}

/* Reports readiness once to the process that started us, when all services run,
 * have failed, or take so long that we would seem to hang. Returns when it must
 * be called again. */
static int64_t settle(mgr_manager *m)
{
    bool waits = false;
    bool failed = false;
    if (m->is_settled || m->stops > 0) {
        return SHMRPCI_NEVER_NS;
    }
    for (size_t i = 0; i < m->unit_count; i++) {
        const mgr_unit *unit = m->units[i];
        failed = failed || mgr_unit_backs_off(unit);
        waits = waits || unit->state == MGR_WAITING;
        if (unit->state == MGR_STARTING) {
            int64_t slow_ns = unit->started_ns + SLOW_NS;
            if (shmrpci_remaining_ns(slow_ns) > 0) {
                return slow_ns;
            }
            failed = true;
        }
    }
    if (!waits || failed) {
        m->is_settled = true;
        (void)shmrpci_notify_send("READY=1");
        fputs(failed ? "shmrpcd: ready, but not all services run\n"
                     : "shmrpcd: ready\n",
              stderr);
    }
    return SHMRPCI_NEVER_NS;
}

/* Does everything that is due, and returns when to run the loop again. Runs go
 * first, because the ends that they record decide what the units do. */
static int64_t step_all(mgr_manager *m)
{
    int64_t next_ns = mgr_runs_step(m);
    next_ns = earlier(next_ns, step_leftovers(m));
    next_ns = earlier(next_ns, mgr_units_step(m));
    next_ns = earlier(next_ns, mgr_runs_late_ns(m));
    const mgr_plan *first = NULL; /* the first plan with a log_dir */
    for (size_t i = 0; i < m->unit_count; i++) {
        const mgr_plan *plan = m->units[i]->plan;
        mgr_unit_write_log(m->units[i]);
        first = first == NULL && plan->log_dir != NULL ? plan : first;
    }
    mgr_console_write(m->console, first);
    (void)fflush(stdout);
    return earlier(next_ns, settle(m));
}

/* Runs of which only left-over processes live count as well, because we must
 * end them. */
static bool all_ended(const mgr_manager *m)
{
    for (size_t i = 0; i < m->unit_count; i++) {
        if (m->units[i]->run_count > 0) {
            return false;
        }
    }
    return true;
}

/* Wakes the handlers before each wait, because the loop releases the lock only
 * then: so they see each state that the loop leaves behind. */
void mgr_manager_run(mgr_manager *m)
{
    uint64_t tags[64];
    shmrpci_mutex_lock(&m->lock);
    for (;;) {
        int64_t next_ns = step_all(m);
        shmrpci_cond_broadcast(&m->changed);
        if (m->stops > 0 && all_ended(m)) {
            break;
        }
        shmrpci_mutex_unlock(&m->lock);
        size_t count = shmrpci_poll_wait(m->poll_set, tags, 64, next_ns);
        shmrpci_mutex_lock(&m->lock);
        for (size_t i = 0; i < count; i++) {
            take(m, tags[i]);
        }
    }
    shmrpci_mutex_unlock(&m->lock);
}

/* ---- creating and destroying --------------------------------------------- */

/* Signals are blocked before any thread exists, since a thread could receive
 * a signal that is meant for the descriptor. */
static int open_parts(mgr_manager *m, shmrpc_error *error)
{
    shmrpc_status status = shmrpci_poll_create(&m->poll_set);
    if (status == SHMRPC_OK) {
        status = shmrpci_signals_open(&m->signal_fd);
    }
    if (status == SHMRPC_OK) {
        status = shmrpci_event_create(&m->wake_fd);
    }
    if (status == SHMRPC_OK) {
        status = shmrpci_poll_add(m->poll_set, m->signal_fd, SHMRPCI_POLL_LEVEL,
                                  TAG_SIGNAL);
    }
    if (status == SHMRPC_OK) {
        status = shmrpci_poll_add(m->poll_set, m->wake_fd, SHMRPCI_POLL_LEVEL,
                                  TAG_WAKE);
    }
    if (status == SHMRPC_OK &&
        !shmrpci_program_own_path(m->own_path, sizeof m->own_path)) {
        status = SHMRPC_E_NOT_FOUND;
    }
    return status == SHMRPC_OK
               ? SHMRPC_OK
               : shmrpc_error_set(error, status, "the manager can't start: %s",
                                  shmrpc_status_text(status));
}

/* Marks the services named on the command line as wanted. Unknown names are an
 * error. */
static int want_names(mgr_manager *m, shmrpc_error *error)
{
    for (char *const *name = m->names; name != NULL && *name != NULL; name++) {
        mgr_unit *unit = mgr_find(m, *name, strlen(*name));
        if (unit == NULL) {
            return shmrpc_error_set(error, SHMRPC_E_NOT_FOUND, "%s", *name);
        }
        mgr_want(m, unit);
    }
    return SHMRPC_OK;
}

/* On INVALID the errors in the file were printed, and `error` adds nothing. */
static int load(mgr_manager *m, shmrpc_error *error)
{
    shmrpci_buf messages;
    shmrpci_buf_init_heap(&messages);
    shmrpc_status status = mgr_reload(m, NULL, &messages);
    if (status == SHMRPC_E_INVALID) {
        fwrite(messages.data, 1, messages.len, stderr);
    }
    shmrpci_buf_fini(&messages);
    return status == SHMRPC_OK ? want_names(m, error)
                               : shmrpc_error_set(error, status, "%s",
                                                  shmrpc_status_text(status));
}

int mgr_manager_create(const char *file, char *const *names, mgr_manager **out,
                       shmrpc_error *error)
{
    mgr_manager *m = calloc(1, sizeof *m);
    if (m == NULL) {
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    shmrpci_mutex_init(&m->lock);
    shmrpci_cond_init(&m->changed);
    m->file = file;
    m->names = names;
    m->since_unix_ms = mgr_now_unix_ms();
    m->poll_set = m->signal_fd = m->wake_fd = m->dir_fd = m->notify_fd = -1;
    m->open_notify_fd = -1;
    m->console = mgr_console_create();
    int status =
        m->console != NULL
            ? open_parts(m, error)
            : shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    if (status == SHMRPC_OK) {
        status = load(m, error);
    }
    if (status != SHMRPC_OK) {
        mgr_manager_destroy(m);
        return status;
    }
    *out = m;
    return SHMRPC_OK;
}

/* Programs of other users can't open the socket in our folder, so they use this
 * one. Anybody may send to it, but only messages of programs that we have
 * started count. */
static shmrpc_status listen_to_others(mgr_manager *m)
{
    char name[SHMRPCI_NOTIFY_PATH_BYTES];
    if (shmrpci_process_uid() != 0) {
        return SHMRPC_OK;
    }
    shmrpc_status status = shmrpci_notify_listen_open(&m->open_notify_fd, name);
    if (status != SHMRPC_OK) {
        return status;
    }
    (void)snprintf(m->open_notify_line, sizeof m->open_notify_line,
                   "NOTIFY_SOCKET=%s", name);
    return shmrpci_poll_add(m->poll_set, m->open_notify_fd, SHMRPCI_POLL_LEVEL,
                            TAG_OPEN_NOTIFY);
}

/* Sets up the sockets for notifications and the variables of programs, and
 * looks for leftovers. The first program starts later, in mgr_manager_run. */
int mgr_manager_settle(mgr_manager *m, const char *where, shmrpc_error *error)
{
    char folder[512];
    char path[SHMRPCI_NOTIFY_PATH_BYTES] = "";
    const char *slash = strrchr(where, '/');
    (void)snprintf(folder, sizeof folder, "%.*s", (int)(slash - where), where);
    shmrpc_status status = shmrpci_folder_open(folder, &m->dir_fd);
    /* The name of the notify socket, which is beside the control socket. We
     * hold the lock of the control socket, so nobody else uses this name. */
    (void)snprintf(folder, sizeof folder, "%s.notify", slash + 1);
    if (status == SHMRPC_OK) {
        status = shmrpci_notify_listen(m->dir_fd, folder, &m->notify_fd, path);
        /* Set this before anything else can fail, because destroy reads the
         * name from it. */
        (void)snprintf(m->notify_line, sizeof m->notify_line,
                       "NOTIFY_SOCKET=%s", path);
    }
    if (status == SHMRPC_OK) {
        status = shmrpci_poll_add(m->poll_set, m->notify_fd, SHMRPCI_POLL_LEVEL,
                                  TAG_NOTIFY);
    }
    if (status == SHMRPC_OK) {
        status = listen_to_others(m);
    }
    if (status != SHMRPC_OK) {
        return shmrpc_error_set(error, status,
                                "can't make a socket beside %.128s: %s", where,
                                shmrpc_status_text(status));
    }
    (void)snprintf(m->orders_line, sizeof m->orders_line, "%s",
                   SHMRPCI_PROGRAM_ORDERS_LINE);
    (void)snprintf(m->mark_line, sizeof m->mark_line, "SHMRPCD_OF=%s", where);
    shmrpci_program_adopt_orphans();
    find_leftovers(m);
    return SHMRPC_OK;
}

/* Called after run, or after create or settle has failed half-way. */
void mgr_manager_destroy(mgr_manager *m)
{
    if (m->dir_fd >= 0 && m->notify_fd >= 0) {
        const char *slash = strrchr(m->notify_line, '/');
        shmrpci_folder_remove(m->dir_fd, slash + 1);
    }
    for (size_t i = 0; i < m->unit_count; i++) {
        mgr_unit_destroy(m->units[i]);
    }
    while (m->leftovers.count > 0) {
        shmrpci_fd_close(&m->leftovers.watch_fds[--m->leftovers.count]);
    }
    mgr_console_destroy(m->console);
    free(m->leftovers.watch_fds);
    free(m->units);
    free(m->runs);
    shmrpci_fd_close(&m->open_notify_fd);
    shmrpci_fd_close(&m->notify_fd);
    shmrpci_fd_close(&m->dir_fd);
    shmrpci_fd_close(&m->wake_fd);
    shmrpci_fd_close(&m->signal_fd);
    shmrpci_fd_close(&m->poll_set);
    shmrpci_cond_fini(&m->changed);
    shmrpci_mutex_fini(&m->lock);
    free(m);
}
