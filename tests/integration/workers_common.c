/* Functions that find the processes of a server, and make calls on threads. */
#include "workers_common.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <time.h>

static void rest(void)
{
    static const struct timespec slice = {.tv_nsec = 1000000};
    (void)nanosleep(&slice, NULL);
}

workers_workers *workers_connect(const char *where)
{
    workers_workers *client = NULL;
    shmrpc_error error;
    shmrpc_opts opts = {.timeout_ns = PATIENCE};
    if (workers_workers_connect(where, &opts, &client, &error) != 0) {
        fail_msg("connect: %s", error.message);
    }
    return client;
}

void workers_expect_echo(workers_workers *client, uint64_t number)
{
    uint64_t back = 0;
    shmrpc_error error;
    if (workers_workers_echo(client, number, NULL, &back, &error) != 0) {
        fail_msg("echo: %s", error.message);
    }
    assert_true(back == number);
}

/* Returns the parent of a process and its state; 0 if it is gone or a
 * zombie. */
static pid_t look_up(const char *name, char *out_state)
{
    char path[64];
    char text[512] = "";
    char state = 'Z';
    int parent = 0;
    (void)snprintf(path, sizeof path, "/proc/%.20s/stat", name);
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return 0;
    }
    size_t len = fread(text, 1, sizeof text - 1, file);
    (void)fclose(file);
    text[len] = '\0';
    const char *after = strrchr(text, ')');
    if (after == NULL || sscanf(after + 1, " %c %d", &state, &parent) != 2) {
        return 0;
    }
    *out_state = state;
    return state == 'Z' ? 0 : parent;
}

static pid_t parent_of(const char *name)
{
    char state;
    return look_up(name, &state);
}

void workers_stop_asleep(pid_t pid)
{
    char name[16];
    char state = 'R';
    int64_t deadline_ns = harness_now_ns() + PATIENCE;
    (void)snprintf(name, sizeof name, "%d", (int)pid);
    while (look_up(name, &state) != 0 && state != 'S') {
        if (harness_now_ns() > deadline_ns) {
            fail_msg("process %d does not sleep", (int)pid);
        }
        rest();
    }
    assert_int_equal(kill(pid, SIGSTOP), 0);
}

size_t workers_children(pid_t parent, pid_t pids[MAX_PIDS])
{
    size_t count = 0;
    DIR *proc = opendir("/proc");
    assert_non_null(proc);
    for (const struct dirent *entry = readdir(proc); entry != NULL;
         entry = readdir(proc)) {
        if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9' &&
            parent_of(entry->d_name) == parent && count < MAX_PIDS) {
            pids[count++] = (pid_t)strtol(entry->d_name, NULL, 10);
        }
    }
    (void)closedir(proc);
    return count;
}

pid_t workers_zygote(const child *server)
{
    pid_t pids[MAX_PIDS];
    assert_int_equal(workers_children(server->pid, pids), 1);
    return pids[0];
}

void workers_await(pid_t zygote, size_t count, pid_t pids[MAX_PIDS])
{
    int64_t deadline_ns = harness_now_ns() + PATIENCE;
    size_t got = workers_children(zygote, pids);
    while (got != count) {
        if (harness_now_ns() > deadline_ns) {
            fail_msg("%zu workers instead of %zu", got, count);
        }
        rest();
        got = workers_children(zygote, pids);
    }
}

bool workers_is_alive(pid_t pid)
{
    char name[16];
    (void)snprintf(name, sizeof name, "%d", (int)pid);
    return parent_of(name) != 0;
}

uint64_t workers_share_of(pid_t pid)
{
    char path[64];
    char line[256];
    unsigned long long kib = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "Pss: %llu", &kib) == 1) {
            break;
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return kib;
}

void workers_await_end(pid_t pid)
{
    int64_t deadline_ns = harness_now_ns() + PATIENCE;
    while (workers_is_alive(pid)) {
        if (harness_now_ns() > deadline_ns) {
            fail_msg("process %d does not end", (int)pid);
        }
        rest();
    }
}

static void *nap(void *user)
{
    napper *n = user;
    shmrpc_opts opts = {.timeout_ns = n->timeout_ns};
    n->status = n->is_again ? workers_workers_nap_again(n->client, n->ms, &opts,
                                                        &n->pid, &n->error)
                            : workers_workers_nap(n->client, n->ms, &opts,
                                                  &n->pid, &n->error);
    n->ended_ns = harness_now_ns();
    return NULL;
}

void napper_start(napper *n)
{
    assert_int_equal(pthread_create(&n->thread, NULL, nap, n), 0);
}

int napper_join(napper *n)
{
    assert_int_equal(pthread_join(n->thread, NULL), 0);
    return n->status;
}

pid_t workers_next_nap(child *server)
{
    char line[256];
    int pid = 0;
    do {
        harness_read_line(server, line, sizeof line);
    } while (sscanf(line, "nap %d", &pid) != 1);
    return (pid_t)pid;
}

void workers_await_line(child *server, const char *part)
{
    char line[512];
    do {
        harness_read_line(server, line, sizeof line);
    } while (strstr(line, part) == NULL);
}
