/* Serves papers.svc. */
#include "papers_server.h"

#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static papers_ended counts; /* protected by the mutex */
static uint32_t released;   /* also protected by the mutex */

static void begin(void)
{
    pthread_mutex_lock(&lock);
    counts.open++;
    pthread_mutex_unlock(&lock);
}

static int end(int status)
{
    pthread_mutex_lock(&lock);
    counts.open--;
    counts.ok += status == SHMRPC_OK;
    counts.cancelled += status == SHMRPC_E_CANCELLED;
    counts.other += status != SHMRPC_OK && status != SHMRPC_E_CANCELLED;
    pthread_mutex_unlock(&lock);
    return status;
}

static int ended(shmrpc_ctx *ctx, void *user, papers_ended *ret)
{
    (void)ctx;
    (void)user;
    pthread_mutex_lock(&lock);
    *ret = counts;
    pthread_mutex_unlock(&lock);
    return SHMRPC_OK;
}

/* ---- papers -------------------------------------------------------------- */

static papers_paper paper_of(uint64_t id, char title[24])
{
    int len = snprintf(title, 24, "no %llu", (unsigned long long)id);
    return (papers_paper){.id = id, .title = {title, (size_t)len}};
}

static int tear(shmrpc_ctx *ctx, uint64_t at)
{
    const papers_torn detail = {at};
    return papers_raise_torn(ctx, &detail);
}

static int list(shmrpc_ctx *ctx, void *user, uint64_t count, bool torn,
                papers_papers_list_sink *out)
{
    char title[24];
    int status = SHMRPC_OK;
    (void)user;
    begin();
    (void)shmrpc_ctx_set_reply_metadata(ctx, "shelf", "two");
    for (uint64_t i = 0;
         status == SHMRPC_OK && (i < count || (count == 0 && !torn)); i++) {
        const papers_paper paper = paper_of(i, title);
        status = papers_papers_list_sink_send(out, &paper);
    }
    return end(status == SHMRPC_OK && torn ? tear(ctx, count) : status);
}

static int first(shmrpc_ctx *ctx, void *user, papers_papers_first_sink *out)
{
    char title[24];
    const papers_paper paper = paper_of(0, title);
    (void)user;
    begin();
    int status = papers_papers_first_sink_send(out, &paper);
    while (status == SHMRPC_OK && !shmrpc_ctx_cancelled(ctx)) {
        (void)usleep(1000);
    }
    return end(status == SHMRPC_OK ? (int)SHMRPC_E_CANCELLED : status);
}

static int silent(shmrpc_ctx *ctx, void *user, papers_papers_silent_sink *out)
{
    (void)user;
    (void)out;
    begin();
    while (!shmrpc_ctx_cancelled(ctx)) {
        (void)usleep(1000);
    }
    return end(SHMRPC_E_CANCELLED);
}

static int full(shmrpc_ctx *ctx, void *user, uint64_t retry_ns)
{
    (void)user;
    return shmrpc_ctx_refuse(ctx, (int64_t)retry_ns, "full");
}

static int full_list(shmrpc_ctx *ctx, void *user, uint64_t retry_ns,
                     papers_papers_full_list_sink *out)
{
    (void)out;
    return full(ctx, user, retry_ns);
}

static int file(shmrpc_ctx *ctx, void *user, shmrpc_str box,
                papers_papers_file_source *in, uint64_t *ret)
{
    const papers_paper *paper;
    int status;
    (void)user;
    (void)box;
    begin();
    *ret = 0;
    while ((status = papers_papers_file_source_next(in, &paper)) ==
           SHMRPC_MORE) {
        if (strcmp(paper->title.ptr, "torn") == 0) {
            return end(tear(ctx, *ret));
        }
        ++*ret;
    }
    return end(status);
}

static int one(shmrpc_ctx *ctx, void *user, papers_papers_one_source *in,
               shmrpc_str *ret)
{
    const papers_paper *paper;
    (void)user;
    begin();
    int status = papers_papers_one_source_next(in, &paper);
    if (status != SHMRPC_MORE) {
        *ret = shmrpc_str_of("none");
        return end(status);
    }
    return end(shmrpc_ctx_printf(ctx, ret, "%s", paper->title.ptr));
}

static int twice(shmrpc_ctx *ctx, void *user, papers_papers_twice_source *in,
                 papers_papers_twice_sink *out)
{
    const uint64_t *number;
    int status;
    (void)ctx;
    (void)user;
    begin();
    while ((status = papers_papers_twice_source_next(in, &number)) ==
           SHMRPC_MORE) {
        const uint64_t result = 2 * *number;
        status = papers_papers_twice_sink_send(out, &result);
        if (status != SHMRPC_OK) {
            break;
        }
    }
    return end(status);
}

/* ---- bytes --------------------------------------------------------------- */

#define PIECE_BYTES 16384

/* Sends that many bytes of "abc...zabc...". */
static int cat(shmrpc_ctx *ctx, void *user, shmrpc_bytes count,
               papers_papers_cat_sink *out)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
    uint8_t piece[PIECE_BYTES];
    char text[24] = "";
    int status = SHMRPC_OK;
    (void)ctx;
    (void)user;
    begin();
    memcpy(text, count.ptr, count.len < 23 ? count.len : 23);
    size_t all = (size_t)strtoull(text, NULL, 10);
    for (size_t at = 0; status == SHMRPC_OK && at < all;) {
        size_t len = all - at < sizeof piece ? all - at : sizeof piece;
        for (size_t i = 0; i < len; i++) {
            piece[i] = (uint8_t)letters[(at + i) % 26];
        }
        const shmrpc_bytes item = {piece, len};
        status = papers_papers_cat_sink_send(out, &item);
        at += len;
    }
    return end(status);
}

static int tell_bytes(shmrpc_ctx *ctx, uint64_t bytes, int status,
                      shmrpc_bytes *ret)
{
    shmrpc_str text;
    if (status == SHMRPC_OK) {
        status =
            shmrpc_ctx_printf(ctx, &text, "%llu", (unsigned long long)bytes);
        *ret = (shmrpc_bytes){(const uint8_t *)text.ptr, text.len};
    }
    return end(status);
}

static int measure(shmrpc_ctx *ctx, void *user,
                   papers_papers_measure_source *in, shmrpc_bytes *ret)
{
    const shmrpc_bytes *piece;
    uint64_t bytes = 0;
    int status;
    (void)user;
    begin();
    while ((status = papers_papers_measure_source_next(in, &piece)) ==
           SHMRPC_MORE) {
        bytes += piece->len;
    }
    return tell_bytes(ctx, bytes, status, ret);
}

static int upper(shmrpc_ctx *ctx, void *user, papers_papers_upper_source *in,
                 papers_papers_upper_sink *out)
{
    const shmrpc_bytes *piece;
    int status;
    (void)ctx;
    (void)user;
    begin();
    while ((status = papers_papers_upper_source_next(in, &piece)) ==
           SHMRPC_MORE) {
        uint8_t *copy = malloc(piece->len + 1);
        if (copy == NULL) {
            return end(SHMRPC_E_NO_MEMORY);
        }
        for (size_t i = 0; i < piece->len; i++) {
            copy[i] = (uint8_t)toupper(piece->ptr[i]);
        }
        const shmrpc_bytes item = {copy, piece->len};
        status = papers_papers_upper_sink_send(out, &item);
        free(copy);
        if (status != SHMRPC_OK) {
            break;
        }
    }
    return end(status);
}

static int hoard(shmrpc_ctx *ctx, void *user, papers_papers_hoard_source *in,
                 shmrpc_bytes *ret)
{
    const shmrpc_bytes *piece;
    uint64_t bytes = 0;
    uint32_t go = 0;
    int status;
    (void)user;
    begin();
    while (go == 0 && !shmrpc_ctx_cancelled(ctx)) {
        (void)usleep(1000);
        pthread_mutex_lock(&lock);
        go = released;
        pthread_mutex_unlock(&lock);
    }
    while ((status = papers_papers_hoard_source_next(in, &piece)) ==
           SHMRPC_MORE) {
        bytes += piece->len;
    }
    return tell_bytes(ctx, bytes, status, ret);
}

static int release(shmrpc_ctx *ctx, void *user)
{
    (void)ctx;
    (void)user;
    pthread_mutex_lock(&lock);
    released++;
    pthread_mutex_unlock(&lock);
    return SHMRPC_OK;
}

int main(int argc, char **argv)
{
    papers_papers_impl impl = PAPERS_PAPERS_IMPL_INIT;
    impl.ended = ended;
    impl.list = list;
    impl.first = first;
    impl.silent = silent;
    impl.full = full;
    impl.full_list = full_list;
    impl.file = file;
    impl.one = one;
    impl.twice = twice;
    impl.cat = cat;
    impl.measure = measure;
    impl.upper = upper;
    impl.hoard = hoard;
    impl.release = release;
    return papers_papers_main(argc, argv, &impl, NULL);
}
