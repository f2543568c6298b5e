/* jansson: encoding builds a tree and writes it; decoding parses the text into
 * a tree, looks values up and copies them into the structs. */
#include <jansson.h>
#include <string.h>

#include "rival.h"

static json_t *text_of(shmrpc_str text)
{
    return json_stringn(text.ptr, text.len);
}

static json_t *small_tree(const rec_small *small)
{
    json_t *const tree = json_object();
    json_object_set_new(tree, "sequence",
                        json_integer((json_int_t)small->sequence));
    json_object_set_new(tree, "operation", text_of(small->operation));
    json_object_set_new(tree, "key", text_of(small->key));
    json_object_set_new(tree, "limit", json_integer(small->limit));
    json_object_set_new(tree, "exact", json_boolean(small->exact));
    return tree;
}

static json_t *author_tree(const rec_author *author)
{
    json_t *const tree = json_object();
    json_object_set_new(tree, "id", json_integer((json_int_t)author->id));
    json_object_set_new(tree, "name", text_of(author->name));
    json_object_set_new(tree, "email", text_of(author->email));
    return tree;
}

static json_t *record_tree(const rec_record *record)
{
    json_t *const tree = json_object();
    json_t *const tags = json_array();
    json_t *const positions = json_array();
    for (size_t i = 0; i < record->tags.len; i++) {
        json_array_append_new(tags, text_of(record->tags.ptr[i]));
    }
    for (size_t i = 0; i < record->positions.len; i++) {
        json_array_append_new(positions,
                              json_integer(record->positions.ptr[i]));
    }
    json_object_set_new(tree, "id", json_integer((json_int_t)record->id));
    json_object_set_new(tree, "title", text_of(record->title));
    json_object_set_new(tree, "url", text_of(record->url));
    json_object_set_new(tree, "text", text_of(record->text));
    json_object_set_new(tree, "score", json_real(record->score));
    json_object_set_new(tree, "price", json_real(record->price));
    json_object_set_new(tree, "created", json_integer(record->created));
    json_object_set_new(tree, "modified", json_integer(record->modified));
    json_object_set_new(tree, "published", json_boolean(record->published));
    json_object_set_new(tree, "tags", tags);
    json_object_set_new(tree, "positions", positions);
    json_object_set_new(tree, "author", author_tree(&record->author));
    return tree;
}

static json_t *list_tree(const rec_records *list)
{
    json_t *const tree = json_object();
    json_t *const records = json_array();
    for (size_t i = 0; i < list->records.len; i++) {
        json_array_append_new(records, record_tree(&list->records.ptr[i]));
    }
    json_object_set_new(tree, "records", records);
    return tree;
}

static void encode(rival_job *job, const void *form)
{
    json_t *const tree = job->record == RIVAL_SMALL ? small_tree(form)
                         : job->record == RIVAL_ONE ? record_tree(form)
                                                    : list_tree(form);
    job->len =
        json_dumpb(tree, (char *)job->bytes, RIVAL_ROOM_BYTES, JSON_COMPACT);
    json_decref(tree);
}

static shmrpc_str read_text(rival_job *job, const json_t *text)
{
    return rival_take_text(job, json_string_value(text),
                           json_string_length(text));
}

static json_int_t number_at(const json_t *tree, const char *key)
{
    return json_integer_value(json_object_get(tree, key));
}

static void read_small(rival_job *job, const json_t *tree, rec_small *out)
{
    out->sequence = (uint64_t)number_at(tree, "sequence");
    out->operation = read_text(job, json_object_get(tree, "operation"));
    out->key = read_text(job, json_object_get(tree, "key"));
    out->limit = (uint32_t)number_at(tree, "limit");
    out->exact = json_is_true(json_object_get(tree, "exact"));
}

static void read_lists(rival_job *job, const json_t *tree, rec_record *out)
{
    const json_t *const tags = json_object_get(tree, "tags");
    const json_t *const positions = json_object_get(tree, "positions");
    const size_t tag_count = json_array_size(tags);
    const size_t position_count = json_array_size(positions);
    shmrpc_str *const texts = rival_take(job, tag_count * sizeof *texts);
    uint32_t *const numbers = rival_take(job, position_count * sizeof *numbers);
    for (size_t i = 0; i < tag_count; i++) {
        texts[i] = read_text(job, json_array_get(tags, i));
    }
    for (size_t i = 0; i < position_count; i++) {
        numbers[i] = (uint32_t)json_integer_value(json_array_get(positions, i));
    }
    out->tags.ptr = texts;
    out->tags.len = tag_count;
    out->positions.ptr = numbers;
    out->positions.len = position_count;
}

static void read_record(rival_job *job, const json_t *tree, rec_record *out)
{
    const json_t *const author = json_object_get(tree, "author");
    out->id = (uint64_t)number_at(tree, "id");
    out->title = read_text(job, json_object_get(tree, "title"));
    out->url = read_text(job, json_object_get(tree, "url"));
    out->text = read_text(job, json_object_get(tree, "text"));
    out->score = json_number_value(json_object_get(tree, "score"));
    out->price = json_number_value(json_object_get(tree, "price"));
    out->created = number_at(tree, "created");
    out->modified = number_at(tree, "modified");
    out->published = json_is_true(json_object_get(tree, "published"));
    read_lists(job, tree, out);
    out->author.id = (uint64_t)number_at(author, "id");
    out->author.name = read_text(job, json_object_get(author, "name"));
    out->author.email = read_text(job, json_object_get(author, "email"));
}

static const void *read_list(rival_job *job, const json_t *tree)
{
    const json_t *const records = json_object_get(tree, "records");
    const size_t count = json_array_size(records);
    rec_records *const list = rival_take(job, sizeof *list);
    rec_record *const items = rival_take(job, count * sizeof *items);
    for (size_t i = 0; i < count; i++) {
        read_record(job, json_array_get(records, i), &items[i]);
    }
    list->records.ptr = items;
    list->records.len = count;
    return list;
}

static const void *decode(rival_job *job)
{
    json_error_t error;
    json_t *const tree = json_loadb((const char *)job->bytes, job->len,
                                    JSON_REJECT_DUPLICATES, &error);
    const void *result;
    if (tree == NULL) {
        bench_fail("jansson: %s", error.text);
    }
    if (job->record == RIVAL_SMALL) {
        rec_small *const small = rival_take(job, sizeof *small);
        read_small(job, tree, small);
        result = small;
    } else if (job->record == RIVAL_ONE) {
        rec_record *const record = rival_take(job, sizeof *record);
        read_record(job, tree, record);
        result = record;
    } else {
        result = read_list(job, tree);
    }
    json_decref(tree);
    return result;
}

static const rival self = {"jansson", rival_form_is_value, encode, decode,
                           rival_drop_taken};

static const bench_case cases[] = {RIVAL_CASES(0, "jansson", self)};

const bench_suite jansson = {cases, sizeof cases / sizeof *cases};
