/*
 * Dicts that many machines share: getting a value from the copy on this
 * machine, and putting one. They are compared with a bucket of JetStream, which
 * libnats uses in an event loop. One server keeps the dict and the bucket in
 * memory.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nats_loop.h"
#include "nats_stage.h"
#include "shmrpc/any.h"
#include "shmrpc/dict.h"

enum { TEXT_BYTES = 61 }; /* 64 bytes in msgpack */

typedef struct shelf {
    nats_stage stage;
    shmrpc_dict *dict;
    nats_loop *client;
    uint64_t sequence;
    char text[TEXT_BYTES + 1]; /* the value that was put last */
} shelf;

static void *shelf_setup(const bench_case *self)
{
    shelf *const s = bench_alloc(sizeof *s);
    (void)self;
    memset(s, 0, sizeof *s);
    nats_stage_begin(&s->stage, true);
    /* The local copy of the dict is kept in the server's folder, and removed
     * with it. */
    setenv("SHMRPC_DIR", s->stage.server.folder, 1);
    return s;
}

static void shelf_teardown(void *state)
{
    shelf *const s = state;
    nats_stage_end(&s->stage);
    unsetenv("SHMRPC_DIR");
    free(s);
}

static void next_text(shelf *s)
{
    snprintf(s->text, sizeof s->text, "%0*llu", TEXT_BYTES,
             (unsigned long long)++s->sequence);
}

/* ---- ours ---------------------------------------------------------------- */

static void must(int status, const shmrpc_error *error)
{
    if (status != SHMRPC_OK) {
        bench_fail("%s: %s", error->name, error->message);
    }
}

static void put_call(void *state)
{
    shelf *const s = state;
    const shmrpc_any key = shmrpc_any_str("key");
    const shmrpc_path path = shmrpc_path_of(&key, 1);
    shmrpc_error error;
    next_text(s);
    const shmrpc_any value = shmrpc_any_str(s->text);
    must(shmrpc_dict_put(s->dict, &path, &value, &error), &error);
}

static void get_call(void *state)
{
    shelf *const s = state;
    const shmrpc_any key = shmrpc_any_str("key");
    const shmrpc_path path = shmrpc_path_of(&key, 1);
    const shmrpc_any *value = NULL;
    shmrpc_error error;
    must(shmrpc_dict_get(s->dict, &path, &value, NULL, &error), &error);
    if (value->kind != SHMRPC_ANY_STR || value->u.str.len != TEXT_BYTES ||
        memcmp(value->u.str.ptr, s->text, TEXT_BYTES) != 0) {
        bench_fail("the value differs from what was put");
    }
    shmrpc_dict_release(s->dict, value);
}

static void dict_dial(void *state)
{
    shelf *const s = state;
    char where[128];
    shmrpc_error error;
    snprintf(where, sizeof where, "%s/bench.words?storage=memory",
             s->stage.address);
    must(shmrpc_dict_open(where, NULL, &s->dict, &error), &error);
    put_call(s);
}

/* ---- a bucket by libnats ------------------------------------------------- */

/* Sends a request; fails the case unless the answer contains `answer`. */
static void request(shelf *s, const char *subject, const char *data,
                    const char *answer)
{
    nats_message message;
    nats_loop_put(s->client, subject, "_INBOX.bench", data, strlen(data));
    if (!nats_loop_next(s->client, &message) ||
        memmem(message.data, message.len, answer, strlen(answer)) == NULL) {
        bench_fail("%s: JetStream does not answer with %s", subject, answer);
    }
}

static void bucket_put_call(void *state)
{
    shelf *const s = state;
    next_text(s);
    request(s, "$KV.words.key", s->text, "KV_words");
}

/* Gets the value from the bucket; the server returns it in base64. */
static void bucket_get_call(void *state)
{
    request(state, "$JS.API.STREAM.MSG.GET.KV_words",
            "{\"last_by_subj\":\"$KV.words.key\"}", "\"data\":\"MDAw");
}

static void bucket_dial(void *state)
{
    shelf *const s = state;
    s->client = nats_loop_open(s->stage.server.port, "_INBOX.bench");
    request(s, "$JS.API.STREAM.CREATE.KV_words",
            "{\"name\":\"KV_words\",\"subjects\":[\"$KV.words.>\"],"
            "\"max_msgs_per_subject\":1,\"storage\":\"memory\","
            "\"allow_rollup_hdrs\":true,\"discard\":\"new\"}",
            "created");
    bucket_put_call(s);
}

#define SHELF(name_, about_, contest_, contestant_, dial_, call_)             \
    .name = (name_), .about = (about_), .payload = 64,                        \
    .places = BENCH_IN_ALONE, .floor = BENCH_FLOOR_NONE,                      \
    .contest = (contest_), .contestant = (contestant_), .setup = shelf_setup, \
    .dial = (dial_), .call = (call_), .teardown = shelf_teardown

static const bench_case cases[] = {
    {SHELF("floor.libnats.kv.put", "libnats: put a value into a bucket",
           "bucket put, 64 B", "libnats", bucket_dial, bucket_put_call)},
    {SHELF("floor.libnats.kv.get", "libnats: get a value from a bucket",
           "bucket get, 64 B", "libnats", bucket_dial, bucket_get_call)},
    {SHELF("nats.dict.put",
           "put into a dict of many machines, until the copy here has it",
           "bucket put, 64 B", "dict", dict_dial, put_call),
     .is_ours = 1},
    {SHELF("nats.dict.get", "get from this machine's copy of the dict",
           "bucket get, 64 B", "dict", dict_dial, get_call),
     .is_ours = 1},
};

const bench_suite nats_dict = {cases, sizeof cases / sizeof *cases};
