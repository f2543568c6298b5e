/* fork and exec, pipes, process groups, /proc. */
#include "os/program.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/fault.h"

/* How much of a process's environment is read at most: more than any process
 * should have. */
#define MAX_ENVIRONMENT_BYTES ((size_t)1 << 20)

/* The variable in SHMRPCI_PROGRAM_ORDERS_LINE. */
#define ORDERS_VARIABLE "SHMRPC_ORDERS"
#define ORDERS_FD       3

/* ---- starting ------------------------------------------------------------ */

/* Why a program was not loaded. */
typedef struct fault {
    int32_t step; /* shmrpci_setup_step */
    int32_t code; /* errno */
} fault;

/* Both ends of the pipes from the child. */
typedef struct pipes {
    int out[2];
    int err[2];
    int orders[2];
    int fault[2]; /* carries a fault; exec closes it */
} pipes;

static void close_both(int fds[2])
{
    for (int i = 0; i < 2; i++) {
        if (fds[i] >= 0) {
            (void)close(fds[i]);
        }
    }
}

static void pipes_close(pipes *p)
{
    close_both(p->out);
    close_both(p->err);
    close_both(p->orders);
    close_both(p->fault);
}

static shmrpc_status pipes_open(pipes *p)
{
    *p = (pipes){{-1, -1}, {-1, -1}, {-1, -1}, {-1, -1}};
    if (pipe2(p->out, O_CLOEXEC) != 0 || pipe2(p->err, O_CLOEXEC) != 0 ||
        pipe2(p->orders, O_CLOEXEC) != 0 || pipe2(p->fault, O_CLOEXEC) != 0 ||
        fcntl(p->orders[1], F_SETFL, O_NONBLOCK) != 0 ||
        fcntl(p->out[0], F_SETFL, O_NONBLOCK) != 0 ||
        fcntl(p->err[0], F_SETFL, O_NONBLOCK) != 0) {
        shmrpc_status status = shmrpci_status_of_last();
        pipes_close(p);
        return status;
    }
    return SHMRPC_OK;
}

/* Resets signal handlers to the defaults that programs expect. */
static void reset_signals(void)
{
    sigset_t none;
    for (int number = 1; number < NSIG; number++) {
        (void)signal(number, SIG_DFL);
    }
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Moves the program's descriptors to the numbers that it expects; moves
 * `fault_fd` out of the way. */
static bool place_files(const pipes *p, int *fault_fd)
{
    int input = open("/dev/null", O_RDONLY | O_CLOEXEC);
    *fault_fd = fcntl(p->fault[1], F_DUPFD_CLOEXEC, ORDERS_FD + 1);
    int orders = fcntl(p->orders[0], F_DUPFD_CLOEXEC, ORDERS_FD + 1);
    int out = fcntl(p->out[1], F_DUPFD_CLOEXEC, ORDERS_FD + 1);
    int err = fcntl(p->err[1], F_DUPFD_CLOEXEC, ORDERS_FD + 1);
    return input >= 0 && *fault_fd >= 0 && dup2(input, 0) == 0 &&
           dup2(out, 1) == 1 && dup2(err, 2) == 2 &&
           dup2(orders, ORDERS_FD) == ORDERS_FD;
}

/* Runs in the child of a multithreaded process, so it uses system calls
 * only. */
static void become(char *const *argv, char *const *env,
                   const shmrpci_setup *setup, const pipes *p, pid_t parent)
{
    fault f = {SHMRPCI_SETUP_LOAD, 0};
    int fault_fd = p->fault[1];
    reset_signals();
    (void)setsid();
    if (place_files(p, &fault_fd)) {
        shmrpci_setup_step failed = shmrpci_setup_apply(setup);
        f.step = failed != SHMRPCI_SETUP_NONE ? (int32_t)failed : f.step;
        /* Set only now, because a change of user resets it. */
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (failed == SHMRPCI_SETUP_NONE && getppid() == parent) {
            (void)execvpe(argv[0], argv, env);
        }
    }
    f.code = errno;
    (void)!write(fault_fd, &f, sizeof f);
    _exit(127);
}

/* Waits until exec has closed the pipe, and returns OK; or returns the status
 * of the step that failed. */
static shmrpc_status await_exec(const pipes *p, shmrpci_setup_step *failed)
{
    fault f;
    ssize_t got;
    do {
        got = read(p->fault[0], &f, sizeof f);
    } while (got < 0 && errno == EINTR);
    if (got != (ssize_t)sizeof f) {
        return SHMRPC_OK;
    }
    *failed = (shmrpci_setup_step)f.step;
    return shmrpci_status_of_errno(f.code);
}

shmrpc_status shmrpci_program_start(char *const *argv, char *const *env,
                                    const shmrpci_setup *setup,
                                    shmrpci_program *out,
                                    shmrpci_setup_step *failed)
{
    pipes p;
    *failed = SHMRPCI_SETUP_LOAD;
    shmrpc_status status = pipes_open(&p);
    if (status != SHMRPC_OK) {
        return status;
    }
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        become(argv, env, setup, &p, parent);
    }
    if (pid < 0) {
        status = shmrpci_status_of_last();
        pipes_close(&p);
        return status;
    }
    (void)close(p.fault[1]);
    p.fault[1] = -1;
    status = await_exec(&p, failed);
    if (status != SHMRPC_OK) {
        shmrpci_child_wait((int32_t)pid);
        pipes_close(&p);
        return status;
    }
    *out = (shmrpci_program){(int32_t)pid, p.out[0], p.err[0], p.orders[1]};
    p.out[0] = p.err[0] = p.orders[1] = -1;
    pipes_close(&p);
    return SHMRPC_OK;
}

shmrpc_status shmrpci_program_read(int fd, void *data, size_t size,
                                   size_t *out_len)
{
    ssize_t got;
    do {
        got = read(fd, data, size);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        return errno == EAGAIN ? SHMRPC_E_BUSY : SHMRPC_E_UNAVAILABLE;
    }
    *out_len = (size_t)got;
    return got > 0 ? SHMRPC_OK : SHMRPC_E_UNAVAILABLE;
}

/* ---- orders -------------------------------------------------------------- */

bool shmrpci_program_order(int order_fd, const char *line)
{
    size_t len = strlen(line);
    /* Up to PIPE_BUF bytes are written in one piece or not at all. */
    return len <= PIPE_BUF && write(order_fd, line, len) == (ssize_t)len;
}

int shmrpci_program_take_orders(void)
{
    const char *text = getenv(ORDERS_VARIABLE);
    bool is_ours = text != NULL && text[0] == '0' + ORDERS_FD &&
                   text[1] == '\0' &&
                   fcntl(ORDERS_FD, F_SETFD, FD_CLOEXEC) == 0 &&
                   fcntl(ORDERS_FD, F_SETFL, O_NONBLOCK) == 0;
    (void)unsetenv(ORDERS_VARIABLE);
    return is_ours ? ORDERS_FD : -1;
}

/* ---- ending -------------------------------------------------------------- */

void shmrpci_program_adopt_orphans(void)
{
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
}

bool shmrpci_program_reap(int32_t *out_pid, shmrpci_child_end *out)
{
    siginfo_t info;
    info.si_pid = 0;
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
        info.si_pid == 0) {
        return false;
    }
    *out_pid = (int32_t)info.si_pid;
    return shmrpci_child_reap(*out_pid, out);
}

bool shmrpci_program_paused(int32_t *out_pid, bool *out_is_stopped)
{
    siginfo_t info;
    info.si_pid = 0;
    if (waitid(P_ALL, 0, &info, WSTOPPED | WCONTINUED | WNOHANG) != 0 ||
        info.si_pid == 0) {
        return false;
    }
    *out_pid = (int32_t)info.si_pid;
    *out_is_stopped = info.si_code != CLD_CONTINUED;
    return true;
}

void shmrpci_program_signal(int32_t pid, int signal)
{
    (void)kill((pid_t)pid, signal);
}

void shmrpci_program_signal_group(int32_t group, int signal)
{
    (void)kill(-(pid_t)group, signal);
}

const char *shmrpci_program_signal_name(int signal)
{
    return strsignal(signal);
}

bool shmrpci_program_group_lives(int32_t group)
{
    return kill(-(pid_t)group, 0) == 0 || errno == EPERM;
}

int32_t shmrpci_program_group_of(int32_t pid)
{
    pid_t group = pid > 0 ? getpgid((pid_t)pid) : -1;
    return group > 0 ? (int32_t)group : 0;
}

/* ---- facts from /proc ---------------------------------------------------- */

/* Reads the beginning of a file: `*len` bytes, which the caller frees. NULL if
 * it can't be read. */
static char *read_all(const char *path, size_t *len)
{
    size_t room = 0;
    char *text = NULL;
    ssize_t got = 1;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    *len = 0;
    while (fd >= 0 && got > 0 && *len < MAX_ENVIRONMENT_BYTES) {
        if (*len == room) {
            char *more = realloc(text, room = room == 0 ? 8192 : 2 * room);
            if (more == NULL) {
                break;
            }
            text = more;
        }
        got = read(fd, text + *len, room - *len);
        *len += got > 0 ? (size_t)got : 0;
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return text;
}

/* Whether one of the lines, each ended by a NUL, equals `line`. */
static bool has_line(const char *text, size_t len, const char *line)
{
    size_t wanted = strlen(line);
    while (len > 0) {
        size_t one = strnlen(text, len);
        if (one == wanted && memcmp(text, line, wanted) == 0) {
            return true;
        }
        one += one < len;
        text += one;
        len -= one;
    }
    return false;
}

static bool is_marked(const char *pid, const char *line)
{
    char path[64];
    size_t len;
    (void)snprintf(path, sizeof path, "/proc/%.20s/environ", pid);
    char *text = read_all(path, &len);
    bool found = text != NULL && has_line(text, len, line);
    free(text);
    return found;
}

void shmrpci_program_find(const char *line, shmrpci_program_found *found,
                          void *user)
{
    DIR *processes = opendir("/proc");
    if (processes == NULL) {
        return;
    }
    for (const struct dirent *at; (at = readdir(processes)) != NULL;) {
        if (isdigit((unsigned char)at->d_name[0]) &&
            atoi(at->d_name) != getpid() && is_marked(at->d_name, line)) {
            found(user, atoi(at->d_name));
        }
    }
    (void)closedir(processes);
}

void shmrpci_program_each(shmrpci_program_member *member, void *user)
{
    DIR *processes = opendir("/proc");
    if (processes == NULL) {
        return;
    }
    for (const struct dirent *at; (at = readdir(processes)) != NULL;) {
        pid_t pid = (pid_t)atoi(at->d_name);
        pid_t session = pid > 0 ? getsid(pid) : -1;
        if (session > 0) {
            member(user, (int32_t)pid, (int32_t)session);
        }
    }
    (void)closedir(processes);
}

bool shmrpci_program_own_path(char *out, size_t size)
{
    ssize_t len = readlink("/proc/self/exe", out, size);
    if (len <= 0 || (size_t)len >= size) {
        return false;
    }
    out[len] = '\0';
    return true;
}

char *const *shmrpci_program_environment(void)
{
    return environ;
}
