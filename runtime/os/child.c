/* fork, pidfd, waitpid, and the facts that /proc has about a process. */
#include "os/child.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/fault.h"
#include "os/memory.h"
#include "os/poll.h"

int32_t shmrpci_child_fork(void)
{
    (void)fflush(NULL);
    return (int32_t)fork();
}

void shmrpci_child_leave(int status)
{
    (void)fflush(NULL);
    _exit(status);
}

shmrpc_status shmrpci_child_watch(int32_t pid, int *out_fd)
{
    int fd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0u);
    if (fd < 0) {
        return shmrpci_status_of_last();
    }
    *out_fd = fd;
    return SHMRPC_OK;
}

void shmrpci_child_signal_name(int signal, char *out, size_t size)
{
    const char *name = sigabbrev_np(signal);
    (void)snprintf(out, size, "%s%s", name != NULL ? "SIG" : "a signal",
                   name != NULL ? name : "");
}

void shmrpci_child_signal(int watch_fd, int signal)
{
    (void)syscall(SYS_pidfd_send_signal, watch_fd, signal, NULL, 0u);
}

bool shmrpci_child_reap(int32_t pid, shmrpci_child_end *out)
{
    int status;
    if (waitpid((pid_t)pid, &status, WNOHANG) != (pid_t)pid) {
        return false;
    }
    *out = (shmrpci_child_end){0, 0, false};
    if (WIFSIGNALED(status)) {
        out->signal = WTERMSIG(status);
        out->has_dumped = WCOREDUMP(status) != 0;
    } else {
        out->status = WEXITSTATUS(status);
    }
    return true;
}

void shmrpci_child_wait(int32_t pid)
{
    while (waitpid((pid_t)pid, NULL, 0) < 0 && errno == EINTR) {
    }
}

/* ---- signals ------------------------------------------------------------- */

/* A global, because a signal handler has no argument to pass it in. */
static volatile sig_atomic_t notified_fd = -1;

static void on_child(int number)
{
    (void)number;
    if (notified_fd >= 0) {
        shmrpci_event_set((int)notified_fd);
    }
}

static void handle(int number, void (*handler)(int))
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(number, &action, NULL);
}

void shmrpci_child_notify(int fd)
{
    notified_fd = fd;
    handle(SIGCHLD, fd >= 0 ? on_child : SIG_DFL);
}

static void do_nothing(int number)
{
    (void)number;
}

void shmrpci_child_set_end_signals(shmrpci_end_signals how)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        handle(signals[i], how == SHMRPCI_END_DEFAULT ? SIG_DFL : do_nothing);
    }
}

/* ---- facts from /proc ---------------------------------------------------- */

static void append_name(const char *task, char *names, size_t size)
{
    char path[64];
    char name[32];
    (void)snprintf(path, sizeof path, "/proc/self/task/%.20s/comm", task);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? 0 : read(fd, name, sizeof name - 1);
    if (fd >= 0) {
        (void)close(fd);
    }
    if (len <= 0) {
        return; /* it has just ended */
    }
    name[len] = '\0';
    name[strcspn(name, "\n")] = '\0';
    size_t used = strlen(names);
    (void)snprintf(names + used, size - used, "%s%s", used > 0 ? ", " : "",
                   name);
}

size_t shmrpci_process_other_threads(char *names, size_t size)
{
    size_t count = 0;
    DIR *tasks = opendir("/proc/self/task");
    names[0] = '\0';
    if (tasks == NULL) {
        return 0;
    }
    for (const struct dirent *entry = readdir(tasks); entry != NULL;
         entry = readdir(tasks)) {
        if (entry->d_name[0] != '.' && atoi(entry->d_name) != getpid()) {
            count++;
            append_name(entry->d_name, names, size);
        }
    }
    (void)closedir(tasks);
    return count;
}

void shmrpci_process_raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
        limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static void name_limit(int which, char *out, size_t size)
{
    struct rlimit limit;
    if (getrlimit((__rlimit_resource_t)which, &limit) != 0 ||
        limit.rlim_cur == RLIM_INFINITY) {
        (void)snprintf(out, size, "unlimited");
    } else {
        (void)snprintf(out, size, "%llu", (unsigned long long)limit.rlim_cur);
    }
}

void shmrpci_process_limits(char *out, size_t size)
{
    char processes[24];
    char descriptors[24];
    name_limit(RLIMIT_NPROC, processes, sizeof processes);
    name_limit(RLIMIT_NOFILE, descriptors, sizeof descriptors);
    (void)snprintf(out, size,
                   "RLIMIT_NPROC (ulimit -u) is %s, RLIMIT_NOFILE (ulimit -n) "
                   "is %s",
                   processes, descriptors);
}

/* Reads a file in /proc/PID; `text` is "" if that fails. */
static void read_of(int32_t pid, const char *name, char *text, size_t size)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? 0 : read(fd, text, size - 1);
    shmrpci_fd_close(&fd);
    text[len > 0 ? len : 0] = '\0';
}

uint64_t shmrpci_process_memory_bytes(int32_t pid)
{
    char text[1024];
    read_of(pid, "smaps_rollup", text, sizeof text);
    const char *found = strstr(text, "\nPss:");
    return found == NULL ? 0 : strtoull(found + 5, NULL, 10) * 1024;
}

uint64_t shmrpci_process_private_bytes(int32_t pid)
{
    char text[128];
    char *at = text;
    read_of(pid, "statm", text, sizeof text);
    (void)strtoull(at, &at, 10); /* mapped, used or not */
    unsigned long long resident = strtoull(at, &at, 10);
    unsigned long long shared = strtoull(at, &at, 10);
    return resident > shared
               ? (resident - shared) * (uint64_t)sysconf(_SC_PAGESIZE)
               : 0;
}
