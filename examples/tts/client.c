/*
 * Requests of a user:
 *
 *   tts-client voices                 lists the voices, without a call
 *   tts-client voice ID...            looks voices up
 *   tts-client count                  asks the service how many there are
 *   tts-client say ID TEXT [ID TEXT]  puts jobs into the queue
 *   tts-client progress               prints the latest reports about jobs
 */
#include "tts_client.h"

#include <stdio.h>
#include <string.h>

static int failed(const char *what, const shmrpc_error *error)
{
    char text[SHMRPC_ERROR_TEXT_BYTES];
    fprintf(stderr, "%s: %s\n", what,
            shmrpc_error_text(error, text, sizeof text));
    return 1;
}

/* Opens the dict read-only: creates nothing and can't change anything. */
static const shmrpc_shared_opts looking = {.mode = SHMRPC_SHARED_OPEN_EXISTING,
                                           .flags = SHMRPC_SHARED_READ_ONLY};

/* Lists a view, which shows the dict as it is now; later changes don't affect
 * it. */
static int list_voices(void)
{
    tts_voices_dict *voices = NULL;
    tts_voices_view *view = NULL;
    const tts_voice *voice = NULL;
    const shmrpc_str *id = NULL;
    shmrpc_error error;
    if (tts_voices_open(NULL, &looking, &voices, &error) != SHMRPC_OK ||
        tts_voices_view_open(voices, &view, &error) != SHMRPC_OK) {
        return failed("voices", &error);
    }
    while (tts_voices_view_next(view, &id, &voice, &error) == SHMRPC_OK) {
        printf("%.*s\n", (int)id->len, id->ptr);
    }
    tts_voices_view_close(view);
    tts_voices_close(voices);
    return 0;
}

static int print_voices(int count, char **ids)
{
    tts_voices_dict *voices = NULL;
    const tts_voice *voice = NULL;
    shmrpc_error error;
    if (tts_voices_open(NULL, &looking, &voices, &error) != SHMRPC_OK) {
        return failed("voices", &error);
    }
    for (int i = 0; i < count; i++) {
        int status =
            tts_voices_get(voices, shmrpc_str_of(ids[i]), &voice, &error);
        if (status == SHMRPC_E_NOT_FOUND) {
            printf("%s is not known\n", ids[i]);
        } else if (status != SHMRPC_OK) {
            return failed(ids[i], &error);
        } else {
            printf("%s is %s, at %u Hz\n", ids[i], voice->label.ptr,
                   (unsigned)voice->sample_rate);
            tts_voices_release(voices, voice);
        }
    }
    tts_voices_close(voices);
    return 0;
}

static int print_count(void)
{
    tts_tts *client = NULL;
    uint32_t count = 0;
    shmrpc_error error;
    if (tts_tts_connect(NULL, NULL, &client, &error) != SHMRPC_OK ||
        tts_tts_voice_count(client, NULL, &count, &error) != SHMRPC_OK) {
        return failed("count", &error);
    }
    printf("%u voices\n", (unsigned)count);
    tts_tts_close(client);
    return 0;
}

static int say(int count, char **words)
{
    tts_tts *client = NULL;
    tts_jobs_queue *jobs = NULL;
    shmrpc_error error;
    if (tts_tts_connect(NULL, NULL, &client, &error) != SHMRPC_OK ||
        tts_jobs_open(client, NULL, &jobs, &error) != SHMRPC_OK) {
        return failed("jobs", &error);
    }
    for (int i = 0; i + 1 < count; i += 2) {
        tts_job job = {.id = (uint64_t)i / 2 + 1,
                       .voice = shmrpc_str_of(words[i]),
                       .text = shmrpc_str_of(words[i + 1])};
        if (tts_jobs_push(jobs, &job, NULL, &error) != SHMRPC_OK) {
            return failed("push", &error);
        }
    }
    shmrpc_queue_stat stat;
    if (tts_jobs_stat(jobs, &stat) == SHMRPC_OK) {
        printf("%u jobs are waiting\n", (unsigned)stat.item_count);
    }
    tts_jobs_close(jobs);
    tts_tts_close(client);
    return 0;
}

static int print_progress(void)
{
    const shmrpc_opts at_once = {.flags = SHMRPC_OPT_NONBLOCK};
    tts_tts *client = NULL;
    tts_progress_topic *progress = NULL;
    tts_progress_sub *sub = NULL;
    const tts_progress *message = NULL;
    shmrpc_error error;
    if (tts_tts_connect(NULL, NULL, &client, &error) != SHMRPC_OK ||
        tts_progress_open(client, NULL, &progress, &error) != SHMRPC_OK ||
        tts_progress_subscribe(progress, &sub, &error) != SHMRPC_OK) {
        return failed("progress", &error);
    }
    while (tts_progress_next(sub, &message, &at_once, &error) == SHMRPC_OK) {
        printf("job %u: %.0f %%\n", (unsigned)message->id,
               100 * (double)message->done);
    }
    tts_progress_unsubscribe(sub);
    tts_progress_close(progress);
    tts_tts_close(client);
    return 0;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "voice") == 0) {
        return print_voices(argc - 2, argv + 2);
    }
    if (strcmp(what, "voices") == 0) {
        return list_voices();
    }
    if (strcmp(what, "progress") == 0) {
        return print_progress();
    }
    if (strcmp(what, "count") == 0) {
        return print_count();
    }
    if (strcmp(what, "say") == 0) {
        return say(argc - 2, argv + 2);
    }
    fputs(
        "usage: tts-client voices | voice ID... | count | say ID TEXT... | "
        "progress\n",
        stderr);
    return 2;
}
