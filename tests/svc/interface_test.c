/* Interfaces at run time: a server and a client of one text, without any
 * generated code; and texts that are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>
#include <unistd.h>

#include "shmrpc/interface.h"
#include "shmrpc/json.h"
#include "shmrpc/stub.h"
#include "shmrpc/wait.h"

static const char text[] =
    "package test.svc;\n"
    "/// A place.\n"
    "struct Point { i32 x; i32 y = 7; }\n"
    "error Far = 100 { i32 by; }\n"
    "service Places {\n"
    "  port 7717;\n"
    "  name \"places\";\n"
    "  /// Says the same.\n"
    "  json same(Point point, string(..9) name = \"home\") -> Point;\n"
    "  msgpack which(i64 x) -> i64 throws Far;\n"
    "  json words(list<string> words) -> map<string, i64>;\n"
    "}\n";

static shmrpc_interface *read_text(void)
{
    shmrpc_interface *interface = NULL;
    shmrpc_error error = {.code = 0};
    shmrpc_status status =
        shmrpc_interface_read(text, sizeof text - 1, &interface, &error);
    if (status != SHMRPC_OK) {
        fail_msg("%s: %s", error.path, error.message);
    }
    return interface;
}

/* ---- tables -------------------------------------------------------------- */

static void text_becomes_tables(void **state)
{
    (void)state;
    shmrpc_interface *interface = read_text();
    const shmrpc_service *service = shmrpc_interface_service(interface);
    assert_null(shmrpc_interface_where(interface));
    assert_string_equal(service->name, "places");
    assert_int_equal(service->port, 7717);
    assert_int_equal(service->method_count, 3);
    const shmrpc_method *same = &service->methods[0];
    assert_string_equal(same->name, "same");
    assert_string_equal(same->doc, "Says the same.");
    assert_int_equal(same->params->count, 2);
    assert_string_equal(same->result->name, "test.svc.Point");
    assert_int_equal(same->result->size, 8);
    const int32_t *y = same->result->fields[1].default_value;
    assert_int_equal(*y, 7);
    assert_int_equal(service->methods[1].throws[0]->number, 100);
    shmrpc_interface_release(interface);
    shmrpc_interface_release(NULL);
}

/* The service's own text, as a server hands it out, is read again. */
static void canonical_text_is_the_same_interface(void **state)
{
    (void)state;
    shmrpc_interface *first = read_text();
    shmrpc_interface *second = NULL;
    const shmrpc_service *service = shmrpc_interface_service(first);
    assert_int_equal(shmrpc_interface_read(service->text[0],
                                           strlen(service->text[0]), &second,
                                           NULL),
                     SHMRPC_OK);
    assert_int_equal(shmrpc_interface_service(second)->hash, service->hash);
    shmrpc_interface_release(second);
    shmrpc_interface_release(first);
}

/* ---- hostile texts ------------------------------------------------------- */

static void expect_refused(const char *bad, size_t len, const char *path,
                           const char *says)
{
    shmrpc_interface *interface = NULL;
    shmrpc_error error = {.code = 0};
    assert_int_equal(shmrpc_interface_read(bad, len, &interface, &error),
                     SHMRPC_E_INVALID);
    assert_null(interface);
    if (strcmp(error.path, path) != 0 || strstr(error.message, says) == NULL) {
        fail_msg("expected '%s' with '%s', got '%s': %s", path, says,
                 error.path, error.message);
    }
}

static void wrong_texts_are_refused_with_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *path;
        const char *says;
    } rows[] = {
        {"package a;\nservice S {\n  port 1;\n  json f(Hut h);\n}", "4:10",
         "Hut"},
        {"", "", "expected one service"},
        {"package a; struct T { i32 x; }", "", "expected one service"},
        {"package a; service S { port 1; json f(); }"
         "service T { port 2; json f(); }",
         "", "expected one service"},
        {"package a;\nimport \"/etc/passwd\";\n"
         "service S { port 1; json f(); }",
         "2:8", "/etc/passwd"},
        {"\xff\xfe", "", "UTF-8"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        expect_refused(rows[i].text, strlen(rows[i].text), rows[i].path,
                       rows[i].says);
    }
}

/* A text is refused if its end is missing, wherever it is cut. */
static void cut_texts_are_refused(void **state)
{
    (void)state;
    for (size_t len = 0; len + 2 < sizeof text - 1; len++) {
        shmrpc_interface *interface = NULL;
        assert_int_equal(shmrpc_interface_read(text, len, &interface, NULL),
                         SHMRPC_E_INVALID);
        assert_null(interface);
    }
}

static void import_of_a_file_that_exists_finds_nothing(void **state)
{
    (void)state;
    char path[] = "/tmp/shmrpc-svc-test-XXXXXX";
    char bad[200];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    static const char part[] = "package part; struct Part { u8 x; }";
    assert_int_equal(write(fd, part, sizeof part - 1), sizeof part - 1);
    (void)close(fd);
    int len = snprintf(bad, sizeof bad,
                       "package a;\nimport \"%s\";\n"
                       "service S { port 1; json f(part.Part p); }",
                       path);
    expect_refused(bad, (size_t)len, "2:8", path);
    (void)unlink(path);
}

static void text_that_is_too_long_is_refused(void **state)
{
    (void)state;
    shmrpc_interface *interface = NULL;
    shmrpc_error error;
    size_t len = SHMRPC_INTERFACE_MAX_TEXT_BYTES + 1;
    char *bad = malloc(len);
    assert_non_null(bad);
    memset(bad, ' ', len);
    assert_int_equal(shmrpc_interface_read(bad, len, &interface, &error),
                     SHMRPC_E_TOO_LARGE);
    free(bad);
}

/* ---- calls --------------------------------------------------------------- */

/* A handler for all methods. The number of the method says which one was
 * called. */
static int serve_any(shmrpc_ctx *ctx, const void *impl, void *user,
                     const void *params, void *result)
{
    (void)impl;
    const shmrpc_service *service = user;
    const shmrpc_method *method = &service->methods[shmrpc_ctx_method(ctx)];
    const unsigned char *bytes = params;
    if (strcmp(method->name, "same") == 0) {
        const void *point;
        memcpy(&point, bytes + method->params->fields[0].offset, sizeof point);
        memcpy(result, point, method->result->size);
        return SHMRPC_OK;
    }
    if (strcmp(method->name, "which") == 0) {
        int64_t x;
        memcpy(&x, bytes, sizeof x);
        if (x < 0) {
            const int32_t by = (int32_t)-x;
            return shmrpc_stub_raise(ctx, method->throws[0], &by);
        }
        int64_t index = shmrpc_ctx_method(ctx);
        memcpy(result, &index, sizeof index);
        return SHMRPC_OK;
    }
    return shmrpc_ctx_fail(ctx, SHMRPC_E_NOT_FOUND, "%s", method->name);
}

typedef struct server {
    char folder[40];
    shmrpc_interface *interface;
    shmrpc_server *server;
    pthread_t thread;
} server;

static void *run_server(void *user)
{
    server *s = user;
    assert_int_equal(shmrpc_server_run(s->server, NULL), SHMRPC_OK);
    return NULL;
}

static void make_folder(server *s)
{
    (void)strcpy(s->folder, "/tmp/shmrpc-svc-XXXXXX");
    assert_non_null(mkdtemp(s->folder));
    assert_int_equal(setenv("SHMRPC_DIR", s->folder, 1), 0);
}

static void start_there(server *s)
{
    static const shmrpc_handler handlers[] = {serve_any, serve_any, serve_any};
    const shmrpc_server_opts opts = {.listen = "shm://@two", .workers = 1};
    shmrpc_error error = {.code = 0};
    s->interface = read_text();
    const shmrpc_service *service = shmrpc_interface_service(s->interface);
    assert_int_equal(shmrpc_server_create(&opts, &s->server, &error),
                     SHMRPC_OK);
    int status = shmrpc_stub_serve(s->server, service, handlers, "", 1,
                                   (void *)(uintptr_t)service, &error);
    if (status != SHMRPC_OK) {
        fail_msg("%s", error.message);
    }
    assert_int_equal(pthread_create(&s->thread, NULL, run_server, s), 0);
}

static void start(server *s)
{
    make_folder(s);
    start_there(s);
}

static void stop(server *s)
{
    char path[80];
    shmrpc_server_stop(s->server);
    assert_int_equal(pthread_join(s->thread, NULL), 0);
    shmrpc_server_destroy(s->server);
    shmrpc_interface_release(s->interface);
    (void)snprintf(path, sizeof path, "%s/places@two.7717.lock", s->folder);
    (void)unlink(path);
    (void)rmdir(s->folder);
}

static shmrpc_interface *ask(const char *name)
{
    shmrpc_interface *interface = NULL;
    shmrpc_error error = {.code = 0};
    if (shmrpc_interface_ask(name, NULL, &interface, &error) != SHMRPC_OK) {
        fail_msg("%s: %s", name, error.message);
    }
    assert_int_equal(shmrpc_interface_service(interface)->port, 7717);
    assert_non_null(strstr(shmrpc_interface_where(interface), "places@two"));
    return interface;
}

/* Calls the method with `params`, which are JSON, and expects `result`. */
static void expect_call(shmrpc_client *client, const shmrpc_service *service,
                        uint32_t index, const char *params, const char *result)
{
    const shmrpc_method *method = &service->methods[index];
    shmrpc_error error = {.code = 0};
    void *sent = NULL;
    const void *reply = NULL;
    char *got = NULL;
    size_t len = 0;
    assert_int_equal(
        shmrpc_json_read(method->params, params, strlen(params), &sent, &error),
        SHMRPC_OK);
    int status =
        shmrpc_stub_call_reply(client, index, sent, NULL, &reply, &error);
    shmrpc_json_free(sent);
    if (status != SHMRPC_OK) {
        fail_msg("%s: %s", method->name, error.message);
    }
    assert_int_equal(
        shmrpc_json_write(method->result, reply, &got, &len, &error),
        SHMRPC_OK);
    assert_string_equal(got, result);
    assert_int_equal(len, strlen(result));
    free(got);
    shmrpc_stub_release(reply);
}

static void expect_far(shmrpc_client *client, const shmrpc_service *service)
{
    const int64_t x = -3;
    const void *reply = NULL;
    shmrpc_error error;
    assert_int_equal(
        shmrpc_stub_call_reply(client, 1, &x, NULL, &reply, &error), 100);
    const int32_t *by =
        shmrpc_stub_payload(reply, service->methods[1].throws[0]);
    assert_non_null(by);
    assert_int_equal(*by, 3);
    shmrpc_stub_release(reply);
}

static void service_is_asked_and_called(void **state)
{
    (void)state;
    static const char *const names[] = {"places@two", "places@two:7717",
                                        "shm://places@two",
                                        "inproc://none,shm://places@two"};
    server s;
    start(&s);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        shmrpc_client *client = NULL;
        shmrpc_interface *interface = ask(names[i]);
        const shmrpc_service *service = shmrpc_interface_service(interface);
        assert_int_equal(shmrpc_stub_connect(service,
                                             shmrpc_interface_where(interface),
                                             NULL, &client, NULL),
                         SHMRPC_OK);
        expect_call(client, service, 0, "{\"point\":{\"x\":-1}}",
                    "{\"x\":-1,\"y\":7}");
        expect_call(client, service, 1, "[5]", "1");
        expect_far(client, service);
        shmrpc_stub_close(client);
        shmrpc_interface_release(interface);
    }
    stop(&s);
}

static void absent_services_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        shmrpc_status status;
        const char *says;
    } rows[] = {
        {"placez@two", SHMRPC_E_NOT_FOUND, "did you mean `places`"},
        {"places", SHMRPC_E_NOT_FOUND, "did you mean `places@two:7717`"},
        {"places@two:1", SHMRPC_E_NOT_FOUND, "places@two"},
        {"", SHMRPC_E_INVALID, "expected NAME"},
        {"places:x", SHMRPC_E_INVALID, "expected NAME"},
        {"tcp://127.0.0.1:1", SHMRPC_E_UNAVAILABLE, "127.0.0.1"},
    };
    server s;
    start(&s);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        shmrpc_interface *interface = NULL;
        shmrpc_error error = {.code = 0};
        shmrpc_status status =
            shmrpc_interface_ask(rows[i].name, NULL, &interface, &error);
        if (status != rows[i].status ||
            strstr(error.message, rows[i].says) == NULL) {
            fail_msg("%s: expected %d with '%s', got %d: %s", rows[i].name,
                     rows[i].status, rows[i].says, status, error.message);
        }
        assert_null(interface);
    }
    stop(&s);
}

/* ---- a service that is not there yet ------------------------------------- */

static atomic_uint pauses;
static atomic_bool is_to_give_up;

static void on_pause(void *user)
{
    (void)user;
    atomic_fetch_add(&pauses, 1u);
}

static void on_return(void *user)
{
    (void)user;
}

static int gives_up(void *user)
{
    (void)user;
    return atomic_load(&is_to_give_up);
}

static const shmrpc_wait_hooks hooks = {.size = sizeof hooks,
                                        .block = on_pause,
                                        .unblock = on_return,
                                        .interrupted = gives_up};

/* A thread that waits for the service "places@two". */
typedef struct asker {
    int64_t timeout_ns;
    shmrpc_interface *interface;
    shmrpc_status status;
    shmrpc_error error;
} asker;

static void *wait_for_places(void *user)
{
    asker *a = user;
    const shmrpc_opts opts = {.flags = SHMRPC_OPT_WAIT_FOR_READY,
                              .timeout_ns = a->timeout_ns};
    (void)shmrpc_wait_set_hooks(&hooks);
    a->status =
        shmrpc_interface_ask("places@two", &opts, &a->interface, &a->error);
    return NULL;
}

static void service_is_waited_for(void **state)
{
    (void)state;
    server s;
    pthread_t thread;
    asker a = {.timeout_ns = INT64_C(60000000000)};
    make_folder(&s);
    atomic_store(&pauses, 0);
    atomic_store(&is_to_give_up, false);
    assert_int_equal(pthread_create(&thread, NULL, wait_for_places, &a), 0);
    for (int i = 0; i < 20000 && atomic_load(&pauses) < 2; i++) {
        (void)usleep(1000);
    }
    start_there(&s);
    assert_int_equal(pthread_join(thread, NULL), 0);
    if (a.status != SHMRPC_OK) {
        fail_msg("%s", a.error.message);
    }
    assert_int_equal(shmrpc_interface_service(a.interface)->port, 7717);
    shmrpc_interface_release(a.interface);
    stop(&s);
}

static void waiting_has_an_end(void **state)
{
    (void)state;
    server s;
    asker a = {.timeout_ns = 120000000};
    make_folder(&s);
    atomic_store(&pauses, 0);
    atomic_store(&is_to_give_up, false);
    (void)wait_for_places(&a);
    assert_int_equal(a.status, SHMRPC_E_NOT_FOUND);
    assert_non_null(strstr(a.error.message, "places@two"));
    assert_null(a.interface);
    /* The hooks of the waiting thread can end the wait, too. */
    a.timeout_ns = INT64_C(60000000000);
    atomic_store(&is_to_give_up, true);
    (void)wait_for_places(&a);
    (void)shmrpc_wait_set_hooks(NULL);
    assert_int_equal(a.status, SHMRPC_E_CANCELLED);
    assert_true(atomic_load(&pauses) >= 1);
    (void)rmdir(s.folder);
}

/* ---- values as JSON ------------------------------------------------------ */

static void wrong_json_is_refused_with_its_path(void **state)
{
    (void)state;
    shmrpc_interface *interface = read_text();
    const shmrpc_method *same =
        &shmrpc_interface_service(interface)->methods[0];
    shmrpc_error error;
    void *value = NULL;
    static const char json[] = "{\"point\":{\"x\":1},\"name\":\"0123456789\"}";
    assert_int_equal(
        shmrpc_json_read(same->params, json, sizeof json - 1, &value, &error),
        SHMRPC_E_INVALID);
    assert_string_equal(error.path, "name");
    assert_null(value);
    const shmrpc_str bad = {"\xff", 1};
    char *out = NULL;
    size_t len;
    assert_int_equal(
        shmrpc_json_write(&shmrpc_type_string, &bad, &out, &len, &error),
        SHMRPC_E_INVALID);
    assert_null(out);
    shmrpc_json_free(NULL);
    shmrpc_interface_release(interface);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_becomes_tables),
        cmocka_unit_test(canonical_text_is_the_same_interface),
        cmocka_unit_test(wrong_texts_are_refused_with_their_place),
        cmocka_unit_test(cut_texts_are_refused),
        cmocka_unit_test(import_of_a_file_that_exists_finds_nothing),
        cmocka_unit_test(text_that_is_too_long_is_refused),
        cmocka_unit_test(service_is_asked_and_called),
        cmocka_unit_test(absent_services_are_told),
        cmocka_unit_test(service_is_waited_for),
        cmocka_unit_test(waiting_has_an_end),
        cmocka_unit_test(wrong_json_is_refused_with_its_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
