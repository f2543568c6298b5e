/* protobuf-c: its generated structs, packed and unpacked. */
#include <string.h>

#include "records.pb-c.h"
#include "rival.h"

static char *text_of(shmrpc_str text)
{
    char *const copy = bench_alloc(text.len + 1);
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    return copy;
}

static Pb__Small *make_small(const rec_small *small)
{
    Pb__Small *const made = bench_alloc(sizeof *made);
    pb__small__init(made);
    made->sequence = small->sequence;
    made->operation = text_of(small->operation);
    made->key = text_of(small->key);
    made->limit = small->limit;
    made->exact = small->exact;
    return made;
}

static Pb__Record *make_record(const rec_record *record)
{
    Pb__Record *const made = bench_alloc(sizeof *made);
    pb__record__init(made);
    made->id = record->id;
    made->title = text_of(record->title);
    made->url = text_of(record->url);
    made->text = text_of(record->text);
    made->score = record->score;
    made->price = record->price;
    made->created = record->created;
    made->modified = record->modified;
    made->published = record->published;
    made->n_tags = record->tags.len;
    made->tags = bench_alloc(record->tags.len * sizeof *made->tags);
    for (size_t i = 0; i < record->tags.len; i++) {
        made->tags[i] = text_of(record->tags.ptr[i]);
    }
    made->n_positions = record->positions.len;
    made->positions =
        bench_alloc(record->positions.len * sizeof *made->positions);
    memcpy(made->positions, record->positions.ptr,
           record->positions.len * sizeof *made->positions);
    made->author = bench_alloc(sizeof *made->author);
    pb__author__init(made->author);
    made->author->id = record->author.id;
    made->author->name = text_of(record->author.name);
    made->author->email = text_of(record->author.email);
    return made;
}

static Pb__Records *make_list(const rec_records *list)
{
    Pb__Records *const made = bench_alloc(sizeof *made);
    pb__records__init(made);
    made->n_records = list->records.len;
    made->records = bench_alloc(list->records.len * sizeof *made->records);
    for (size_t i = 0; i < list->records.len; i++) {
        made->records[i] = make_record(&list->records.ptr[i]);
    }
    return made;
}

static const void *form(rival_job *job, const void *value)
{
    if (job->record == RIVAL_SMALL) {
        return make_small(value);
    }
    return job->record == RIVAL_ONE ? (const void *)make_record(value)
                                    : (const void *)make_list(value);
}

static void encode(rival_job *job, const void *message)
{
    job->len = protobuf_c_message_pack(message, job->bytes);
}

static const void *decode(rival_job *job)
{
    const ProtobufCMessageDescriptor *const descriptors[] = {
        [RIVAL_SMALL] = &pb__small__descriptor,
        [RIVAL_ONE] = &pb__record__descriptor,
        [RIVAL_MANY] = &pb__records__descriptor,
    };
    const void *const message = protobuf_c_message_unpack(
        descriptors[job->record], NULL, job->len, job->bytes);
    if (message == NULL) {
        bench_fail("protobuf-c: does not unpack");
    }
    return message;
}

static void drop(rival_job *job, const void *message)
{
    (void)job;
    union {
        const void *given;
        ProtobufCMessage *ours;
    } owned = {message};
    protobuf_c_message_free_unpacked(owned.ours, NULL);
}

static const rival self = {"protobuf-c", form, encode, decode, drop};

static const bench_case cases[] = {RIVAL_CASES(0, "protobuf-c", self)};

const bench_suite protobuf_c = {cases, sizeof cases / sizeof *cases};
