/*
 * Chaos with exact accounting: processes push and pop, and are killed or
 * stopped at any moment, again and again. In the end each record has been
 * delivered once, or is one of the few records that the rules allow to be lost.
 *
 * Each incarnation of a worker writes what it does to a ledger in memory that
 * the test shares with it: a record is `begun` before its push and `pushed`
 * when the push has returned, and `came` counts how often the record was popped
 * ("once" queues) or acknowledged ("acked" queues).
 */
#include "stage.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../sanitized.h"
#include "os/memory.h"
#include "os/thread.h"

enum { WORKERS = 3, MAX_RECORDS = 1 << 22, MAX_LEN = 300 };

typedef struct ledger {
    _Atomic uint32_t next; /* the next record's number */
    _Atomic uint32_t torn;
    _Atomic uint32_t wrong; /* unexpected statuses */
    _Atomic uint32_t again; /* how many records were delivered with
                             * REDELIVERED */
    _Atomic uint64_t turns;
    _Atomic uint8_t begun[MAX_RECORDS];
    _Atomic uint8_t pushed[MAX_RECORDS];
    _Atomic uint8_t acking[MAX_RECORDS];
    _Atomic uint8_t came[MAX_RECORDS];
} ledger;

typedef struct scene {
    shmrpci_queue_spec spec;
    int fd;
    ledger *ledger;
    uint32_t kills;
} scene;

/* How many kills there are in each case. */
static uint32_t kills = 60;

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static void push_one(scene *of, shmrpci_queue *queue)
{
    ledger *l = of->ledger;
    uint8_t data[MAX_LEN];
    uint32_t number = atomic_fetch_add(&l->next, 1);
    if (number >= MAX_RECORDS) {
        return;
    }
    uint32_t len = stage_length(number, MAX_LEN);
    stage_fill(data, len, number);
    atomic_store(&l->begun[number], 1);
    shmrpc_status status = shmrpci_queue_push(
        queue, data, len, shmrpci_deadline_after(SHMRPCI_NS_PER_MS), NULL);
    if (status == SHMRPC_OK) {
        atomic_store(&l->pushed[number], 1);
    } else if (status == SHMRPC_E_DEADLINE || status == SHMRPC_E_BUSY) {
        atomic_store(&l->begun[number], 0);
    } else {
        atomic_fetch_add(&l->wrong, 1);
    }
}

static void note_item(scene *of, shmrpci_queue *queue, const uint8_t *data,
                      const shmrpci_item *item, bool gives_back)
{
    ledger *l = of->ledger;
    uint64_t number;
    if (!stage_is_whole(data + item->at, item->len, &number) ||
        number >= MAX_RECORDS || item->len != stage_length(number, MAX_LEN)) {
        atomic_fetch_add(&l->torn, 1);
        return;
    }
    if (item->flags != 0) {
        atomic_fetch_add(&l->again, 1);
    }
    if (!of->spec.is_acked) {
        atomic_fetch_add(&l->came[number], 1);
    } else if (gives_back) {
        if (shmrpci_queue_release(queue, item->ticket) != SHMRPC_OK) {
            atomic_fetch_add(&l->wrong, 1);
        }
    } else {
        atomic_store(&l->acking[number], 1);
        if (shmrpci_queue_ack(queue, item->ticket) != SHMRPC_OK) {
            atomic_fetch_add(&l->wrong, 1);
        }
        atomic_fetch_add(&l->came[number], 1);
    }
}

static shmrpc_status pop_some(scene *of, shmrpci_queue *queue, uint32_t max,
                              int64_t deadline_ns, shmrpci_buf *buf,
                              bool gives_back)
{
    shmrpci_item items[4];
    uint32_t count;
    shmrpci_buf_reset(buf);
    shmrpc_status status =
        shmrpci_queue_pop(queue, max, deadline_ns, buf, items, &count, NULL);
    for (uint32_t i = 0; status == SHMRPC_OK && i < count; i++) {
        note_item(of, queue, buf->data, &items[i], gives_back);
    }
    return status;
}

static void work(scene *of, uint32_t seed)
{
    uint32_t random = seed;
    shmrpci_buf buf;
    shmrpci_buf_init_heap(&buf);
    shmrpci_queue *queue = stage_open_queue(of->fd);
    for (;;) {
        uint32_t what = next_random(&random);
        if (what % 2 == 0) {
            push_one(of, queue);
        } else {
            shmrpc_status status =
                pop_some(of, queue, 1 + what / 2 % 4,
                         shmrpci_deadline_after(SHMRPCI_NS_PER_MS), &buf,
                         what % 64 == 1);
            if (status != SHMRPC_OK && status != SHMRPC_E_DEADLINE &&
                status != SHMRPC_E_BUSY) {
                atomic_fetch_add(&of->ledger->wrong, 1);
            }
        }
        atomic_fetch_add(&of->ledger->turns, 1);
    }
}

static pid_t start(scene *of, uint32_t seed)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        work(of, seed);
    }
    return child;
}

static void bury_child(pid_t child)
{
    int status;
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* Waits until the workers have taken that many more turns. */
static void let_work(const scene *of, uint64_t turns)
{
    uint64_t until = atomic_load(&of->ledger->turns) + turns;
    int64_t deadline_ns = stage_soon();
    while (atomic_load(&of->ledger->turns) < until) {
        shmrpci_thread_yield();
        if (shmrpci_now_ns() >= deadline_ns) {
            fail_msg("nobody gets on");
        }
    }
}

static void torment(scene *of, uint32_t most)
{
    pid_t workers[WORKERS];
    uint32_t random = (uint32_t)getpid();
    for (uint32_t i = 0; i < WORKERS; i++) {
        workers[i] = start(of, next_random(&random));
    }
    for (of->kills = 0; of->kills < most; of->kills++) {
        uint32_t who = next_random(&random) % WORKERS;
        let_work(of, 1 + next_random(&random) % 60);
        if (of->kills % 3 == 0 && !of->spec.is_total) {
            /* The other workers continue while this one is stopped. */
            uint32_t stopped = (who + 1) % WORKERS;
            assert_int_equal(kill(workers[stopped], SIGSTOP), 0);
            let_work(of, 20);
            assert_int_equal(kill(workers[stopped], SIGCONT), 0);
        }
        bury_child(workers[who]);
        workers[who] = start(of, next_random(&random));
    }
    for (uint32_t i = 0; i < WORKERS; i++) {
        bury_child(workers[i]);
    }
}

static void drain(scene *of)
{
    shmrpci_buf buf;
    shmrpci_buf_init_heap(&buf);
    shmrpci_queue *queue = stage_open_queue(of->fd);
    shmrpc_status status = SHMRPC_OK;
    while (status == SHMRPC_OK) {
        status = pop_some(of, queue, 4, 0, &buf, false);
    }
    assert_int_equal(status, SHMRPC_E_BUSY);
    shmrpci_queue_close(queue);
    shmrpci_buf_fini(&buf);
    stage_check_queue(of->fd);
}

static void account(const scene *of)
{
    const ledger *l = of->ledger;
    uint32_t count = atomic_load(&l->next);
    uint32_t missing = 0;
    for (uint32_t i = 0; i < count && i < MAX_RECORDS; i++) {
        uint32_t came = atomic_load(&l->came[i]);
        if (came > 1 || (came == 1 && atomic_load(&l->begun[i]) == 0)) {
            fail_msg("record %u came %u times", i, came);
        }
        missing += came == 0 && atomic_load(&l->pushed[i]) != 0 &&
                           atomic_load(&l->acking[i]) == 0
                       ? 1
                       : 0;
    }
    assert_int_equal(atomic_load(&l->torn), 0);
    assert_int_equal(atomic_load(&l->wrong), 0);
    /* A pop may take four records at a time, and the process may die before it
     * has written them down. */
    uint32_t allowed = of->spec.is_acked ? 0 : 4 * (of->kills + WORKERS);
    print_message("%u records, %u kills, %u gone, %u again\n", count, of->kills,
                  missing, atomic_load(&l->again));
    if (missing > allowed) {
        fail_msg("%u records are gone, at most %u may be gone", missing,
                 allowed);
    }
}

static void run(shmrpci_queue_spec spec)
{
    scene of = {.spec = spec};
    of.spec.capacity = 64;
    of.spec.item_bytes = 64;
    of.spec.max_item_bytes = MAX_LEN;
    of.spec.participants = WORKERS + 1;
    of.fd = stage_make_queue(&of.spec);
    of.ledger = mmap(NULL, sizeof *of.ledger, PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_ptr_not_equal(of.ledger, MAP_FAILED);
    torment(&of, kills);
    drain(&of);
    account(&of);
    (void)munmap(of.ledger, sizeof *of.ledger);
    shmrpci_fd_close(&of.fd);
}

static void once(void **state)
{
    (void)state;
    run((shmrpci_queue_spec){0});
}

static void once_in_total_order(void **state)
{
    (void)state;
    run((shmrpci_queue_spec){.is_total = true});
}

static void acked(void **state)
{
    (void)state;
    run((shmrpci_queue_spec){.is_acked = true});
}

static void acked_in_total_order(void **state)
{
    (void)state;
    run((shmrpci_queue_spec){.is_acked = true, .is_total = true});
}

/* For runs by hand, an argument says how many kills. */
int main(int argc, char **argv)
{
    if (argc > 1) {
        kills = (uint32_t)strtoul(argv[1], NULL, 10);
    } else if (getenv("SHMRPC_TEST_LONG") != NULL) {
        kills = IS_SANITIZED ? 5000 : 25000;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(once),
        cmocka_unit_test(once_in_total_order),
        cmocka_unit_test(acked),
        cmocka_unit_test(acked_in_total_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
