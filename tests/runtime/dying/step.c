#include "step.h"

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "os/clock.h"

/* How many instructions are tried unless SHMRPC_TEST_LONG is set. */
#define FEW 12u

/* Keeps both processes on one CPU, where switching between them takes half the
 * time. */
static void share_a_cpu(void)
{
    cpu_set_t one;
    int cpu = sched_getcpu();
    CPU_ZERO(&one);
    CPU_SET(cpu >= 0 ? (unsigned)cpu : 0, &one);
    (void)sched_setaffinity(0, sizeof one, &one);
}

void step_begin(step_victim *out, step_part *prepare, step_part *act,
                void *user)
{
    int status;
    *out = (step_victim){.pid = fork()};
    assert_true(out->pid >= 0);
    if (out->pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        share_a_cpu();
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0 || !prepare(user)) {
            _exit(1);
        }
        (void)raise(SIGSTOP);
        _exit(act(user) ? 0 : 2);
    }
    assert_int_equal(waitpid(out->pid, &status, 0), out->pid);
    assert_true(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
}

/* Lets the victim continue, and waits for it. Returns false if it ran to the
 * end. */
static bool resume(step_victim *of, enum __ptrace_request request)
{
    int status;
    assert_int_equal(ptrace(request, of->pid, NULL, NULL), 0);
    assert_int_equal(waitpid(of->pid, &status, 0), of->pid);
    if (WIFSTOPPED(status)) {
        assert_int_equal(WSTOPSIG(status), SIGTRAP);
        return true;
    }
    of->is_over = true;
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    return false;
}

bool step_once(step_victim *of)
{
    return !of->is_over && resume(of, PTRACE_SINGLESTEP);
}

void step_finish(step_victim *of)
{
    if (!of->is_over) {
        assert_false(resume(of, PTRACE_CONT));
    }
}

void step_kill(step_victim *of)
{
    if (!of->is_over) {
        assert_int_equal(kill(of->pid, SIGKILL), 0);
        assert_int_equal(waitpid(of->pid, NULL, 0), of->pid);
        of->is_over = true;
    }
}

/* ---- breakpoints --------------------------------------------------------- */

#if defined(__x86_64__)

static uintptr_t where(const step_victim *of)
{
    struct user_regs_struct regs;
    assert_int_equal(ptrace(PTRACE_GETREGS, of->pid, NULL, &regs), 0);
    return regs.rip;
}

static void go_back(const step_victim *of, uintptr_t at)
{
    struct user_regs_struct regs;
    assert_int_equal(ptrace(PTRACE_GETREGS, of->pid, NULL, &regs), 0);
    assert_true(regs.rip == at + 1);
    regs.rip = at;
    assert_int_equal(ptrace(PTRACE_SETREGS, of->pid, NULL, &regs), 0);
}

static bool write_code(const step_victim *of, uintptr_t at, long code)
{
    return ptrace(PTRACE_POKETEXT, of->pid, (void *)at, (void *)code) == 0;
}

/* Lets the victim run until it reaches `at` for the `hits`th time. */
static bool run_to(step_victim *of, uintptr_t at, unsigned long hits)
{
    errno = 0;
    long code = ptrace(PTRACE_PEEKTEXT, of->pid, (void *)at, NULL);
    assert_int_equal(errno, 0);
    for (unsigned long i = 0; i < hits; i++) {
        if (i > 0 && !resume(of, PTRACE_SINGLESTEP)) {
            return false;
        }
        assert_true(write_code(of, at, (code & ~0xFFL) | 0xCC)); /* int3 */
        if (!resume(of, PTRACE_CONT)) {
            return false;
        }
        assert_true(write_code(of, at, code));
        go_back(of, at);
    }
    return true;
}

#else

static uintptr_t where(const step_victim *of)
{
    (void)of;
    return 0;
}

static bool run_to(step_victim *of, uintptr_t at, unsigned long hits)
{
    (void)of, (void)at, (void)hits;
    return true;
}

#endif

/* ---- traces -------------------------------------------------------------- */

/* Whether there can be a breakpoint at this address: only in this program, but
 * not in shared libraries or in the kernel's page. The few instructions there
 * are reached by single steps. */
static bool can_break(uintptr_t at)
{
    extern const char __executable_start;
    extern const char etext;
    return at >= (uintptr_t)&__executable_start && at < (uintptr_t)&etext;
}

void step_record(step_victim *of, step_trace *out)
{
    unsigned long room = 1024;
    *out = (step_trace){.at = malloc(room * sizeof *out->at)};
    do {
        if (out->count == room) {
            room *= 2;
            out->at = realloc(out->at, room * sizeof *out->at);
        }
        assert_non_null(out->at);
        out->at[out->count++] = where(of);
    } while (step_once(of));
}

void step_forget(step_trace *of)
{
    free(of->at);
    of->at = NULL;
}

bool step_to(step_victim *of, const step_trace *trace, unsigned long steps)
{
    unsigned long from = steps;
    unsigned long hits = 0;
    while (from > 0 && !can_break(trace->at[from])) {
        from--;
    }
    for (unsigned long i = 1; i <= from; i++) {
        hits += trace->at[i] == trace->at[from];
    }
    if (from > 0 && !run_to(of, trace->at[from], hits)) {
        return false;
    }
    while (from < steps && step_once(of)) {
        from++;
    }
    return from == steps;
}

void step_through(const char *name, const step_trace *trace, step_visit *visit,
                  const void *user)
{
    unsigned long most = trace->count;
    unsigned long stride =
        getenv("SHMRPC_TEST_LONG") != NULL ? 1 : most / FEW + 1;
    unsigned long at = 1 + (unsigned long)(shmrpci_now_ns() / 1000) % stride;
    print_message("%s: %lu instructions, from %lu on\n", name, most, at);
    for (; at < most; at += stride) {
        visit(user, trace, at);
    }
}
