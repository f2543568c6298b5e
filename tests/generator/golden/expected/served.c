/*
 * Tables of served.svc, made by shmrpcgen: edit that file instead.
 * Threading: constant data.
 */
#include "served.h"

#include <shmrpc/shared_stub.h>

static const uint32_t voice_rate_default = 22050;

static const shmrpc_type job_text_type =
    SHMRPC_TYPE_BOUNDED_INIT(SHMRPC_KIND_STRING, shmrpc_str, 8, 4, 0, 100);

static const shmrpc_field job_fields[] = {
    SHMRPC_FIELD_INIT(1, "id", &shmrpc_type_u64, served_job, id, 0, NULL, NULL),
    SHMRPC_FIELD_INIT(2, "text", &job_text_type, served_job, text, 0, NULL,
                      NULL),
};

const shmrpc_type served_job_descriptor =
    SHMRPC_TYPE_STRUCT_INIT(served_job, 0, 16, 8, "acme.served.Job", NULL,
                            job_fields);

static const shmrpc_field voice_fields[] = {
    SHMRPC_FIELD_INIT(1, "label", &shmrpc_type_string, served_voice, label, 0,
                      NULL, NULL),
    SHMRPC_FIELD_INIT(2, "rate", &shmrpc_type_u32, served_voice, rate, 0,
                      &voice_rate_default, NULL),
};

const shmrpc_type served_voice_descriptor =
    SHMRPC_TYPE_STRUCT_INIT(served_voice, 0, 12, 4, "acme.served.Voice", NULL,
                            voice_fields);

/* The .svc of jobs, which is stored in the object's file for tools. */
static const char *const jobs_text[] = {
    "package acme.served;\n",
    "struct Job {\n",
    "  1: u64 id;\n",
    "  2: string(..100) text;\n",
    "}\n",
    "  /// What is to be said.\n",
    "  queue acme.served.Job jobs { capacity 16; delivery ",
    "acked; }\n",
    NULL,
};

/* The .svc of progress, which is stored in the object's file for tools. */
static const char *const progress_text[] = {
    "package acme.served;\n",
    "struct Job {\n",
    "  1: u64 id;\n",
    "  2: string(..100) text;\n",
    "}\n",
    "  topic acme.served.Job progress { history 4; }\n",
    NULL,
};

/* The .svc of voices, which is stored in the object's file for tools. */
static const char *const voices_text[] = {
    "package acme.served;\n",
    "struct Voice {\n",
    "  1: string label;\n",
    "  2: u32 rate = 22050;\n",
    "}\n",
    "  dict<string, acme.served.Voice> voices { max_bytes ",
    "4194304; }\n",
    NULL,
};

/* The .svc of pcm, which is stored in the object's file for tools. */
static const char *const pcm_text[] = {
    "package acme.served;\n",
    "  pipe pcm { }\n",
    NULL,
};

/* The .svc of scores, which is stored in the object's file for tools. */
static const char *const scores_text[] = {
    "package acme.served;\n",
    "  dict<u32, u32> scores { }\n",
    NULL,
};

static const shmrpc_shared tts_shared[] = {
    {
        (uint32_t)sizeof(shmrpc_shared), SHMRPC_SHARED_QUEUE,
        "jobs", SHMRPC_ENCODING_NATIVE, SHMRPC_SHARED_ACKED,
        NULL, &served_job_descriptor,
        UINT64_C(0xc627b76e1e042dd2), "queue acme.served.Job", jobs_text,
        "What is to be said.",
        16, /* capacity */
        0, /* max_bytes */
        234, /* max_item_bytes */
        0, /* history */
        0, /* log */
        0, /* max_stall */
        0, /* snapshot */
        SHMRPC_OVERFLOW_BLOCK, SHMRPC_LIFETIME_FILE, 0600, {0},
    },
    {
        (uint32_t)sizeof(shmrpc_shared), SHMRPC_SHARED_TOPIC,
        "progress", SHMRPC_ENCODING_NATIVE, 0,
        NULL, &served_job_descriptor,
        UINT64_C(0x6ec19e40688fe489), "topic acme.served.Job", progress_text,
        NULL,
        0, /* capacity */
        0, /* max_bytes */
        234, /* max_item_bytes */
        4, /* history */
        0, /* log */
        100000000, /* max_stall */
        0, /* snapshot */
        SHMRPC_OVERFLOW_OVERWRITE, SHMRPC_LIFETIME_FILE, 0600, {0},
    },
    {
        (uint32_t)sizeof(shmrpc_shared), SHMRPC_SHARED_DICT,
        "voices", SHMRPC_ENCODING_NATIVE, SHMRPC_SHARED_SERVER_WRITES,
        &shmrpc_type_string, &served_voice_descriptor,
        UINT64_C(0x0740a47fb2051406), "dict<string, acme.served.Voice>",
        voices_text,
        NULL,
        0, /* capacity */
        4194304, /* max_bytes */
        0, /* max_item_bytes */
        0, /* history */
        1024, /* log */
        0, /* max_stall */
        0, /* snapshot */
        SHMRPC_OVERFLOW_DEFAULT, SHMRPC_LIFETIME_FILE, 0600, {0},
    },
    {
        (uint32_t)sizeof(shmrpc_shared), SHMRPC_SHARED_PIPE,
        "pcm", SHMRPC_ENCODING_RAW, 0,
        NULL, NULL,
        UINT64_C(0xf5652befec5ec1a0), "pipe", pcm_text,
        NULL,
        65536, /* capacity */
        0, /* max_bytes */
        0, /* max_item_bytes */
        0, /* history */
        0, /* log */
        0, /* max_stall */
        0, /* snapshot */
        SHMRPC_OVERFLOW_DEFAULT, SHMRPC_LIFETIME_FILE, 0600, {0},
    },
};

/* The shared objects of the service. */
static const shmrpc_objects tts_objects = {
    tts_shared, 4, shmrpc_stub_shared_make, shmrpc_stub_shared_end,
    shmrpc_stub_shared_restore, shmrpc_stub_shared_save,
};

static const shmrpc_shared board_shared[] = {
    {
        (uint32_t)sizeof(shmrpc_shared), SHMRPC_SHARED_DICT,
        "scores", SHMRPC_ENCODING_NATIVE, 0,
        &shmrpc_type_u32, &shmrpc_type_u32,
        UINT64_C(0x14e588e7b385046f), "dict<u32, u32>", scores_text,
        NULL,
        0, /* capacity */
        1073741824, /* max_bytes */
        0, /* max_item_bytes */
        0, /* history */
        1024, /* log */
        0, /* max_stall */
        0, /* snapshot */
        SHMRPC_OVERFLOW_DEFAULT, SHMRPC_LIFETIME_FILE, 0600, {0},
    },
};

/* The shared objects of the service. */
static const shmrpc_objects board_objects = {
    board_shared, 1, shmrpc_stub_shared_make, shmrpc_stub_shared_end,
    shmrpc_stub_shared_restore, shmrpc_stub_shared_save,
};

static const shmrpc_method tts_methods[] = {
    {
        "voice_count", SHMRPC_ENCODING_NATIVE, 0, UINT64_C(0x18cc2d4fe335bd2f),
        0,
        "native voice_count() -> u32;",
        NULL,
        &shmrpc_type_no_params, &shmrpc_type_u32, NULL, 0,
        SHMRPC_NO_STREAMS,
    },
};

/* The service's .svc, which clients can request. */
static const char *const tts_text[] = {
    "package acme.served;\n",
    "struct Job {\n",
    "  1: u64 id;\n",
    "  2: string(..100) text;\n",
    "}\n",
    "struct Voice {\n",
    "  1: string label;\n",
    "  2: u32 rate = 22050;\n",
    "}\n",
    "service Tts {\n",
    "  port 5610;\n",
    "  name \"tts_golden\";\n",
    "  version 1;\n",
    "  native voice_count() -> u32;\n",
    "  /// What is to be said.\n",
    "  queue acme.served.Job jobs { capacity 16; delivery ",
    "acked; }\n",
    "  topic acme.served.Job progress { history 4; writers ",
    "all; }\n",
    "  dict<string, acme.served.Voice> voices { max_bytes ",
    "4194304; }\n",
    "  pipe pcm { }\n",
    "}\n",
    NULL,
};

const shmrpc_service served_tts_descriptor = {
    SHMRPC_ROWS_INIT,
    "tts_golden", "acme.served.Tts", 5610, 1, UINT64_C(0x71caf873e9441841),
    tts_text,
    NULL,
    tts_methods, 1, &tts_objects,
};

/* The service's .svc, which clients can request. */
static const char *const board_text[] = {
    "package acme.served;\n",
    "/// Without methods.\n",
    "service Board {\n",
    "  port 5611;\n",
    "  name \"board\";\n",
    "  version 1;\n",
    "  dict<u32, u32> scores { writers all; }\n",
    "}\n",
    NULL,
};

const shmrpc_service served_board_descriptor = {
    SHMRPC_ROWS_INIT,
    "board", "acme.served.Board", 5611, 1, UINT64_C(0x43fadf5f07e23e16),
    board_text,
    "Without methods.",
    NULL, 0, &board_objects,
};

int served_jobs_open(served_tts *client, const shmrpc_shared_opts *opts,
                     served_jobs_queue **out, shmrpc_error *error)
{
    shmrpc_queue *queue = NULL;
    int status = shmrpc_stub_queue_open_of(
        (shmrpc_client *)client, &served_tts_descriptor,
        &served_tts_descriptor.objects->rows[0], opts, &queue, error);
    if (status == SHMRPC_OK) {
        *out = (served_jobs_queue *)queue;
    }
    return status;
}

void served_jobs_close(served_jobs_queue *queue)
{
    shmrpc_queue_close((shmrpc_queue *)queue);
}

int served_jobs_push(served_jobs_queue *queue, const served_job *item,
                     const shmrpc_opts *opts, shmrpc_error *error)
{
    return shmrpc_stub_queue_push((shmrpc_queue *)queue, item, opts, error);
}

int served_jobs_push_many(served_jobs_queue *queue, const served_job *items,
                          size_t count, const shmrpc_opts *opts,
                          size_t *out_pushed, shmrpc_error *error)
{
    return shmrpc_stub_queue_push_many((shmrpc_queue *)queue, items, count,
                                       opts, out_pushed, error);
}

int served_jobs_pop(served_jobs_queue *queue, const shmrpc_opts *opts,
                    const served_job **out, shmrpc_error *error)
{
    const void *item = NULL;
    int status =
        shmrpc_stub_queue_pop((shmrpc_queue *)queue, opts, &item, error);
    if (status == SHMRPC_OK) {
        *out = (const served_job *)item;
    }
    return status;
}

int served_jobs_pop_many(served_jobs_queue *queue, const shmrpc_opts *opts,
                         const served_job **out, size_t max, size_t *out_count,
                         shmrpc_error *error)
{
    return shmrpc_stub_queue_pop_many((shmrpc_queue *)queue, opts,
                                      (const void **)out, max, out_count,
                                      error);
}

int served_jobs_fd(served_jobs_queue *queue)
{
    return shmrpc_queue_fd((shmrpc_queue *)queue);
}

int served_jobs_peek(served_jobs_queue *queue, const served_job **out,
                     shmrpc_error *error)
{
    const void *item = NULL;
    int status = shmrpc_stub_queue_peek((shmrpc_queue *)queue, &item, error);
    if (status == SHMRPC_OK) {
        *out = (const served_job *)item;
    }
    return status;
}

void served_jobs_release(served_jobs_queue *queue, const served_job *item)
{
    shmrpc_stub_queue_release((shmrpc_queue *)queue, item);
}

int served_jobs_ack(served_jobs_queue *queue, const served_job *item)
{
    return shmrpc_stub_queue_ack((shmrpc_queue *)queue, item);
}

bool served_jobs_is_redelivered(const served_job *item)
{
    return shmrpc_stub_queue_is_redelivered(item);
}

int served_jobs_end(served_jobs_queue *queue)
{
    return shmrpc_queue_end((shmrpc_queue *)queue);
}

int served_jobs_destroy(served_jobs_queue *queue)
{
    return shmrpc_queue_destroy((shmrpc_queue *)queue);
}

int served_jobs_stat(served_jobs_queue *queue, shmrpc_queue_stat *out)
{
    return shmrpc_queue_stat_read((shmrpc_queue *)queue, out);
}

int served_progress_open(served_tts *client, const shmrpc_shared_opts *opts,
                         served_progress_topic **out, shmrpc_error *error)
{
    shmrpc_topic *topic = NULL;
    int status = shmrpc_stub_topic_open_of(
        (shmrpc_client *)client, &served_tts_descriptor,
        &served_tts_descriptor.objects->rows[1], opts, &topic, error);
    if (status == SHMRPC_OK) {
        *out = (served_progress_topic *)topic;
    }
    return status;
}

void served_progress_close(served_progress_topic *topic)
{
    shmrpc_topic_close((shmrpc_topic *)topic);
}

int served_progress_publish(served_progress_topic *topic,
                            const served_job *message, const shmrpc_opts *opts,
                            shmrpc_error *error)
{
    return shmrpc_stub_topic_publish((shmrpc_topic *)topic, message, opts,
                                     error);
}

int served_progress_subscribe(served_progress_topic *topic,
                              served_progress_sub **out, shmrpc_error *error)
{
    shmrpc_sub *sub = NULL;
    int status = shmrpc_topic_subscribe((shmrpc_topic *)topic, &sub, error);
    if (status == SHMRPC_OK) {
        *out = (served_progress_sub *)sub;
    }
    return status;
}

int served_progress_next(served_progress_sub *sub, const served_job **out,
                         const shmrpc_opts *opts, shmrpc_error *error)
{
    const void *message = NULL;
    int status = shmrpc_stub_sub_next((shmrpc_sub *)sub, &message, opts, error);
    if (status == SHMRPC_OK) {
        *out = (const served_job *)message;
    }
    return status;
}

uint64_t served_progress_lost(const served_progress_sub *sub)
{
    return shmrpc_sub_lost((const shmrpc_sub *)sub);
}

int served_progress_fd(served_progress_sub *sub)
{
    return shmrpc_sub_fd((shmrpc_sub *)sub);
}

void served_progress_unsubscribe(served_progress_sub *sub)
{
    shmrpc_sub_close((shmrpc_sub *)sub);
}

int served_progress_end(served_progress_topic *topic)
{
    return shmrpc_topic_end((shmrpc_topic *)topic);
}

int served_progress_destroy(served_progress_topic *topic)
{
    return shmrpc_topic_destroy((shmrpc_topic *)topic);
}

int served_progress_stat(served_progress_topic *topic, shmrpc_topic_stat *out)
{
    return shmrpc_topic_stat_read((shmrpc_topic *)topic, out);
}

int served_voices_open(served_tts *client, const shmrpc_shared_opts *opts,
                       served_voices_dict **out, shmrpc_error *error)
{
    shmrpc_dict *dict = NULL;
    int status = shmrpc_stub_dict_open_of(
        (shmrpc_client *)client, &served_tts_descriptor,
        &served_tts_descriptor.objects->rows[2], opts, &dict, error);
    if (status == SHMRPC_OK) {
        *out = (served_voices_dict *)dict;
    }
    return status;
}

void served_voices_close(served_voices_dict *dict)
{
    shmrpc_dict_close((shmrpc_dict *)dict);
}

int served_voices_get(served_voices_dict *dict, shmrpc_str key,
                      const served_voice **out, shmrpc_error *error)
{
    const void *value = NULL;
    int status =
        shmrpc_stub_dict_get_item((shmrpc_dict *)dict, &key, &value, error);
    if (status == SHMRPC_OK) {
        *out = (const served_voice *)value;
    }
    return status;
}

void served_voices_release(served_voices_dict *dict, const served_voice *value)
{
    shmrpc_stub_dict_release((shmrpc_dict *)dict, value);
}

int served_voices_contains(served_voices_dict *dict, shmrpc_str key,
                           shmrpc_error *error)
{
    return shmrpc_stub_dict_contains((shmrpc_dict *)dict, &key, error);
}

int served_voices_len(served_voices_dict *dict, uint64_t *out,
                      shmrpc_error *error)
{
    return shmrpc_dict_len((shmrpc_dict *)dict, NULL, out, error);
}

int served_voices_put(served_voices_dict *dict, shmrpc_str key,
                      const served_voice *value, shmrpc_error *error)
{
    return shmrpc_stub_dict_put((shmrpc_dict *)dict, &key, value, error);
}

int served_voices_put_new(served_voices_dict *dict, shmrpc_str key,
                          const served_voice *value, shmrpc_error *error)
{
    return shmrpc_stub_dict_put_new((shmrpc_dict *)dict, &key, value, error);
}

int served_voices_del(served_voices_dict *dict, shmrpc_str key,
                      shmrpc_error *error)
{
    return shmrpc_stub_dict_del((shmrpc_dict *)dict, &key, error);
}

static int change_voices(shmrpc_function change, void *user, const void *was,
                         void *now)
{
    served_voices_change *ask = (served_voices_change *)change;
    return ask(user, (const served_voice *)was, (served_voice *)now);
}

int served_voices_update(served_voices_dict *dict, shmrpc_str key,
                         served_voices_change *change, void *user,
                         shmrpc_error *error)
{
    return shmrpc_stub_dict_update((shmrpc_dict *)dict, &key, change_voices,
                                   (shmrpc_function)change, user, error);
}

int served_voices_merge(served_voices_dict *dict,
                        const served_voices_entry *entries, size_t count,
                        shmrpc_error *error)
{
    const void *keys = count > 0 ? &entries->key : NULL;
    const void *values = count > 0 ? &entries->value : NULL;
    return shmrpc_stub_dict_merge((shmrpc_dict *)dict, keys, values,
                                  sizeof *entries, count, error);
}

int served_voices_clear(served_voices_dict *dict, shmrpc_error *error)
{
    return shmrpc_dict_clear((shmrpc_dict *)dict, error);
}

int served_voices_lock(served_voices_dict *dict, const shmrpc_str *key,
                       const shmrpc_lock_wait *wait, shmrpc_error *error)
{
    return shmrpc_stub_dict_lock((shmrpc_dict *)dict, key, wait, error);
}

int served_voices_try_lock(served_voices_dict *dict, const shmrpc_str *key,
                           shmrpc_error *error)
{
    return shmrpc_stub_dict_try_lock((shmrpc_dict *)dict, key, error);
}

int served_voices_unlock(served_voices_dict *dict, const shmrpc_str *key,
                         shmrpc_error *error)
{
    return shmrpc_stub_dict_unlock((shmrpc_dict *)dict, key, error);
}

int served_voices_lock_consistent(served_voices_dict *dict,
                                  const shmrpc_str *key, shmrpc_error *error)
{
    return shmrpc_stub_dict_lock_consistent((shmrpc_dict *)dict, key, error);
}

int served_voices_view_open(served_voices_dict *dict, served_voices_view **out,
                            shmrpc_error *error)
{
    shmrpc_view *view = NULL;
    int status = shmrpc_dict_view_open((shmrpc_dict *)dict, &view, error);
    if (status == SHMRPC_OK) {
        *out = (served_voices_view *)view;
    }
    return status;
}

int served_voices_view_get(served_voices_view *view, shmrpc_str key,
                           const served_voice **out, shmrpc_error *error)
{
    const void *value = NULL;
    int status = shmrpc_stub_view_get((shmrpc_view *)view, &key, &value, error);
    if (status == SHMRPC_OK) {
        *out = (const served_voice *)value;
    }
    return status;
}

int served_voices_view_next(served_voices_view *view,
                            const shmrpc_str **out_key,
                            const served_voice **out_value, shmrpc_error *error)
{
    const void *key = NULL;
    const void *value = NULL;
    int status =
        shmrpc_stub_view_next((shmrpc_view *)view, &key, &value, error);
    if (status == SHMRPC_OK) {
        *out_key = (const shmrpc_str *)key;
        *out_value = (const served_voice *)value;
    }
    return status;
}

void served_voices_view_close(served_voices_view *view)
{
    shmrpc_view_close((shmrpc_view *)view);
}

int served_voices_watch_open(served_voices_dict *dict,
                             const shmrpc_watch_opts *opts,
                             served_voices_watch **out, shmrpc_error *error)
{
    shmrpc_watch *watch = NULL;
    int status =
        shmrpc_dict_watch_open((shmrpc_dict *)dict, opts, &watch, error);
    if (status == SHMRPC_OK) {
        *out = (served_voices_watch *)watch;
    }
    return status;
}

int served_voices_watch_next(served_voices_watch *watch,
                             const served_voices_event **out,
                             const shmrpc_opts *opts, shmrpc_error *error)
{
    const void *event = NULL;
    int status =
        shmrpc_stub_watch_next((shmrpc_watch *)watch, &event, opts, error);
    if (status == SHMRPC_OK) {
        *out = (const served_voices_event *)event;
    }
    return status;
}

int served_voices_watch_fd(served_voices_watch *watch)
{
    return shmrpc_watch_fd((shmrpc_watch *)watch);
}

void served_voices_watch_close(served_voices_watch *watch)
{
    shmrpc_watch_close((shmrpc_watch *)watch);
}

int served_voices_snapshot(served_voices_dict *dict, const char *path,
                           const shmrpc_snapshot_opts *opts,
                           shmrpc_error *error)
{
    return shmrpc_dict_snapshot((shmrpc_dict *)dict, path, opts, error);
}

int served_voices_load(served_voices_dict *dict, const char *path,
                       shmrpc_error *error)
{
    return shmrpc_dict_load((shmrpc_dict *)dict, path, error);
}

int served_voices_destroy(served_voices_dict *dict)
{
    return shmrpc_dict_destroy((shmrpc_dict *)dict);
}

int served_voices_stat(served_voices_dict *dict, shmrpc_dict_stat *out)
{
    return shmrpc_dict_stat_read((shmrpc_dict *)dict, out);
}

int served_pcm_open(served_tts *client, const shmrpc_shared_opts *opts,
                    served_pcm_pipe **out, shmrpc_error *error)
{
    shmrpc_pipe *pipe = NULL;
    int status = shmrpc_stub_pipe_open_of(
        (shmrpc_client *)client, &served_tts_descriptor,
        &served_tts_descriptor.objects->rows[3], opts, &pipe, error);
    if (status == SHMRPC_OK) {
        *out = (served_pcm_pipe *)pipe;
    }
    return status;
}

void served_pcm_close(served_pcm_pipe *pipe)
{
    shmrpc_pipe_close((shmrpc_pipe *)pipe);
}

int served_pcm_write(served_pcm_pipe *pipe, const void *data, size_t len,
                     const shmrpc_opts *opts, size_t *out_written,
                     shmrpc_error *error)
{
    return shmrpc_pipe_write((shmrpc_pipe *)pipe, data, len, opts, out_written,
                             error);
}

int served_pcm_read(served_pcm_pipe *pipe, void *data, size_t size,
                    const shmrpc_opts *opts, size_t *out_read,
                    shmrpc_error *error)
{
    return shmrpc_pipe_read((shmrpc_pipe *)pipe, data, size, opts, out_read,
                            error);
}

int served_pcm_fd(served_pcm_pipe *pipe)
{
    return shmrpc_pipe_fd((shmrpc_pipe *)pipe);
}

int served_pcm_end(served_pcm_pipe *pipe)
{
    return shmrpc_pipe_end((shmrpc_pipe *)pipe);
}

int served_pcm_destroy(served_pcm_pipe *pipe)
{
    return shmrpc_pipe_destroy((shmrpc_pipe *)pipe);
}

int served_pcm_stat(served_pcm_pipe *pipe, shmrpc_pipe_stat *out)
{
    return shmrpc_pipe_stat_read((shmrpc_pipe *)pipe, out);
}

int served_scores_open(served_board *client, const shmrpc_shared_opts *opts,
                       served_scores_dict **out, shmrpc_error *error)
{
    shmrpc_dict *dict = NULL;
    int status = shmrpc_stub_dict_open_of(
        (shmrpc_client *)client, &served_board_descriptor,
        &served_board_descriptor.objects->rows[0], opts, &dict, error);
    if (status == SHMRPC_OK) {
        *out = (served_scores_dict *)dict;
    }
    return status;
}

void served_scores_close(served_scores_dict *dict)
{
    shmrpc_dict_close((shmrpc_dict *)dict);
}

int served_scores_get(served_scores_dict *dict, uint32_t key, uint32_t *out,
                      shmrpc_error *error)
{
    return shmrpc_stub_dict_get((shmrpc_dict *)dict, &key, out, error);
}

int served_scores_contains(served_scores_dict *dict, uint32_t key,
                           shmrpc_error *error)
{
    return shmrpc_stub_dict_contains((shmrpc_dict *)dict, &key, error);
}

int served_scores_len(served_scores_dict *dict, uint64_t *out,
                      shmrpc_error *error)
{
    return shmrpc_dict_len((shmrpc_dict *)dict, NULL, out, error);
}

int served_scores_put(served_scores_dict *dict, uint32_t key,
                      const uint32_t *value, shmrpc_error *error)
{
    return shmrpc_stub_dict_put((shmrpc_dict *)dict, &key, value, error);
}

int served_scores_put_new(served_scores_dict *dict, uint32_t key,
                          const uint32_t *value, shmrpc_error *error)
{
    return shmrpc_stub_dict_put_new((shmrpc_dict *)dict, &key, value, error);
}

int served_scores_del(served_scores_dict *dict, uint32_t key,
                      shmrpc_error *error)
{
    return shmrpc_stub_dict_del((shmrpc_dict *)dict, &key, error);
}

static int change_scores(shmrpc_function change, void *user, const void *was,
                         void *now)
{
    served_scores_change *ask = (served_scores_change *)change;
    return ask(user, (const uint32_t *)was, (uint32_t *)now);
}

int served_scores_update(served_scores_dict *dict, uint32_t key,
                         served_scores_change *change, void *user,
                         shmrpc_error *error)
{
    return shmrpc_stub_dict_update((shmrpc_dict *)dict, &key, change_scores,
                                   (shmrpc_function)change, user, error);
}

int served_scores_merge(served_scores_dict *dict,
                        const served_scores_entry *entries, size_t count,
                        shmrpc_error *error)
{
    const void *keys = count > 0 ? &entries->key : NULL;
    const void *values = count > 0 ? &entries->value : NULL;
    return shmrpc_stub_dict_merge((shmrpc_dict *)dict, keys, values,
                                  sizeof *entries, count, error);
}

int served_scores_clear(served_scores_dict *dict, shmrpc_error *error)
{
    return shmrpc_dict_clear((shmrpc_dict *)dict, error);
}

int served_scores_lock(served_scores_dict *dict, const uint32_t *key,
                       const shmrpc_lock_wait *wait, shmrpc_error *error)
{
    return shmrpc_stub_dict_lock((shmrpc_dict *)dict, key, wait, error);
}

int served_scores_try_lock(served_scores_dict *dict, const uint32_t *key,
                           shmrpc_error *error)
{
    return shmrpc_stub_dict_try_lock((shmrpc_dict *)dict, key, error);
}

int served_scores_unlock(served_scores_dict *dict, const uint32_t *key,
                         shmrpc_error *error)
{
    return shmrpc_stub_dict_unlock((shmrpc_dict *)dict, key, error);
}

int served_scores_lock_consistent(served_scores_dict *dict, const uint32_t *key,
                                  shmrpc_error *error)
{
    return shmrpc_stub_dict_lock_consistent((shmrpc_dict *)dict, key, error);
}

int served_scores_view_open(served_scores_dict *dict, served_scores_view **out,
                            shmrpc_error *error)
{
    shmrpc_view *view = NULL;
    int status = shmrpc_dict_view_open((shmrpc_dict *)dict, &view, error);
    if (status == SHMRPC_OK) {
        *out = (served_scores_view *)view;
    }
    return status;
}

int served_scores_view_get(served_scores_view *view, uint32_t key,
                           const uint32_t **out, shmrpc_error *error)
{
    const void *value = NULL;
    int status = shmrpc_stub_view_get((shmrpc_view *)view, &key, &value, error);
    if (status == SHMRPC_OK) {
        *out = (const uint32_t *)value;
    }
    return status;
}

int served_scores_view_next(served_scores_view *view, const uint32_t **out_key,
                            const uint32_t **out_value, shmrpc_error *error)
{
    const void *key = NULL;
    const void *value = NULL;
    int status =
        shmrpc_stub_view_next((shmrpc_view *)view, &key, &value, error);
    if (status == SHMRPC_OK) {
        *out_key = (const uint32_t *)key;
        *out_value = (const uint32_t *)value;
    }
    return status;
}

void served_scores_view_close(served_scores_view *view)
{
    shmrpc_view_close((shmrpc_view *)view);
}

int served_scores_watch_open(served_scores_dict *dict,
                             const shmrpc_watch_opts *opts,
                             served_scores_watch **out, shmrpc_error *error)
{
    shmrpc_watch *watch = NULL;
    int status =
        shmrpc_dict_watch_open((shmrpc_dict *)dict, opts, &watch, error);
    if (status == SHMRPC_OK) {
        *out = (served_scores_watch *)watch;
    }
    return status;
}

int served_scores_watch_next(served_scores_watch *watch,
                             const served_scores_event **out,
                             const shmrpc_opts *opts, shmrpc_error *error)
{
    const void *event = NULL;
    int status =
        shmrpc_stub_watch_next((shmrpc_watch *)watch, &event, opts, error);
    if (status == SHMRPC_OK) {
        *out = (const served_scores_event *)event;
    }
    return status;
}

int served_scores_watch_fd(served_scores_watch *watch)
{
    return shmrpc_watch_fd((shmrpc_watch *)watch);
}

void served_scores_watch_close(served_scores_watch *watch)
{
    shmrpc_watch_close((shmrpc_watch *)watch);
}

int served_scores_snapshot(served_scores_dict *dict, const char *path,
                           const shmrpc_snapshot_opts *opts,
                           shmrpc_error *error)
{
    return shmrpc_dict_snapshot((shmrpc_dict *)dict, path, opts, error);
}

int served_scores_load(served_scores_dict *dict, const char *path,
                       shmrpc_error *error)
{
    return shmrpc_dict_load((shmrpc_dict *)dict, path, error);
}

int served_scores_destroy(served_scores_dict *dict)
{
    return shmrpc_dict_destroy((shmrpc_dict *)dict);
}

int served_scores_stat(served_scores_dict *dict, shmrpc_dict_stat *out)
{
    return shmrpc_dict_stat_read((shmrpc_dict *)dict, out);
}
