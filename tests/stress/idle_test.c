/*
 * The cost of a service that nobody calls: eight worker processes and 64
 * connections sleep, without a single wake-up, and a connection takes little
 * memory.
 */
#include "service.h"
#include "wakeups.h"

#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/poll.h"
#include "os/socket.h"

#define shm (&shmrpci_transport_shm)

enum { WORKERS = 8, CLIENTS = 2, EACH = 32, PROCESSES = 1 + WORKERS + CLIENTS };

/* Shared by all processes. */
typedef struct scene {
    pid_t pids[PROCESSES]; /* supervisor, workers, clients */
    atomic_uint workers;   /* processes that are ready */
    atomic_uint clients;   /* client processes that have started */
    atomic_uint opened;    /* connections that have made calls */
    atomic_bool may_open;
} scene;

static scene *it;

/* ---- the processes ------------------------------------------------------- */

static int say_welcome(void *user, const uint8_t *hello, size_t len,
                       const shmrpc_peer *peer, shmrpci_buf *welcome,
                       shmrpc_error *error)
{
    (void)user;
    (void)hello;
    (void)len;
    (void)peer;
    (void)welcome;
    (void)error;
    return SHMRPC_OK;
}

static void be_worker(int link_fd, uint32_t index)
{
    shmrpci_listener *mirror;
    shmrpci_participant *me;
    shmrpci_request request = {0};
    assert_int_equal(shm->processes->attach(link_fd, &mirror, NULL), SHMRPC_OK);
    assert_int_equal(shm->worker->participant_open(mirror, index, &me, NULL),
                     SHMRPC_OK);
    /* The worker sets its own pid, because its parent may not have run since it
     * forked. */
    it->pids[1 + index] = getpid();
    atomic_fetch_add(&it->workers, 1);
    while (shm->worker->next(me, &request) == SHMRPC_OK) {
        shm->worker->reply_reserve(&request, request.in_len);
        request.head.status = SHMRPC_OK;
        request.head.flags = 0;
        shmrpci_buf_append(&request.out, request.in, request.in_len);
        shm->worker->reply_commit(&request);
    }
    _exit(0);
}

static void start_worker(shmrpci_listener *listener, uint32_t index)
{
    int fds[2];
    assert_int_equal(shmrpci_socket_pair(fds), SHMRPC_OK);
    assert_int_equal(shm->processes->enlist(listener, index, 1, fds[0], NULL),
                     SHMRPC_OK);
    pid_t pid = service_fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        shm->processes->disown(listener);
        (void)close(fds[0]);
        be_worker(fds[1], index);
    }
    (void)close(fds[1]);
}

static void be_supervisor(const shmrpci_address *address)
{
    shmrpci_listener *listener;
    shmrpci_listen_opts opts = {.max_workers = WORKERS,
                                .max_message_bytes = (size_t)16 << 20,
                                .max_connections_per_uid = 1000,
                                .max_bytes_per_uid = (size_t)1 << 30,
                                .takes_processes = true,
                                .on_hello = say_welcome};
    assert_int_equal(shm->listener->listen(address, &opts, &listener, NULL),
                     SHMRPC_OK);
    for (uint32_t i = 0; i < WORKERS; i++) {
        start_worker(listener, i);
    }
    for (;;) {
        int64_t wake_ns = shm->processes->step(listener);
        (void)shmrpci_poll_readable(shm->processes->poll_fd(listener), wake_ns);
    }
}

static void be_client(const shmrpci_address *address)
{
    static shmrpci_conn *conns[EACH];
    atomic_fetch_add(&it->clients, 1);
    while (!atomic_load(&it->may_open)) {
        (void)usleep(1000);
    }
    for (size_t i = 0; i < EACH; i++) {
        conns[i] = client_open(address);
        client_echoes(conns[i], "once");
        atomic_fetch_add(&it->opened, 1);
    }
    for (;;) {
        (void)pause();
    }
}

static int start(void **state)
{
    (void)state;
    shmrpci_address address = new_address();
    it = mmap(NULL, sizeof *it, PROT_READ | PROT_WRITE,
              MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(it != MAP_FAILED);
    pid_t supervisor = service_fork();
    assert_true(supervisor >= 0);
    if (supervisor == 0) {
        be_supervisor(&address);
    }
    it->pids[0] = supervisor;
    await_count(&it->workers, WORKERS);
    for (size_t i = 0; i < CLIENTS; i++) {
        pid_t pid = service_fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            be_client(&address);
        }
        it->pids[1 + WORKERS + i] = pid;
    }
    await_count(&it->clients, CLIENTS);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    /* Workers die with their supervisor. */
    for (size_t i = 0; i < PROCESSES; i++) {
        if (i == 0 || i > WORKERS) {
            (void)kill(it->pids[i], SIGKILL);
            (void)waitpid(it->pids[i], NULL, 0);
        }
    }
    return munmap(it, sizeof *it);
}

/* ---- costs --------------------------------------------------------------- */

/* Context switches of all processes since they started. */
static unsigned long switches(void)
{
    unsigned long sum = 0;
    for (size_t i = 0; i < PROCESSES; i++) {
        sum += wakeups_switches(it->pids[i]);
    }
    return sum;
}

static bool sleeps(size_t process)
{
    char path[64];
    char state = '?';
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)it->pids[process]);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%*d (%*[^)]) %c", &state), 1);
    (void)fclose(file);
    return state == 'S';
}

/* Waits until all workers sleep. Before its first sleep a worker has yet to
 * touch some code and stack, whose memory must not be counted for a connection.
 */
static void await_sleep(void)
{
    int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
    for (size_t i = 0; i <= WORKERS; i++) {
        while (!sleeps(i)) {
            assert_true(shmrpci_now_ns() < deadline_ns);
            (void)usleep(1000);
        }
    }
}

static size_t kib_of(size_t process, const char *file_name, const char *format)
{
    size_t kib = 0;
    size_t sum = 0;
    char path[64];
    char line[256];
    (void)snprintf(path, sizeof path, "/proc/%d/%s", (int)it->pids[process],
                   file_name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, format, &kib) == 1) {
            sum += kib;
        }
    }
    (void)fclose(file);
    return sum;
}

/* Returns the memory of all processes, with shared memory counted once. */
static size_t memory_kib(void)
{
    size_t sum = 0;
    for (size_t i = 0; i < PROCESSES; i++) {
        sum += kib_of(i, "smaps_rollup", "Pss: %zu");
    }
    return sum;
}

static void open_all(void)
{
    atomic_store(&it->may_open, true);
    await_count(&it->opened, CLIENTS * EACH);
}

static void idle_service_and_its_clients_never_wake(void **state)
{
    (void)state;
    if (WAKEUPS_HAS_STRANGERS) {
        skip();
    }
    open_all();
    assert_int_equal(wakeups_least(switches, is_long() ? 10 : 2), 0);
}

static void idle_connection_costs_80_KiB_at_most(void **state)
{
    (void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    skip();
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    skip();
#endif
#endif
    await_sleep();
    size_t before = memory_kib();
    open_all();
    size_t each = (memory_kib() - before) / (CLIENTS * EACH);
    print_message("an idle connection: %zu KiB\n", each);
    assert_in_range(each, 1, 80);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        CASE(idle_service_and_its_clients_never_wake),
        CASE(idle_connection_costs_80_KiB_at_most),
    };
    return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
