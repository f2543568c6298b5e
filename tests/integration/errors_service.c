/* Throws errors of every kind, from methods of every encoding. */
#include "errors_service.h"

#include "errors_names.h"

/* ---- errors thrown ---- */

#define TEXT(literal)                \
    {                                \
        literal, sizeof(literal) - 1 \
    }

static const errors_place places[] = {{7, TEXT("a.svc")}, {0, TEXT("")}};
static const errors_place nearest = {UINT32_MAX, TEXT("b\xC3\xA9")};
static const errors_bad_query_counts_entry counts[] = {
    {TEXT("small"), INT64_MIN}, {TEXT(""), 9007199254740993}};
static const uint8_t raw[] = {0, 255, 10, 0};

const errors_bad_query errors_thrown_bad_query = {
    .at = 12,
    .message = TEXT("unexpected `)`"),
    .places = {places, 2},
    .counts = {counts, 2},
    .nearest = &nearest,
    .has_score = true,
    .score = 0.1,
    .cause = {ERRORS_CAUSE_TEXT, {.text = TEXT("typing")}},
    .severity = 9,
    .raw = {raw, sizeof raw},
    .triple = {1, 2, 65535},
    .offset = UINT64_MAX,
};
const errors_overflow errors_thrown_overflow = {INT64_MAX, 63};
const common_refused errors_thrown_refused = {TEXT("not today")};
const errors_unheard errors_thrown_unheard = {TEXT("news"), 5};

static int throw_it(shmrpc_ctx *ctx, uint32_t which)
{
    errors_narrow wide = {TEXT("too long")};
    switch (which) {
    case BAD_QUERY:
        return errors_raise_bad_query(ctx, &errors_thrown_bad_query);
    case OVERFLOW_MAX:
        return errors_raise_overflow(ctx, &errors_thrown_overflow);
    case UNAVAILABLE:
        return ERRORS_ERR_UNAVAILABLE;
    case REFUSED:
        return common_raise_refused(ctx, &errors_thrown_refused);
    case UNHEARD:
        return errors_raise_unheard(ctx, &errors_thrown_unheard);
    case UNHEARD_PLAIN:
        return shmrpc_ctx_fail(ctx, ERRORS_ERR_UNHEARD_PLAIN, "no comment");
    case WITH_MESSAGE:
        (void)shmrpc_ctx_fail(ctx, 0, "more than %d bits", 63);
        return errors_raise_overflow(ctx, &errors_thrown_overflow);
    case WITHOUT_PAYLOAD:
        return errors_raise_overflow(ctx, NULL);
    case TOO_WIDE:
        return errors_raise_narrow(ctx, &wide);
    case OTHER:
        (void)errors_raise_bad_query(ctx, &errors_thrown_bad_query);
        return ERRORS_ERR_OVERFLOW;
    default:
        return SHMRPC_OK;
    }
}

const errors_row errors_rows[CASES] = {
    {100, "test.errors.BadQuery", "unexpected `)`", true},
    {101, "test.errors.Overflow", "declared error 101", true},
    {102, "test.errors.Unavailable", "declared error 102", false},
    {200, "test.common.Refused", "declared error 200", true},
    {2147483647, "test.errors.Unheard", "news", true},
    {500, "test.errors.UnheardPlain", "no comment", false},
    {101, "test.errors.Overflow", "more than 63 bits", true},
    {101, "test.errors.Overflow", "declared error 101", false},
    {SHMRPC_E_INTERNAL, "INTERNAL",
     "error test.errors.Narrow: text: length 8, allowed 1..4", false},
    {101, "test.errors.Overflow", "unexpected `)`", false},
    {SHMRPC_OK, "", "", false},
};

/* ---- methods ---- */

static int by_json(shmrpc_ctx *ctx, void *user, uint32_t which, shmrpc_str *ret)
{
    (void)user;
    *ret = shmrpc_str_of("fine");
    return throw_it(ctx, which);
}

static int by_msgpack(shmrpc_ctx *ctx, void *user, uint32_t which,
                      uint32_t *ret)
{
    (void)user;
    *ret = which;
    return throw_it(ctx, which);
}

static int by_native(shmrpc_ctx *ctx, void *user, uint32_t which)
{
    (void)user;
    return throw_it(ctx, which);
}

static int by_raw(shmrpc_ctx *ctx, void *user, shmrpc_bytes which,
                  shmrpc_bytes *ret)
{
    (void)user;
    *ret = which;
    return throw_it(ctx, which.ptr[0]);
}

static int plain(shmrpc_ctx *ctx, void *user, int32_t status,
                 shmrpc_str message, uint32_t *ret)
{
    (void)user;
    (void)ret;
    return message.len > 0 ? shmrpc_ctx_fail(ctx, status, "%s", message.ptr)
                           : status;
}

/* ---- errors of other packages ---- */

const shmrpc_str errors_named_text = TEXT("what it was about");

#define X(name, label)                                                  \
    static int throw_##name(shmrpc_ctx *ctx, const int64_t *numbers)    \
    {                                                                   \
        const errors_##name thrown = {errors_named_text, {numbers, 2}}; \
        return errors_raise_##name(ctx, &thrown);                       \
    }
ERRORS_NAMES(X)
#undef X

static int by_name(shmrpc_ctx *ctx, void *user, uint32_t place, uint32_t *ret)
{
    static int (*const all[])(shmrpc_ctx * ctx, const int64_t *numbers) = {
#define X(name, label) throw_##name,
        ERRORS_NAMES(X)
#undef X
    };
    const int64_t numbers[] = ERRORS_NAMED_NUMBERS(place);
    (void)user;
    (void)ret;
    return place < sizeof all / sizeof *all ? all[place](ctx, numbers)
                                            : SHMRPC_E_OUT_OF_RANGE;
}

errors_errors_impl errors_service(void)
{
    errors_errors_impl impl = ERRORS_ERRORS_IMPL_INIT;
    impl.by_json = by_json;
    impl.by_msgpack = by_msgpack;
    impl.by_native = by_native;
    impl.by_raw = by_raw;
    impl.plain = plain;
    impl.by_name = by_name;
    return impl;
}
