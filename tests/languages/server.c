/* Serves conform.svc as simply as possible in C: it returns its parameters, and
 * fails as the caller asks. Servers in other languages must behave in the same
 * way (README.md). */
#include "conform_server.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "shmrpc/fault.h"

/* Number of calls so far, without those of `served` itself. */
static uint64_t calls;
static uint64_t notes;

/* ---- echoes -------------------------------------------------------------- */

#define VALUES(X)                  \
    X(bool, bool)                  \
    X(i8, int8_t)                  \
    X(i16, int16_t)                \
    X(i32, int32_t)                \
    X(i64, int64_t)                \
    X(u8, uint8_t)                 \
    X(u16, uint16_t)               \
    X(u32, uint32_t)               \
    X(u64, uint64_t)               \
    X(f32, float)                  \
    X(f64, double)                 \
    X(string, shmrpc_str)          \
    X(bytes, shmrpc_bytes)         \
    X(color, conform_color)        \
    X(level, conform_level)        \
    X(word, shmrpc_str)            \
    X(port, uint32_t)              \
    X(offset, int32_t)             \
    X(ratio, double)               \
    X(key, shmrpc_bytes)           \
    X(words, shmrpc_str_list)      \
    X(grid, conform_u16_list_list) \
    X(points, conform_point_list)

/* Structs and unions are passed by pointer. */
#define POINTED(X)          \
    X(point, conform_point) \
    X(shape, conform_shape) \
    X(all, conform_all)     \
    X(tree, conform_tree)   \
    X(small, conform_small)

/* Each encoding has its own type for the same map. */
#define MAPS(X)       \
    X(json_counts)    \
    X(json_places)    \
    X(msgpack_counts) \
    X(msgpack_places) \
    X(native_counts)  \
    X(native_places)

#define X(kind, type)                                                      \
    static int echo_##kind(shmrpc_ctx *ctx, void *user, type v, type *ret) \
    {                                                                      \
        (void)ctx;                                                         \
        (void)user;                                                        \
        calls++;                                                           \
        *ret = v;                                                          \
        return SHMRPC_OK;                                                  \
    }
VALUES(X)
#undef X

#define X(kind, type)                                                  \
    static int echo_##kind(shmrpc_ctx *ctx, void *user, const type *v, \
                           type *ret)                                  \
    {                                                                  \
        (void)ctx;                                                     \
        (void)user;                                                    \
        calls++;                                                       \
        *ret = *v;                                                     \
        return SHMRPC_OK;                                              \
    }
POINTED(X)
X(any, shmrpc_any)
#undef X

/* An entry of the parameter and an entry of the result have different types
 * with the same layout, so the entries are returned as they are. */
#define X(name)                                                                \
    static int name(shmrpc_ctx *ctx, void *user, conform_conform_##name##_v v, \
                    conform_conform_##name##_result *ret)                      \
    {                                                                          \
        (void)ctx;                                                             \
        (void)user;                                                            \
        calls++;                                                               \
        ret->ptr =                                                             \
            (const conform_conform_##name##_result_entry *)(const void *)      \
                v.ptr;                                                         \
        ret->len = v.len;                                                      \
        return SHMRPC_OK;                                                      \
    }
MAPS(X)
#undef X

static int echo_bits(shmrpc_ctx *ctx, void *user, const uint8_t v[3],
                     uint8_t ret[3])
{
    (void)ctx;
    (void)user;
    calls++;
    memcpy(ret, v, 3);
    return SHMRPC_OK;
}

static int echo_corners(shmrpc_ctx *ctx, void *user, const conform_point v[2],
                        conform_point ret[2])
{
    (void)ctx;
    (void)user;
    calls++;
    memcpy(ret, v, 2 * sizeof *v);
    return SHMRPC_OK;
}

static int defaults(shmrpc_ctx *ctx, void *user, int64_t a, uint32_t b,
                    shmrpc_str c, const shmrpc_str *d, conform_color e,
                    double from, conform_given *ret)
{
    (void)ctx;
    (void)user;
    calls++;
    *ret = (conform_given){.a = a, .b = b, .c = c, .e = e, .from = from};
    ret->has_d = d != NULL;
    if (d != NULL) {
        ret->d = *d;
    }
    return SHMRPC_OK;
}

static int import(shmrpc_ctx *ctx, void *user, shmrpc_str class_, uint32_t def,
                  shmrpc_str *ret)
{
    (void)user;
    calls++;
    char *text = shmrpc_ctx_alloc(ctx, class_.len * def + 1, 1);
    if (text == NULL) {
        return SHMRPC_E_NO_MEMORY;
    }
    for (uint32_t i = 0; i < def; i++) {
        memcpy(text + i * class_.len, class_.ptr, class_.len);
    }
    *ret = (shmrpc_str){text, class_.len * def};
    return SHMRPC_OK;
}

static int class_(shmrpc_ctx *ctx, void *user, const uint32_t *for_,
                  uint32_t *ret)
{
    (void)ctx;
    (void)user;
    calls++;
    *ret = for_ != NULL ? *for_ : 4000;
    return SHMRPC_OK;
}

static int nothing(shmrpc_ctx *ctx, void *user)
{
    (void)ctx;
    (void)user;
    calls++;
    return SHMRPC_OK;
}

/* ---- failures ------------------------------------------------------------ */

#define TEXT(literal)                \
    {                                \
        literal, sizeof(literal) - 1 \
    }

static const conform_point points[] = {{1, 2}, {-3, 7}};
static const conform_point nearest = {INT32_MIN, INT32_MAX};
static const conform_bad_query_counts_entry counts[] = {
    {TEXT("least"), INT64_MIN}, {TEXT(""), 9007199254740993}};
static const uint8_t raw[] = {0, 255, 10};

static const conform_bad_query bad_query = {
    .at = 12,
    .message = TEXT("unexpected `)`"),
    .points = {points, 2},
    .counts = {counts, 2},
    .nearest = &nearest,
    .shape = {CONFORM_SHAPE_TEXT, {.text = TEXT("h\xC3\xA9")}},
    .color = CONFORM_COLOR_GREEN,
    .raw = {raw, sizeof raw},
    .offset = UINT64_MAX,
};
static const conform_bad_query least_query = CONFORM_BAD_QUERY_DEFAULTS;
static const conform_overflow overflow = {INT64_MAX, 63};

static bool is(shmrpc_str text, const char *word)
{
    return shmrpc_str_equal(text, shmrpc_str_of(word));
}

static int fail(shmrpc_ctx *ctx, void *user, shmrpc_str how, uint32_t *ret)
{
    (void)user;
    calls++;
    *ret = (uint32_t)how.len;
    if (is(how, "BadQuery")) {
        return conform_raise_bad_query(ctx, &bad_query);
    }
    if (is(how, "BadQuery.least")) {
        conform_bad_query least = least_query;
        least.shape.tag = CONFORM_SHAPE_NUMBER;
        return conform_raise_bad_query(ctx, &least);
    }
    if (is(how, "Overflow")) {
        return conform_raise_overflow(ctx, &overflow);
    }
    if (is(how, "Plain")) {
        return CONFORM_ERR_PLAIN;
    }
    if (is(how, "Plain.message")) {
        return shmrpc_ctx_fail(ctx, CONFORM_ERR_PLAIN, "for a reason");
    }
    return SHMRPC_OK;
}

static int status(shmrpc_ctx *ctx, void *user, int32_t status_,
                  shmrpc_str message, uint32_t *ret)
{
    (void)user;
    calls++;
    *ret = (uint32_t)message.len;
    return shmrpc_ctx_fail(ctx, status_, "%.*s", (int)message.len, message.ptr);
}

static int fault(shmrpc_ctx *ctx, void *user, shmrpc_str type,
                 shmrpc_str message, shmrpc_any_list args, uint32_t *ret)
{
    const shmrpc_fault it = {.type = type,
                             .message = message,
                             .args = shmrpc_any_list_of(args.ptr, args.len)};
    (void)user;
    (void)ret;
    calls++;
    return shmrpc_ctx_fault(ctx, &it);
}

/* ---- time and number ----------------------------------------------------- */

static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int nap(shmrpc_ctx *ctx, void *user, uint32_t ms, uint32_t *ret)
{
    static const struct timespec slice = {.tv_nsec = 1000000};
    int64_t end_ms = now_ms() + ms;
    (void)user;
    calls++;
    *ret = ms;
    while (now_ms() < end_ms) {
        if (shmrpc_ctx_cancelled(ctx)) {
            return SHMRPC_E_CANCELLED;
        }
        (void)nanosleep(&slice, NULL);
    }
    return SHMRPC_OK;
}

static int note(shmrpc_ctx *ctx, void *user, uint32_t number)
{
    (void)ctx;
    (void)user;
    calls++;
    notes += number;
    return SHMRPC_OK;
}

static int noted(shmrpc_ctx *ctx, void *user, uint64_t *ret)
{
    (void)ctx;
    (void)user;
    calls++;
    *ret = notes;
    return SHMRPC_OK;
}

static int served(shmrpc_ctx *ctx, void *user, uint64_t *ret)
{
    (void)ctx;
    (void)user;
    *ret = calls;
    return SHMRPC_OK;
}

/* Appends eight bytes to the file in one write, which is atomic among
 * processes. */
static int once(shmrpc_ctx *ctx, void *user, uint64_t number, uint32_t *ret)
{
    (void)user;
    const char *path = getenv("CONFORM_LEDGER");
    int fd = path != NULL
                 ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600)
                 : -1;
    if (fd < 0) {
        return shmrpc_ctx_fail(ctx, SHMRPC_E_PRECONDITION, "no ledger");
    }
    ssize_t written = write(fd, &number, sizeof number);
    (void)close(fd);
    *ret = (uint32_t)getpid();
    return written == (ssize_t)sizeof number ? SHMRPC_OK : SHMRPC_E_INTERNAL;
}

int main(int argc, char **argv)
{
    conform_conform_impl impl = CONFORM_CONFORM_IMPL_INIT;
#define X(kind, type) \
    impl.json_##kind = impl.msgpack_##kind = impl.native_##kind = echo_##kind;
    VALUES(X)
    POINTED(X)
    X(bits, )
    X(corners, )
#undef X
#define X(name) impl.name = name;
    MAPS(X)
#undef X
    impl.raw_bytes = echo_bytes;
    impl.json_any = impl.msgpack_any = echo_any;
    impl.json_defaults = impl.msgpack_defaults = defaults;
    impl.native_defaults = defaults;
    impl.json_fail = impl.msgpack_fail = impl.native_fail = fail;
    impl.status = status;
    impl.fault = fault;
    impl.sleep = nap;
    impl.import = import;
    impl.class_ = class_;
    impl.note = note;
    impl.noted = noted;
    impl.nothing = nothing;
    impl.served = served;
    impl.once = once;
    return conform_conform_main(argc, argv, &impl, NULL);
}
