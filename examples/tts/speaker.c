/*
 * A speaker: takes jobs from the queue, looks up voices in the dict, and
 * reports its progress to the topic. Any number of speakers may run.
 *
 *   tts-speaker COUNT  speaks COUNT jobs
 *   tts-speaker --die  takes a job, and kills itself before speaking it
 */
#include "tts_client.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failed(const char *what, const shmrpc_error *error)
{
    char text[SHMRPC_ERROR_TEXT_BYTES];
    fprintf(stderr, "%s: %s\n", what,
            shmrpc_error_text(error, text, sizeof text));
    return 1;
}

/* The shared objects that a speaker opens. */
typedef struct speaker {
    tts_tts *client; /* client of the service, to which the queue and the
                      * topic belong */
    tts_voices_dict *voices;
    tts_jobs_queue *jobs;
    tts_progress_topic *progress;
} speaker;

/* Reports progress; it does not matter whether a subscriber exists. */
static void tell(const speaker *s, const tts_job *job, float done)
{
    const tts_progress progress = {.id = job->id, .done = done};
    (void)tts_progress_publish(s->progress, &progress, NULL, NULL);
}

/* Pretends to speak: a letter takes 60 ms at speed 1. */
static void speak(const tts_job *job, const tts_voice *voice, bool is_again)
{
    printf("job %u, %s: \"%s\" in %.2f s%s\n", (unsigned)job->id,
           voice->label.ptr, job->text.ptr,
           0.06 * (double)job->text.len / (double)voice->speed,
           is_again ? ", after another speaker died" : "");
}

static int take_one(const speaker *s, bool die)
{
    const shmrpc_opts patience = {.timeout_ns = INT64_C(5000000000)};
    const tts_job *job = NULL;
    const tts_voice *voice = NULL;
    shmrpc_error error;
    if (tts_jobs_pop(s->jobs, &patience, &job, &error) != SHMRPC_OK) {
        return failed("jobs", &error);
    }
    tell(s, job, 0.5F);
    if (die) {
        raise(SIGKILL);
    }
    if (tts_voices_get(s->voices, job->voice, &voice, &error) != SHMRPC_OK) {
        tts_jobs_release(s->jobs, job); /* leaves the job to a speaker that
                                         * knows the voice */
        return failed("voices", &error);
    }
    speak(job, voice, tts_jobs_is_redelivered(job));
    tell(s, job, 1.0F);
    tts_voices_release(s->voices, voice);
    /* Acknowledged only now: if this speaker dies before, the job is delivered
     * again. */
    return tts_jobs_ack(s->jobs, job) == SHMRPC_OK ? 0 : 1;
}

int main(int argc, char **argv)
{
    bool die = argc > 1 && strcmp(argv[1], "--die") == 0;
    long count = argc > 1 && !die ? strtol(argv[1], NULL, 10) : 1;
    speaker s = {.client = NULL};
    shmrpc_error error;
    (void)setvbuf(stdout, NULL, _IOLBF, 0); /* shows each line at once, even
                                             * if the output is a file */
    if (tts_voices_open(NULL, NULL, &s.voices, &error) != SHMRPC_OK ||
        tts_tts_connect(NULL, NULL, &s.client, &error) != SHMRPC_OK ||
        tts_jobs_open(s.client, NULL, &s.jobs, &error) != SHMRPC_OK ||
        tts_progress_open(s.client, NULL, &s.progress, &error) != SHMRPC_OK) {
        return failed("open", &error);
    }
    int status = 0;
    for (long i = 0; i < count && status == 0; i++) {
        status = take_one(&s, die);
    }
    tts_progress_close(s.progress);
    tts_jobs_close(s.jobs);
    tts_tts_close(s.client);
    tts_voices_close(s.voices);
    return status;
}
