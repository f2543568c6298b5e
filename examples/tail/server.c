/*
 * A log in the memory of one process: run it with --workers=0, so that workers
 * are threads.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <threads.h>

#include "tail_server.h"

#define LINES_MAX 1000

typedef struct entry {
    char text[201];
    size_t len;
} entry;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static entry entries[LINES_MAX]; /* protected by the lock */
static uint64_t count;           /* protected by the lock */

static uint64_t count_now(void)
{
    pthread_mutex_lock(&lock);
    uint64_t now = count;
    pthread_mutex_unlock(&lock);
    return now;
}

/* Copies the line, since other threads may add lines meanwhile. */
static void read_line(uint64_t number, entry *out)
{
    pthread_mutex_lock(&lock);
    *out = entries[number - 1];
    pthread_mutex_unlock(&lock);
}

static void nap(void)
{
    const struct timespec slice = {.tv_nsec = 5000000};
    (void)thrd_sleep(&slice, NULL);
}

/* A stream of results: `send` waits while the client does not read, and fails
 * after the client has closed the stream. A handler that waits for something
 * else must check shmrpc_ctx_cancelled(). */
static int follow(shmrpc_ctx *ctx, void *user, uint64_t from,
                  tail_follow_sink *out)
{
    int status = SHMRPC_OK;
    entry found;
    (void)user;
    if (from == 0 || from > count_now() + 1) {
        const tail_no_line detail = {.last = count_now()};
        return tail_raise_no_line(ctx, &detail);
    }
    for (uint64_t number = from; status == SHMRPC_OK; number++) {
        while (number > count_now()) {
            if (shmrpc_ctx_cancelled(ctx)) {
                return SHMRPC_E_CANCELLED;
            }
            if (shmrpc_ctx_draining(ctx)) {
                return shmrpc_ctx_fail(ctx, SHMRPC_E_UNAVAILABLE,
                                       "the server is ending: follow again");
            }
            nap();
        }
        read_line(number, &found);
        const tail_line line = {.number = number,
                                .text = {found.text, found.len}};
        status = tail_follow_sink_send(out, &line);
    }
    return status;
}

/* A stream to the server: an item lives until the next one is read. */
static int append(shmrpc_ctx *ctx, void *user, tail_append_source *in,
                  uint64_t *ret)
{
    const shmrpc_str *text;
    int status;
    (void)user;
    while ((status = tail_append_source_next(in, &text)) == SHMRPC_MORE) {
        pthread_mutex_lock(&lock);
        bool has_room = count < LINES_MAX;
        if (has_room) {
            memcpy(entries[count].text, text->ptr, text->len);
            entries[count++].len = text->len;
        }
        pthread_mutex_unlock(&lock);
        if (!has_room) {
            return shmrpc_ctx_refuse(ctx, 0, "the log is full");
        }
    }
    *ret = count_now();
    return status; /* OK if all items were read, CANCELLED if the client has
                    * gone */
}

static int grep(shmrpc_ctx *ctx, void *user, shmrpc_str word,
                tail_grep_source *in, tail_grep_sink *out)
{
    const shmrpc_str *text;
    uint64_t number = 0;
    int status;
    (void)ctx;
    (void)user;
    while ((status = tail_grep_source_next(in, &text)) == SHMRPC_MORE) {
        number++;
        if (strstr(text->ptr, word.ptr) != NULL) {
            const tail_line line = {.number = number, .text = *text};
            status = tail_grep_sink_send(out, &line);
            if (status != SHMRPC_OK) {
                return status;
            }
        }
    }
    return status;
}

/* Writes the bytes directly where the client reads them. */
static int dump(shmrpc_ctx *ctx, void *user, tail_dump_sink *out)
{
    int status = SHMRPC_OK;
    entry found;
    (void)ctx;
    (void)user;
    for (uint64_t i = 1; i <= count_now() && status == SHMRPC_OK; i++) {
        uint8_t *at;
        read_line(i, &found);
        found.text[found.len] = '\n';
        status = tail_dump_sink_loan(out, found.len + 1, &at);
        if (status == SHMRPC_OK) {
            memcpy(at, found.text, found.len + 1);
            status = tail_dump_sink_commit(out, at, found.len + 1);
        }
    }
    return status;
}

int main(int argc, char **argv)
{
    tail_impl impl = TAIL_IMPL_INIT;
    impl.follow = follow;
    impl.append = append;
    impl.grep = grep;
    impl.dump = dump;
    return tail_main(argc, argv, &impl, NULL);
}
