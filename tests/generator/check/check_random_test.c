/*
 * Random pairs of versions. Pairs that `check` reports as safe on the wire
 * never break: each version reads whatever the other one sends, with the same
 * meaning. Reported breaks are real: for all but one in a thousand, a value
 * that breaks is found.
 *
 * Old clients meet new servers and new clients old servers; parameters are sent
 * in one direction, results and details of errors in the other, through the
 * codecs. A pair fails if a value that one side may write is refused by the
 * other or arrives with another meaning (see random_value.h: both names and
 * numbers of members count). Four differences fail without sending a value: a
 * method of the old client is gone, only one side has a result, an error has
 * another number or name, or native types have other members or kinds, which
 * padding can hide.
 *
 * SHMRPC_TEST_LONG=1 runs a million pairs (fewer under a sanitizer).
 * SHMRPC_TEST_SEED=n runs the pair of this seed alone and prints it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/codec.h"
#include "generator/check/check.h"
#include "idl/descriptor.h"
#include "idl/idl.h"
#include "random_svc.h"
#include "random_value.h"

#define PAIRS 4000
#ifndef LONG_PAIRS
#define LONG_PAIRS 1000000
#endif

/* Number of values sent of each type: for pairs that must not break, and the
 * maximum for pairs that should. */
#define SAFE_VALUES  3
#define BREAK_VALUES 400

typedef struct version {
    shmrpci_arena arena;
    shmrpci_buf text;
    idl_diags diags;
    const idl_schema *schema;
    const shmrpc_service *service;
} version;

typedef struct pair {
    version old_version;
    version new_version;
    bool verbose;
    uint64_t seed;
    char reason[256]; /* why a value did not arrive intact */
} pair;

typedef struct figures {
    unsigned long pairs;
    unsigned long refused; /* changes that gave an invalid .svc */
    unsigned long safe;
    unsigned long breaks;
    unsigned long works; /* reported as breaks, but no value broke */
} figures;

/* ---- versions ---- */

static bool load(version *v, const random_svc *svc, const char *name)
{
    shmrpci_arena_init(&v->arena, 0);
    shmrpci_buf_init_heap(&v->text);
    idl_diags_init(&v->diags);
    random_svc_print(svc, &v->text);
    const char *text = shmrpci_buf_text(&v->text);
    assert_non_null(text);
    return idl_load_text(NULL, name, text, v->text.len, &v->arena, &v->diags,
                         &v->schema) == SHMRPC_OK &&
           idl_descriptor(v->schema, v->schema->services[0], &v->arena,
                          &v->service) == SHMRPC_OK;
}

static void unload(version *v)
{
    shmrpci_buf_fini(&v->text);
    shmrpci_arena_fini(&v->arena);
}

static void print_diags(const idl_diags *diags)
{
    shmrpci_buf text;
    shmrpci_buf_init_heap(&text);
    idl_diags_render(diags, &text);
    fprintf(stderr, "%s", shmrpci_buf_text(&text));
    shmrpci_buf_fini(&text);
}

static void print_pair(const pair *p)
{
    fprintf(stderr, "---- old\n%s---- new\n%s",
            (const char *)p->old_version.text.data,
            (const char *)p->new_version.text.data);
}

/* The number of wire breaks that check reports. */
static size_t wire_breaks(pair *p)
{
    idl_memory memory = {.arena = &p->new_version.arena};
    idl_diags diags;
    gen_check_result result;
    idl_diags_init(&diags);
    diags.memory = &memory;
    assert_int_equal(gen_check(p->old_version.schema, p->new_version.schema,
                               NULL, 0, &diags, &result),
                     SHMRPC_OK);
    if (p->verbose) {
        print_diags(&diags);
    }
    return result.breaks[GEN_BREAK_WIRE];
}

/* ---- values across versions ---- */

typedef struct trip {
    pair *p;
    const char *what;
    shmrpc_encoding encoding; /* the writer's encoding */
    shmrpc_encoding reader_encoding;
    const shmrpc_type *writer;
    const shmrpc_type *reader;
} trip;

static bool fail_trip(const trip *t, const char *why)
{
    snprintf(t->p->reason, sizeof t->p->reason, "%s: %s", t->what, why);
    return false;
}

/* Whether two native types have the same members of the same kinds at all
 * levels; `nesting` limits the depth, for types that contain themselves. */
static bool same_layout(const shmrpc_type *a, const shmrpc_type *b,
                        unsigned nesting)
{
    if (nesting == 0) {
        return true;
    }
    bool has_fields = a->fields != NULL;
    bool same = a->kind == b->kind && a->native_size == b->native_size &&
                (a->element == NULL ||
                 same_layout(a->element, b->element, nesting - 1)) &&
                (a->key == NULL || same_layout(a->key, b->key, nesting - 1)) &&
                (a->kind == SHMRPC_KIND_ENUM || a->count == b->count);
    for (uint32_t i = 0; same && has_fields && i < a->count; i++) {
        const shmrpc_field *mine = &a->fields[i];
        const shmrpc_field *theirs = &b->fields[i];
        same = mine->tag == theirs->tag &&
               ((mine->flags ^ theirs->flags) & SHMRPC_FIELD_OPTIONAL) == 0 &&
               same_layout(mine->type, theirs->type, nesting - 1);
    }
    return same;
}

/* Sends one value and compares it. A value that can't be written is ignored. */
static bool travel(const trip *t, uint64_t *seed, shmrpci_arena *arena)
{
    if (t->encoding == SHMRPC_ENCODING_NATIVE &&
        !same_layout(t->writer, t->reader, 10)) {
        return fail_trip(t, "has another layout");
    }
    shmrpc_error error = {.code = 0};
    shmrpci_buf bytes;
    shmrpci_buf_init_heap(&bytes);
    void *value = shmrpci_arena_calloc(arena, 1, t->writer->size + 1, 16);
    void *got = shmrpci_arena_calloc(arena, 1, t->reader->size + 1, 16);
    bool arrived = true;
    assert_true(random_value(t->writer, value, seed, arena));
    int status = shmrpci_codec_numbered(shmrpci_codec_of(t->encoding))
                     ->encode(t->writer, value, "", &bytes, &error);
    if (status == SHMRPC_OK) {
        status = shmrpci_codec_of(t->reader_encoding)
                     ->decode(t->reader, bytes.data, bytes.len, "", arena, got,
                              &error);
        arrived = status != SHMRPC_OK ? fail_trip(t, error.message)
                  : random_value_arrived(t->writer, value, t->reader, got)
                      ? true
                      : fail_trip(t, "something else has arrived");
    } else if (t->p->verbose) {
        fprintf(stderr, "can't write: %s %s\n", error.path, error.message);
    }
    shmrpci_buf_fini(&bytes);
    return arrived;
}

/* ---- methods ---- */

static const shmrpc_method *method_of(const shmrpc_service *service,
                                      const char *name)
{
    for (uint32_t i = 0; i < service->method_count; i++) {
        if (strcmp(service->methods[i].name, name) == 0) {
            return &service->methods[i];
        }
    }
    return NULL;
}

/* An error that both sides know by name or by number must be the same error. */
static bool errors_arrive(trip *t, const shmrpc_method *client,
                          const shmrpc_method *server, uint64_t *seed,
                          shmrpci_arena *arena)
{
    bool ok = true;
    t->what = "an error";
    for (uint32_t i = 0; ok && i < server->throws_count; i++) {
        const shmrpc_error_type *sent = server->throws[i];
        for (uint32_t k = 0; ok && k < client->throws_count; k++) {
            const shmrpc_error_type *known = client->throws[k];
            bool name = strcmp(sent->name, known->name) == 0;
            bool number = sent->number == known->number;
            if (name != number ||
                (name && (sent->payload == NULL) != (known->payload == NULL))) {
                ok = fail_trip(t, "is another error");
            } else if (name && sent->payload != NULL) {
                t->writer = sent->payload;
                t->reader = known->payload;
                ok = travel(t, seed, arena);
            }
        }
    }
    return ok;
}

static bool call_works(pair *p, const shmrpc_method *client,
                       const shmrpc_method *server, uint64_t *seed,
                       shmrpci_arena *arena)
{
    trip t = {.p = p,
              .what = "parameters",
              .encoding = client->encoding,
              .reader_encoding = server->encoding,
              .writer = client->params,
              .reader = server->params};
    if (!travel(&t, seed, arena)) {
        return false;
    }
    t = (trip){.p = p,
               .what = "the result",
               .encoding = server->encoding,
               .reader_encoding = client->encoding,
               .writer = server->result,
               .reader = client->result};
    if ((t.writer == NULL) != (t.reader == NULL)) {
        return fail_trip(&t, "is there on one side only");
    }
    return (t.writer == NULL || travel(&t, seed, arena)) &&
           errors_arrive(&t, client, server, seed, arena);
}

/* Checks every method that both versions have; an old client needs all of its
 * methods. */
static bool pair_works(pair *p, const shmrpc_service *client,
                       const shmrpc_service *server, bool client_is_old,
                       uint64_t *seed)
{
    shmrpci_arena arena;
    shmrpci_arena_init(&arena, 0);
    bool works = true;
    for (uint32_t i = 0; works && i < client->method_count; i++) {
        const shmrpc_method *mine = &client->methods[i];
        const shmrpc_method *theirs = method_of(server, mine->name);
        works = theirs == NULL ? !client_is_old
                               : call_works(p, mine, theirs, seed, &arena);
    }
    shmrpci_arena_fini(&arena);
    return works;
}

static bool all_work(pair *p, unsigned values, uint64_t *seed)
{
    const shmrpc_service *old_one = p->old_version.service;
    const shmrpc_service *new_one = p->new_version.service;
    bool works = true;
    for (unsigned i = 0; works && i < values; i++) {
        works = pair_works(p, old_one, new_one, true, seed) &&
                pair_works(p, new_one, old_one, false, seed);
    }
    return works;
}

/* ---- pairs ---- */

static void judge(pair *p, figures *f, uint64_t *seed)
{
    size_t breaks = wire_breaks(p);
    bool works = all_work(p, breaks == 0 ? SAFE_VALUES : BREAK_VALUES, seed);
    if (p->verbose) {
        fprintf(stderr, "%zu breaks, %s %s\n", breaks,
                works ? "works" : "fails:", works ? "" : p->reason);
    }
    f->safe += breaks == 0;
    f->breaks += breaks > 0;
    f->works += breaks > 0 && works;
    if (breaks == 0 && !works) {
        print_pair(p);
        fail_msg("called safe, but %s (SHMRPC_TEST_SEED=%llu)", p->reason,
                 (unsigned long long)p->seed);
    }
    if (breaks > 0 && works && f->works <= 3) {
        fprintf(stderr, "called a break, but works: SHMRPC_TEST_SEED=%llu\n",
                (unsigned long long)p->seed);
    }
}

static void run_pair(uint64_t number, bool verbose, figures *f)
{
    static random_svc was;
    static random_svc now;
    uint64_t seed = number * UINT64_C(0x9E3779B97F4A7C15) + 1;
    pair p = {.verbose = verbose, .seed = number};
    random_svc_make(&was, &seed);
    now = was;
    unsigned changes = 1 + (unsigned)((seed >> 20) % 8 == 0);
    for (unsigned i = 0; i < changes; i++) {
        random_svc_change(&now, &seed);
    }
    if (!load(&p.old_version, &was, "old.svc")) {
        print_diags(&p.old_version.diags);
        fail_msg("a random service has errors (SHMRPC_TEST_SEED=%llu)",
                 (unsigned long long)number);
    }
    bool loads = load(&p.new_version, &now, "new.svc");
    if (verbose) {
        print_pair(&p);
    }
    f->pairs++;
    if (loads) {
        judge(&p, f, &seed);
    } else {
        f->refused++;
    }
    unload(&p.new_version);
    unload(&p.old_version);
}

static void random_pairs(void **state)
{
    (void)state;
    figures f = {.pairs = 0};
    const char *wanted = getenv("SHMRPC_TEST_SEED");
    const char *is_long = getenv("SHMRPC_TEST_LONG");
    unsigned long pairs =
        is_long != NULL && *is_long != '\0' ? LONG_PAIRS : PAIRS;
    if (wanted != NULL) {
        run_pair(strtoull(wanted, NULL, 10), true, &f);
        return;
    }
    for (unsigned long i = 1; i <= pairs; i++) {
        run_pair(i, false, &f);
    }
    fprintf(stderr,
            "%lu pairs: %lu safe, %lu breaks, of which %lu can't be shown; %lu "
            "changes refused\n",
            f.pairs, f.safe, f.breaks, f.works, f.refused);
    assert_true(f.safe > pairs / 20 && f.breaks > pairs / 3);
    assert_true(f.refused < pairs / 20);
    assert_true(f.works * 1000 <= f.breaks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_pairs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
