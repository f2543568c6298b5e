/* yajl: hand-written code passes the structs to its generator; its parser calls
 * callbacks that write each value directly into its field. */
#include <string.h>
#include <yajl/yajl_gen.h>
#include <yajl/yajl_parse.h>

#include "rival.h"

/* ---- encode -------------------------------------------------------------- */

static void gen_text(yajl_gen to, shmrpc_str text)
{
    yajl_gen_string(to, (const unsigned char *)text.ptr, text.len);
}

static void gen_key(yajl_gen to, const char *key)
{
    yajl_gen_string(to, (const unsigned char *)key, strlen(key));
}

static void gen_small(yajl_gen to, const rec_small *small)
{
    yajl_gen_map_open(to);
    gen_key(to, "sequence");
    yajl_gen_integer(to, (long long)small->sequence);
    gen_key(to, "operation");
    gen_text(to, small->operation);
    gen_key(to, "key");
    gen_text(to, small->key);
    gen_key(to, "limit");
    yajl_gen_integer(to, small->limit);
    gen_key(to, "exact");
    yajl_gen_bool(to, small->exact);
    yajl_gen_map_close(to);
}

static void gen_lists(yajl_gen to, const rec_record *record)
{
    gen_key(to, "tags");
    yajl_gen_array_open(to);
    for (size_t i = 0; i < record->tags.len; i++) {
        gen_text(to, record->tags.ptr[i]);
    }
    yajl_gen_array_close(to);
    gen_key(to, "positions");
    yajl_gen_array_open(to);
    for (size_t i = 0; i < record->positions.len; i++) {
        yajl_gen_integer(to, record->positions.ptr[i]);
    }
    yajl_gen_array_close(to);
}

static void gen_record(yajl_gen to, const rec_record *record)
{
    yajl_gen_map_open(to);
    gen_key(to, "id");
    yajl_gen_integer(to, (long long)record->id);
    gen_key(to, "title");
    gen_text(to, record->title);
    gen_key(to, "url");
    gen_text(to, record->url);
    gen_key(to, "text");
    gen_text(to, record->text);
    gen_key(to, "score");
    yajl_gen_double(to, record->score);
    gen_key(to, "price");
    yajl_gen_double(to, record->price);
    gen_key(to, "created");
    yajl_gen_integer(to, record->created);
    gen_key(to, "modified");
    yajl_gen_integer(to, record->modified);
    gen_key(to, "published");
    yajl_gen_bool(to, record->published);
    gen_lists(to, record);
    gen_key(to, "author");
    yajl_gen_map_open(to);
    gen_key(to, "id");
    yajl_gen_integer(to, (long long)record->author.id);
    gen_key(to, "name");
    gen_text(to, record->author.name);
    gen_key(to, "email");
    gen_text(to, record->author.email);
    yajl_gen_map_close(to);
    yajl_gen_map_close(to);
}

static void append(void *user, const char *text, size_t len)
{
    rival_job *const job = user;
    memcpy(job->bytes + job->len, text, len);
    job->len += len;
}

static void encode(rival_job *job, const void *form)
{
    const yajl_gen to = yajl_gen_alloc(NULL);
    job->len = 0;
    yajl_gen_config(to, yajl_gen_validate_utf8, 1);
    yajl_gen_config(to, yajl_gen_print_callback, append, job);
    if (job->record == RIVAL_SMALL) {
        gen_small(to, form);
    } else if (job->record == RIVAL_ONE) {
        gen_record(to, form);
    } else {
        const rec_records *const list = form;
        yajl_gen_map_open(to);
        gen_key(to, "records");
        yajl_gen_array_open(to);
        for (size_t i = 0; i < list->records.len; i++) {
            gen_record(to, &list->records.ptr[i]);
        }
        yajl_gen_array_close(to);
        yajl_gen_map_close(to);
    }
    yajl_gen_free(to);
}

/* ---- decode -------------------------------------------------------------- */

enum { MAX_DEPTH = 8, MAX_ITEMS = 16 };

/* Where a decoded value goes: its kind, and its offset in the struct. */
typedef enum slot_kind {
    SLOT_U64,
    SLOT_U32,
    SLOT_F64,
    SLOT_BOOL,
    SLOT_TEXT,
    SLOT_TAGS,
    SLOT_POSITIONS,
    SLOT_RECORDS,
    SLOT_STRUCT
} slot_kind;

typedef struct slot {
    const char *key;
    size_t key_len;
    slot_kind kind;
    size_t offset;
    const struct slot *fields; /* fields of a SLOT_STRUCT; the last one has no
                                * key */
} slot;

#define SLOT(type, field, kind)                                      \
    {                                                                \
#field, sizeof #field - 1, kind, offsetof(type, field), NULL \
    }

static const slot small_fields[] = {
    SLOT(rec_small, sequence, SLOT_U64), SLOT(rec_small, operation, SLOT_TEXT),
    SLOT(rec_small, key, SLOT_TEXT),     SLOT(rec_small, limit, SLOT_U32),
    SLOT(rec_small, exact, SLOT_BOOL),   {NULL, 0, SLOT_U64, 0, NULL}};

static const slot author_fields[] = {SLOT(rec_author, id, SLOT_U64),
                                     SLOT(rec_author, name, SLOT_TEXT),
                                     SLOT(rec_author, email, SLOT_TEXT),
                                     {NULL, 0, SLOT_U64, 0, NULL}};

static const slot record_fields[] = {
    SLOT(rec_record, id, SLOT_U64),
    SLOT(rec_record, title, SLOT_TEXT),
    SLOT(rec_record, url, SLOT_TEXT),
    SLOT(rec_record, text, SLOT_TEXT),
    SLOT(rec_record, score, SLOT_F64),
    SLOT(rec_record, price, SLOT_F64),
    SLOT(rec_record, created, SLOT_U64),
    SLOT(rec_record, modified, SLOT_U64),
    SLOT(rec_record, published, SLOT_BOOL),
    SLOT(rec_record, tags, SLOT_TAGS),
    SLOT(rec_record, positions, SLOT_POSITIONS),
    {"author", 6, SLOT_STRUCT, offsetof(rec_record, author), author_fields},
    {NULL, 0, SLOT_U64, 0, NULL}};

static const slot list_fields[] = {SLOT(rec_records, records, SLOT_RECORDS),
                                   {NULL, 0, SLOT_U64, 0, NULL}};

typedef struct level {
    const slot *fields; /* fields of a struct; NULL for a list */
    const slot *next;   /* the field whose value comes next */
    char *base;
    slot_kind item; /* kind of a list's items */
    size_t count;
} level;

typedef struct parser {
    rival_job *job;
    level levels[MAX_DEPTH];
    int depth;
} parser;

/* Returns where the next value goes: the next item of a list, or the field of
 * the last key. */
static void *target(parser *p, slot_kind *kind)
{
    level *const top = &p->levels[p->depth - 1];
    if (top->fields != NULL) {
        *kind = top->next->kind;
        return top->base + top->next->offset;
    }
    *kind = top->item;
    switch (top->item) {
    case SLOT_TEXT:
        return top->base + top->count++ * sizeof(shmrpc_str);
    case SLOT_U32:
        return top->base + top->count++ * sizeof(uint32_t);
    default:
        return top->base + top->count++ * sizeof(rec_record);
    }
}

static int on_integer(void *user, long long number)
{
    slot_kind kind;
    void *const at = target(user, &kind);
    const uint32_t narrow = (uint32_t)number;
    const double real = (double)number;
    switch (kind) {
    case SLOT_U64:
        memcpy(at, &number, 8);
        return 1;
    case SLOT_U32:
        memcpy(at, &narrow, 4);
        return number >= 0 && number <= UINT32_MAX;
    case SLOT_F64:
        memcpy(at, &real, 8);
        return 1;
    default:
        return 0;
    }
}

static int on_double(void *user, double number)
{
    slot_kind kind;
    void *const at = target(user, &kind);
    memcpy(at, &number, 8);
    return kind == SLOT_F64;
}

static int on_boolean(void *user, int truth)
{
    slot_kind kind;
    *(bool *)target(user, &kind) = truth != 0;
    return kind == SLOT_BOOL;
}

static int on_string(void *user, const unsigned char *text, size_t len)
{
    parser *const p = user;
    slot_kind kind;
    void *const at = target(p, &kind);
    const shmrpc_str copy = rival_take_text(p->job, text, len);
    memcpy(at, &copy, sizeof copy);
    return kind == SLOT_TEXT;
}

static int on_key(void *user, const unsigned char *key, size_t len)
{
    parser *const p = user;
    level *const top = &p->levels[p->depth - 1];
    /* Keys usually come in the order of the fields, so try the next field
     * first. */
    const slot *const hint = top->next != NULL ? top->next + 1 : top->fields;
    if (hint->key != NULL && hint->key_len == len &&
        memcmp(hint->key, key, len) == 0) {
        top->next = hint;
        return 1;
    }
    for (const slot *s = top->fields; s->key != NULL; s++) {
        if (s->key_len == len && memcmp(s->key, key, len) == 0) {
            top->next = s;
            return 1;
        }
    }
    return 0;
}

static int on_map(void *user)
{
    parser *const p = user;
    const slot *fields = record_fields;
    char *base = p->levels[0].base;
    if (p->depth > 0) {
        slot_kind kind;
        base = target(p, &kind);
        const level *const top = &p->levels[p->depth - 1];
        fields = top->fields != NULL ? top->next->fields : record_fields;
    } else {
        fields = p->job->record == RIVAL_SMALL ? small_fields
                 : p->job->record == RIVAL_ONE ? record_fields
                                               : list_fields;
    }
    p->levels[p->depth++] = (level){.fields = fields, .base = base};
    return fields != NULL && p->depth < MAX_DEPTH;
}

static int on_map_end(void *user)
{
    parser *const p = user;
    p->depth--;
    return 1;
}

static int on_array(void *user)
{
    parser *const p = user;
    slot_kind kind;
    (void)target(p, &kind);
    level *const next = &p->levels[p->depth++];
    *next = (level){.fields = NULL};
    switch (kind) {
    case SLOT_TAGS:
        next->item = SLOT_TEXT;
        next->base = rival_take(p->job, MAX_ITEMS * sizeof(shmrpc_str));
        return 1;
    case SLOT_POSITIONS:
        next->item = SLOT_U32;
        next->base = rival_take(p->job, MAX_ITEMS * sizeof(uint32_t));
        return 1;
    case SLOT_RECORDS:
        next->item = SLOT_STRUCT;
        next->base = rival_take(p->job, RIVAL_MANY_COUNT * sizeof(rec_record));
        return 1;
    default:
        return 0;
    }
}

static int on_array_end(void *user)
{
    parser *const p = user;
    const level *const done = &p->levels[--p->depth];
    slot_kind kind;
    char *const at = target(p, &kind);
    memcpy(at, &done->base, sizeof done->base);
    memcpy(at + sizeof done->base, &done->count, sizeof done->count);
    return 1;
}

static const void *decode(rival_job *job)
{
    static const yajl_callbacks callbacks = {
        .yajl_boolean = on_boolean,
        .yajl_integer = on_integer,
        .yajl_double = on_double,
        .yajl_string = on_string,
        .yajl_start_map = on_map,
        .yajl_map_key = on_key,
        .yajl_end_map = on_map_end,
        .yajl_start_array = on_array,
        .yajl_end_array = on_array_end,
    };
    parser p = {.job = job};
    p.levels[0].base = rival_take(job, sizeof(rec_record));
    void *const result = p.levels[0].base;
    const yajl_handle handle = yajl_alloc(&callbacks, NULL, &p);
    if (yajl_parse(handle, job->bytes, job->len) != yajl_status_ok ||
        yajl_complete_parse(handle) != yajl_status_ok) {
        bench_fail("yajl: does not parse");
    }
    yajl_free(handle);
    return result;
}

static const rival self = {"yajl", rival_form_is_value, encode, decode,
                           rival_drop_taken};

static const bench_case cases[] = {RIVAL_CASES(0, "yajl", self)};

const bench_suite yajl = {cases, sizeof cases / sizeof *cases};
