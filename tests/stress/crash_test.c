/*
 * Death at every point: a point is a place in the code where a client or a
 * worker changes a shared word, or wakes somebody. One process dies at each
 * point, at its first pass or a later one. The calls of the other processes
 * continue, and nothing is lost or left behind.
 *
 * The library is compiled again for this test, with crash points in it
 * (os/crash.h). The test finds the points by running it.
 */
#include "farm.h"

#include "farm_later.h"

#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define MAX_POINTS 512u
/* With this many calls, nearly every point is reached. */
#define ENOUGH_CALLS 200u

/* At each point a process dies at its Nth pass, once for each of these N. */
static const unsigned quick_times[] = {1, 2};
static const unsigned long_times[] = {1, 2, 3, 5, 8, 13, 100, 1000};

typedef struct point {
    atomic_ullong key;       /* file and line; 0: unused */
    atomic_ullong passed[2]; /* number of passes, by role */
} point;

/* Shared by all processes. */
static point *points;

/* Whether only points within detached streams count. */
static bool only_detached;

/* State of this process. */
static struct {
    bool is_armed; /* points are counted */
    farm_role role;
    size_t victim; /* point at which to die; MAX_POINTS: none */
    unsigned left;
} self;

/* Settings for the next process that is started. */
static struct {
    farm_role role;
    uint32_t index;
    size_t victim;
    unsigned times;
} next;

/* Returns the index of a point, whose key is the address of the file's name and
 * the line: both are the same in all processes. */
static size_t find(const char *file, int line)
{
    unsigned long long key =
        (unsigned long long)(uintptr_t)file << 16 | (unsigned long long)line;
    for (size_t i = 0; i < MAX_POINTS; i++) {
        unsigned long long seen = 0;
        if (atomic_load(&points[i].key) == key ||
            atomic_compare_exchange_strong(&points[i].key, &seen, key) ||
            seen == key) {
            return i;
        }
    }
    abort();
}

static const char *file_of(size_t index)
{
    const char *file =
        (const char *)(uintptr_t)(atomic_load(&points[index].key) >> 16);
    const char *slash = strstr(file, "runtime/");
    return slash != NULL ? slash : file;
}

static unsigned line_of(size_t index)
{
    return (unsigned)(atomic_load(&points[index].key) & 0xFFFF);
}

void shmrpci_crashpoint(const char *file, int line)
{
    if (!self.is_armed || (only_detached && !farm_later_is_talking())) {
        return;
    }
    size_t i = find(file, line);
    atomic_fetch_add(&points[i].passed[self.role], 1);
    if (i == self.victim && --self.left == 0) {
        (void)kill(getpid(), SIGKILL);
    }
}

static void arm(const farm *f, const farm_process *p)
{
    (void)f;
    self.is_armed = true;
    self.role = p->role;
    self.victim = MAX_POINTS;
    if (p->role == next.role && p->index == next.index) {
        self.victim = next.victim;
        self.left = next.times;
    }
}

/* ---- the loop over points ------------------------------------------------ */

static unsigned long long passed(size_t index, farm_role role)
{
    return atomic_load(&points[index].passed[role]);
}

/* Waits for the death of a process, for 300 ms. Waits longer while fewer than
 * ENOUGH_CALLS calls were answered, because the machine may be busy. */
static bool await_death(farm *f, farm_process *p)
{
    uint64_t enough = farm_answered(f) + ENOUGH_CALLS;
    int64_t late_ns = shmrpci_deadline_after(PATIENCE_NS);
    bool is_dead;
    do {
        is_dead = farm_await_death(
            f, p, shmrpci_deadline_after(300 * SHMRPCI_NS_PER_MS));
    } while (!is_dead && farm_answered(f) < enough &&
             shmrpci_now_ns() < late_ns);
    return is_dead;
}

/* Lets a process die at a point. Returns whether it got there. */
static bool die_at(farm *f, farm_role role, size_t victim, unsigned times)
{
    farm_process *p = farm_process_of(f, role, 0);
    next.role = role;
    next.index = 0;
    next.victim = victim;
    next.times = times;
    farm_replace(f, p);
    next.victim = MAX_POINTS;
    bool is_dead = await_death(f, p);
    if (is_dead) {
        /* The other processes must settle before a new one starts: a new worker
         * scans everything, and would hide a forgotten wake-up. */
        if (role == FARM_CLIENT || f->workers > 1) {
            farm_settle_without(f, p);
        }
        farm_start_again(f, p);
    } else {
        farm_replace(f, p);
    }
    farm_settle(f);
    farm_check(f);
    return is_dead;
}

/* Lets a process die at a point, and checks that no client had to rescue a lost
 * wake-up. A process that gets no CPU between a reply and its wake-up looks the
 * same, so the death is repeated: a wake-up that a death loses is lost again at
 * the same place. */
static bool die_without_rescue(farm *f, farm_role role, size_t victim,
                               unsigned times)
{
    uint64_t before = farm_rescued(f);
    bool is_dead = die_at(f, role, victim, times);
    if (farm_rescued(f) == before) {
        return is_dead;
    }
    before = farm_rescued(f);
    for (int again = 0; again < 3; again++) {
        (void)die_at(f, role, victim, times);
    }
    if (farm_rescued(f) != before) {
        fail_msg("deaths at %s:%u leave calls to be rescued", file_of(victim),
                 line_of(victim));
    }
    return is_dead;
}

/* All clients leave. Then memory and descriptors must be as at the beginning.
 */
static void expect_nothing_left(farm *f, size_t fds)
{
    (void)farm_empty(f);
    assert_int_equal(farm_open_fds(), fds);
    farm_start_clients(f);
}

/* Lets processes die at a point, at each of the first `count` passes. Returns
 * how many died. */
static unsigned die_at_each(farm *f, farm_role role, size_t victim,
                            size_t count)
{
    const unsigned *times = is_long() ? long_times : quick_times;
    unsigned deaths = 0;
    for (size_t k = 0; k < count; k++) {
        deaths += die_without_rescue(f, role, victim, times[k]) ? 1u : 0u;
    }
    if (deaths == 0) {
        /* The point is so rare that no process reached it in time. */
        print_message("not reached: %s:%u\n", file_of(victim), line_of(victim));
    }
    return deaths;
}

/* Lets processes die at all points. `count` is the number of deaths at each
 * point in the quick run; `batch` is the number of points between two checks
 * for leftovers, or 0 for only one check at the end. */
static void die_everywhere(farm *f, farm_role role, size_t count,
                           unsigned batch)
{
    size_t most = sizeof long_times / sizeof *long_times;
    unsigned deaths = 0;
    unsigned known = 0;
    unsigned missed = 0;
    size_t fds = 0;
    next.victim = MAX_POINTS;
    f->born = arm;
    farm_start(f, 20202);
    farm_settle(f);
    if (batch != 0) {
        (void)farm_empty(f);
        fds = farm_open_fds();
        farm_start_clients(f);
        farm_settle(f);
    }
    farm_run(f, shmrpci_deadline_after(200 * SHMRPCI_NS_PER_MS));
    for (size_t i = 0; i < MAX_POINTS; i++) {
        if (passed(i, role) == 0) {
            continue;
        }
        unsigned there = die_at_each(f, role, i, is_long() ? most : count);
        deaths += there;
        missed += there == 0 ? 1u : 0u;
        known++;
        if (batch != 0 && known % batch == 0) {
            expect_nothing_left(f, fds);
        }
    }
    print_message("%u points, %u deaths\n", known, deaths);
    farm_stop(f);
    assert_true(known >= 25);
    assert_true(missed * 4 <= known);
}

static void workers_may_die_anywhere(void **state)
{
    (void)state;
    farm f = {.workers = 2, .clients = 2};
    die_everywhere(&f, FARM_WORKER, 2, 0);
}

/* No other worker exists that could notice what the dead one left. */
static void the_only_worker_may_die_anywhere(void **state)
{
    (void)state;
    farm f = {.workers = 1, .clients = 1};
    die_everywhere(&f, FARM_WORKER, 2, 0);
}

static void clients_may_die_anywhere(void **state)
{
    (void)state;
    farm f = {.workers = 2, .clients = 2};
    die_everywhere(&f, FARM_CLIENT, 2, 0);
}

/* The worker dies while a detached stream is open: in the thread that detaches
 * the stream, or in the one that continues it. The stream's client gets the
 * first items, each whole, and then one end (farm_stream.c). */
static void workers_may_die_anywhere_in_detached_streams(void **state)
{
    (void)state;
    farm f = {.workers = 2, .clients = 2, .talks = true};
    only_detached = true;
    die_everywhere(&f, FARM_WORKER, 1, is_long() ? 1 : 16);
    only_detached = false;
}

static int forget_points(void **state)
{
    (void)state;
    points = mmap(NULL, MAX_POINTS * sizeof *points, PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return points == MAP_FAILED ? -1 : 0;
}

static int drop_points(void **state)
{
    (void)state;
    return munmap(points, MAX_POINTS * sizeof *points);
}

int main(void)
{
#define CASE(name) \
    cmocka_unit_test_setup_teardown(name, forget_points, drop_points)
    const struct CMUnitTest tests[] = {
        CASE(workers_may_die_anywhere),
        CASE(the_only_worker_may_die_anywhere),
        CASE(clients_may_die_anywhere),
        CASE(workers_may_die_anywhere_in_detached_streams),
    };
    cmocka_set_test_filter(getenv("SHMRPC_TEST_ONLY"));
    return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
