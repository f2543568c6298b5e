/* msgpack-c: packs from the structs by hand-written code; unpacks into msgpack
 * objects, from which the structs are filled. Strings are views into the
 * message. */
#include <msgpack.h>
#include <string.h>

#include "rival.h"

static int append(void *user, const char *data, size_t len)
{
    rival_job *const job = user;
    memcpy(job->bytes + job->len, data, len);
    job->len += len;
    return 0;
}

static void pack_text(msgpack_packer *to, shmrpc_str text)
{
    msgpack_pack_str(to, text.len);
    msgpack_pack_str_body(to, text.ptr, text.len);
}

static void pack_key(msgpack_packer *to, const char *key)
{
    const size_t len = strlen(key);
    msgpack_pack_str(to, len);
    msgpack_pack_str_body(to, key, len);
}

static void pack_bool(msgpack_packer *to, bool value)
{
    if (value) {
        msgpack_pack_true(to);
    } else {
        msgpack_pack_false(to);
    }
}

static void pack_small(msgpack_packer *to, const rec_small *small)
{
    msgpack_pack_map(to, 5);
    pack_key(to, "sequence");
    msgpack_pack_uint64(to, small->sequence);
    pack_key(to, "operation");
    pack_text(to, small->operation);
    pack_key(to, "key");
    pack_text(to, small->key);
    pack_key(to, "limit");
    msgpack_pack_uint32(to, small->limit);
    pack_key(to, "exact");
    pack_bool(to, small->exact);
}

static void pack_lists(msgpack_packer *to, const rec_record *record)
{
    pack_key(to, "tags");
    msgpack_pack_array(to, record->tags.len);
    for (size_t i = 0; i < record->tags.len; i++) {
        pack_text(to, record->tags.ptr[i]);
    }
    pack_key(to, "positions");
    msgpack_pack_array(to, record->positions.len);
    for (size_t i = 0; i < record->positions.len; i++) {
        msgpack_pack_uint32(to, record->positions.ptr[i]);
    }
}

static void pack_record(msgpack_packer *to, const rec_record *record)
{
    msgpack_pack_map(to, 12);
    pack_key(to, "id");
    msgpack_pack_uint64(to, record->id);
    pack_key(to, "title");
    pack_text(to, record->title);
    pack_key(to, "url");
    pack_text(to, record->url);
    pack_key(to, "text");
    pack_text(to, record->text);
    pack_key(to, "score");
    msgpack_pack_double(to, record->score);
    pack_key(to, "price");
    msgpack_pack_double(to, record->price);
    pack_key(to, "created");
    msgpack_pack_int64(to, record->created);
    pack_key(to, "modified");
    msgpack_pack_int64(to, record->modified);
    pack_key(to, "published");
    pack_bool(to, record->published);
    pack_lists(to, record);
    pack_key(to, "author");
    msgpack_pack_map(to, 3);
    pack_key(to, "id");
    msgpack_pack_uint64(to, record->author.id);
    pack_key(to, "name");
    pack_text(to, record->author.name);
    pack_key(to, "email");
    pack_text(to, record->author.email);
}

static void encode(rival_job *job, const void *form)
{
    msgpack_packer to;
    job->len = 0;
    msgpack_packer_init(&to, job, append);
    if (job->record == RIVAL_SMALL) {
        pack_small(&to, form);
    } else if (job->record == RIVAL_ONE) {
        pack_record(&to, form);
    } else {
        const rec_records *const list = form;
        msgpack_pack_map(&to, 1);
        pack_key(&to, "records");
        msgpack_pack_array(&to, list->records.len);
        for (size_t i = 0; i < list->records.len; i++) {
            pack_record(&to, &list->records.ptr[i]);
        }
    }
}

static bool is_key(const msgpack_object *object, const char *key)
{
    const size_t len = strlen(key);
    return object->type == MSGPACK_OBJECT_STR && object->via.str.size == len &&
           memcmp(object->via.str.ptr, key, len) == 0;
}

/* Returns the value of `key`. Tries index `at` first, where it is expected, and
 * then searches. */
static const msgpack_object *value_at(const msgpack_object *map, uint32_t at,
                                      const char *key)
{
    const msgpack_object_map *const entries = &map->via.map;
    if (map->type == MSGPACK_OBJECT_MAP) {
        for (uint32_t i = 0; i < entries->size; i++) {
            const uint32_t probe = (at + i) % entries->size;
            if (is_key(&entries->ptr[probe].key, key)) {
                return &entries->ptr[probe].val;
            }
        }
    }
    bench_fail("msgpack-c: no %s", key);
}

static shmrpc_str text_at(const msgpack_object *map, uint32_t at,
                          const char *key)
{
    const msgpack_object *const value = value_at(map, at, key);
    return (shmrpc_str){value->via.str.ptr, value->via.str.size};
}

static uint64_t number_at(const msgpack_object *map, uint32_t at,
                          const char *key)
{
    return value_at(map, at, key)->via.u64;
}

static void read_small(const msgpack_object *map, rec_small *out)
{
    out->sequence = number_at(map, 0, "sequence");
    out->operation = text_at(map, 1, "operation");
    out->key = text_at(map, 2, "key");
    out->limit = (uint32_t)number_at(map, 3, "limit");
    out->exact = value_at(map, 4, "exact")->via.boolean;
}

static void read_lists(rival_job *job, const msgpack_object *map,
                       rec_record *out)
{
    const msgpack_object_array *const tags =
        &value_at(map, 9, "tags")->via.array;
    const msgpack_object_array *const positions =
        &value_at(map, 10, "positions")->via.array;
    shmrpc_str *const texts = rival_take(job, tags->size * sizeof *texts);
    uint32_t *const numbers =
        rival_take(job, positions->size * sizeof *numbers);
    for (uint32_t i = 0; i < tags->size; i++) {
        texts[i] =
            (shmrpc_str){tags->ptr[i].via.str.ptr, tags->ptr[i].via.str.size};
    }
    for (uint32_t i = 0; i < positions->size; i++) {
        numbers[i] = (uint32_t)positions->ptr[i].via.u64;
    }
    out->tags.ptr = texts;
    out->tags.len = tags->size;
    out->positions.ptr = numbers;
    out->positions.len = positions->size;
}

static void read_record(rival_job *job, const msgpack_object *map,
                        rec_record *out)
{
    const msgpack_object *const author = value_at(map, 11, "author");
    out->id = number_at(map, 0, "id");
    out->title = text_at(map, 1, "title");
    out->url = text_at(map, 2, "url");
    out->text = text_at(map, 3, "text");
    out->score = value_at(map, 4, "score")->via.f64;
    out->price = value_at(map, 5, "price")->via.f64;
    out->created = value_at(map, 6, "created")->via.i64;
    out->modified = value_at(map, 7, "modified")->via.i64;
    out->published = value_at(map, 8, "published")->via.boolean;
    read_lists(job, map, out);
    out->author.id = number_at(author, 0, "id");
    out->author.name = text_at(author, 1, "name");
    out->author.email = text_at(author, 2, "email");
}

static const void *read_list(rival_job *job, const msgpack_object *map)
{
    const msgpack_object_array *const records =
        &value_at(map, 0, "records")->via.array;
    rec_records *const list = rival_take(job, sizeof *list);
    rec_record *const items = rival_take(job, records->size * sizeof *items);
    for (uint32_t i = 0; i < records->size; i++) {
        read_record(job, &records->ptr[i], &items[i]);
    }
    list->records.ptr = items;
    list->records.len = records->size;
    return list;
}

static const void *decode(rival_job *job)
{
    msgpack_unpacked unpacked;
    size_t at = 0;
    const void *result;
    msgpack_unpacked_init(&unpacked);
    if (msgpack_unpack_next(&unpacked, (const char *)job->bytes, job->len,
                            &at) != MSGPACK_UNPACK_SUCCESS) {
        bench_fail("msgpack-c: does not unpack");
    }
    if (job->record == RIVAL_SMALL) {
        rec_small *const small = rival_take(job, sizeof *small);
        read_small(&unpacked.data, small);
        result = small;
    } else if (job->record == RIVAL_ONE) {
        rec_record *const record = rival_take(job, sizeof *record);
        read_record(job, &unpacked.data, record);
        result = record;
    } else {
        result = read_list(job, &unpacked.data);
    }
    msgpack_unpacked_destroy(&unpacked);
    return result;
}

static const rival self = {"msgpack-c", rival_form_is_value, encode, decode,
                           rival_drop_taken};

static const bench_case cases[] = {RIVAL_CASES(0, "msgpack-c", self)};

const bench_suite msgpack_c = {cases, sizeof cases / sizeof *cases};
