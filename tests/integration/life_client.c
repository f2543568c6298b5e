/*
 * A client of life.svc, started as test_life_client ADDRESS and one of:
 *
 *     calls FIRST COUNT    makes COUNT calls, or fewer if is_over of the
 *                          ledger is set; notes how each has ended
 *     mixed FIRST COUNT    like calls, with large bodies between them
 *     deaths FIRST COUNT   like calls; workers may die
 *     dies FIRST           makes two calls whose first worker dies; prints how
 *                          they ended
 *     nap MS               makes a call that takes MS milliseconds, without
 *                          waiting for a server; prints how it ended
 *     ask                  makes a call for each line of its input; prints how
 *                          each has ended
 *     beside FIRST COUNT   makes calls beside calls that sleep; prints how many
 *                          were refused
 *     flight FIRST COUNT   begins up to 100 calls before it asks for any answer
 *     linger               makes a call, forks a child that stays, prints the
 *                          child's id
 *     fds                  prints how many descriptors it was started with
 */
#include "life_client.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "ledger.h"

static int failed(const shmrpc_error *error)
{
    printf("%s: %s\n", error->name, error->message);
    return EXIT_FAILURE;
}

static unsigned char end_of(int status, bool is_right)
{
    if (status == SHMRPC_OK) {
        return is_right ? LEDGER_OK : LEDGER_WRONG;
    }
    return shmrpc_status_may_have_run(status) ? LEDGER_MAYBE_RUN
                                              : LEDGER_NOT_RUN;
}

/* Returns false if the result is wrong, or if the call failed although the
 * server was not lost. */
static bool blob(life_life *client, uint64_t number)
{
    static uint8_t data[300000];
    const life_life_blob_reply *reply = NULL;
    size_t len = (size_t)(number * 7919 % sizeof data);
    memset(data, (int)number, len);
    int status =
        life_life_blob(client, shmrpc_bytes_of(data, len), NULL, &reply, NULL);
    bool is_right = status == SHMRPC_E_SERVER_LOST ||
                    (status == SHMRPC_OK && reply->value.len == len &&
                     (len == 0 || memcmp(reply->value.ptr, data, len) == 0));
    life_life_blob_release(reply);
    return is_right;
}

/* WITH_BLOBS: a large call follows every fourth call; WITH_DEATHS: workers may
 * die. */
enum { CALLS_ALONE, WITH_BLOBS, WITH_DEATHS };

/* Calls with odd numbers may be repeated. */
static int calls(life_life *client, uint64_t first, uint64_t count, int what)
{
    ledger *book = ledger_open();
    if (book == NULL) {
        return EXIT_FAILURE;
    }
    for (uint64_t i = first;
         i < first + count && atomic_load(&book->is_over) == 0; i++) {
        uint64_t back = 0;
        shmrpc_error error;
        int status = i % 2 == 0
                         ? life_life_once(client, i, 0, NULL, &back, &error)
                         : life_life_again(client, i, 0, NULL, &back, &error);
        atomic_store(&book->ends[i], end_of(status, back == i * 3));
        atomic_fetch_add(&book->ended, 1);
        if (status != SHMRPC_OK && status != SHMRPC_E_SERVER_LOST &&
            (status != SHMRPC_E_WORKER_DIED || what != WITH_DEATHS)) {
            return failed(&error);
        }
        if (what == WITH_BLOBS && i % 4 == 0 && !blob(client, i)) {
            printf("another body came back\n");
            return EXIT_FAILURE;
        }
    }
    return EXIT_SUCCESS;
}

static int linger(life_life *client)
{
    uint64_t back = 0;
    shmrpc_error error;
    if (life_life_again(client, 1, 0, NULL, &back, &error) != SHMRPC_OK) {
        return failed(&error);
    }
    pid_t child = fork();
    if (child == 0) {
        (void)alarm(60); /* in case the test forgets to kill it */
    } else {
        printf("%d\n", (int)child);
        (void)fflush(stdout);
    }
    (void)pause(); /* parent and child wait until they are killed */
    return EXIT_SUCCESS;
}

/* Makes two calls; the method of the second is idempotent. */
static int dies(life_life *client, uint64_t first)
{
    uint64_t back = 0;
    int once = life_life_once(client, first, 1, NULL, &back, NULL);
    int again = life_life_again(client, first + 1, 1, NULL, &back, NULL);
    printf("%s %s\n", shmrpc_status_name(once), shmrpc_status_name(again));
    return EXIT_SUCCESS;
}

static int nap(const char *address, uint32_t ms)
{
    static const shmrpc_opts opts = {.timeout_ns = 100 * INT64_C(1000000000)};
    life_life *client = NULL;
    shmrpc_error error;
    if (life_life_connect(address, &opts, &client, &error) != SHMRPC_OK) {
        return failed(&error);
    }
    int status = life_life_nap(client, ms, NULL, NULL);
    printf("%s\n", shmrpc_status_name(status));
    life_life_close(client);
    return EXIT_SUCCESS;
}

/* Each input line is the number of a call that must not be repeated. */
static int ask(life_life *client)
{
    char line[32];
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    while (fgets(line, sizeof line, stdin) != NULL) {
        uint64_t back = 0;
        int status = life_life_once(client, strtoull(line, NULL, 10), 0, NULL,
                                    &back, NULL);
        printf("%s\n", shmrpc_status_name(status));
    }
    return EXIT_SUCCESS;
}

/* Makes each call while another call of the same client sleeps, and waits for
 * the sleeping call before it goes on. Either call may be refused. */
static int beside(life_life *client, uint64_t first, uint64_t count)
{
    unsigned refused = 0;
    for (uint64_t i = 0; i < count; i++) {
        shmrpc_call *sleeping = NULL;
        shmrpc_error error;
        uint64_t back = 0;
        if (life_life_nap_start(client, 20, NULL, &sleeping, &error) !=
            SHMRPC_OK) {
            return failed(&error);
        }
        int status = life_life_once(client, first + i, 0, NULL, &back, &error);
        if (status != SHMRPC_OK && status != SHMRPC_E_EXHAUSTED) {
            return failed(&error);
        }
        refused += status == SHMRPC_OK ? 0u : 1u;
        (void)life_life_nap_finish(sleeping, NULL);
    }
    printf("%u\n", refused);
    return EXIT_SUCCESS;
}

/* Asks for the answers in reverse order. */
static int flight(life_life *client, uint64_t first, uint64_t count)
{
    enum { MOST = 100 };
    shmrpc_call *flying[MOST];
    shmrpc_error error;
    ledger *book = ledger_open();
    if (book == NULL || count > MOST) {
        return EXIT_FAILURE;
    }
    for (uint64_t i = 0; i < count; i++) {
        if (life_life_once_start(client, first + i, 0, NULL, &flying[i],
                                 &error) != SHMRPC_OK) {
            return failed(&error);
        }
    }
    for (uint64_t i = count; i-- > 0;) {
        uint64_t back = 0;
        int status = life_life_once_finish(flying[i], &back, &error);
        atomic_store(&book->ends[first + i],
                     end_of(status, back == (first + i) * 3));
        atomic_fetch_add(&book->ended, 1);
    }
    return EXIT_SUCCESS;
}

static int say_fds(void)
{
    unsigned count = 0;
    DIR *folder = opendir("/proc/self/fd");
    if (folder == NULL) {
        return EXIT_FAILURE;
    }
    for (const struct dirent *entry = readdir(folder); entry != NULL;
         entry = readdir(folder)) {
        count += entry->d_name[0] != '.';
    }
    (void)closedir(folder);
    printf("%u\n", count - 1);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    life_life *client = NULL;
    shmrpc_error error;
    int status = 2;
    if (argc == 3 && strcmp(argv[2], "fds") == 0) {
        return say_fds();
    }
    if (argc < 3) {
        return status;
    }
    if (argc == 4 && strcmp(argv[2], "nap") == 0) {
        return nap(argv[1], (uint32_t)strtoul(argv[3], NULL, 10));
    }
    static const shmrpc_opts opts = {.flags = SHMRPC_OPT_WAIT_FOR_READY};
    if (life_life_connect(argv[1], &opts, &client, &error) != SHMRPC_OK) {
        return failed(&error);
    }
    int what = strcmp(argv[2], "mixed") == 0    ? WITH_BLOBS
               : strcmp(argv[2], "deaths") == 0 ? WITH_DEATHS
                                                : CALLS_ALONE;
    if (argc == 5 && (what != CALLS_ALONE || strcmp(argv[2], "calls") == 0)) {
        status = calls(client, strtoull(argv[3], NULL, 10),
                       strtoull(argv[4], NULL, 10), what);
    } else if (argc == 5 && strcmp(argv[2], "beside") == 0) {
        status = beside(client, strtoull(argv[3], NULL, 10),
                        strtoull(argv[4], NULL, 10));
    } else if (argc == 5 && strcmp(argv[2], "flight") == 0) {
        status = flight(client, strtoull(argv[3], NULL, 10),
                        strtoull(argv[4], NULL, 10));
    } else if (strcmp(argv[2], "ask") == 0) {
        status = ask(client);
    } else if (argc == 4 && strcmp(argv[2], "dies") == 0) {
        status = dies(client, strtoull(argv[3], NULL, 10));
    } else if (strcmp(argv[2], "linger") == 0) {
        status = linger(client);
    }
    life_life_close(client);
    return status;
}
