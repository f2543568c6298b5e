#include "dying.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "os/crash.h"

/* How many more points this process passes before it dies; 0: it never dies. */
static unsigned left;

void shmrpci_crashpoint(const char *file, int line)
{
    (void)file, (void)line;
    if (left != 0 && --left == 0) {
        (void)kill(getpid(), SIGKILL);
    }
}

bool dying_runs(bool (*what)(void *user), void *user, unsigned point)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        left = point;
        _exit(what(user) ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status)) {
        assert_int_equal(WTERMSIG(status), SIGKILL);
        return true;
    }
    assert_int_equal(WEXITSTATUS(status), 0);
    return false;
}

void *dying_shared(unsigned long bytes)
{
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(at, MAP_FAILED);
    memset(at, 0, bytes);
    return at;
}
