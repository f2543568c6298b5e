/* Answers with the contents of the request, so that a test sees what has
 * arrived. */
#include "library_server.h"

#include <stdio.h>
#include <string.h>

#define TITLE_BYTES 256

static int find(shmrpc_ctx *ctx, void *user, shmrpc_str text, uint32_t limit,
                library_order order, const bool *exact,
                const shmrpc_str_list *tags, library_hit_list *ret)
{
    library_hit *hit =
        shmrpc_ctx_alloc(ctx, sizeof *hit, _Alignof(library_hit));
    char *title = shmrpc_ctx_alloc(ctx, TITLE_BYTES, 1);
    (void)user;
    if (hit == NULL || title == NULL) {
        return SHMRPC_E_NO_MEMORY;
    }
    int len = snprintf(title, TITLE_BYTES, "%s/%s/%s/%s", text.ptr,
                       order == LIBRARY_ORDER_DATE ? "date" : "relevance",
                       exact == NULL ? "-"
                       : *exact      ? "exact"
                                     : "loose",
                       tags != NULL ? tags->ptr[0].ptr : "");
    hit->id = limit;
    hit->title = (shmrpc_str){title, (size_t)len};
    *ret = (library_hit_list){hit, 1};
    return SHMRPC_OK;
}

static int fetch(shmrpc_ctx *ctx, void *user, shmrpc_str key, library_hit *ret)
{
    (void)user;
    if (strcmp(key.ptr, "none") == 0) {
        const library_no_book detail = {
            .key = key, .has_nearest = true, .nearest = {"nine", 4}};
        return library_raise_no_book(ctx, &detail);
    }
    *ret = (library_hit){.id = key.len, .title = key};
    return SHMRPC_OK;
}

static int store(shmrpc_ctx *ctx, void *user, shmrpc_str key, shmrpc_str title,
                 uint64_t id, library_hit *ret)
{
    (void)ctx;
    (void)user;
    *ret = (library_hit){.id = id, .title = title.len > 0 ? title : key};
    return SHMRPC_OK;
}

static int drop(shmrpc_ctx *ctx, void *user, uint32_t shelf, uint32_t place,
                uint32_t *ret)
{
    (void)ctx;
    (void)user;
    *ret = shelf * 1000 + place;
    return SHMRPC_OK;
}

static int count(shmrpc_ctx *ctx, void *user, uint64_t *ret)
{
    (void)ctx;
    *ret = ++*(uint64_t *)user;
    return SHMRPC_OK;
}

static int old(shmrpc_ctx *ctx, void *user, const shmrpc_any *what,
               shmrpc_any *ret)
{
    (void)ctx;
    (void)user;
    *ret = *what;
    return SHMRPC_OK;
}

int main(int argc, char **argv)
{
    uint64_t calls = 0;
    library_library_impl impl = LIBRARY_LIBRARY_IMPL_INIT;
    impl.find = find;
    impl.fetch = fetch;
    impl.store = store;
    impl.drop = drop;
    impl.count = count;
    impl.old = old;
    return library_library_main(argc, argv, &impl, &calls);
}
