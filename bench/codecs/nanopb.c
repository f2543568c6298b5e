/* nanopb: its generated structs with fixed room for all text (records.options),
 * so that nothing is allocated; the list is coded by nanopb's callbacks. */
#include <pb_decode.h>
#include <pb_encode.h>
#include <string.h>

#include "records.pb.h"
#include "rival.h"

static void put_text(char *out, size_t room, shmrpc_str text)
{
    if (text.len >= room) {
        bench_fail("nanopb: %zu bytes of text", text.len);
    }
    memcpy(out, text.ptr, text.len);
    out[text.len] = '\0';
}

#define TEXT(out, text) put_text(out, sizeof(out), text)

static void fill_small(pb_Small *out, const rec_small *small)
{
    out->sequence = small->sequence;
    TEXT(out->operation, small->operation);
    TEXT(out->key, small->key);
    out->limit = small->limit;
    out->exact = small->exact;
}

static void fill_record(pb_Record *out, const rec_record *record)
{
    out->id = record->id;
    TEXT(out->title, record->title);
    TEXT(out->url, record->url);
    TEXT(out->text, record->text);
    out->score = record->score;
    out->price = record->price;
    out->created = record->created;
    out->modified = record->modified;
    out->published = record->published;
    out->tags_count = (pb_size_t)record->tags.len;
    for (size_t i = 0; i < record->tags.len; i++) {
        TEXT(out->tags[i], record->tags.ptr[i]);
    }
    out->positions_count = (pb_size_t)record->positions.len;
    memcpy(out->positions, record->positions.ptr,
           record->positions.len * sizeof *out->positions);
    out->has_author = true;
    out->author.id = record->author.id;
    TEXT(out->author.name, record->author.name);
    TEXT(out->author.email, record->author.email);
}

/* The list and the memory of its items. */
typedef struct list_form {
    pb_Records message;
    size_t count;
    pb_Record items[RIVAL_MANY_COUNT];
} list_form;

static bool encode_items(pb_ostream_t *to, const pb_field_t *field,
                         void *const *user)
{
    const list_form *const list = *user;
    bool ok = true;
    for (size_t i = 0; ok && i < list->count; i++) {
        ok = pb_encode_tag_for_field(to, field) &&
             pb_encode_submessage(to, pb_Record_fields, &list->items[i]);
    }
    return ok;
}

static bool decode_item(pb_istream_t *from, const pb_field_t *field,
                        void **user)
{
    list_form *const list = *user;
    (void)field;
    return list->count < RIVAL_MANY_COUNT &&
           pb_decode(from, pb_Record_fields, &list->items[list->count++]);
}

static const pb_msgdesc_t *fields_of(const rival_job *job)
{
    return job->record == RIVAL_SMALL ? pb_Small_fields
           : job->record == RIVAL_ONE ? pb_Record_fields
                                      : pb_Records_fields;
}

static size_t size_of(const rival_job *job)
{
    return job->record == RIVAL_SMALL ? sizeof(pb_Small)
           : job->record == RIVAL_ONE ? sizeof(pb_Record)
                                      : sizeof(list_form);
}

static const void *form(rival_job *job, const void *value)
{
    void *const made = bench_alloc(size_of(job));
    memset(made, 0, size_of(job));
    if (job->record == RIVAL_SMALL) {
        fill_small(made, value);
    } else if (job->record == RIVAL_ONE) {
        fill_record(made, value);
    } else {
        const rec_records *const list = value;
        list_form *const out = made;
        out->count = list->records.len;
        out->message.records.funcs.encode = encode_items;
        out->message.records.arg = out;
        for (size_t i = 0; i < list->records.len; i++) {
            fill_record(&out->items[i], &list->records.ptr[i]);
        }
    }
    return made;
}

static void encode(rival_job *job, const void *message)
{
    pb_ostream_t to = pb_ostream_from_buffer(job->bytes, RIVAL_ROOM_BYTES);
    if (!pb_encode(&to, fields_of(job), message)) {
        bench_fail("nanopb: %s", PB_GET_ERROR(&to));
    }
    job->len = to.bytes_written;
}

static const void *decode(rival_job *job)
{
    pb_istream_t from = pb_istream_from_buffer(job->bytes, job->len);
    void *const message = rival_take(job, size_of(job));
    if (job->record == RIVAL_MANY) {
        list_form *const list = message;
        list->count = 0;
        list->message.records.funcs.decode = decode_item;
        list->message.records.arg = list;
    }
    if (!pb_decode(&from, fields_of(job), message)) {
        bench_fail("nanopb: %s", PB_GET_ERROR(&from));
    }
    if (job->record == RIVAL_MANY) {
        ((list_form *)message)->message.records.funcs.encode = encode_items;
    }
    return message;
}

static const rival self = {"nanopb", form, encode, decode, rival_drop_taken};

static const bench_case cases[] = {RIVAL_CASES(0, "nanopb", self)};

const bench_suite nanopb = {cases, sizeof cases / sizeof *cases};
