/*
 * Four processes push and four pop: each item is delivered once and whole, and
 * each reader gets the items of a producer in order. Ten million items with
 * SHMRPC_TEST_LONG.
 */
#include "stage.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PRODUCERS = 4, READERS = 4, BATCH = 16, ITEM_BYTES = 64 };

typedef struct scene {
    int fd;
    uint64_t each;         /* number of items of each producer */
    _Atomic uint8_t *came; /* number of deliveries of each item; shared */
} scene;

static int push_all(const scene *of, uint32_t me)
{
    shmrpci_queue *queue = stage_open_queue(of->fd);
    uint8_t data[ITEM_BYTES];
    shmrpc_status status = SHMRPC_OK;
    for (uint64_t i = 0; status == SHMRPC_OK && i < of->each; i++) {
        stage_fill(data, sizeof data, me * of->each + i);
        status =
            shmrpci_queue_push(queue, data, sizeof data, stage_soon(), NULL);
    }
    shmrpci_queue_close(queue);
    return status == SHMRPC_OK ? 0 : 1;
}

/* Notes a delivery. `next` is one more than the last number that this reader
 * has received from each producer. */
static bool note(const scene *of, const uint8_t *data, const shmrpci_item *item,
                 uint64_t next[PRODUCERS])
{
    uint64_t number;
    if (item->len != ITEM_BYTES ||
        !stage_is_whole(data + item->at, item->len, &number) ||
        number >= PRODUCERS * of->each || number < next[number / of->each]) {
        return false;
    }
    next[number / of->each] = number + 1;
    atomic_fetch_add(&of->came[number], 1);
    return true;
}

static int pop_all(const scene *of, uint32_t me)
{
    uint64_t next[PRODUCERS] = {0};
    shmrpci_item items[BATCH];
    shmrpci_buf buf;
    shmrpci_queue *queue = stage_open_queue(of->fd);
    shmrpc_status status = SHMRPC_OK;
    bool good = true;
    shmrpci_buf_init_heap(&buf);
    /* Some readers take one item at a time. */
    uint32_t most = me % 2 == 0 ? BATCH : 1;
    while (good && status == SHMRPC_OK) {
        uint32_t count = 0;
        shmrpci_buf_reset(&buf);
        status = shmrpci_queue_pop(queue, most, stage_soon(), &buf, items,
                                   &count, NULL);
        for (uint32_t i = 0; good && status == SHMRPC_OK && i < count; i++) {
            good = note(of, buf.data, &items[i], next);
        }
    }
    shmrpci_buf_fini(&buf);
    shmrpci_queue_close(queue);
    return good && status == SHMRPC_E_CANCELLED ? 0 : 1;
}

static pid_t start(const scene *of, int (*what)(const scene *, uint32_t),
                   uint32_t me)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        _exit(what(of, me));
    }
    return child;
}

static void await(const pid_t *children, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        int status;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
}

static void pass(shmrpci_queue_spec spec, uint64_t each)
{
    pid_t producers[PRODUCERS];
    pid_t readers[READERS];
    size_t count = (size_t)(PRODUCERS * each);
    spec.capacity = 1024;
    spec.item_bytes = ITEM_BYTES;
    spec.max_item_bytes = ITEM_BYTES;
    spec.participants = PRODUCERS + READERS + 1;
    scene of = {.fd = stage_make_queue(&spec), .each = each};
    of.came = mmap(NULL, count, PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(of.came, MAP_FAILED);
    shmrpci_queue *queue = stage_open_queue(of.fd);
    for (uint32_t i = 0; i < READERS; i++) {
        readers[i] = start(&of, pop_all, i);
    }
    for (uint32_t i = 0; i < PRODUCERS; i++) {
        producers[i] = start(&of, push_all, i);
    }
    await(producers, PRODUCERS);
    assert_int_equal(shmrpci_queue_end(queue), SHMRPC_OK);
    await(readers, READERS);
    for (size_t i = 0; i < count; i++) {
        if (atomic_load(&of.came[i]) != 1) {
            fail_msg("item %zu came %u times", i, atomic_load(&of.came[i]));
        }
    }
    shmrpci_queue_close(queue);
    stage_check_queue(of.fd);
    (void)munmap((void *)(uintptr_t)of.came, count);
    shmrpci_fd_close(&of.fd);
}

static uint64_t items(void)
{
    return getenv("SHMRPC_TEST_LONG") != NULL ? 10000000 : 100000;
}

static void each_item_comes_once(void **state)
{
    (void)state;
    pass((shmrpci_queue_spec){0}, items() / PRODUCERS);
}

/* With `order total` each item needs a lock, so there are fewer items. */
static void each_item_comes_once_in_total_order(void **state)
{
    (void)state;
    pass((shmrpci_queue_spec){.is_total = true}, items() / 10 / PRODUCERS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_item_comes_once),
        cmocka_unit_test(each_item_comes_once_in_total_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
