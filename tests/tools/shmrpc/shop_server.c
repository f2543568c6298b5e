/* Serves shop.svc. */
#include "shop_server.h"

static int buy(shmrpc_ctx *ctx, void *user, const shop_item *item,
               uint32_t count, shmrpc_str *ret)
{
    (void)user;
    if (count > 3) {
        const shop_sold_out detail = {item->title, count - 3};
        return shop_raise_sold_out(ctx, &detail);
    }
    *ret = item->title;
    return SHMRPC_OK;
}

/* Returns bytes, which JSON can't show. */
static int odd(shmrpc_ctx *ctx, void *user, shmrpc_any *ret)
{
    (void)ctx;
    (void)user;
    *ret = shmrpc_any_bytes("\x01\x02", 2);
    return SHMRPC_OK;
}

static int forget(shmrpc_ctx *ctx, void *user, shmrpc_str text)
{
    (void)ctx;
    (void)user;
    (void)text;
    return SHMRPC_OK;
}

/* Prints an item of the call's metadata or trace, if present. */
static void tell(shmrpc_ctx *ctx, const char *key, const char *value)
{
    if (value != NULL) {
        (void)shmrpc_ctx_set_reply_metadata(ctx, key, value);
    }
}

static int text(shmrpc_ctx *ctx, void *user, shmrpc_str in, shmrpc_str *ret)
{
    (void)user;
    tell(ctx, "for", shmrpc_ctx_metadata(ctx, "tenant"));
    tell(ctx, "in", shmrpc_ctx_metadata(ctx, "traceparent"));
    *ret = in;
    return SHMRPC_OK;
}

int main(int argc, char **argv)
{
    shop_shop_impl impl = SHOP_SHOP_IMPL_INIT;
    impl.buy = buy;
    impl.odd = odd;
    impl.forget = forget;
    impl.text = text;
    return shop_shop_main(argc, argv, &impl, NULL);
}
