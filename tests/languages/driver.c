/* conform ADDRESS FILE [SKIP...]: makes the calls of a conformance file to a
 * server, and prints for each whether it ended as it must: `ok ID`, or `not ok
 * ID` with the expected and the actual result. Each line is a case. Cases that
 * name a SKIP are left out. Like a language binding, the program knows the
 * service only from the service's description of itself, and uses only public
 * headers. README.md describes the file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "scrap.h"
#include "shmrpc/interface.h"
#include "shmrpc/stub.h"

#define PATIENCE_NS (INT64_C(60) * 1000000000)

/* The server, and the results so far. */
typedef struct conform {
    const shmrpc_service *service;
    shmrpc_client *client;
    unsigned passed;
    unsigned failed;
    bool knows_served; /* no call was made since `served` was called */
    uint64_t served;
} conform;

/* A case, and the outcome of its call. */
typedef struct trial {
    scrap scrap;
    const shmrpc_any *it; /* the case as parsed from its line */
    const shmrpc_method *method;
    uint32_t index;
    const void *params;
    shmrpc_opts opts;
    int status;
    shmrpc_error error;
    const void *reply;
    int64_t took_ms;
    char why[400]; /* why the case failed; "": it has not */
} trial;

static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static const shmrpc_any *member(const shmrpc_any *map, const char *name)
{
    return shmrpc_any_find(map, name);
}

static bool text_is(const shmrpc_any *value, const char *text)
{
    return value != NULL && value->kind == SHMRPC_ANY_STR &&
           shmrpc_str_equal(value->u.str, shmrpc_str_of(text));
}

static int64_t number_of(const shmrpc_any *value, int64_t otherwise)
{
    return value != NULL && value->kind == SHMRPC_ANY_I64 ? value->u.i64
                                                          : otherwise;
}

/* ---- calling ------------------------------------------------------------- */

static bool find_method(const conform *c, trial *t, const char *name)
{
    for (uint32_t i = 0; i < c->service->method_count; i++) {
        if (strcmp(c->service->methods[i].name, name) == 0) {
            t->index = i;
            t->method = &c->service->methods[i];
            return true;
        }
    }
    return false;
}

static const shmrpc_type *any_of(const shmrpc_type *type)
{
    return type != NULL && type->kind == SHMRPC_KIND_ANY ? type : NULL;
}

/* Decodes the arguments with the codec for JSON. An argument of type `any` is
 * then decoded again, by scrap_decode, because it may hold values that JSON
 * can't express. Returns false if the arguments are refused, which is then the
 * outcome of the case. */
static bool read_arguments(trial *t)
{
    const shmrpc_type *type = t->method->params;
    const char *text =
        scrap_text(&t->scrap, &shmrpc_type_any, member(t->it, "args"));
    t->status =
        scrap_read(&t->scrap, type, text, strlen(text), &t->params, &t->error);
    if (t->status != SHMRPC_OK) {
        t->error.may_have_run = false;
        return false;
    }
    if (type->count == 1 && any_of(type->fields[0].type) != NULL) {
        const shmrpc_any *given = member(member(t->it, "args"), "v");
        shmrpc_any *decoded = scrap_alloc(&t->scrap, sizeof *decoded);
        const shmrpc_any **place =
            scrap_alloc(&t->scrap, t->method->params->size);
        *decoded = scrap_decode(&t->scrap, given);
        *place = decoded; /* the only parameter is passed by pointer */
        t->params = place;
    }
    return true;
}

static void read_options(trial *t)
{
    const shmrpc_any *options = member(t->it, "options");
    int64_t ms = number_of(member(options, "timeout_ms"), 0);
    t->opts =
        (shmrpc_opts){.timeout_ns = ms * 1000000, .flags = SHMRPC_OPT_FAULTS};
}

static int call_cancelled(const conform *c, trial *t)
{
    shmrpc_call *call;
    int status = shmrpc_stub_start(c->client, t->index, t->params, &t->opts,
                                   &call, &t->error);
    if (status != SHMRPC_OK) {
        return status;
    }
    (void)shmrpc_call_cancel(call);
    return shmrpc_stub_finish_reply(call, c->service, t->index, &t->reply,
                                    &t->error);
}

static void call(const conform *c, trial *t)
{
    int64_t began_ms = now_ms();
    if (member(member(t->it, "options"), "cancel") != NULL) {
        t->status = call_cancelled(c, t);
    } else if ((t->method->flags & SHMRPC_METHOD_ONEWAY) != 0) {
        t->status = shmrpc_stub_call(c->client, t->index, t->params, &t->opts,
                                     NULL, &t->error);
    } else {
        t->status = shmrpc_stub_call_reply(c->client, t->index, t->params,
                                           &t->opts, &t->reply, &t->error);
    }
    t->took_ms = now_ms() - began_ms;
}

/* Returns how many calls the worker has served. */
static uint64_t served(conform *c, trial *t)
{
    trial ask = {.method = NULL};
    char params[1] = {0};
    if (!c->knows_served &&
        (!find_method(c, &ask, "served") ||
         shmrpc_stub_call(c->client, ask.index, params, NULL, &c->served,
                          &ask.error) != SHMRPC_OK)) {
        (void)snprintf(t->why, sizeof t->why, "`served` failed: %s",
                       ask.error.message);
    }
    c->knows_served = true;
    return c->served;
}

/* ---- comparing with the expectation -------------------------------------- */

static void expect(trial *t, bool is_so, const char *what, const char *expected,
                   const char *got)
{
    if (!is_so && t->why[0] == '\0') {
        (void)snprintf(t->why, sizeof t->why, "%s: expected %.160s, got %.160s",
                       what, expected, got);
    }
}

static void expect_number(trial *t, const char *what, const shmrpc_any *wanted,
                          int64_t got)
{
    char expected_text[24];
    char got_text[24];
    if (wanted != NULL) {
        int64_t expected = number_of(wanted, INT64_MIN);
        (void)snprintf(expected_text, sizeof expected_text, "%lld",
                       (long long)expected);
        (void)snprintf(got_text, sizeof got_text, "%lld", (long long)got);
        expect(t, expected == got, what, expected_text, got_text);
    }
}

static void expect_text(trial *t, const char *what, const shmrpc_any *wanted,
                        const char *got)
{
    if (wanted != NULL) {
        expect(t, text_is(wanted, got), what,
               scrap_text(&t->scrap, &shmrpc_type_any, wanted), got);
    }
}

/* Compares two values by their JSON text, because the codec writes equal values
 * in the same form. */
static void expect_value(trial *t, const char *what, const shmrpc_type *type,
                         const shmrpc_any *wanted, const void *got)
{
    if (any_of(type) != NULL) {
        shmrpc_any expected = scrap_decode(&t->scrap, wanted);
        expect(t, shmrpc_any_equal(&expected, got), what,
               scrap_text(&t->scrap, &shmrpc_type_any, wanted),
               scrap_text(&t->scrap, type, got));
        return;
    }
    const char *text = scrap_text(&t->scrap, &shmrpc_type_any, wanted);
    const void *value = NULL;
    shmrpc_error error;
    if (scrap_read(&t->scrap, type, text, strlen(text), &value, &error) !=
        SHMRPC_OK) {
        expect(t, false, what, "a value that can be read", error.message);
        return;
    }
    const char *expected = scrap_text(&t->scrap, type, value);
    const char *actual = scrap_text(&t->scrap, type, got);
    expect(t, strcmp(expected, actual) == 0, what, expected, actual);
}

static void judge_fault(trial *t, const shmrpc_any *wanted)
{
    const shmrpc_fault *fault = shmrpc_stub_fault(t->reply);
    if (wanted == NULL || fault == NULL) {
        expect(t, wanted == NULL && fault == NULL, "fault",
               wanted != NULL ? "one" : "none", fault != NULL ? "one" : "none");
        return;
    }
    expect_text(t, "type", member(wanted, "type"), fault->type.ptr);
    expect_text(t, "message of fault", member(wanted, "message"),
                fault->message.ptr);
    expect_value(t, "args", &shmrpc_type_any, member(wanted, "args"),
                 &fault->args);
}

static void judge_details(trial *t, const shmrpc_any *wanted)
{
    for (uint32_t i = 0; i < t->method->throws_count; i++) {
        const shmrpc_error_type *type = t->method->throws[i];
        if (type->number != t->status || wanted == NULL) {
            continue;
        }
        const void *payload = shmrpc_stub_payload(t->reply, type);
        if (wanted->kind == SHMRPC_ANY_NULL || payload == NULL) {
            expect(t, wanted->kind == SHMRPC_ANY_NULL && payload == NULL,
                   "details", wanted->kind == SHMRPC_ANY_NULL ? "none" : "some",
                   payload == NULL ? "none" : "some");
        } else {
            expect_value(t, "details", type->payload, wanted, payload);
        }
    }
}

static void judge_error(trial *t, const shmrpc_any *wanted)
{
    const shmrpc_any *may = member(wanted, "may_have_run");
    if (t->status == SHMRPC_OK) {
        expect(t, false, "end", scrap_text(&t->scrap, &shmrpc_type_any, wanted),
               "a result");
        return;
    }
    expect_text(t, "status", member(wanted, "status"), t->error.name);
    expect_text(t, "name", member(wanted, "name"), t->error.name);
    expect_number(t, "number", member(wanted, "number"), t->status);
    expect_text(t, "path", member(wanted, "path"), t->error.path);
    expect_text(t, "message", member(wanted, "message"), t->error.message);
    if (may != NULL) {
        expect(t, may->u.b == t->error.may_have_run, "may_have_run",
               may->u.b ? "true" : "false",
               t->error.may_have_run ? "true" : "false");
    }
    judge_details(t, member(wanted, "details"));
    judge_fault(t, member(wanted, "fault"));
}

static void judge_result(trial *t)
{
    if (t->status != SHMRPC_OK) {
        char text[SHMRPC_ERROR_TEXT_BYTES];
        expect(t, false, "end", "a result",
               shmrpc_error_text(&t->error, text, sizeof text));
        return;
    }
    const shmrpc_any *wanted = member(t->it, "result");
    if (t->method->result != NULL) {
        expect_value(t, "result", t->method->result, wanted, t->reply);
    } else {
        expect(t, wanted == NULL || wanted->kind == SHMRPC_ANY_NULL, "result",
               "some", "none");
    }
}

static void judge_time(trial *t)
{
    const shmrpc_any *within = member(t->it, "within_ms");
    if (within != NULL) {
        char got[24];
        (void)snprintf(got, sizeof got, "%lld", (long long)t->took_ms);
        expect(t,
               t->took_ms >= number_of(&within->u.list.ptr[0], 0) &&
                   t->took_ms <= number_of(&within->u.list.ptr[1], 0),
               "ms", scrap_text(&t->scrap, &shmrpc_type_any, within), got);
    }
}

static void judge(trial *t)
{
    if (member(t->it, "error") != NULL) {
        judge_error(t, member(t->it, "error"));
    } else {
        judge_result(t);
    }
    judge_time(t);
}

/* ---- cases --------------------------------------------------------------- */

static void try_case(conform *c, trial *t)
{
    const shmrpc_any *name = member(t->it, "call");
    const shmrpc_any *sent = member(t->it, "sent");
    if (name == NULL || !find_method(c, t, name->u.str.ptr)) {
        (void)snprintf(t->why, sizeof t->why, "the service has no such method");
        return;
    }
    uint64_t before = sent != NULL ? served(c, t) : 0;
    read_options(t);
    int64_t until_ms = now_ms() + PATIENCE_NS / 1000000;
    bool is_over = false;
    while (!is_over) {
        if (read_arguments(t)) {
            call(c, t);
            c->knows_served = false;
        }
        judge(t);
        is_over = t->why[0] == '\0' || now_ms() > until_ms ||
                  member(member(t->it, "options"), "until") == NULL;
        if (!is_over) {
            t->why[0] = '\0';
            shmrpc_stub_release(t->reply);
            t->reply = NULL;
        }
    }
    if (sent != NULL) {
        c->knows_served = false;
        uint64_t calls = served(c, t) - before;
        expect(t, calls == (sent->u.b ? 1 : 0), "sent",
               sent->u.b ? "once" : "not at all",
               calls > 0 ? "it was" : "it was not");
    }
}

static bool is_skipped(const trial *t, char **skips, int count)
{
    const shmrpc_any *list = member(t->it, "skip");
    for (size_t i = 0; list != NULL && i < list->u.list.len; i++) {
        for (int k = 0; k < count; k++) {
            if (text_is(&list->u.list.ptr[i], skips[k])) {
                return true;
            }
        }
    }
    return false;
}

static void run_line(conform *c, const char *line, size_t len, char **skips,
                     int skip_count)
{
    trial t = {.status = SHMRPC_OK};
    const void *tree;
    if (scrap_read(&t.scrap, &shmrpc_type_any, line, len, &tree, &t.error) !=
        SHMRPC_OK) {
        printf("not ok ? %s\n", t.error.message);
        c->failed++;
        return;
    }
    t.it = tree;
    if (!is_skipped(&t, skips, skip_count)) {
        try_case(c, &t);
        const char *id = member(t.it, "id")->u.str.ptr;
        if (t.why[0] == '\0') {
            printf("ok %s\n", id);
            c->passed++;
        } else {
            printf("not ok %s %s\n", id, t.why);
            c->failed++;
        }
    }
    shmrpc_stub_release(t.reply);
    scrap_clear(&t.scrap);
}

static int run_file(conform *c, const char *path, char **skips, int skip_count)
{
    FILE *file = fopen(path, "r");
    char *line = NULL;
    size_t room = 0;
    if (file == NULL) {
        perror(path);
        return 1;
    }
    for (;;) {
        ssize_t len = getline(&line, &room, file);
        if (len < 0) {
            break;
        }
        run_line(c, line, (size_t)len, skips, skip_count);
    }
    free(line);
    (void)fclose(file);
    printf("%u passed, %u failed\n", c->passed, c->failed);
    return c->failed == 0 && c->passed > 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    const shmrpc_opts patient = {.timeout_ns = PATIENCE_NS,
                                 .flags = SHMRPC_OPT_WAIT_FOR_READY};
    shmrpc_interface *interface = NULL;
    shmrpc_error error;
    conform c = {.service = NULL};
    if (argc < 3) {
        fputs("usage: conform ADDRESS FILE [SKIP...]\n", stderr);
        return 2;
    }
    int status = shmrpc_interface_ask(argv[1], &patient, &interface, &error);
    if (status == SHMRPC_OK) {
        c.service = shmrpc_interface_service(interface);
        status =
            shmrpc_stub_connect(c.service, shmrpc_interface_where(interface),
                                &patient, &c.client, &error);
    }
    if (status == SHMRPC_OK) {
        status = run_file(&c, argv[2], argv + 3, argc - 3);
    } else {
        fprintf(stderr, "%s: %s: %s\n", argv[1], error.name, error.message);
        status = 1;
    }
    shmrpc_stub_close(c.client);
    shmrpc_interface_release(interface);
    return status;
}
