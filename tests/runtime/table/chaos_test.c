/*
 * Processes that change a table are killed and stopped at any moment. No change
 * whose call returned is lost, and none happens twice. Views show pairs of keys
 * in agreement, and stay unchanged. Nobody waits for a stopped process. In the
 * end every block is in exactly one place: in use, or in one list of free
 * blocks.
 */
#include "stage.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../sanitized.h"
#include "os/clock.h"

#define WORKERS 6u
#define PAIRS   8u

/* What is known of a worker's finished changes, in memory that outlives the
 * worker. */
typedef struct account {
    _Alignas(128) shmrpci_atomic_u64 own; /* the value of its own counter */
    shmrpci_atomic_u64 shared;  /* how often it has incremented the shared
                                 * counter */
    shmrpci_atomic_u32 is_here; /* whether it has attached to the table, and so
                                 * is the heir of its dead predecessor */
} account;

/* How many changes workers may be ahead of the open view, which keeps
 * everything that they replace. On a busy machine the process with the view
 * rarely gets to run. */
#define AHEAD 5000u

/* After this many kills or stops everything is checked, so that an error is
 * found soon after it happened. */
#define AUDIT 5000u

static account *accounts;
/* The change number of the open view. */
static shmrpci_atomic_u64 *viewed;

static uint32_t random_of(uint32_t *seed, uint32_t below)
{
    *seed = *seed * 1103515245u + 12345u;
    return (*seed >> 16) % below;
}

/* ---- workers ------------------------------------------------------------- */

static uint64_t number_of(shmrpci_table_bytes bytes)
{
    uint64_t number = 0;
    if (bytes.len >= sizeof number) {
        memcpy(&number, bytes.data, sizeof number);
    }
    return number;
}

/* A number is padded with these bytes, so that all size classes are in use. */
static const uint8_t filling[700];

static shmrpc_status count_up(void *user, shmrpci_table_bytes was,
                              shmrpci_buf *now, shmrpci_table_verdict *verdict)
{
    uint64_t number = number_of(was) + 1;
    shmrpci_buf_append(now, &number, sizeof number);
    shmrpci_buf_append(now, filling, number * 37 % sizeof filling);
    *verdict = SHMRPCI_TABLE_PUT;
    if (user != NULL) {
        *(uint64_t *)user = number;
    }
    return SHMRPC_OK;
}

/* The shared counter, and how often each worker has incremented it. */
typedef struct common_count {
    uint64_t number;
    uint64_t by[WORKERS];
} common_count;

static const uint32_t common_key = 100;

static common_count common_of(shmrpci_table_bytes bytes)
{
    common_count count = {0};
    if (bytes.len >= sizeof count) {
        memcpy(&count, bytes.data, sizeof count);
    }
    return count;
}

static shmrpc_status count_common(void *user, shmrpci_table_bytes was,
                                  shmrpci_buf *now,
                                  shmrpci_table_verdict *verdict)
{
    common_count count = common_of(was);
    count.number++;
    count.by[*(const uint32_t *)user]++;
    shmrpci_buf_append(now, &count, sizeof count);
    shmrpci_buf_append(now, filling, count.number * 37 % sizeof filling);
    *verdict = SHMRPCI_TABLE_PUT;
    return SHMRPC_OK;
}

static bool put_pair(shmrpci_table *table, uint32_t pair, uint64_t number)
{
    uint32_t keys[2] = {1000 + 2 * pair, 1001 + 2 * pair};
    shmrpci_table_bytes value = {&number, sizeof number};
    bool removes = number % 5 == 0;
    shmrpci_table_pair pairs[2];
    for (int i = 0; i < 2; i++) {
        pairs[i].key = (shmrpci_table_bytes){&keys[i], sizeof keys[i]};
        pairs[i].value = removes ? (shmrpci_table_bytes){0} : value;
    }
    shmrpc_error error;
    if (shmrpci_table_merge(table, pairs, 2, &error) != SHMRPC_OK) {
        print_error("merge: %s\n", error.message);
        return false;
    }
    return true;
}

/* Puts and deletes keys, so that the table is rebuilt. */
static bool churn(shmrpci_table *table, uint32_t *seed)
{
    uint32_t key = 5000 + random_of(seed, 200);
    shmrpci_table_bytes bytes = {&key, sizeof key};
    shmrpc_status status =
        random_of(seed, 2) == 0
            ? shmrpci_table_put(table, bytes, bytes, SHMRPCI_TABLE_ANY, NULL,
                                NULL)
            : shmrpci_table_del(table, bytes, SHMRPCI_TABLE_ANY, NULL, NULL);
    return status == SHMRPC_OK || status == SHMRPC_E_NOT_FOUND;
}

static bool work(shmrpci_table *table, uint32_t me, uint32_t *seed)
{
    account *mine = &accounts[me];
    uint64_t number;
    shmrpc_error error = {.message = ""};
    if (shmrpci_table_update(table, (shmrpci_table_bytes){&me, sizeof me},
                             count_up, &number, &error) != SHMRPC_OK ||
        number != shmrpci_load_seq(&mine->own) + 1) {
        print_error("update: %s\n", error.message);
        return false;
    }
    shmrpci_store_seq(&mine->own, number);
    if (shmrpci_table_update(
            table, (shmrpci_table_bytes){&common_key, sizeof common_key},
            count_common, &me, NULL) != SHMRPC_OK) {
        return false;
    }
    (void)shmrpci_add_seq(&mine->shared, 1u);
    return put_pair(table, random_of(seed, PAIRS), number * WORKERS + me) &&
           churn(table, seed);
}

static void wait_for_view(const shmrpci_table *table)
{
    while (shmrpci_turn_seq(shmrpci_load_seq(&table->roots->turn)) >
           shmrpci_load_seq(viewed) + AHEAD) {
        (void)usleep(100);
    }
}

/* Reads the value of a key; no bytes if there is none. */
static bool fetch(shmrpci_table *table, const uint32_t *key, shmrpci_buf *out)
{
    shmrpc_status status = shmrpci_table_get(
        table, (shmrpci_table_bytes){key, sizeof *key}, out, NULL, NULL);
    return status == SHMRPC_OK || status == SHMRPC_E_NOT_FOUND;
}

/* Sets the known value to the one in the table. Returns false if that is wrong:
 * it may only be the known value, or larger by one if the worker died after a
 * change and before it noted that. */
static bool settle(shmrpci_atomic_u64 *known, uint64_t is)
{
    uint64_t was = shmrpci_load_seq(known);
    shmrpci_store_seq(known, is);
    return is == was || is == was + 1;
}

static bool resume(shmrpci_table *table, uint32_t me)
{
    shmrpci_buf own;
    shmrpci_buf common;
    shmrpci_buf_init_heap(&own);
    shmrpci_buf_init_heap(&common);
    bool good = fetch(table, &me, &own) && fetch(table, &common_key, &common);
    if (good) {
        uint64_t number = number_of((shmrpci_table_bytes){own.data, own.len});
        common_count count =
            common_of((shmrpci_table_bytes){common.data, common.len});
        good = settle(&accounts[me].own, number) &&
               settle(&accounts[me].shared, count.by[me]);
    }
    shmrpci_buf_fini(&own);
    shmrpci_buf_fini(&common);
    return good;
}

static pid_t start(int fd, uint32_t me, uint32_t seed)
{
    shmrpci_store_seq(&accounts[me].is_here, 0u);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        shmrpci_table table;
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        bool good = table_try_attach(fd, SHMRPCI_ACCESS_WRITE, &table, NULL) ==
                    SHMRPC_OK;
        shmrpci_store_seq(&accounts[me].is_here, 1u);
        good = good && resume(&table, me);
        while (good) {
            wait_for_view(&table);
            good = work(&table, me, &seed);
        }
        _exit(1);
    }
    return child;
}

/* ---- checks meanwhile ---------------------------------------------------- */

static uint64_t sum_of(shmrpci_table_view *view)
{
    shmrpci_table_bytes key;
    shmrpci_table_bytes value;
    uint64_t version;
    uint64_t sum = 0;
    shmrpci_table_view_rewind(view);
    while (shmrpci_table_view_next(view, &key, &value, &version) == SHMRPC_OK) {
        sum = sum * 31 + number_of(value) + version;
    }
    return sum;
}

static void expect_pairs(shmrpci_table_view *view)
{
    for (uint32_t pair = 0; pair < PAIRS; pair++) {
        uint64_t numbers[2] = {0, 0};
        for (uint32_t i = 0; i < 2; i++) {
            uint32_t key = 1000 + 2 * pair + i;
            shmrpci_table_bytes value = {0};
            shmrpc_status status = shmrpci_table_view_get(
                view, (shmrpci_table_bytes){&key, sizeof key}, &value, NULL);
            assert_true(status == SHMRPC_OK || status == SHMRPC_E_NOT_FOUND);
            numbers[i] = number_of(value);
        }
        assert_int_equal(numbers[0], numbers[1]);
    }
}

/* While one worker is stopped, everybody else can still change everything. */
static void change_all(shmrpci_table *table)
{
    for (uint32_t pair = 0; pair < PAIRS; pair++) {
        assert_true(put_pair(table, pair, 7));
    }
}

static void sleep_us(long us)
{
    struct timespec time = {.tv_nsec = us * 1000};
    (void)nanosleep(&time, NULL);
}

typedef struct chaos {
    int fd;
    shmrpci_table table;
    shmrpci_table reader;
    shmrpci_table_view view;
    uint64_t view_sum;
    pid_t workers[WORKERS];
    bool is_killed[WORKERS];
    bool is_stopped[WORKERS];
    uint32_t seed;
    uint64_t kills;
    uint64_t counts;
} chaos;

static void reap(const chaos *of, uint32_t me)
{
    int status;
    assert_int_equal(waitpid(of->workers[me], &status, 0), of->workers[me]);
    if (!WIFSIGNALED(status)) {
        fail_msg("worker %u gave up", me);
    }
}

/* Waits for the heirs, because dead processes keep memory until they have
 * heirs. */
static void await_heirs(void)
{
    int64_t deadline_ns = shmrpci_deadline_after(30 * SHMRPCI_NS_PER_S);
    for (uint32_t me = 0; me < WORKERS; me++) {
        while (shmrpci_load_seq(&accounts[me].is_here) == 0) {
            assert_true(shmrpci_now_ns() < deadline_ns);
            sleep_us(100);
        }
    }
}

static void renew_view(chaos *of)
{
    assert_int_equal(sum_of(&of->view), of->view_sum);
    shmrpci_table_view_close(&of->view);
    assert_int_equal(shmrpci_table_view_open(&of->reader, &of->view, NULL),
                     SHMRPC_OK);
    shmrpci_store_seq(viewed, of->view.change);
    expect_pairs(&of->view);
    of->view_sum = sum_of(&of->view);
}

/* Kills or stops several workers at nearly the same time, so that their heirs
 * need the processor at the same time. Returns how many were killed or
 * stopped. */
static unsigned strike(chaos *of)
{
    unsigned struck = 0;
    for (uint32_t me = 0; me < WORKERS; me++) {
        uint32_t what = random_of(&of->seed, 5);
        if (what == 0) {
            continue;
        }
        sleep_us(random_of(&of->seed, 400));
        of->is_killed[me] = what < 4;
        of->is_stopped[me] = what == 4;
        (void)kill(of->workers[me], what < 4 ? SIGKILL : SIGSTOP);
        struck++;
    }
    return struck;
}

/* Changes everything while workers are stopped or dead. Then resumes the
 * stopped ones, and replaces the dead ones. */
static void bring_back(chaos *of)
{
    change_all(&of->table);
    sleep_us(random_of(&of->seed, 400));
    change_all(&of->table);
    for (uint32_t me = 0; me < WORKERS; me++) {
        if (of->is_stopped[me]) {
            (void)kill(of->workers[me], SIGCONT);
            of->is_stopped[me] = false;
        }
    }
    for (uint32_t me = 0; me < WORKERS; me++) {
        if (of->is_killed[me]) {
            reap(of, me);
            of->kills++;
            of->workers[me] = start(of->fd, me, of->seed + me);
            of->is_killed[me] = false;
        }
    }
}

static void expect_accounts(chaos *of)
{
    uint64_t sum = 0;
    shmrpci_buf value;
    shmrpci_buf_init_heap(&value);
    for (uint32_t me = 0; me < WORKERS; me++) {
        assert_true(resume(&of->table, me));
        sum += shmrpci_load_seq(&accounts[me].shared);
    }
    assert_true(fetch(&of->table, &common_key, &value));
    of->counts = common_of((shmrpci_table_bytes){value.data, value.len}).number;
    assert_int_equal(of->counts, sum);
    shmrpci_buf_fini(&value);
}

/* Kills all workers, so that nothing changes, and checks everything. */
static void audit(chaos *of)
{
    for (uint32_t me = 0; me < WORKERS; me++) {
        (void)kill(of->workers[me], SIGKILL);
    }
    for (uint32_t me = 0; me < WORKERS; me++) {
        reap(of, me);
        of->kills++;
    }
    renew_view(of);
    expect_accounts(of);
    table_check(&of->table);
}

static void start_all(chaos *of)
{
    for (uint32_t me = 0; me < WORKERS; me++) {
        of->workers[me] = start(of->fd, me, of->seed + me);
    }
}

static void play(chaos *of, unsigned strikes)
{
    unsigned until_audit = AUDIT;
    start_all(of);
    for (unsigned i = 0; i < strikes;) {
        unsigned struck = strike(of);
        bring_back(of);
        await_heirs();
        renew_view(of);
        i += struck;
        if (struck >= until_audit) {
            audit(of);
            print_message("%u of %u strikes\n", i, strikes);
            start_all(of);
            until_audit = AUDIT + struck;
        }
        until_audit -= struck;
    }
    audit(of);
}

static void nothing_is_lost_or_done_twice(void **state)
{
    (void)state;
    unsigned most = IS_SANITIZED ? 20000 : 100000;
    unsigned strikes = getenv("SHMRPC_TEST_LONG") != NULL ? most : 120;
    chaos of = {.seed = (uint32_t)getpid()};
    print_message("seed %u\n", of.seed);
    accounts = mmap(NULL, (WORKERS + 1) * sizeof *accounts,
                    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    viewed = &accounts[WORKERS].own;
    of.fd = table_create(64 * MIB, 0, 1024);
    table_attach(of.fd, &of.table);
    table_attach_reader(of.fd, &of.reader);
    assert_int_equal(shmrpci_table_view_open(&of.reader, &of.view, NULL),
                     SHMRPC_OK);
    play(&of, strikes);
    shmrpci_table_view_close(&of.view);
    shmrpci_table_stat stat;
    shmrpci_table_stat_get(&of.table, &stat);
    print_message("%llu counts, %llu kills; %llu changes, %llu helped\n",
                  (unsigned long long)of.counts, (unsigned long long)of.kills,
                  (unsigned long long)stat.changes,
                  (unsigned long long)stat.helped);
    shmrpci_table_detach(&of.reader);
    shmrpci_table_detach(&of.table);
    (void)munmap(accounts, (WORKERS + 1) * sizeof *accounts);
    shmrpci_fd_close(&of.fd);
}

/* ---- several at once ----------------------------------------------------- */

#define MANY   54u
#define COUNTS 100u

static int count_often(int fd, uint32_t me)
{
    shmrpci_table table;
    uint32_t common = 100;
    bool good =
        table_try_attach(fd, SHMRPCI_ACCESS_WRITE, &table, NULL) == SHMRPC_OK;
    for (uint32_t i = 0; good && i < COUNTS; i++) {
        uint32_t own = 1000 + me * COUNTS + i;
        good =
            shmrpci_table_update(&table,
                                 (shmrpci_table_bytes){&common, sizeof common},
                                 count_up, NULL, NULL) == SHMRPC_OK &&
            shmrpci_table_put(&table, (shmrpci_table_bytes){&own, sizeof own},
                              (shmrpci_table_bytes){&own, sizeof own},
                              SHMRPCI_TABLE_ABSENT, NULL, NULL) == SHMRPC_OK;
    }
    if (good) {
        shmrpci_table_detach(&table);
    }
    return good ? 0 : 1;
}

static void many_processes_count_to_the_sum(void **state)
{
    (void)state;
    int fd = table_create(64 * MIB, 0, 1024);
    pid_t children[MANY];
    for (uint32_t i = 0; i < MANY; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
            _exit(count_often(fd, i));
        }
    }
    for (uint32_t i = 0; i < MANY; i++) {
        int status;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    shmrpci_table table;
    uint32_t common = 100;
    shmrpci_buf value;
    shmrpci_buf_init_heap(&value);
    table_attach(fd, &table);
    assert_int_equal(
        shmrpci_table_get(&table, (shmrpci_table_bytes){&common, sizeof common},
                          &value, NULL, NULL),
        SHMRPC_OK);
    assert_int_equal(number_of((shmrpci_table_bytes){value.data, value.len}),
                     MANY * COUNTS);
    assert_int_equal(shmrpci_table_len(&table), MANY * COUNTS + 1);
    table_check(&table);
    shmrpci_buf_fini(&value);
    shmrpci_table_detach(&table);
    shmrpci_fd_close(&fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_lost_or_done_twice),
        cmocka_unit_test(many_processes_count_to_the_sum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
