/* The rules of contracts: for each rule a pair that passes and a pair that does
 * not, with its message. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "codec/contract.h"
#include "sample.h"

/* Tables of one small service; each test changes what it needs. */
typedef struct world {
    shmrpc_type number; /* type of the field `limit` */
    shmrpc_type list;   /* list<Hit> */
    shmrpc_type map;    /* map<string, u32> */
    shmrpc_type array;  /* u32[2] */
    shmrpc_enumerator names[3];
    shmrpc_type order;
    shmrpc_field members[3];
    shmrpc_type key;
    shmrpc_field hit_fields[4];
    shmrpc_type hit;
    shmrpc_field query_fields[8];
    shmrpc_type query;
    shmrpc_field params_fields[3];
    shmrpc_type params;
    shmrpc_field detail_fields[2];
    shmrpc_type detail;
    shmrpc_error_type bad_query;
    shmrpc_error_type busy;
    const shmrpc_error_type *throws[2];
    shmrpc_method methods[3];
    shmrpc_service service;
} world;

static const uint32_t ten = 10;

static shmrpc_field field(uint32_t tag, const char *name,
                          const shmrpc_type *type, uint32_t flags)
{
    return (shmrpc_field){
        .tag = tag, .name = name, .type = type, .flags = flags};
}

static shmrpc_type structure(const char *name, const shmrpc_field *fields,
                             uint32_t count)
{
    return (shmrpc_type){.kind = SHMRPC_KIND_STRUCT,
                         .name = name,
                         .fields = fields,
                         .count = count};
}

static void make_types(world *w)
{
    w->number = shmrpc_type_u32;
    w->number.flags = SHMRPC_TYPE_BOUNDED;
    w->number.min = 1;
    w->number.max = 1000;
    w->list =
        (shmrpc_type){.kind = SHMRPC_KIND_LIST, .max = 5, .element = &w->hit};
    w->map = (shmrpc_type){.kind = SHMRPC_KIND_MAP,
                           .key = &shmrpc_type_string,
                           .element = &shmrpc_type_u32};
    w->array = (shmrpc_type){
        .kind = SHMRPC_KIND_ARRAY, .count = 2, .element = &shmrpc_type_u32};
    w->names[0] = (shmrpc_enumerator){"RELEVANCE", 0, NULL};
    w->names[1] = (shmrpc_enumerator){"DATE", 1, NULL};
    w->names[2] = (shmrpc_enumerator){"RANDOM", 2, NULL};
    w->order = (shmrpc_type){.kind = SHMRPC_KIND_ENUM,
                             .name = "fts.Order",
                             .element = &shmrpc_type_u8,
                             .enumerators = w->names,
                             .count = 2};
    w->members[0] = field(1, "id", &shmrpc_type_u64, 0);
    w->members[1] = field(2, "url", &shmrpc_type_string, 0);
    w->members[2] = field(3, "path", &shmrpc_type_string, 0);
    w->key = (shmrpc_type){.kind = SHMRPC_KIND_UNION,
                           .name = "fts.Key",
                           .fields = w->members,
                           .count = 2};
}

static void make_structs(world *w)
{
    w->hit_fields[0] = field(1, "key", &w->key, 0);
    w->hit_fields[1] = field(2, "score", &shmrpc_type_f32, 0);
    w->hit_fields[2] = field(3, "similar", &w->list, 0);
    w->hit_fields[3] =
        field(4, "note", &shmrpc_type_string, SHMRPC_FIELD_OPTIONAL);
    w->hit = structure("fts.Hit", w->hit_fields, 3);
    w->query_fields[0] = field(1, "text", &shmrpc_type_string, 0);
    w->query_fields[1] = field(2, "limit", &w->number, 0);
    w->query_fields[2] = field(3, "order", &w->order, 0);
    w->query_fields[3] =
        field(4, "lang", &shmrpc_type_string, SHMRPC_FIELD_OPTIONAL);
    w->query_fields[4] = field(5, "weights", &w->map, 0);
    w->query_fields[5] = field(6, "span", &w->array, 0);
    w->query_fields[6] = field(7, "key", &w->key, 0);
    w->query_fields[7] =
        field(8, "extra", &shmrpc_type_u32, SHMRPC_FIELD_OPTIONAL);
    w->query = structure("fts.Query", w->query_fields, 7);
    w->params_fields[0] = field(1, "query", &w->query, SHMRPC_FIELD_POINTER);
    w->params_fields[1] = field(2, "page", &shmrpc_type_u32, 0);
    w->params_fields[2] = field(3, "wait", &shmrpc_type_u32, 0);
    w->params_fields[2].default_value = &ten;
    w->params = structure(NULL, w->params_fields, 2);
    w->detail_fields[0] = field(1, "at", &shmrpc_type_u32, 0);
    w->detail_fields[1] =
        field(2, "hint", &shmrpc_type_string, SHMRPC_FIELD_OPTIONAL);
    w->detail = structure("fts.Detail", w->detail_fields, 1);
}

static shmrpc_method method(const char *name, const shmrpc_type *params,
                            const shmrpc_type *result)
{
    return (shmrpc_method){.name = name,
                           .encoding = SHMRPC_ENCODING_MSGPACK,
                           .signature = "",
                           .params = params,
                           .result = result};
}

static void make(world *w)
{
    memset(w, 0, sizeof *w);
    make_types(w);
    make_structs(w);
    w->bad_query = (shmrpc_error_type){
        .name = "fts.BadQuery", .number = 100, .payload = &w->detail};
    w->busy = (shmrpc_error_type){.name = "fts.Busy", .number = 101};
    w->throws[0] = &w->bad_query;
    w->throws[1] = &w->busy;
    w->methods[0] = method("find", &w->params, &w->hit);
    w->methods[0].throws = w->throws;
    w->methods[0].throws_count = 1;
    w->methods[1] = method("ping", &shmrpc_type_no_params, NULL);
    w->methods[2] = method("extra", &shmrpc_type_no_params, NULL);
    w->service = (shmrpc_service){.name = "fts",
                                  .id = "fts.Search",
                                  .methods = w->methods,
                                  .method_count = 2};
}

/* Compares through the encoded form, as a client does. */
static int compare(const world *client, const world *server,
                   uint32_t method_ids[3], shmrpc_error *error)
{
    shmrpci_arena arena;
    shmrpci_buf buf;
    const shmrpci_contract *mine;
    const shmrpci_contract *sent;
    const shmrpci_contract *theirs;
    shmrpci_arena_init(&arena, 0);
    shmrpci_buf_init_heap(&buf);
    assert_int_equal(shmrpci_contract_of(&client->service, &arena, &mine), 0);
    assert_int_equal(shmrpci_contract_of(&server->service, &arena, &sent), 0);
    assert_int_equal(shmrpci_contract_encode(sent, &buf), 0);
    if (shmrpci_contract_decode(buf.data, buf.len, &arena, &theirs, error) !=
        SHMRPC_OK) {
        fail_msg("%s: %s", error->path, error->message);
    }
    int status = shmrpci_contract_compare(mine, theirs, method_ids, error);
    shmrpci_buf_fini(&buf);
    shmrpci_arena_fini(&arena);
    return status;
}

static void passes(const world *client, const world *server)
{
    uint32_t ids[3];
    shmrpc_error error = {0};
    if (compare(client, server, ids, &error) != SHMRPC_OK) {
        fail_msg("refused: %s", error.message);
    }
}

static void refused(const world *client, const world *server,
                    const char *message)
{
    uint32_t ids[3];
    shmrpc_error error = {0};
    assert_int_equal(compare(client, server, ids, &error), SHMRPC_E_CONTRACT);
    assert_string_equal(error.message, message);
    assert_int_equal(error.code, SHMRPC_E_CONTRACT);
}

static world a; /* the client */
static world b; /* the server */

static int fresh(void **state)
{
    (void)state;
    make(&a);
    make(&b);
    return 0;
}

static void use_encoding(shmrpc_encoding encoding)
{
    for (int i = 0; i < 3; i++) {
        a.methods[i].encoding = encoding;
        b.methods[i].encoding = encoding;
    }
}

static void equal_contracts(void **state)
{
    (void)state;
    passes(&a, &b);
    use_encoding(SHMRPC_ENCODING_JSON);
    passes(&a, &b);
    use_encoding(SHMRPC_ENCODING_NATIVE);
    passes(&a, &b);
}

static void methods_by_name(void **state)
{
    (void)state;
    b.service.method_count = 3;
    b.methods[2] = b.methods[0];
    b.methods[0] = method("extra", &shmrpc_type_no_params, NULL);
    uint32_t ids[3] = {0};
    shmrpc_error error;
    assert_int_equal(compare(&a, &b, ids, &error), SHMRPC_OK);
    assert_int_equal(ids[0], 3);
    assert_int_equal(ids[1], 2);
    refused(&b, &a, "method extra: unknown to the server");
}

static void renamed_method(void **state)
{
    (void)state;
    b.methods[0].name = "lookup";
    refused(&a, &b, "method find: unknown to the server, which has lookup");
}

static void encoding_of_method(void **state)
{
    (void)state;
    b.methods[0].encoding = SHMRPC_ENCODING_JSON;
    refused(&a, &b, "method find: is msgpack here and json at the server");
}

static void flags_of_method(void **state)
{
    (void)state;
    b.methods[1].flags = SHMRPC_METHOD_IDEMPOTENT | SHMRPC_METHOD_DEPRECATED;
    passes(&a, &b);
    refused(&b, &a, "method ping: is idempotent here and not at the server");
    b.methods[1].flags = SHMRPC_METHOD_ONEWAY;
    refused(&a, &b, "method ping: is answered here and oneway at the server");
}

static void stream(world *w, const shmrpc_type *in, const shmrpc_type *out)
{
    w->methods[1].flags =
        (in != NULL ? (uint32_t)SHMRPC_METHOD_STREAMS_IN : 0u) |
        (out != NULL ? (uint32_t)SHMRPC_METHOD_STREAMS_OUT : 0u);
    w->methods[1].items_in = in;
    w->methods[1].items_out = out;
}

static void streams_of_method(void **state)
{
    (void)state;
    stream(&a, &a.hit, NULL);
    refused(&a, &b, "method ping: takes a stream here and none at the server");
    refused(&b, &a, "method ping: takes no stream here and one at the server");
    stream(&a, NULL, &a.hit);
    refused(&a, &b,
            "method ping: returns a stream here and none at the server");
    refused(&b, &a,
            "method ping: returns no stream here and one at the server");
    stream(&b, NULL, &b.hit);
    passes(&a, &b);
    stream(&a, &a.hit, &a.hit);
    refused(&a, &b, "method ping: takes a stream here and none at the server");
    stream(&b, &b.hit, &b.hit);
    passes(&a, &b);
    use_encoding(SHMRPC_ENCODING_NATIVE);
    passes(&a, &b);
}

/* A stream in place of a result is reported as one difference, not two. */
static void stream_instead_of_result(void **state)
{
    (void)state;
    b.methods[0].result = NULL;
    b.methods[0].flags = SHMRPC_METHOD_STREAMS_OUT;
    b.methods[0].items_out = &b.hit;
    refused(&a, &b,
            "method find: returns no stream here and one at the server");
}

/* Items follow the rules of parameters and results: the writer may add
 * fields. */
static void items_of_stream(void **state)
{
    (void)state;
    stream(&a, &a.number, NULL);
    stream(&b, &shmrpc_type_string, NULL);
    refused(&a, &b,
            "method ping: sent item is u32 here and string at the server");
    stream(&a, NULL, &a.hit);
    stream(&b, NULL, &b.hit);
    b.hit.count = 4;
    passes(&a, &b);
    stream(&a, NULL, &a.detail);
    stream(&b, NULL, &b.detail);
    a.methods[0].throws_count = 0;
    b.methods[0].throws_count = 0;
    b.detail_fields[0].type = &shmrpc_type_u64;
    refused(&a, &b,
            "method ping: returned item.at is u32 here and u64 at the server");
}

/* Bounds depend on the writer: a server may return less than clients expect,
 * and accept more than they send. */
static void bounds_of_items(void **state)
{
    (void)state;
    shmrpc_type wide = a.number;
    wide.max = 2000;
    stream(&a, NULL, &wide);
    stream(&b, NULL, &b.number);
    passes(&a, &b);
    refused(&b, &a,
            "method ping: returned item allows 1..1000 here and 1..2000 at the "
            "server");
    stream(&a, &wide, NULL);
    stream(&b, &b.number, NULL);
    passes(&b, &a);
    refused(&a, &b,
            "method ping: sent item allows 1..2000 here and 1..1000 at the "
            "server");
}

static void type_of_field(void **state)
{
    (void)state;
    b.number = shmrpc_type_u64;
    refused(&a, &b,
            "method find: parameter query.limit is u32 here and u64 at the "
            "server");
    make(&b);
    b.hit_fields[1].type = &shmrpc_type_f64;
    refused(&a, &b,
            "method find: result.score is f32 here and f64 at the server");
}

/* The width differs, but the possible numbers are the same. */
static void width_of_integer(void **state)
{
    (void)state;
    b.number.kind = SHMRPC_KIND_I64;
    passes(&a, &b);
    passes(&b, &a);
    b.number.max = 1001;
    refused(&a, &b,
            "method find: parameter query.limit is u32 here and i64 at the "
            "server");
    b.number.max = 1000;
    use_encoding(SHMRPC_ENCODING_NATIVE);
    refused(&a, &b,
            "method find: parameter query.limit is u32 here and i64 at the "
            "server");
    use_encoding(SHMRPC_ENCODING_MSGPACK);
    /* The bounds -1..-1 and the largest u64 have the same bits. */
    a.number = (shmrpc_type){.kind = SHMRPC_KIND_I64,
                             .flags = SHMRPC_TYPE_BOUNDED,
                             .min = UINT64_MAX,
                             .max = UINT64_MAX};
    b.number = a.number;
    b.number.kind = SHMRPC_KIND_U64;
    refused(&a, &b,
            "method find: parameter query.limit is i64 here and u64 at the "
            "server");
}

static void type_of_parameter(void **state)
{
    (void)state;
    b.params_fields[1].type = &b.map;
    refused(&a, &b,
            "method find: parameter page is u32 here and map<string, u32> at "
            "the server");
}

static void inner_types(void **state)
{
    (void)state;
    b.map.element = &shmrpc_type_u64;
    refused(&a, &b,
            "method find: parameter query.weights[] is u32 here and u64 at "
            "the server");
    make(&b);
    b.map.key = &shmrpc_type_i32;
    refused(&a, &b,
            "method find: parameter query.weights[key] is string here and i32 "
            "at the server");
    make(&b);
    b.list.element = &shmrpc_type_u8;
    refused(&a, &b,
            "method find: result.similar[] is struct fts.Hit here and u8 at "
            "the server");
}

static void length_of_array(void **state)
{
    (void)state;
    b.array.count = 3;
    refused(&a, &b,
            "method find: parameter query.span is u32[2] here and u32[3] at "
            "the server");
}

static void result_or_none(void **state)
{
    (void)state;
    b.methods[0].result = NULL;
    refused(&a, &b,
            "method find: result is something here and nothing at the server");
}

static void extra_fields(void **state)
{
    (void)state;
    /* Either side may have extra fields in parameters and in results, as long
     * as they are optional. */
    b.query.count = 8;
    b.hit.count = 4;
    passes(&a, &b);
    passes(&b, &a);
    b.query_fields[7].flags = 0;
    refused(&a, &b,
            "method find: parameter query.extra is required by the server and "
            "unknown here");
    refused(&b, &a,
            "method find: parameter query.extra is required here and unknown "
            "to the server");
    b.query_fields[7].default_value = &ten;
    passes(&a, &b);
    use_encoding(SHMRPC_ENCODING_NATIVE);
    refused(&a, &b,
            "method find: parameter query.extra is unknown here, and native "
            "can't skip it");
}

static void extra_parameters(void **state)
{
    (void)state;
    b.params.count = 3;
    passes(&a, &b);
    passes(&b, &a);
    b.params_fields[2].default_value = NULL;
    refused(&a, &b,
            "method find: parameter wait is required by the server and unknown "
            "here");
}

static void renamed_field(void **state)
{
    (void)state;
    b.query_fields[3].name = "language";
    refused(&a, &b,
            "method find: parameter query.lang is called language at the "
            "server");
}

static void moved_field(void **state)
{
    (void)state;
    b.query_fields[6].tag = 9;
    refused(&a, &b,
            "method find: parameter query.key has number 7 here and 9 at the "
            "server");
    /* Two fields of one type that were swapped. */
    make(&b);
    b.hit_fields[1].name = "similar";
    b.hit_fields[1].type = &b.list;
    b.hit_fields[2].name = "score";
    b.hit_fields[2].type = &shmrpc_type_f32;
    refused(&a, &b,
            "method find: result.score has number 2 here and 3 at the server");
}

static void optional_fields(void **state)
{
    (void)state;
    /* A client that always sends a field fits a server that doesn't require
     * it. */
    b.query_fields[2].flags = SHMRPC_FIELD_OPTIONAL;
    passes(&a, &b);
    refused(&b, &a,
            "method find: parameter query.order is optional here and required "
            "at the server");
    make(&b);
    b.hit_fields[1].flags = SHMRPC_FIELD_OPTIONAL;
    passes(&b, &a);
    refused(&a, &b,
            "method find: result.score is required here and optional at the "
            "server");
    use_encoding(SHMRPC_ENCODING_NATIVE);
    refused(&b, &a,
            "method find: result.score is optional here and required at the "
            "server");
}

static void bounds(void **state)
{
    (void)state;
    /* The server may accept more than a client sends, never less. */
    b.number.max = 2000;
    passes(&a, &b);
    refused(&b, &a,
            "method find: parameter query.limit allows 1..2000 here and "
            "1..1000 at the server");
    make(&b);
    b.number.flags = 0;
    passes(&a, &b);
    refused(&b, &a,
            "method find: parameter query.limit allows anything here and "
            "1..1000 at the server");
    /* And vice versa for results. */
    make(&b);
    b.list.flags = SHMRPC_TYPE_BOUNDED;
    passes(&a, &b);
    refused(&b, &a,
            "method find: result.similar allows 0..5 here and anything at the "
            "server");
}

/* Bounds as wide as the type exclude nothing; any bounds of a float exclude
 * NaN. */
static void natural_bounds(void **state)
{
    (void)state;
    a.number = shmrpc_type_u32;
    b.number = shmrpc_type_u32;
    b.number.flags |= SHMRPC_TYPE_BOUNDED;
    b.number.max = UINT32_MAX;
    passes(&a, &b);
    b.number.max--;
    refused(&a, &b,
            "method find: parameter query.limit allows anything here and "
            "0..4294967294 at the server");
    a.number = shmrpc_type_i8;
    b.number = shmrpc_type_i8;
    b.number.flags |= SHMRPC_TYPE_BOUNDED;
    b.number.min = (uint64_t)-128;
    b.number.max = 127;
    passes(&a, &b);
    b.number.min++;
    refused(&a, &b,
            "method find: parameter query.limit allows anything here and "
            "-127..127 at the server");
    a.number.flags |= SHMRPC_TYPE_BOUNDED;
    a.number.min = (uint64_t)INT64_MIN;
    a.number.max = 10;
    b.number.min = (uint64_t)-128;
    b.number.max = 10;
    passes(&a, &b);
    double infinity = HUGE_VAL;
    double minus_infinity = -HUGE_VAL;
    a.number = shmrpc_type_f64;
    b.number = shmrpc_type_f64;
    b.number.flags |= SHMRPC_TYPE_BOUNDED;
    memcpy(&b.number.min, &minus_infinity, sizeof infinity);
    memcpy(&b.number.max, &infinity, sizeof infinity);
    refused(&a, &b,
            "method find: parameter query.limit allows anything here and "
            "-inf..inf at the server");
}

/* A writer also sends a field whose value is the default, so the reader need
 * not know the default. */
static void dropped_default(void **state)
{
    (void)state;
    a.query_fields[1].default_value = &ten;
    passes(&a, &b);
    passes(&b, &a);
}

#define MAX_DIFFERENCES 16

typedef struct listener {
    size_t count;
    shmrpci_difference all[MAX_DIFFERENCES];
    char messages[MAX_DIFFERENCES][256];
} listener;

static void listen_to(const shmrpci_difference *difference, void *user)
{
    listener *to = user;
    assert_true(to->count < MAX_DIFFERENCES);
    (void)snprintf(to->messages[to->count], sizeof to->messages[0], "%s",
                   difference->message);
    to->all[to->count++] = *difference;
}

static int differences(const world *client, const world *server, listener *to)
{
    shmrpci_arena arena;
    const shmrpci_contract *mine;
    const shmrpci_contract *theirs;
    uint32_t ids[3];
    to->count = 0;
    shmrpci_arena_init(&arena, 0);
    assert_int_equal(shmrpci_contract_of(&client->service, &arena, &mine), 0);
    assert_int_equal(shmrpci_contract_of(&server->service, &arena, &theirs), 0);
    int status = shmrpci_contract_differences(mine, theirs, ids, listen_to, to);
    shmrpci_arena_fini(&arena);
    return status;
}

static void listed(const listener *got, size_t index,
                   shmrpci_difference_kind kind, const char *owner,
                   const char *member, const char *message)
{
    assert_string_equal(got->messages[index], message);
    assert_int_equal(got->all[index].kind, kind);
    assert_true(
        shmrpc_str_equal(got->all[index].client.owner, shmrpc_str_of(owner)));
    assert_true(
        shmrpc_str_equal(got->all[index].client.member, shmrpc_str_of(member)));
}

/* Reports every difference with its place, a recursive type only once. */
static void all_differences(void **state)
{
    (void)state;
    listener got;
    assert_int_equal(differences(&a, &b, &got), SHMRPC_OK);
    assert_int_equal(got.count, 0);
    b.number.max = 5;
    b.params_fields[1].name = "sheet";
    b.hit_fields[1].type = &shmrpc_type_f64;
    b.hit_fields[2].tag = 7;
    b.methods[1].name = "pong";
    assert_int_equal(differences(&a, &b, &got), SHMRPC_E_CONTRACT);
    assert_int_equal(got.count, 5);
    listed(&got, 0, SHMRPCI_DIFFERENCE_BOUNDS, "fts.Query", "limit",
           "method find: parameter query.limit allows 1..1000 here and 1..5 at "
           "the server");
    listed(&got, 1, SHMRPCI_DIFFERENCE_NAME, "", "page",
           "method find: parameter page is called sheet at the server");
    listed(&got, 2, SHMRPCI_DIFFERENCE_TYPE, "fts.Hit", "score",
           "method find: result.score is f32 here and f64 at the server");
    listed(&got, 3, SHMRPCI_DIFFERENCE_NUMBER, "fts.Hit", "similar",
           "method find: result.similar has number 3 here and 7 at the server");
    listed(&got, 4, SHMRPCI_DIFFERENCE_METHOD, "", "",
           "method ping: unknown to the server, which has pong");
}

/* Clients of other versions get enums as numbers, in json too. */
static void unknown_enumerator(void **state)
{
    (void)state;
    listener got;
    a.order.count = 3;
    assert_int_equal(differences(&a, &b, &got), SHMRPC_OK);
    assert_int_equal(got.count, 0);
    use_encoding(SHMRPC_ENCODING_JSON);
    passes(&a, &b);
    passes(&b, &a);
    assert_int_equal(differences(&a, &b, &got), SHMRPC_OK);
    assert_int_equal(got.count, 0);
}

static void signed_and_float_bounds(void **state)
{
    (void)state;
    a.number = sample_offset_type;
    b.number = sample_offset_type;
    b.number.min = (uint64_t)-6;
    passes(&a, &b);
    refused(&b, &a,
            "method find: parameter query.limit allows -6..5 here and -5..5 at "
            "the server");
    a.number = sample_gain_type;
    b.number = sample_gain_type;
    b.number.min = 0;
    passes(&a, &b);
    refused(&b, &a,
            "method find: parameter query.limit allows 0..2 here and 0.5..2 at "
            "the server");
}

static void enumerators(void **state)
{
    (void)state;
    b.order.count = 3;
    passes(&a, &b);
    passes(&b, &a);
    b.names[1].value = 5;
    refused(&a, &b,
            "method find: parameter query.order has DATE = 1 here and 5 at the "
            "server");
    make(&b);
    b.names[1].name = "TIME";
    refused(&a, &b,
            "method find: parameter query.order calls 1 DATE here and TIME at "
            "the server");
    make(&b);
    b.order.element = &shmrpc_type_i32;
    refused(&a, &b,
            "method find: parameter query.order is u8 here and i32 at the "
            "server");
}

static void union_members(void **state)
{
    (void)state;
    /* In a parameter the server may have more enumerators, in a result the
     * client may. */
    a.methods[0].result = NULL;
    b.methods[0].result = NULL;
    b.key.count = 3;
    passes(&a, &b);
    refused(&b, &a,
            "method find: parameter query.key.path is a member here and "
            "unknown to the server");
    use_encoding(SHMRPC_ENCODING_NATIVE);
    refused(&a, &b,
            "method find: parameter query.key.path is a member at the server "
            "and unknown here");
    make(&a);
    make(&b);
    a.query.count = 6;
    b.query.count = 6;
    b.key.count = 3;
    passes(&b, &a);
    refused(&a, &b,
            "method find: result.key.path is a member at the server and "
            "unknown here");
    make(&b);
    b.query.count = 6;
    b.members[1].name = "address";
    refused(&a, &b,
            "method find: result.key.url is called address at the server");
    make(&b);
    b.query.count = 6;
    b.members[1].type = &shmrpc_type_bytes;
    refused(&a, &b,
            "method find: result.key.url is string here and bytes at the "
            "server");
}

static void declared_errors(void **state)
{
    (void)state;
    b.methods[0].throws_count = 2;
    b.detail.count = 2;
    passes(&a, &b);
    passes(&b, &a);
    b.bad_query.number = 102;
    refused(&a, &b,
            "method find: error fts.BadQuery is 100 here and 102 at the "
            "server");
    make(&b);
    a.methods[0].throws_count = 2;
    b.methods[0].throws_count = 2;
    b.busy.number = 105;
    refused(&a, &b,
            "method find: error fts.Busy is 101 here and 105 at the server");
    make(&a);
    make(&b);
    b.bad_query.name = "fts.Wrong";
    refused(&a, &b,
            "method find: error fts.BadQuery (100) is called fts.Wrong at the "
            "server");
    make(&b);
    b.bad_query.payload = NULL;
    refused(&a, &b,
            "method find: error fts.BadQuery carries details here and nothing "
            "at the server");
    make(&b);
    b.detail_fields[0].type = &shmrpc_type_u64;
    refused(&a, &b,
            "method find: error fts.BadQuery.at is u32 here and u64 at the "
            "server");
}

/* Two struct types with different names are equal on the wire. */
static void names_of_types(void **state)
{
    (void)state;
    b.query.name = "fts.Request";
    passes(&a, &b);
}

static void error_is_optional(void **state)
{
    (void)state;
    uint32_t ids[3];
    b.methods[0].name = "lookup";
    assert_int_equal(compare(&a, &b, ids, NULL), SHMRPC_E_CONTRACT);
}

/* With any truncation or flipped byte, a contract is refused or can still be
 * compared. */
static void hostile_bytes(void **state)
{
    (void)state;
    shmrpci_arena arena;
    shmrpci_buf buf;
    const shmrpci_contract *mine;
    const shmrpci_contract *theirs;
    uint32_t ids[3];
    shmrpci_arena_init(&arena, 0);
    shmrpci_buf_init_heap(&buf);
    assert_int_equal(shmrpci_contract_of(&a.service, &arena, &mine), 0);
    assert_int_equal(shmrpci_contract_encode(mine, &buf), 0);
    size_t accepted = 0;
    for (size_t i = 0; i < buf.len * 2; i++) {
        shmrpci_arena scratch;
        shmrpci_arena_init(&scratch, (size_t)1 << 20);
        size_t len = i < buf.len ? i : buf.len;
        uint8_t *copy = malloc(len + 1);
        assert_non_null(copy);
        memcpy(copy, buf.data, len);
        if (i >= buf.len) {
            copy[i - buf.len] ^= 0xFF;
        }
        shmrpc_error error;
        if (shmrpci_contract_decode(copy, len, &scratch, &theirs, &error) ==
            SHMRPC_OK) {
            accepted++;
            assert_true(i >= buf.len);
            (void)shmrpci_contract_compare(mine, theirs, ids, &error);
        }
        free(copy);
        shmrpci_arena_fini(&scratch);
    }
    assert_true(accepted < buf.len);
    shmrpci_buf_fini(&buf);
    shmrpci_arena_fini(&arena);
}

/* A peer's contract is checked before anything relies on it. */
static void malformed(const char *message)
{
    shmrpci_arena arena;
    shmrpci_buf buf;
    shmrpc_error error = {0};
    const shmrpci_contract *sent;
    const shmrpci_contract *theirs;
    shmrpci_arena_init(&arena, 0);
    shmrpci_buf_init_heap(&buf);
    assert_int_equal(shmrpci_contract_of(&b.service, &arena, &sent), 0);
    assert_int_equal(shmrpci_contract_encode(sent, &buf), 0);
    assert_int_equal(
        shmrpci_contract_decode(buf.data, buf.len, &arena, &theirs, &error),
        SHMRPC_E_INVALID);
    assert_string_equal(error.message, message);
    shmrpci_buf_fini(&buf);
    shmrpci_arena_fini(&arena);
    make(&b);
}

static void malformed_contracts(void **state)
{
    (void)state;
    b.params_fields[1].tag = 1;
    malformed("the contract's type 0 is malformed");
    b.params_fields[1].name = "a\x1b[31m";
    malformed("the contract's type 0 is malformed");
    b.params.kind = SHMRPC_KIND_UNION;
    malformed("the contract's method 0 is malformed");
    b.hit.kind = (shmrpc_kind)21;
    malformed("the contract's type 1 is malformed");
    b.list.element = NULL;
    malformed("the contract's type 8 is malformed");
    b.map.key = NULL;
    malformed("the contract's type 12 is malformed");
    b.order.element = &shmrpc_type_string;
    malformed("the contract's type 11 is malformed");
    b.bad_query.number = 99;
    malformed("the contract's error 0 is malformed");
    b.bad_query.payload = &shmrpc_type_u32;
    malformed("the contract's error 0 is malformed");
    b.methods[1].name = "";
    malformed("the contract's method 1 is malformed");
    b.methods[1].encoding = (shmrpc_encoding)9;
    malformed("the contract's method 1 is malformed");
    b.methods[1].flags = SHMRPC_METHOD_STREAMS_OUT;
    malformed("the contract's method 1 is malformed");
    b.methods[1].items_in = &b.hit;
    malformed("the contract's method 1 is malformed");
    stream(&b, NULL, &b.hit);
    b.methods[1].result = &b.hit;
    malformed("the contract's method 1 is malformed");
    stream(&b, &b.hit, NULL);
    b.methods[1].flags |= SHMRPC_METHOD_ONEWAY;
    malformed("the contract's method 1 is malformed");
    b.service.id = "two words";
    malformed("the contract's name or id is malformed");
}

static void out_of_memory(void **state)
{
    (void)state;
    shmrpci_arena arena;
    const shmrpci_contract *contract;
    int status = SHMRPC_E_NO_MEMORY;
    for (size_t limit = 64; status != SHMRPC_OK; limit += 64) {
        shmrpci_arena_init(&arena, limit);
        status = shmrpci_contract_of(&a.service, &arena, &contract);
        assert_true(status == SHMRPC_OK || status == SHMRPC_E_NO_MEMORY);
        shmrpci_arena_fini(&arena);
    }
}

#define TEST(name) cmocka_unit_test_setup(name, fresh)

int main(void)
{
    sample_init();
    const struct CMUnitTest tests[] = {
        TEST(equal_contracts),
        TEST(methods_by_name),
        TEST(renamed_method),
        TEST(encoding_of_method),
        TEST(flags_of_method),
        TEST(streams_of_method),
        TEST(stream_instead_of_result),
        TEST(items_of_stream),
        TEST(bounds_of_items),
        TEST(type_of_field),
        TEST(width_of_integer),
        TEST(type_of_parameter),
        TEST(inner_types),
        TEST(length_of_array),
        TEST(result_or_none),
        TEST(extra_fields),
        TEST(extra_parameters),
        TEST(renamed_field),
        TEST(moved_field),
        TEST(optional_fields),
        TEST(bounds),
        TEST(natural_bounds),
        TEST(dropped_default),
        TEST(all_differences),
        TEST(unknown_enumerator),
        TEST(signed_and_float_bounds),
        TEST(enumerators),
        TEST(union_members),
        TEST(declared_errors),
        TEST(names_of_types),
        TEST(error_is_optional),
        TEST(hostile_bytes),
        TEST(malformed_contracts),
        TEST(out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
