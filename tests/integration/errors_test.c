/* Errors from a server to its caller: number, name, message, payload as values
 * and the process that reports it; the same in every encoding, over every
 * transport of this machine, and for callers that don't know the error. */
#include "harness.h"

#include <pthread.h>
#include <unistd.h>

#include "errors_client.h"
#include "errors_old_client.h"
#include "errors_server.h"

/* ---- what is thrown ---- */

#define TEXT(literal)                \
    {                                \
        literal, sizeof(literal) - 1 \
    }

static const errors_place places[] = {{7, TEXT("a.svc")}, {0, TEXT("")}};
static const errors_place nearest = {UINT32_MAX, TEXT("b\xC3\xA9")};
static const errors_bad_query_counts_entry counts[] = {
    {TEXT("small"), INT64_MIN}, {TEXT(""), 9007199254740993}};
static const uint8_t raw[] = {0, 255, 10, 0};

static const errors_bad_query bad_query = {
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
static const errors_overflow overflow = {INT64_MAX, 63};
static const common_refused refused = {TEXT("not today")};
static const errors_unheard unheard = {TEXT("news"), 5};

enum {
    BAD_QUERY,
    OVERFLOW_MAX,
    UNAVAILABLE,
    REFUSED,
    UNHEARD,
    UNHEARD_PLAIN,
    WITH_MESSAGE, /* Overflow, with a message of the handler's */
    WITHOUT_PAYLOAD,
    TOO_WIDE, /* a payload out of its bounds */
    OTHER,    /* raises one error, returns another */
    NOTHING_WRONG,
    CASES
};

static int throw_it(shmrpc_ctx *ctx, uint32_t which)
{
    errors_narrow wide = {TEXT("too long")};
    switch (which) {
    case BAD_QUERY:
        return errors_raise_bad_query(ctx, &bad_query);
    case OVERFLOW_MAX:
        return errors_raise_overflow(ctx, &overflow);
    case UNAVAILABLE:
        return ERRORS_ERR_UNAVAILABLE;
    case REFUSED:
        return common_raise_refused(ctx, &refused);
    case UNHEARD:
        return errors_raise_unheard(ctx, &unheard);
    case UNHEARD_PLAIN:
        return shmrpc_ctx_fail(ctx, ERRORS_ERR_UNHEARD_PLAIN, "no comment");
    case WITH_MESSAGE:
        (void)shmrpc_ctx_fail(ctx, 0, "more than %d bits", 63);
        return errors_raise_overflow(ctx, &overflow);
    case WITHOUT_PAYLOAD:
        return errors_raise_overflow(ctx, NULL);
    case TOO_WIDE:
        return errors_raise_narrow(ctx, &wide);
    case OTHER:
        (void)errors_raise_bad_query(ctx, &bad_query);
        return ERRORS_ERR_OVERFLOW;
    default:
        return SHMRPC_OK;
    }
}

typedef struct row {
    int status;
    const char *name;
    const char *message;
    bool has_payload;
} row;

/* By the cases above. */
static const row rows[CASES] = {
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

/* ---- the server ---- */

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

typedef struct fixture {
    shmrpc_server *server;
    pthread_t thread;
    errors_errors *client;
    old_errors *old;
} fixture;

static void *run(void *server)
{
    (void)shmrpc_server_run(server, NULL);
    return NULL;
}

static int set_up(void **state)
{
    static fixture f;
    const char *scheme = *state;
    shmrpc_error error;
    char shm[96];
    char where[128];
    harness_address("errors", shm);
    (void)snprintf(where, sizeof where, "%s%s", scheme, strstr(shm, "://"));
    errors_errors_impl impl = ERRORS_ERRORS_IMPL_INIT;
    impl.by_json = by_json;
    impl.by_msgpack = by_msgpack;
    impl.by_native = by_native;
    impl.by_raw = by_raw;
    impl.plain = plain;
    shmrpc_server_opts opts = {.listen = where, .workers = 1};
    *state = &f;
    if (shmrpc_server_create(&opts, &f.server, &error) != 0 ||
        errors_errors_serve(f.server, &impl, NULL, &error) != 0 ||
        pthread_create(&f.thread, NULL, run, f.server) != 0 ||
        errors_errors_connect(where, NULL, &f.client, &error) != 0 ||
        old_errors_connect(where, NULL, &f.old, &error) != 0) {
        fail_msg("%s", error.message);
    }
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    errors_errors_close(f->client);
    old_errors_close(f->old);
    shmrpc_server_stop(f->server);
    (void)pthread_join(f->thread, NULL);
    shmrpc_server_destroy(f->server);
    return 0;
}

/* ---- calls, alike for all encodings ---- */

/* What a call has given, whatever its encoding. */
typedef struct outcome {
    int status;
    shmrpc_error error;
    const void *reply;
    const errors_bad_query *bad_query;
    const errors_overflow *overflow;
    const errors_narrow *narrow;
    const common_refused *refused;
    const errors_unheard *unheard;
} outcome;

static uint8_t byte_of(uint32_t which)
{
    return (uint8_t)which;
}

#define CALL(method, argument)                                                \
    static void call_##method(const fixture *f, uint32_t which, outcome *out) \
    {                                                                         \
        const errors_errors_##method##_reply *reply = NULL;                   \
        uint8_t byte = byte_of(which);                                        \
        (void)byte;                                                           \
        out->status = errors_errors_##method(f->client, argument, NULL,       \
                                             &reply, &out->error);            \
        out->reply = reply;                                                   \
        out->bad_query = errors_errors_##method##_bad_query(reply);           \
        out->overflow = errors_errors_##method##_overflow(reply);             \
        out->narrow = errors_errors_##method##_narrow(reply);                 \
        out->refused = errors_errors_##method##_refused(reply);               \
        out->unheard = errors_errors_##method##_unheard(reply);               \
    }                                                                         \
    static void release_##method(const outcome *out)                          \
    {                                                                         \
        errors_errors_##method##_release(out->reply);                         \
    }
CALL(by_json, which)
CALL(by_msgpack, which)
CALL(by_native, which)
CALL(by_raw, shmrpc_bytes_of(&byte, 1))

static const struct {
    void (*call)(const fixture *f, uint32_t which, outcome *out);
    void (*release)(const outcome *out);
} methods[] = {
    {call_by_json, release_by_json},
    {call_by_msgpack, release_by_msgpack},
    {call_by_native, release_by_native},
    {call_by_raw, release_by_raw},
};
#define METHODS (sizeof methods / sizeof *methods)

static void expect_text(shmrpc_str got, shmrpc_str expected)
{
    assert_int_equal(got.len, expected.len);
    assert_true(shmrpc_str_equal(got, expected));
}

static void expect_bad_query(const errors_bad_query *got)
{
    assert_int_equal(got->at, 12);
    expect_text(got->message, bad_query.message);
    assert_int_equal(got->places.len, 2);
    assert_int_equal(got->places.ptr[0].line, 7);
    expect_text(got->places.ptr[0].file, places[0].file);
    assert_int_equal(got->counts.len, 2);
    for (size_t i = 0; i < 2; i++) {
        expect_text(got->counts.ptr[i].key, counts[i].key);
        assert_true(got->counts.ptr[i].value == counts[i].value);
    }
    assert_non_null(got->nearest);
    expect_text(got->nearest->file, nearest.file);
    assert_true(got->has_score);
    assert_true(got->score == 0.1);
    assert_int_equal(got->cause.tag, ERRORS_CAUSE_TEXT);
    expect_text(got->cause.u.text, bad_query.cause.u.text);
    assert_int_equal(got->severity, 9);
    assert_int_equal(got->raw.len, sizeof raw);
    assert_memory_equal(got->raw.ptr, raw, sizeof raw);
    assert_memory_equal(got->triple, bad_query.triple, sizeof got->triple);
    assert_true(got->offset == UINT64_MAX);
}

/* Exactly the payload of the error in which the call has ended. */
static void expect_payload(const outcome *got, const row *expected)
{
    bool has = expected->has_payload;
    assert_int_equal(got->bad_query != NULL, has && expected->status == 100);
    assert_int_equal(got->overflow != NULL, has && expected->status == 101);
    assert_int_equal(got->refused != NULL, has && expected->status == 200);
    assert_int_equal(got->unheard != NULL,
                     has && expected->status == 2147483647);
    assert_null(got->narrow);
    if (got->bad_query != NULL) {
        expect_bad_query(got->bad_query);
    }
    if (got->overflow != NULL) {
        assert_true(got->overflow->limit == INT64_MAX);
        assert_int_equal(got->overflow->bits, 63);
    }
    if (got->refused != NULL) {
        expect_text(got->refused->why, refused.why);
    }
    if (got->unheard != NULL) {
        expect_text(got->unheard->message, unheard.message);
        assert_int_equal(got->unheard->id, 5);
    }
}

static void every_error_arrives_whole(void **state)
{
    const fixture *f = *state;
    for (size_t m = 0; m < METHODS; m++) {
        for (uint32_t i = 0; i < CASES; i++) {
            outcome got = {.error = {.name = ""}};
            methods[m].call(f, i, &got);
            assert_int_equal(got.status, rows[i].status);
            assert_string_equal(got.error.name, rows[i].name);
            assert_string_equal(got.error.message, rows[i].message);
            assert_string_equal(got.error.path, "");
            assert_int_equal(got.error.code, rows[i].status);
            assert_int_equal(got.error.pid, got.status != 0 ? getpid() : 0);
            assert_int_equal(got.reply != NULL, got.status >= 0);
            expect_payload(&got, &rows[i]);
            methods[m].release(&got);
        }
    }
}

/* The arguments outlive the slot, other calls and the connection. */
static void payload_lives_until_its_release(void **state)
{
    const fixture *f = *state;
    outcome kept[METHODS];
    for (size_t m = 0; m < METHODS; m++) {
        methods[m].call(f, BAD_QUERY, &kept[m]);
        for (uint32_t i = 0; i < 100; i++) {
            outcome other;
            methods[m].call(f, i % CASES, &other);
            methods[m].release(&other);
        }
    }
    for (size_t m = 0; m < METHODS; m++) {
        expect_bad_query(kept[m].bad_query);
        methods[m].release(&kept[m]);
    }
}

static void value_of_an_error_is_zeros(void **state)
{
    const fixture *f = *state;
    const errors_errors_by_json_reply *text = NULL;
    const errors_errors_by_msgpack_reply *number = NULL;
    assert_int_equal(
        errors_errors_by_json(f->client, BAD_QUERY, NULL, &text, NULL), 100);
    assert_null(text->value.ptr);
    assert_int_equal(text->value.len, 0);
    errors_errors_by_json_release(text);
    assert_int_equal(
        errors_errors_by_msgpack(f->client, NOTHING_WRONG, NULL, &number, NULL),
        0);
    assert_int_equal(number->value, NOTHING_WRONG);
    errors_errors_by_msgpack_release(number);
    assert_int_equal(
        errors_errors_by_msgpack(f->client, OVERFLOW_MAX, NULL, &number, NULL),
        101);
    assert_int_equal(number->value, 0);
    errors_errors_by_msgpack_release(number);
}

/* ---- a client that was built before most errors were declared ---- */

#define OLD_CALL(method, argument)                                       \
    static void old_##method(const fixture *f, uint32_t which)           \
    {                                                                    \
        const old_errors_##method##_reply *reply = NULL;                 \
        shmrpc_error error = {.name = ""};                               \
        uint8_t byte = byte_of(which);                                   \
        (void)byte;                                                      \
        int status =                                                     \
            old_errors_##method(f->old, argument, NULL, &reply, &error); \
        assert_int_equal(status, rows[which].status);                    \
        assert_string_equal(error.name, rows[which].name);               \
        assert_string_equal(error.message, rows[which].message);         \
        assert_int_equal(error.pid, status != 0 ? getpid() : 0);         \
        assert_int_equal(reply != NULL, status >= 0);                    \
        assert_int_equal(old_errors_##method##_overflow(reply) != NULL,  \
                         status == 101 && rows[which].has_payload);      \
        old_errors_##method##_release(reply);                            \
    }
OLD_CALL(by_json, which)
OLD_CALL(by_msgpack, which)
OLD_CALL(by_native, which)
OLD_CALL(by_raw, shmrpc_bytes_of(&byte, 1))

static void unknown_errors_keep_number_and_name(void **state)
{
    const fixture *f = *state;
    for (uint32_t i = 0; i < CASES; i++) {
        old_by_json(f, i);
        old_by_msgpack(f, i);
        old_by_native(f, i);
        old_by_raw(f, i);
    }
    uint32_t out = 0;
    shmrpc_error error;
    assert_int_equal(
        old_errors_plain(f->old, 500, shmrpc_str_of("why"), NULL, &out, &error),
        500);
    assert_string_equal(error.name, "test.errors.UnheardPlain");
    assert_string_equal(error.message, "why");
}

/* ---- the runtime's own statuses ---- */

static void expect_status(const fixture *f, int status, const char *name,
                          const char *text)
{
    uint32_t out = 3;
    shmrpc_error error;
    assert_int_equal(errors_errors_plain(f->client, status, shmrpc_str_of(""),
                                         NULL, &out, &error),
                     status);
    assert_int_equal(error.code, status);
    assert_string_equal(error.name, name);
    if (status != SHMRPC_E_TOO_LARGE && status != SHMRPC_E_DEADLINE) {
        assert_string_equal(error.message, text);
    }
    assert_int_equal(error.pid, getpid());
    assert_int_equal(errors_errors_plain(f->client, status,
                                         shmrpc_str_of("a message"), NULL, &out,
                                         &error),
                     status);
    assert_string_equal(error.name, name);
    assert_string_equal(error.message, "a message");
    assert_int_equal(out, 3);
}

static void every_status_has_number_name_and_message(void **state)
{
    const fixture *f = *state;
#define X(name, number, connect, http, may_have_run, text) \
    expect_status(f, number, #name, text);
    SHMRPC_STATUS_LIST(X)
#undef X
    expect_status(f, 102, "test.errors.Unavailable", "declared error 102");
    expect_status(f, 500, "test.errors.UnheardPlain", "declared error 500");
}

static void status_that_none_may_return_is_INTERNAL(void **state)
{
    const fixture *f = *state;
    static const int32_t none[] = {1, 99, 100, 101, 2147483647, -28, INT32_MIN};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        uint32_t out = 0;
        shmrpc_error error;
        assert_int_equal(errors_errors_plain(f->client, none[i],
                                             shmrpc_str_of("x"), NULL, &out,
                                             &error),
                         SHMRPC_E_INTERNAL);
        assert_string_equal(error.name, "INTERNAL");
        assert_int_equal(error.pid, getpid());
    }
}

/* Over both transports of this machine. */
#define BOTH(test)                                       \
    {#test ", inproc", test, set_up, tear_down, inproc}, \
    {                                                    \
#test ", shm", test, set_up, tear_down, shm      \
    }

int main(void)
{
    static char inproc[] = "inproc";
    static char shm[] = "shm";
    static const struct CMUnitTest tests[] = {
        BOTH(every_error_arrives_whole),
        BOTH(payload_lives_until_its_release),
        BOTH(value_of_an_error_is_zeros),
        BOTH(unknown_errors_keep_number_and_name),
        BOTH(every_status_has_number_name_and_message),
        BOTH(status_that_none_may_return_is_INTERNAL),
    };
    return harness_main(tests, sizeof tests / sizeof *tests);
}
