/* Errors on their way from a server to its caller: number, name, message,
 * payload and the process that reports it. They are the same in every encoding,
 * over every transport, and for callers that don't know the error.
 * tools/shmrpc-web has the same table over HTTP. */
#include "harness.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "errors_client.h"
#include "errors_names.h"
#include "errors_old_client.h"
#include "errors_service.h"

/* ---- the server ---- */

typedef struct fixture {
    const char *scheme;
    bool is_relayed; /* through a gateway */
    /* For inproc the server is a thread, otherwise a program. */
    shmrpc_server *here;
    pthread_t thread;
    child server;
    child gateway;
    int32_t pid; /* the process that reports errors */
    errors_errors *client;
    old_errors *old;
} fixture;

static void *run(void *server)
{
    (void)shmrpc_server_run(server, NULL);
    return NULL;
}

static void serve_here(fixture *f, const char *where)
{
    shmrpc_error error;
    const errors_errors_impl impl = errors_service();
    shmrpc_server_opts opts = {.listen = where, .workers = 1};
    f->pid = (int32_t)getpid();
    if (shmrpc_server_create(&opts, &f->here, &error) != 0 ||
        errors_errors_serve(f->here, &impl, NULL, &error) != 0 ||
        pthread_create(&f->thread, NULL, run, f->here) != 0) {
        fail_msg("%s", error.message);
    }
}

/* Starts the server; writes the address for clients to `where`. */
static void serve(fixture *f, char where[96])
{
    char shm[96];
    harness_address("errors", shm);
    if (strcmp(f->scheme, "inproc://") == 0) {
        (void)snprintf(where, 96, "inproc://%s", strstr(shm, "://") + 3);
        serve_here(f, where);
        return;
    }
    if (strcmp(f->scheme, "unix://") == 0) {
        (void)snprintf(where, 96, "unix://%s/errors", harness_folder);
    } else {
        (void)snprintf(where, 96, "%s",
                       strcmp(f->scheme, "shm://") == 0 ? shm : f->scheme);
    }
    f->server = harness_serve(ERRORS_SERVER, where, "1");
    f->pid = (int32_t)f->server.pid;
    if (f->is_relayed) {
        f->gateway = harness_relay(shm, 5810, "tcp://:0");
    }
    if (strncmp(where, "shm:", 4) != 0 || f->is_relayed) {
        (void)snprintf(where, 96, "%s",
                       f->is_relayed ? f->gateway.place : f->server.place);
    }
}

static int set_up(void **state)
{
    fixture *f = *state;
    shmrpc_error error;
    char where[96];
    serve(f, where);
    if (errors_errors_connect(where, NULL, &f->client, &error) != 0 ||
        old_errors_connect(where, NULL, &f->old, &error) != 0) {
        fail_msg("%s", error.message);
    }
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    errors_errors_close(f->client);
    old_errors_close(f->old);
    if (f->here != NULL) {
        shmrpc_server_stop(f->here);
        (void)pthread_join(f->thread, NULL);
        shmrpc_server_destroy(f->here);
        return 0;
    }
    if (f->is_relayed) {
        harness_signal(&f->gateway, SIGTERM);
    }
    harness_signal(&f->server, SIGTERM);
    return 0;
}

/* ---- calls, the same for all encodings ---- */

/* The result of a call, whatever its encoding. */
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
    const errors_bad_query *wanted = &errors_thrown_bad_query;
    assert_int_equal(got->at, 12);
    expect_text(got->message, wanted->message);
    assert_int_equal(got->places.len, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(got->places.ptr[i].line, wanted->places.ptr[i].line);
        expect_text(got->places.ptr[i].file, wanted->places.ptr[i].file);
    }
    assert_int_equal(got->counts.len, 2);
    for (size_t i = 0; i < 2; i++) {
        expect_text(got->counts.ptr[i].key, wanted->counts.ptr[i].key);
        assert_true(got->counts.ptr[i].value == wanted->counts.ptr[i].value);
    }
    assert_non_null(got->nearest);
    assert_int_equal(got->nearest->line, UINT32_MAX);
    expect_text(got->nearest->file, wanted->nearest->file);
    assert_true(got->has_score);
    assert_true(got->score == 0.1);
    assert_int_equal(got->cause.tag, ERRORS_CAUSE_TEXT);
    expect_text(got->cause.u.text, wanted->cause.u.text);
    assert_int_equal(got->severity, 9);
    assert_int_equal(got->raw.len, wanted->raw.len);
    assert_memory_equal(got->raw.ptr, wanted->raw.ptr, got->raw.len);
    assert_memory_equal(got->triple, wanted->triple, sizeof got->triple);
    assert_true(got->offset == UINT64_MAX);
}

/* Expects exactly the payload of the error with which the call ended. */
static void expect_payload(const outcome *got, const errors_row *expected)
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
        expect_text(got->refused->why, errors_thrown_refused.why);
    }
    if (got->unheard != NULL) {
        expect_text(got->unheard->message, errors_thrown_unheard.message);
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
            assert_int_equal(got.status, errors_rows[i].status);
            assert_string_equal(got.error.name, errors_rows[i].name);
            assert_string_equal(got.error.message, errors_rows[i].message);
            assert_string_equal(got.error.path, "");
            assert_int_equal(got.error.code, errors_rows[i].status);
            assert_int_equal(got.error.pid, got.status != 0 ? f->pid : 0);
            assert_int_equal(got.reply != NULL, got.status >= 0);
            expect_payload(&got, &errors_rows[i]);
            methods[m].release(&got);
        }
    }
}

/* A payload outlives the slot, other calls and the connection. */
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

/* ---- a client that was built before most errors were declared ------------ */

#define OLD_CALL(method, argument)                                         \
    static void old_##method(const fixture *f, uint32_t which)             \
    {                                                                      \
        const old_errors_##method##_reply *reply = NULL;                   \
        shmrpc_error error = {.name = ""};                                 \
        uint8_t byte = byte_of(which);                                     \
        (void)byte;                                                        \
        int status =                                                       \
            old_errors_##method(f->old, argument, NULL, &reply, &error);   \
        assert_int_equal(status, errors_rows[which].status);               \
        assert_string_equal(error.name, errors_rows[which].name);          \
        assert_string_equal(error.message, errors_rows[which].message);    \
        assert_int_equal(error.pid, status != 0 ? f->pid : 0);             \
        assert_int_equal(reply != NULL, status >= 0);                      \
        assert_int_equal(old_errors_##method##_overflow(reply) != NULL,    \
                         status == 101 && errors_rows[which].has_payload); \
        old_errors_##method##_release(reply);                              \
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
    assert_int_equal(error.pid, f->pid);
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
        assert_int_equal(error.pid, f->pid);
    }
}

/* ---- 63 names, known to one client and unknown to the other -------------- */

static const char *const names[] = {
#define X(name, label) "test.errors." label,
    ERRORS_NAMES(X)
#undef X
};
#define NAMES ((uint32_t)(sizeof names / sizeof *names))

/* Checks the payload of the error that was thrown; the reply has no other
 * payload. Returns the error's index. */
static uint32_t check_named(const errors_errors_by_name_reply *reply,
                            uint32_t place)
{
    const int64_t numbers[] = ERRORS_NAMED_NUMBERS(place);
    uint32_t found = NAMES;
    uint32_t at = 0;
#define X(name, label)                                                      \
    {                                                                       \
        const errors_##name *got = errors_errors_by_name_##name(reply);     \
        if (got != NULL) {                                                  \
            found = at;                                                     \
            expect_text(got->text, errors_named_text);                      \
            assert_int_equal(got->numbers.len, 2);                          \
            assert_memory_equal(got->numbers.ptr, numbers, sizeof numbers); \
        }                                                                   \
        at++;                                                               \
    }
    ERRORS_NAMES(X)
#undef X
    return found;
}

static void expect_named(const fixture *f, uint32_t place, int status,
                         const shmrpc_error *error)
{
    char message[64];
    int number = ERRORS_NAMES_FIRST + (int)place;
    (void)snprintf(message, sizeof message, "declared error %d", number);
    assert_int_equal(status, number);
    assert_int_equal(error->code, number);
    assert_string_equal(error->name, names[place]);
    assert_string_equal(error->message, message);
    assert_int_equal(error->pid, f->pid);
}

static void sixty_three_names_arrive_whole(void **state)
{
    const fixture *f = *state;
    assert_int_equal(NAMES, 63);
    for (uint32_t i = 0; i < NAMES; i++) {
        const errors_errors_by_name_reply *reply = NULL;
        uint32_t none = 0;
        shmrpc_error error = {.name = ""};
        int status = errors_errors_by_name(f->client, i, NULL, &reply, &error);
        expect_named(f, i, status, &error);
        assert_int_equal(check_named(reply, i), i);
        errors_errors_by_name_release(reply);
        error = (shmrpc_error){.name = ""};
        status = old_errors_by_name(f->old, i, NULL, &none, &error);
        expect_named(f, i, status, &error);
    }
}

/* All cases of a transport share one server. */
#define CASE(test, set_up, tear_down, transport)                   \
    {                                                              \
#test ", " #transport, test, set_up, tear_down, &transport \
    }
#define OVER(transport)                                                        \
    CASE(every_error_arrives_whole, set_up, NULL, transport),                  \
        CASE(payload_lives_until_its_release, NULL, NULL, transport),          \
        CASE(value_of_an_error_is_zeros, NULL, NULL, transport),               \
        CASE(unknown_errors_keep_number_and_name, NULL, NULL, transport),      \
        CASE(every_status_has_number_name_and_message, NULL, NULL, transport), \
        CASE(status_that_none_may_return_is_INTERNAL, NULL, NULL, transport),  \
        CASE(sixty_three_names_arrive_whole, NULL, tear_down, transport)

int main(void)
{
    static fixture inproc = {.scheme = "inproc://"};
    static fixture shm = {.scheme = "shm://"};
    static fixture unix_ = {.scheme = "unix://"};
    static fixture tcp = {.scheme = "tcp://:0"};
    static fixture gateway = {.scheme = "shm://", .is_relayed = true};
    static const struct CMUnitTest tests[] = {
        OVER(inproc), OVER(shm), OVER(unix_), OVER(tcp), OVER(gateway),
    };
    return harness_main(tests, sizeof tests / sizeof *tests);
}
