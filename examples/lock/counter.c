/*
 * Four processes count together; one of them may die while counting.
 *
 * They share a number and the value that it had before the current turn, since
 * a process can die between any two steps. The process that gets the lock after
 * a death restores that value. The other processes notice nothing.
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <shmrpc/lock.h>

enum { PROCESSES = 4, TURNS = 1000, FATAL_TURN = 500 };

typedef struct counter {
    volatile uint64_t value;
    volatile uint64_t before; /* the value before the current turn */
    volatile int is_counting; /* whether a turn is in progress */
    volatile int repairs;
} counter;

static void repair(counter *c, shmrpc_lock *lock)
{
    if (c->is_counting) {
        c->value = c->before;
        c->is_counting = 0;
    }
    c->repairs++;
    shmrpc_lock_consistent(lock);
}

/* Acquires the lock and repairs the number if its last owner died. Returns 0 if
 * the lock is held and the number is consistent. */
static int begin(counter *c, shmrpc_lock *lock)
{
    const shmrpc_lock_wait wait = {.timeout_ns = INT64_C(10000000000)};
    shmrpc_status status = shmrpc_lock_acquire(lock, &wait);
    if (status == SHMRPC_E_OWNER_DIED) {
        repair(c, lock);
    } else if (status != SHMRPC_OK) {
        fprintf(stderr, "lock-counter: %s\n", shmrpc_status_text(status));
        return 1;
    }
    return 0;
}

static int count_once(counter *c, shmrpc_lock *lock, int is_fatal)
{
    if (begin(c, lock) != 0) {
        return 1;
    }
    c->before = c->value;
    c->is_counting = 1;
    c->value = c->before + 1;
    if (is_fatal) {
        raise(SIGKILL);
    }
    c->is_counting = 0;
    return shmrpc_lock_release(lock) != SHMRPC_OK;
}

static int count(counter *c, shmrpc_lock *lock, int fatal_turn)
{
    for (int turn = 0; turn < TURNS; turn++) {
        if (count_once(c, lock, turn == fatal_turn) != 0) {
            return 1;
        }
    }
    return 0;
}

/* Forks the counting processes, and waits for them. Each process uses the
 * handle that it inherits, but is a participant of its own. */
static int run(counter *c, shmrpc_lock *lock, int fatal_turn)
{
    int failed = 0;
    for (int i = 0; i < PROCESSES; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            _exit(count(c, lock, i == 0 ? fatal_turn : -1));
        }
        failed |= pid < 0;
    }
    int status;
    while (wait(&status) > 0) {
        failed |= WIFEXITED(status) && WEXITSTATUS(status) != 0;
    }
    return failed;
}

int main(int argc, char **argv)
{
    int dies = argc > 1 && strcmp(argv[1], "--die") == 0;
    if (argc > 2 || (argc == 2 && !dies)) {
        return fprintf(stderr, "usage: lock-counter [--die]\n"), 2;
    }
    counter *c = mmap(NULL, sizeof *c, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    char name[32];
    shmrpc_lock *lock;
    shmrpc_error error = {.name = "NO_MEMORY", .message = "no memory"};
    char text[SHMRPC_ERROR_TEXT_BYTES];
    snprintf(name, sizeof name, "counter-%d", (int)getpid());
    if (c == MAP_FAILED || shmrpc_lock_open(name, SHMRPC_LOCK_CREATE, NULL,
                                            &lock, &error) != SHMRPC_OK) {
        shmrpc_error_text(&error, text, sizeof text);
        return fprintf(stderr, "lock-counter: %s\n", text), 1;
    }
    int failed = run(c, lock, dies ? FATAL_TURN : -1) || begin(c, lock);
    printf("counted to %llu, repaired %d times\n", (unsigned long long)c->value,
           c->repairs);
    shmrpc_lock_release(lock);
    shmrpc_lock_destroy(lock);
    shmrpc_lock_close(lock);
    return failed;
}
