/* The client against a server that the test controls: workers that die, and
 * replies that no honest server sends. */
#include "sample.h"

#include "codec/codec.h"
#include "rpc/address.h"
#include "rpc/envelope.h"
#include "rpc/fault.h"
#include "transport/transport.h"

/* A listener with one worker, which the test controls. */
typedef struct puppet {
    const shmrpci_transport *transport;
    shmrpci_listener *listener;
    char where[128];
    shmrpci_thread control;
    shmrpci_thread worker;
    unsigned deaths;  /* how often the worker dies before it answers */
    unsigned started; /* requests that a worker took */
    int32_t status;
    uint32_t flags;
    uint8_t body[512];
    size_t body_len;
} puppet;

static int welcome_all(void *user, const uint8_t *hello, size_t len,
                       const shmrpc_peer *peer, shmrpci_buf *welcome,
                       shmrpc_error *error)
{
    (void)user;
    (void)hello;
    (void)len;
    (void)peer;
    (void)error;
    shmrpci_welcome_write(sample_service.hash, NULL, 0, welcome);
    return SHMRPC_OK;
}

static void control(void *user)
{
    puppet *p = user;
    (void)p->transport->listener->run(p->listener, NULL);
}

static void answer(puppet *p, shmrpci_request *request)
{
    p->transport->worker->reply_reserve(request, p->body_len);
    request->head.status = p->status;
    request->head.flags = p->flags;
    shmrpci_buf_append(&request->out, p->body, p->body_len);
    p->transport->worker->reply_commit(request);
}

static void work(void *user)
{
    puppet *p = user;
    shmrpci_participant *me;
    shmrpci_request request = {0};
    if (p->transport->worker->participant_open(p->listener, 0, &me, NULL) !=
        0) {
        return;
    }
    while (p->transport->worker->next(me, &request) == SHMRPC_OK) {
        p->started++;
        if (p->started > p->deaths) {
            answer(p, &request);
            continue;
        }
        p->transport->listener->recover(p->listener, 0);
        p->transport->worker->participant_close(me);
        if (p->transport->worker->participant_open(p->listener, 0, &me, NULL) !=
            0) {
            return;
        }
    }
    p->transport->worker->participant_close(me);
}

static void puppet_start(puppet *p)
{
    shmrpci_place_list places;
    sample_address("inproc", p->where);
    assert_int_equal(
        shmrpci_places_parse(p->where, &sample_service, &places, NULL), 0);
    shmrpci_listen_opts opts = {
        .max_workers = 1,
        .max_message_bytes = (size_t)1 << 20,
        .max_connections_per_uid = 10,
        .max_bytes_per_uid = (size_t)1 << 30,
        .on_hello = welcome_all,
    };
    p->transport = places.items[0].address.transport;
    assert_int_equal(p->transport->listener->listen(&places.items[0].address,
                                                    &opts, &p->listener, NULL),
                     0);
    assert_int_equal(shmrpci_thread_create(&p->control, "control", control, p),
                     0);
    assert_int_equal(shmrpci_thread_create(&p->worker, "worker", work, p), 0);
}

static void puppet_stop(puppet *p)
{
    p->transport->listener->stop(p->listener);
    shmrpci_thread_join(&p->control);
    shmrpci_thread_join(&p->worker);
    p->transport->listener->close(p->listener);
}

static int call_puppet(puppet *p, uint32_t method, int64_t *result,
                       shmrpc_error *error)
{
    shmrpc_client *client = NULL;
    pair_params params = {1, 2};
    puppet_start(p);
    assert_int_equal(
        shmrpc_stub_connect(&sample_service, p->where, NULL, &client, error),
        0);
    int status = shmrpc_stub_call(client, method, &params, NULL, result, error);
    shmrpc_stub_close(client);
    puppet_stop(p);
    return status;
}

static void put_i64(puppet *p, int64_t value)
{
    shmrpci_buf out;
    shmrpci_buf_init_fixed(&out, p->body, sizeof p->body);
    assert_int_equal(shmrpci_codec_of(SHMRPC_ENCODING_NATIVE)
                         ->encode(&shmrpc_type_i64, &value, "", &out, NULL),
                     0);
    p->body_len = out.len;
}

static void idempotent_call_survives_its_worker(void **state)
{
    (void)state;
    puppet p = {.deaths = 1};
    int64_t result = 0;
    put_i64(&p, 42);
    assert_int_equal(call_puppet(&p, AGAIN, &result, NULL), 0);
    assert_int_equal(result, 42);
    assert_int_equal(p.started, 2);
}

static void idempotent_call_is_not_tried_for_ever(void **state)
{
    (void)state;
    puppet p = {.deaths = 1000};
    int64_t result = 0;
    shmrpc_error error;
    assert_int_equal(call_puppet(&p, AGAIN, &result, &error),
                     SHMRPC_E_WORKER_DIED);
    assert_int_equal(p.started, 2);
    assert_non_null(strstr(error.message, "again"));
}

static void other_calls_are_never_repeated(void **state)
{
    (void)state;
    puppet p = {.deaths = 1};
    int64_t result = 0;
    put_i64(&p, 42);
    assert_int_equal(call_puppet(&p, ADD, &result, NULL), SHMRPC_E_WORKER_DIED);
    assert_int_equal(p.started, 1);
}

/* Makes the server answer that the call's deadline had passed before it could
 * run. */
static void put_too_late(puppet *p)
{
    shmrpc_error sent = {.pid = 7, .message = "no worker was free"};
    shmrpci_buf out;
    shmrpci_buf_init_fixed(&out, p->body, sizeof p->body);
    shmrpci_detail_write(&sent, &out);
    p->status = SHMRPC_E_DEADLINE;
    p->flags = SHMRPCI_HEAD_DETAIL;
    p->body_len = out.len;
}

static void server_says_that_a_late_call_has_not_run(void **state)
{
    (void)state;
    puppet p = {.deaths = 0};
    int64_t result = 0;
    shmrpc_error error;
    put_too_late(&p);
    assert_int_equal(call_puppet(&p, AGAIN, &result, &error),
                     SHMRPC_E_DEADLINE);
    assert_false(error.may_have_run);
    assert_string_equal(error.message, "no worker was free; it has not run");
}

static void late_call_that_killed_a_worker_before_may_have_run(void **state)
{
    (void)state;
    puppet p = {.deaths = 1};
    int64_t result = 0;
    shmrpc_error error;
    put_too_late(&p);
    assert_int_equal(call_puppet(&p, AGAIN, &result, &error),
                     SHMRPC_E_DEADLINE);
    assert_int_equal(p.started, 2);
    assert_true(error.may_have_run);
    assert_string_equal(error.message, "no worker was free; it may have run");
}

static void status_that_none_may_send_is_UNKNOWN(void **state)
{
    (void)state;
    static const int32_t garbage[] = {1, 5, 99, -100, INT32_MIN};
    for (size_t i = 0; i < sizeof garbage / sizeof *garbage; i++) {
        puppet p = {.status = garbage[i]};
        int64_t result = 0;
        shmrpc_error error;
        assert_int_equal(call_puppet(&p, ADD, &result, &error),
                         SHMRPC_E_UNKNOWN);
        assert_int_equal(error.code, SHMRPC_E_UNKNOWN);
        assert_non_null(strstr(error.message, "replied"));
    }
}

static void error_of_a_younger_server_keeps_its_number(void **state)
{
    (void)state;
    puppet p = {.status = 777};
    int64_t result = 0;
    shmrpc_error error;
    assert_int_equal(call_puppet(&p, ADD, &result, &error), 777);
    assert_int_equal(error.code, 777);
    assert_string_equal(error.name, "DECLARED");
}

static void malformed_detail_gives_the_text_of_the_status(void **state)
{
    (void)state;
    puppet p = {.status = SHMRPC_E_DENIED, .flags = SHMRPCI_HEAD_DETAIL};
    int64_t result = 0;
    shmrpc_error error;
    memset(p.body, 0xff, sizeof p.body);
    p.body_len = sizeof p.body;
    assert_int_equal(call_puppet(&p, ADD, &result, &error), SHMRPC_E_DENIED);
    assert_string_equal(error.path, "");
    assert_string_equal(error.message, shmrpc_status_text(SHMRPC_E_DENIED));
    p = (puppet){.status = SHMRPC_E_DENIED, .flags = SHMRPCI_HEAD_DETAIL};
    p.body[0] = 200;
    p.body_len = 10;
    assert_int_equal(call_puppet(&p, ADD, &result, &error), SHMRPC_E_DENIED);
    assert_string_equal(error.message, shmrpc_status_text(SHMRPC_E_DENIED));
}

/* The reply of a server that throws Detailed with `text`. */
static void put_thrown(puppet *p, const char *text)
{
    shmrpci_buf out;
    shmrpc_error sent = {.pid = 7,
                         .may_have_run = true,
                         .name = "test.Detailed",
                         .message = "m"};
    detail payload = {shmrpc_str_of(text)};
    shmrpci_buf_init_fixed(&out, p->body, sizeof p->body);
    shmrpci_detail_write(&sent, &out);
    assert_int_equal(
        shmrpci_detail_codec(&sample_methods[THROW])
            ->encode(detailed_error.payload, &payload, "", &out, NULL),
        0);
    p->status = DETAILED_ERROR;
    p->flags = SHMRPCI_HEAD_DETAIL;
    p->body_len = out.len;
}

static int throw_with(puppet *p, const shmrpc_opts *opts, const void **reply,
                      shmrpc_error *error)
{
    shmrpc_client *client = NULL;
    puppet_start(p);
    assert_int_equal(
        shmrpc_stub_connect(&sample_service, p->where, NULL, &client, NULL), 0);
    int status =
        shmrpc_stub_call_reply(client, THROW, NULL, opts, reply, error);
    shmrpc_stub_close(client);
    puppet_stop(p);
    return status;
}

static int throw_of_puppet(puppet *p, const void **reply, shmrpc_error *error)
{
    return throw_with(p, NULL, reply, error);
}

static void payload_cut_anywhere_is_DATA_LOSS(void **state)
{
    (void)state;
    puppet whole = {.status = 0};
    put_thrown(&whole, "four");
    shmrpc_error sent;
    size_t head = shmrpci_detail_read(whole.body, whole.body_len, &sent);
    for (size_t len = head + 1; len < whole.body_len; len++) {
        puppet p = whole;
        const void *reply = NULL;
        shmrpc_error error;
        p.body_len = len;
        assert_int_equal(throw_of_puppet(&p, &reply, &error),
                         SHMRPC_E_DATA_LOSS);
        assert_string_equal(error.name, "DATA_LOSS");
        assert_null(reply);
    }
}

static void put_fault(puppet *p)
{
    shmrpci_buf out;
    shmrpci_arena arena;
    shmrpc_error sent = {.pid = 7, .may_have_run = true, .message = "m"};
    const shmrpc_fault fault = {.type = shmrpc_str_of("ValueError"),
                                .message = shmrpc_str_of("m"),
                                .trace = shmrpc_str_of("t"),
                                .args = shmrpc_any_i64(12)};
    shmrpci_arena_init(&arena, (size_t)1 << 20);
    shmrpci_buf_init_fixed(&out, p->body, sizeof p->body);
    shmrpci_detail_write(&sent, &out);
    shmrpci_fault_write(&fault, true, &arena, &out);
    shmrpci_arena_fini(&arena);
    p->status = SHMRPC_E_UNKNOWN;
    p->flags = SHMRPCI_HEAD_DETAIL;
    p->body_len = out.len;
}

static const shmrpc_opts wants_faults = {.flags = SHMRPC_OPT_FAULTS};

/* The fault is truncated at each length, and each of its bytes is changed. */
static void fault_from_a_liar_is_whole_or_DATA_LOSS(void **state)
{
    (void)state;
    puppet whole = {.status = 0};
    put_fault(&whole);
    shmrpc_error sent;
    size_t head = shmrpci_detail_read(whole.body, whole.body_len, &sent);
    assert_true(head < whole.body_len);
    for (size_t at = head + 1; at < whole.body_len; at++) {
        puppet cut = whole;
        puppet changed = whole;
        const void *reply = NULL;
        shmrpc_error error;
        cut.body_len = at;
        assert_int_equal(throw_with(&cut, &wants_faults, &reply, &error),
                         SHMRPC_E_DATA_LOSS);
        assert_null(reply);
        changed.body[at] ^= 0xff;
        int status = throw_with(&changed, &wants_faults, &reply, &error);
        assert_int_equal(shmrpc_stub_fault(reply) != NULL,
                         status == SHMRPC_E_UNKNOWN);
        assert_true(status == SHMRPC_E_UNKNOWN || status == SHMRPC_E_DATA_LOSS);
        shmrpc_stub_release(reply);
    }
}

/* A fault from an older server lacks parts; one from a newer server has parts
 * that the client does not know. */
static void fault_without_parts_has_empty_ones(void **state)
{
    (void)state;
    static const uint8_t bodies[][8] = {{0x80}, {0x81, 0xa1, 'z', 0x07}};
    static const size_t lens[] = {1, 4};
    for (size_t i = 0; i < 2; i++) {
        puppet p = {.status = 0};
        const void *reply = NULL;
        shmrpc_error error;
        shmrpc_error sent;
        put_fault(&p);
        size_t head = shmrpci_detail_read(p.body, p.body_len, &sent);
        memcpy(p.body + head, bodies[i], lens[i]);
        p.body_len = head + lens[i];
        assert_int_equal(throw_with(&p, &wants_faults, &reply, &error),
                         SHMRPC_E_UNKNOWN);
        const shmrpc_fault *got = shmrpc_stub_fault(reply);
        assert_non_null(got);
        assert_int_equal(got->type.len + got->message.len, 0);
        assert_int_equal(got->args.kind, SHMRPC_ANY_NULL);
        assert_string_equal(error.message, "m");
        assert_int_equal(error.pid, 7);
        shmrpc_stub_release(reply);
    }
}

static void declared_error_gives_a_reply_with_or_without_payload(void **state)
{
    (void)state;
    puppet p = {.status = 0};
    put_thrown(&p, "four");
    const void *reply = NULL;
    shmrpc_error error;
    assert_int_equal(throw_of_puppet(&p, &reply, &error), DETAILED_ERROR);
    const detail *got = shmrpc_stub_payload(reply, &detailed_error);
    assert_non_null(got);
    assert_string_equal(got->text.ptr, "four");
    assert_int_equal(error.pid, 7);
    assert_null(shmrpc_stub_payload(reply, sample_methods[THROW].throws[0]));
    shmrpc_stub_release(reply);

    /* Replies without a payload, without any detail, and with an error of a
     * newer server. */
    shmrpc_error sent;
    puppet bare = {.started = 0};
    put_thrown(&bare, "four");
    bare.body_len = shmrpci_detail_read(bare.body, bare.body_len, &sent);
    puppet silent = {.status = DETAILED_ERROR};
    puppet younger = {.started = 0};
    put_thrown(&younger, "four");
    younger.status = 777;
    puppet *all[] = {&bare, &silent, &younger};
    for (size_t i = 0; i < 3; i++) {
        reply = NULL;
        assert_int_equal(throw_of_puppet(all[i], &reply, &error),
                         all[i]->status);
        assert_non_null(reply);
        assert_null(shmrpc_stub_payload(reply, &detailed_error));
        assert_string_equal(error.name, "test.Detailed");
        shmrpc_stub_release(reply);
    }
    assert_null(shmrpc_stub_payload(NULL, &detailed_error));
}

static void reply_that_does_not_decode_is_DATA_LOSS(void **state)
{
    (void)state;
    for (size_t len = 0; len < 8; len++) {
        puppet p = {.body_len = len};
        int64_t result = 77;
        shmrpc_error error;
        assert_int_equal(call_puppet(&p, ADD, &result, &error),
                         SHMRPC_E_DATA_LOSS);
        assert_int_equal(error.code, SHMRPC_E_DATA_LOSS);
        assert_string_equal(error.name, "DATA_LOSS");
        assert_int_equal(result, 77);
    }
}

static void reply_object_that_does_not_decode_is_DATA_LOSS(void **state)
{
    (void)state;
    puppet p = {.body = "\"no end", .body_len = 7};
    shmrpc_client *client = NULL;
    shmrpc_error error;
    text_params params = {shmrpc_str_of("x")};
    const void *reply = NULL;
    puppet_start(&p);
    assert_int_equal(
        shmrpc_stub_connect(&sample_service, p.where, NULL, &client, NULL), 0);
    assert_int_equal(shmrpc_stub_call_reply(client, ECHO_JSON, &params, NULL,
                                            &reply, &error),
                     SHMRPC_E_DATA_LOSS);
    assert_string_equal(error.name, "DATA_LOSS");
    assert_null(reply);
    shmrpc_stub_close(client);
    puppet_stop(&p);
}

static void result_of_a_method_without_one_is_ignored(void **state)
{
    (void)state;
    puppet p = {.body_len = 100};
    assert_int_equal(call_puppet(&p, NOTHING, NULL, NULL), 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(idempotent_call_survives_its_worker),
        cmocka_unit_test(idempotent_call_is_not_tried_for_ever),
        cmocka_unit_test(other_calls_are_never_repeated),
        cmocka_unit_test(server_says_that_a_late_call_has_not_run),
        cmocka_unit_test(late_call_that_killed_a_worker_before_may_have_run),
        cmocka_unit_test(status_that_none_may_send_is_UNKNOWN),
        cmocka_unit_test(error_of_a_younger_server_keeps_its_number),
        cmocka_unit_test(malformed_detail_gives_the_text_of_the_status),
        cmocka_unit_test(payload_cut_anywhere_is_DATA_LOSS),
        cmocka_unit_test(fault_from_a_liar_is_whole_or_DATA_LOSS),
        cmocka_unit_test(fault_without_parts_has_empty_ones),
        cmocka_unit_test(declared_error_gives_a_reply_with_or_without_payload),
        cmocka_unit_test(reply_that_does_not_decode_is_DATA_LOSS),
        cmocka_unit_test(reply_object_that_does_not_decode_is_DATA_LOSS),
        cmocka_unit_test(result_of_a_method_without_one_is_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
