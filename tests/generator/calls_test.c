/* Calls through generated code with types that are awkward in C: unions, maps,
 * arrays in all places, optional parameters. Client and server are in one
 * process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <string.h>

#include "calls_client.h"
#include "calls_server.h"

typedef struct fixture {
    shmrpc_server *server;
    pthread_t thread;
    calls_calls *client;
} fixture;

static int echo_odd(shmrpc_ctx *ctx, void *user, const calls_odd *odd,
                    calls_odd *ret)
{
    (void)ctx;
    (void)user;
    *ret = *odd;
    return SHMRPC_OK;
}

static int add_to_big(shmrpc_ctx *ctx, void *user, const calls_big *big,
                      uint64_t more, calls_big *ret)
{
    (void)ctx;
    (void)user;
    *ret = *big;
    ret->id += more;
    return SHMRPC_OK;
}

/* Rotates the grid by half a turn; adds `more` if it is present. */
static int turn_grid(shmrpc_ctx *ctx, void *user, const uint16_t grid[2][3],
                     const uint16_t more[2][3], uint16_t ret[2][3])
{
    (void)ctx;
    (void)user;
    for (int i = 0; i < 6; i++) {
        uint16_t added = more != NULL ? more[i / 3][i % 3] : 0;
        ret[i / 3][i % 3] = (uint16_t)(grid[1 - i / 3][2 - i % 3] + added);
    }
    return SHMRPC_OK;
}

static int swap_names(shmrpc_ctx *ctx, void *user, const shmrpc_str names[2],
                      shmrpc_str ret[2])
{
    (void)ctx;
    (void)user;
    ret[0] = names[1];
    ret[1] = names[0];
    return SHMRPC_OK;
}

/* Returns one bit for each parameter that is present. */
static int tell_options(shmrpc_ctx *ctx, void *user, const uint32_t *number,
                        const shmrpc_str *text, const calls_flat *flat,
                        const calls_flat_list *flats, uint32_t other,
                        uint32_t *ret)
{
    (void)ctx;
    (void)user;
    *ret = other * 100;
    *ret += number != NULL && *number == 5 ? 1 : 0;
    *ret += text != NULL && text->len == 2 ? 2 : 0;
    *ret += flat != NULL && flat->b == 6 ? 4 : 0;
    *ret += flats != NULL && flats->len == 1 ? 8 : 0;
    return SHMRPC_OK;
}

/* ---- the same with detached calls ---------------------------------------- */

static int late_odd(shmrpc_ctx *ctx, void *user, const calls_odd *value,
                    calls_odd *ret)
{
    (void)user;
    (void)ret;
    shmrpc_ctx *call;
    int status = shmrpc_ctx_detach(ctx, &call);
    if (status == SHMRPC_DETACHED) {
        (void)calls_calls_odd_json_answer(call, SHMRPC_OK, value);
    }
    return status;
}

static int late_grid(shmrpc_ctx *ctx, void *user, const uint16_t grid[2][3],
                     const uint16_t more[2][3], uint16_t ret[2][3])
{
    (void)ret;
    uint16_t turned[2][3];
    shmrpc_ctx *call;
    (void)turn_grid(ctx, user, grid, more, turned);
    int status = shmrpc_ctx_detach(ctx, &call);
    if (status == SHMRPC_DETACHED) {
        (void)calls_calls_grid_answer(call, SHMRPC_OK,
                                      (const uint16_t(*)[3])turned);
    }
    return status;
}

static int late_names(shmrpc_ctx *ctx, void *user, const shmrpc_str names[2],
                      shmrpc_str ret[2])
{
    (void)ret;
    shmrpc_str swapped[2];
    shmrpc_ctx *call;
    (void)swap_names(ctx, user, names, swapped);
    int status = shmrpc_ctx_detach(ctx, &call);
    if (status == SHMRPC_DETACHED) {
        (void)calls_calls_names_answer(call, SHMRPC_OK, swapped);
    }
    return status;
}

static int late_options(shmrpc_ctx *ctx, void *user, const uint32_t *number,
                        const shmrpc_str *text, const calls_flat *flat,
                        const calls_flat_list *flats, uint32_t other,
                        uint32_t *ret)
{
    (void)ret;
    uint32_t told;
    shmrpc_ctx *call;
    (void)tell_options(ctx, user, number, text, flat, flats, other, &told);
    int status = shmrpc_ctx_detach(ctx, &call);
    if (status == SHMRPC_DETACHED) {
        (void)calls_calls_options_answer(call, SHMRPC_OK, &told);
    }
    return status;
}

/* This handler sets no result. */
static int late_refusal(shmrpc_ctx *ctx, void *user, const calls_big *big,
                        uint64_t more, calls_big *ret)
{
    (void)user;
    (void)big;
    (void)more;
    (void)ret;
    shmrpc_ctx *call;
    int status = shmrpc_ctx_detach(ctx, &call);
    if (status == SHMRPC_DETACHED) {
        (void)calls_calls_big_json_answer(
            call, shmrpc_ctx_fail(call, SHMRPC_E_PRECONDITION, "too late"),
            NULL);
    }
    return status;
}

/* ---- a server ---- */

static void *run(void *server)
{
    shmrpc_error error;
    return shmrpc_server_run(server, &error) == SHMRPC_OK ? server : NULL;
}

static int serve(void **state, const calls_calls_impl *impl)
{
    static fixture f;
    shmrpc_error error;
    shmrpc_server_opts opts = {.listen = "inproc://", .workers = 1};
    *state = &f;
    return shmrpc_server_create(&opts, &f.server, &error) != SHMRPC_OK ||
           calls_calls_serve(f.server, impl, NULL, &error) != SHMRPC_OK ||
           pthread_create(&f.thread, NULL, run, f.server) != 0 ||
           calls_calls_connect("inproc://", NULL, &f.client, &error) !=
               SHMRPC_OK;
}

static int set_up(void **state)
{
    calls_calls_impl impl = CALLS_CALLS_IMPL_INIT;
    impl.odd_json = echo_odd;
    impl.odd_msgpack = echo_odd;
    impl.odd_native = echo_odd;
    impl.big_json = add_to_big;
    impl.big_msgpack = add_to_big;
    impl.big_native = add_to_big;
    impl.grid = turn_grid;
    impl.names = swap_names;
    impl.options = tell_options;
    return serve(state, &impl);
}

static int set_up_late(void **state)
{
    calls_calls_impl impl = CALLS_CALLS_IMPL_INIT;
    impl.odd_json = late_odd;
    impl.big_json = late_refusal;
    impl.grid = late_grid;
    impl.names = late_names;
    impl.options = late_options;
    return serve(state, &impl);
}

static int tear_down(void **state)
{
    fixture *f = *state;
    void *result = NULL;
    calls_calls_close(f->client);
    shmrpc_server_stop(f->server);
    pthread_join(f->thread, &result);
    shmrpc_server_destroy(f->server);
    return result == NULL;
}

#define TEXT(literal)                \
    {                                \
        literal, sizeof(literal) - 1 \
    }

static const calls_choice place = {CALLS_CHOICE_PLACE,
                                   {.place = {1.5F, -2.0F}}};
static const calls_choice url = {CALLS_CHOICE_URL, {.url = TEXT("a/b")}};

static const calls_odd_counts_entry counts[] = {{TEXT("one"), 1},
                                                {TEXT(""), 0}};
static const calls_odd_deep_value_entry by_colour[] = {
    {CALLS_COLOUR_BLUE, {CALLS_CHOICE_ID, {.id = UINT64_MAX}}},
    {CALLS_COLOUR_RED, {CALLS_CHOICE_URL, {.url = TEXT("x")}}},
};
static const calls_odd_deep_entry deep[] = {{7, {by_colour, 2}}};
static const calls_odd_pairs_item pairs[] = {{{1, 2}}, {{3, 65535}}};
static const calls_odd_vectors_entry vectors[] = {
    {TEXT("v"), {{0.1, 0.2, -0.3}}}};
static const shmrpc_str first_words[] = {TEXT("a"), TEXT("bc")};
static const shmrpc_str_list words[] = {{first_words, 2}, {NULL, 0}};
static const calls_odd inner = {
    .choice = {CALLS_CHOICE_FLAT, {.flat = {8, 9}}}};

static const calls_odd odd = {
    .choice = {CALLS_CHOICE_PLACE, {.place = {1.5F, -2.0F}}},
    .other = &url,
    .counts = {counts, 2},
    .deep = {deep, 1},
    .grid = {{1, 2, 3}, {4, 5, 6}},
    .pairs = {pairs, 2},
    .vectors = {vectors, 1},
    .names = {TEXT("left"), TEXT("right")},
    .has_triple = true,
    .triple = {-1, 0, 1},
    .words = {words, 2},
    .inner = &inner,
    .flats = {{1, 2}, {3, 4}},
};

static void expect_text(shmrpc_str got, shmrpc_str expected)
{
    assert_int_equal(got.len, expected.len);
    assert_true(shmrpc_str_equal(got, expected));
}

static void expect_choice(const calls_choice *got, const calls_choice *expected)
{
    assert_int_equal(got->tag, expected->tag);
    switch (expected->tag) {
    case CALLS_CHOICE_ID:
        assert_true(got->u.id == expected->u.id);
        break;
    case CALLS_CHOICE_URL:
        expect_text(got->u.url, expected->u.url);
        break;
    case CALLS_CHOICE_PLACE:
        assert_memory_equal(got->u.place, expected->u.place,
                            sizeof got->u.place);
        break;
    default:
        assert_memory_equal(&got->u.flat, &expected->u.flat,
                            sizeof got->u.flat);
    }
}

static void expect_maps(const calls_odd *got)
{
    assert_int_equal(got->counts.len, 2);
    expect_text(got->counts.ptr[0].key, counts[0].key);
    assert_int_equal(got->counts.ptr[0].value, 1);
    assert_int_equal(got->counts.ptr[1].key.len, 0);
    assert_int_equal(got->deep.len, 1);
    assert_int_equal(got->deep.ptr[0].key, 7);
    assert_int_equal(got->deep.ptr[0].value.len, 2);
    for (size_t i = 0; i < 2; i++) {
        const calls_odd_deep_value_entry *entry =
            &got->deep.ptr[0].value.ptr[i];
        assert_int_equal(entry->key, by_colour[i].key);
        expect_choice(&entry->value, &by_colour[i].value);
    }
    assert_int_equal(got->vectors.len, 1);
    expect_text(got->vectors.ptr[0].key, vectors[0].key);
    assert_memory_equal(&got->vectors.ptr[0].value, &vectors[0].value,
                        sizeof vectors[0].value);
}

static void expect_odd(const calls_odd *got)
{
    expect_choice(&got->choice, &place);
    assert_non_null(got->other);
    expect_choice(got->other, &url);
    expect_maps(got);
    assert_memory_equal(got->grid, odd.grid, sizeof odd.grid);
    assert_int_equal(got->pairs.len, 2);
    assert_memory_equal(got->pairs.ptr, pairs, sizeof pairs);
    expect_text(got->names[0], odd.names[0]);
    expect_text(got->names[1], odd.names[1]);
    assert_true(got->has_triple);
    assert_memory_equal(got->triple, odd.triple, sizeof odd.triple);
    assert_int_equal(got->words.len, 2);
    assert_int_equal(got->words.ptr[0].len, 2);
    expect_text(got->words.ptr[0].ptr[1], first_words[1]);
    assert_int_equal(got->words.ptr[1].len, 0);
    assert_non_null(got->inner);
    assert_null(got->inner->other);
    assert_false(got->inner->has_triple);
    assert_int_equal(got->inner->choice.u.flat.b, 9);
    assert_memory_equal(got->flats, odd.flats, sizeof odd.flats);
}

/* One test per encoding, with the same code. */
#define ODD_TEST(encoding)                                                     \
    static void odd_values_by_##encoding(void **state)                         \
    {                                                                          \
        const fixture *f = *state;                                             \
        const calls_calls_odd_##encoding##_reply *reply = NULL;                \
        shmrpc_error error = {.message = ""};                                  \
        int status =                                                           \
            calls_calls_odd_##encoding(f->client, &odd, NULL, &reply, &error); \
        assert_string_equal(error.message, "");                                \
        assert_int_equal(status, SHMRPC_OK);                                   \
        expect_odd(&reply->value);                                             \
        calls_calls_odd_##encoding##_release(reply);                           \
    }
ODD_TEST(json)
ODD_TEST(msgpack)
ODD_TEST(native)

/* @json(string) applies to the field's type; the JSON codec's own test checks
 * the text. */
static void annotated_integers(void **state)
{
    const fixture *f = *state;
    int (*const calls[])(calls_calls *, const calls_big *, uint64_t,
                         const shmrpc_opts *, calls_big *, shmrpc_error *) = {
        calls_calls_big_json, calls_calls_big_msgpack, calls_calls_big_native};
    const calls_big big = {UINT64_MAX - 3, -9, true, 1, 2};
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        calls_big out;
        assert_int_equal(calls[i](f->client, &big, 3, NULL, &out, NULL), 0);
        assert_true(out.id == UINT64_MAX && out.shift == -9);
        assert_true(out.has_other && out.other == 1 && out.plain == 2);
        calls_big wrong = big;
        wrong.shift = 10;
        assert_int_equal(calls[i](f->client, &wrong, 3, NULL, &out, NULL),
                         SHMRPC_E_INVALID);
    }
    for (uint32_t i = 0; i < calls_big_descriptor.count; i++) {
        uint32_t flags = calls_big_descriptor.fields[i].type->flags;
        assert_int_equal((flags & SHMRPC_TYPE_JSON_TEXT) != 0, i < 3);
    }
    const shmrpc_method *method = &calls_calls_descriptor.methods[3];
    assert_string_equal(method->name, "big_json");
    assert_true(
        (method->params->fields[1].type->flags & SHMRPC_TYPE_JSON_TEXT) != 0);
}

static void arrays_as_parameters_and_results(void **state)
{
    const fixture *f = *state;
    static const uint16_t grid[2][3] = {{1, 2, 3}, {4, 5, 6}};
    static const uint16_t turned[2][3] = {{6, 5, 4}, {3, 2, 1}};
    static const uint16_t sum[2][3] = {{7, 7, 7}, {7, 7, 7}};
    uint16_t out[2][3];
    assert_int_equal(calls_calls_grid(f->client, grid, NULL, NULL, out, NULL),
                     SHMRPC_OK);
    assert_memory_equal(out, turned, sizeof turned);
    assert_int_equal(calls_calls_grid(f->client, grid, grid, NULL, out, NULL),
                     SHMRPC_OK);
    assert_memory_equal(out, sum, sizeof sum);
    const calls_calls_names_reply *reply = NULL;
    assert_int_equal(
        calls_calls_names(f->client, odd.names, NULL, &reply, NULL), SHMRPC_OK);
    expect_text(reply->value[0], odd.names[1]);
    expect_text(reply->value[1], odd.names[0]);
    calls_calls_names_release(reply);
}

static void optional_parameters(void **state)
{
    const fixture *f = *state;
    const uint32_t five = 5;
    const shmrpc_str text = TEXT("ab");
    const calls_flat_list list = {odd.flats, 1};
    const calls_flat six = {0, 6};
    uint32_t out = 0;
    assert_int_equal(calls_calls_options(f->client, NULL, NULL, NULL, NULL, 1,
                                         NULL, &out, NULL),
                     SHMRPC_OK);
    assert_int_equal(out, 100);
    assert_int_equal(calls_calls_options(f->client, &five, &text, &six, &list,
                                         2, NULL, &out, NULL),
                     SHMRPC_OK);
    assert_int_equal(out, 215);
}

static void an_answer_may_be_an_error(void **state)
{
    const fixture *f = *state;
    const calls_big big = {1, 2, false, 0, 3};
    calls_big out;
    shmrpc_error error;
    assert_int_equal(
        calls_calls_big_json(f->client, &big, 3, NULL, &out, &error),
        SHMRPC_E_PRECONDITION);
    assert_string_equal(error.message, "too late");
}

static void impl_without_its_beginning_is_refused(void **state)
{
    (void)state;
    shmrpc_error error;
    shmrpc_server *server = NULL;
    calls_calls_impl impl = CALLS_CALLS_IMPL_INIT;
    impl.size = 0;
    assert_int_equal(shmrpc_server_create(NULL, &server, &error), SHMRPC_OK);
    assert_int_equal(calls_calls_serve(server, &impl, NULL, &error),
                     SHMRPC_E_INVALID);
    assert_non_null(strstr(error.message, "CALLS_CALLS_IMPL_INIT"));
    shmrpc_server_destroy(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(odd_values_by_json),
        cmocka_unit_test(odd_values_by_msgpack),
        cmocka_unit_test(odd_values_by_native),
        cmocka_unit_test(annotated_integers),
        cmocka_unit_test(arrays_as_parameters_and_results),
        cmocka_unit_test(optional_parameters),
        cmocka_unit_test(impl_without_its_beginning_is_refused),
    };
    const struct CMUnitTest late[] = {
        cmocka_unit_test(odd_values_by_json),
        cmocka_unit_test(arrays_as_parameters_and_results),
        cmocka_unit_test(optional_parameters),
        cmocka_unit_test(an_answer_may_be_an_error),
    };
    int failed = cmocka_run_group_tests(tests, set_up, tear_down);
    return failed + cmocka_run_group_tests(late, set_up_late, tear_down);
}
