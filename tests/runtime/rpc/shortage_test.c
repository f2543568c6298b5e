/*
 * Running out of memory: each allocation of connect, calls and close fails,
 * first alone, then together with all later allocations.
 */
#include "rpc/misuse.h"
#include "sample.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sync/atomic.h"

/* ---- the allocator ------------------------------------------------------- */

/* The linker redirects the library's calls to these functions (--wrap), which
 * decides their names. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *at, size_t size);
void *__real_aligned_alloc(size_t align, size_t size);
void __real_free(void *at);

static shmrpci_atomic_u32 armed;
static shmrpci_atomic_u32 asked;  /* allocations since the failure was armed */
static shmrpci_atomic_u64 living; /* number of live allocations, modulo 2^64 */
static uint32_t first_failure;    /* number of the failing allocation, from 1 */
static bool is_for_good;          /* all later allocations fail too */

static bool must_fail(void)
{
    if (shmrpci_load_seq(&armed) == 0) {
        return false;
    }
    uint32_t number = shmrpci_add_seq(&asked, 1u) + 1;
    return is_for_good ? number >= first_failure : number == first_failure;
}

static void *counted(void *at)
{
    (void)shmrpci_add_seq(&living, at != NULL ? 1u : 0u);
    return at;
}

void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
    return must_fail() ? NULL : counted(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
    return must_fail() ? NULL : counted(__real_calloc(count, size));
}

void *__wrap_realloc(void *at, size_t size);
void *__wrap_realloc(void *at, size_t size)
{
    if (must_fail()) {
        return NULL;
    }
    void *moved = __real_realloc(at, size);
    return at == NULL ? counted(moved) : moved;
}

void *__wrap_aligned_alloc(size_t align, size_t size);
void *__wrap_aligned_alloc(size_t align, size_t size)
{
    return must_fail() ? NULL : counted(__real_aligned_alloc(align, size));
}

void __wrap_free(void *at);
void __wrap_free(void *at)
{
    (void)shmrpci_sub_seq(&living, at != NULL ? 1u : 0u);
    __real_free(at);
}

/* ---- resources in use ---------------------------------------------------- */

static unsigned count_fds(void)
{
    unsigned count = 0;
    DIR *folder = opendir("/proc/self/fd");
    assert_non_null(folder);
    while (readdir(folder) != NULL) {
        count++;
    }
    (void)closedir(folder);
    return count;
}

static unsigned count_maps(void)
{
    char line[512];
    unsigned count = 0;
    FILE *maps = fopen("/proc/self/maps", "re");
    assert_non_null(maps);
    while (fgets(line, sizeof line, maps) != NULL) {
        count += strstr(line, "/memfd:") != NULL;
    }
    (void)fclose(maps);
    return count;
}

/* ---- the calls ----------------------------------------------------------- */

typedef struct outcome {
    unsigned shortages;
    int unexpected; /* an unexpected status; 0: none */
    char message[SHMRPC_ERROR_MESSAGE_BYTES];
} outcome;

/* Records the outcome of a step. Returns true if it succeeded. */
static bool note(outcome *o, int status, const shmrpc_error *error)
{
    if (status == SHMRPC_E_NO_MEMORY) {
        o->shortages++;
        if (error->code != status || error->message[0] == '\0') {
            o->unexpected = 1;
        }
    } else if (status != SHMRPC_OK) {
        o->unexpected = status;
        memcpy(o->message, error->message, sizeof o->message);
    }
    return status == SHMRPC_OK;
}

static void call_all(shmrpc_client *client, outcome *o)
{
    static const uint8_t data[600000];
    static char text[5000];
    pair_params pair = {20, 22};
    bytes_params bytes = {{data, sizeof data}};
    text_params words = {{text, sizeof text}};
    const void *reply = NULL;
    shmrpc_error error;
    int64_t sum = 0;
    memset(text, 'x', sizeof text);
    if (note(o, shmrpc_stub_call(client, ADD, &pair, NULL, &sum, &error),
             &error) &&
        sum != 42) {
        o->unexpected = 2;
    }
    if (note(o,
             shmrpc_stub_call_reply(client, ECHO_JSON, &words, NULL, &reply,
                                    &error),
             &error)) {
        shmrpc_stub_release(reply);
    }
    if (note(o,
             shmrpc_stub_call_reply(client, ECHO_RAW, &bytes, NULL, &reply,
                                    &error),
             &error)) {
        shmrpc_stub_release(reply);
    }
}

static void do_all(const char *where, outcome *o)
{
    shmrpc_client *client = NULL;
    shmrpc_error error;
    if (note(o,
             shmrpc_stub_connect(&sample_service, where, NULL, &client, &error),
             &error)) {
        call_all(client, o);
        shmrpc_stub_close(client);
    }
}

/* Makes all calls with failing allocations. Returns how many allocations there
 * were. */
static uint32_t do_all_short(const char *where, outcome *o)
{
    shmrpci_store_seq(&asked, 0u);
    shmrpci_store_seq(&armed, 1u);
    do_all(where, o);
    shmrpci_store_seq(&armed, 0u);
    return shmrpci_load_seq(&asked);
}

static void fail_each(const char *where, bool has_server_here)
{
    unsigned shortages = 0;
    outcome first = {0};
    for (unsigned i = 0; i < SHMRPCI_GRAVES; i++) {
        do_all(where, &first); /* makes the allocations that live longer than a
                                * call */
    }
    assert_int_equal(first.unexpected, 0);
    assert_int_equal(first.shortages, 0);
    unsigned fds = count_fds();
    unsigned maps = count_maps();
    uint32_t count;
    first_failure = 0;
    do {
        outcome o = {0};
        first_failure++;
        uint64_t before = shmrpci_load_seq(&living);
        count = do_all_short(where, &o);
        if (o.unexpected != 0) {
            fail_msg("allocation %u: %d %s", first_failure, o.unexpected,
                     o.message);
        }
        shortages += o.shortages;
        if (!has_server_here) {
            assert_int_equal(shmrpci_load_seq(&living) - before, 0);
            assert_int_equal(count_fds(), fds);
            assert_int_equal(count_maps(), maps);
        }
    } while (first_failure <= count);
    assert_true(shortages >= 5);
}

/* A server in a process of its own. */
static pid_t fork_server(const char *where)
{
    int ends[2];
    char byte;
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        sample_server server;
        sample_start_at(&server, where, &sample_service, 1);
        if (write(ends[1], "r", 1) != 1) {
            _exit(1);
        }
        (void)alarm(120);
        for (;;) {
            (void)pause();
        }
    }
    assert_int_equal(read(ends[0], &byte, 1), 1);
    (void)close(ends[0]);
    (void)close(ends[1]);
    return pid;
}

static void each_shortage_is_NO_MEMORY_and_loses_nothing(void **state)
{
    (void)state;
    char where[128];
    int status;
    sample_address("shm", where);
    pid_t pid = fork_server(where);
    is_for_good = false;
    fail_each(where, false);
    is_for_good = true;
    fail_each(where, false);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
}

/* The server runs in this process, so its allocations fail, too, and the caller
 * gets the error. */
static void each_shortage_of_the_server_is_NO_MEMORY_too(void **state)
{
    (void)state;
    sample_server server;
    sample_start(&server, "inproc", &sample_service, 1);
    is_for_good = false;
    fail_each(server.where, true);
    sample_stop(&server);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_shortage_is_NO_MEMORY_and_loses_nothing),
        cmocka_unit_test(each_shortage_of_the_server_is_NO_MEMORY_too),
    };
    sample_folder_make();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sample_folder_remove();
    return failed;
}
