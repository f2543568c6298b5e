/* Processes, memory and a folder for tests of locks. */
#include "lock_stage.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sync/lock.h"

stage *scene;
static char folder[64];

bool stage_is_long(void)
{
    const char *text = getenv("SHMRPC_TEST_LONG");
    return text != NULL && strcmp(text, "1") == 0;
}

int stage_open(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/shmrpc-lock-XXXXXX");
    scene = mmap(NULL, sizeof *scene, PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return scene == MAP_FAILED || mkdtemp(folder) == NULL ||
                   setenv("SHMRPC_DIR", folder, 1) != 0
               ? -1
               : 0;
}

static int unlink_one(const char *path, const struct stat *info, int type,
                      struct FTW *where)
{
    (void)info, (void)type, (void)where;
    return remove(path);
}

int stage_close(void **state)
{
    (void)state;
    (void)munmap(scene, sizeof *scene);
    return nftw(folder, unlink_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *stage_folder(void)
{
    return folder;
}

pid_t stage_cast(stage_play *play, int index, void *user)
{
    (void)fflush(NULL);
    pid_t parent = getpid();
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() == parent) {
            play(index, user);
        }
        _exit(0);
    }
    return pid;
}

void stage_dismiss(pid_t pid, int signal)
{
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFSIGNALED(status)) {
        assert_int_equal(WTERMSIG(status), signal);
    } else {
        assert_int_equal(WEXITSTATUS(status), 0);
        assert_int_equal(0, signal);
    }
}

void stage_kill(pid_t pid)
{
    assert_int_equal(kill(pid, SIGKILL), 0);
    stage_dismiss(pid, SIGKILL);
}

void stage_fail(const char *file, int line, const char *what)
{
    (void)fprintf(stderr, "%s:%d: in process %d: failed: %s\n", file, line,
                  (int)getpid(), what);
    atomic_fetch_add(&scene->failed, 1);
    _exit(1);
}

static void breathe(int64_t deadline_ns, int line, const char *what)
{
    struct timespec pause = {.tv_nsec = 100000};
    if (shmrpci_now_ns() > deadline_ns) {
        stage_fail(__FILE__, line, what);
    }
    (void)nanosleep(&pause, NULL);
}

void stage_await(int step, uint32_t value)
{
    int64_t deadline_ns = shmrpci_now_ns() + PATIENCE_NS;
    while (atomic_load(&scene->steps[step]) < value) {
        breathe(deadline_ns, __LINE__, "a step that was waited for");
    }
}

void stage_advance(int step)
{
    atomic_fetch_add(&scene->steps[step], 1);
}

uint32_t stage_step(int step)
{
    return atomic_load(&scene->steps[step]);
}

void stage_await_sleeper(shmrpc_lock *lock)
{
    int64_t deadline_ns = shmrpci_now_ns() + PATIENCE_NS;
    while ((shmrpci_load_seq(lock->word) & SHMRPCI_LOCK_WAITERS) == 0) {
        breathe(deadline_ns, __LINE__, "a sleeper");
    }
}

shmrpc_lock *stage_lock(const char *name, uint32_t flags)
{
    shmrpc_lock_opts opts = {.flags = flags};
    shmrpc_lock *lock = NULL;
    shmrpc_error error = {0};
    if (shmrpc_lock_open(name, SHMRPC_LOCK_OPEN_OR_CREATE, &opts, &lock,
                         &error) != SHMRPC_OK) {
        stage_fail(__FILE__, __LINE__, error.message);
    }
    return lock;
}
