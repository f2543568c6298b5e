/* Our three codecs, with the tables generated from records.svc. */
#include <stdlib.h>
#include <string.h>

#include "codec/codec.h"
#include "rival.h"

static const shmrpc_type *type_of(rival_record record)
{
    static const shmrpc_type *const types[] = {
        [RIVAL_SMALL] = &rec_small_descriptor,
        [RIVAL_ONE] = &rec_record_descriptor,
        [RIVAL_MANY] = &rec_records_descriptor,
    };
    return types[record];
}

static shmrpci_arena *arena_of(rival_job *job)
{
    if (job->own == NULL) {
        job->own = bench_alloc(sizeof(shmrpci_arena));
        shmrpci_arena_init(job->own, 0);
    }
    return job->own;
}

static void encode(rival_job *job, uint32_t encoding, const void *form)
{
    shmrpci_buf out;
    shmrpc_error error;
    shmrpci_buf_init_fixed(&out, job->bytes, RIVAL_ROOM_BYTES);
    if (shmrpci_codec_of(encoding)->encode(type_of(job->record), form, "value",
                                           &out, &error) != SHMRPC_OK) {
        bench_fail("%s: %s", error.path, error.message);
    }
    job->len = out.len;
}

static const void *decode(rival_job *job, uint32_t encoding)
{
    static union {
        rec_small small;
        rec_record one;
        rec_records many;
    } value;
    shmrpc_error error;
    if (shmrpci_codec_of(encoding)->decode(type_of(job->record), job->bytes,
                                           job->len, "value", arena_of(job),
                                           &value, &error) != SHMRPC_OK) {
        bench_fail("%s: %s", error.path, error.message);
    }
    return &value;
}

static void drop(rival_job *job, const void *form)
{
    (void)form;
    shmrpci_arena_reset(arena_of(job));
}

static void encode_json(rival_job *job, const void *form)
{
    static const size_t lengths[] = {
        [RIVAL_SMALL] = RIVAL_SMALL_BYTES,
        [RIVAL_ONE] = RIVAL_ONE_BYTES,
        [RIVAL_MANY] = RIVAL_MANY_BYTES,
    };
    encode(job, SHMRPC_ENCODING_JSON, form);
    if (job->len != lengths[job->record]) {
        bench_fail("%zu bytes of json, not %zu", job->len,
                   lengths[job->record]);
    }
}

static void encode_msgpack(rival_job *job, const void *form)
{
    encode(job, SHMRPC_ENCODING_MSGPACK, form);
}

static void encode_native(rival_job *job, const void *form)
{
    encode(job, SHMRPC_ENCODING_NATIVE, form);
}

static const void *decode_json(rival_job *job)
{
    return decode(job, SHMRPC_ENCODING_JSON);
}

static const void *decode_msgpack(rival_job *job)
{
    return decode(job, SHMRPC_ENCODING_MSGPACK);
}

static const void *decode_native(rival_job *job)
{
    return decode(job, SHMRPC_ENCODING_NATIVE);
}

static const rival json = {"json", rival_form_is_value, encode_json,
                           decode_json, drop};
static const rival msgpack = {"msgpack", rival_form_is_value, encode_msgpack,
                              decode_msgpack, drop};
static const rival native = {"native", rival_form_is_value, encode_native,
                             decode_native, drop};

static const bench_case cases[] = {
    RIVAL_CASES(1, "json", json),
    RIVAL_CASES(1, "msgpack", msgpack),
    RIVAL_CASES(1, "native", native),
};

const bench_suite shmrpc = {cases, sizeof cases / sizeof *cases};
