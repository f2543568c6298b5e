/*
 * Code shared by the tests of locks: a temporary folder for locks, processes
 * that are forked, killed and waited for, and memory that they share.
 *
 * Threading: one thread, unless a test makes more.
 */
#ifndef SHMRPCI_TESTS_SYNC_LOCK_STAGE_H
#define SHMRPCI_TESTS_SYNC_LOCK_STAGE_H

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cmocka.h>

#include "os/clock.h"
#include "shmrpc/lock.h"

/* A wait that takes longer than this has failed. */
#define PATIENCE_NS (30 * SHMRPCI_NS_PER_S)

#define CASTS_MAX 80

/* Memory shared by all processes of a test; zeroed before each test. */
typedef struct stage {
    _Atomic uint32_t steps[16]; /* progress of the processes; each test defines
                                 * the meaning */
    _Atomic uint32_t counts[CASTS_MAX];
    _Atomic int64_t times_ns[CASTS_MAX];
    _Atomic uint32_t inside;
    _Atomic uint32_t failed;
    /* Protected by the lock that is tested, so not atomic. */
    volatile uint64_t total;
    volatile uint64_t shadow;
    volatile uint64_t by[CASTS_MAX];
    volatile uint64_t by_before;
    volatile uint32_t writer;
    volatile uint32_t writing;
} stage;

extern stage *scene;

/* The set-up and tear-down of a test, for cmocka. */
int stage_open(void **state);
int stage_close(void **state);

/* The folder of the locks, $SHMRPC_DIR. */
const char *stage_folder(void);

/* Starts a process that runs `play(index, user)` and then ends. It is killed if
 * this process ends first. */
typedef void stage_play(int index, void *user);
pid_t stage_cast(stage_play *play, int index, void *user);
/* Waits for the end of the process. Fails unless it exited with 0, or, if
 * `signal` is not 0, was ended by that signal. */
void stage_dismiss(pid_t pid, int signal);
void stage_kill(pid_t pid);

/* For a child process of the test: prints what failed, and ends the process. */
#define CHECK(condition)                                \
    do {                                                \
        if (!(condition)) {                             \
            stage_fail(__FILE__, __LINE__, #condition); \
        }                                               \
    } while (0)
__attribute__((noreturn)) void stage_fail(const char *file, int line,
                                          const char *what);

/* Waits until the step is at least `value`. */
void stage_await(int step, uint32_t value);
void stage_advance(int step);
uint32_t stage_step(int step);

/* Waits until `lock` has a sleeper. */
void stage_await_sleeper(shmrpc_lock *lock);

/* Opens a lock of that name; fails the test if that is impossible. */
shmrpc_lock *stage_lock(const char *name, uint32_t flags);

/* True with SHMRPC_TEST_LONG=1. */
bool stage_is_long(void);

static const shmrpc_lock_wait stage_patience = {.timeout_ns = PATIENCE_NS};

#endif
