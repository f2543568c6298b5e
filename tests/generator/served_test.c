/*
 * Tests generated objects of a service: its client and the serving process open
 * them, only permitted processes write to them, and they end with the service.
 */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>

#include "served_client.h"
#include "served_server.h"
#include "together.h"

static const shmrpc_opts patience = {.timeout_ns = INT64_C(20000000000)};

/* ---- a server ---- */

static shmrpc_server *server;
static pthread_t thread;

static void *run(void *user)
{
    shmrpc_error error;
    return shmrpc_server_run(user, &error) == SHMRPC_OK ? NULL : user;
}

static int start_server(void **state)
{
    shmrpc_error error;
    served_tts_impl impl = SERVED_TTS_IMPL_INIT;
    served_board_impl board = SERVED_BOARD_IMPL_INIT;
    const shmrpc_server_opts opts = {.workers = 1};
    return together_enter(state) != 0 ||
           shmrpc_server_create(&opts, &server, &error) != SHMRPC_OK ||
           served_tts_serve(server, &impl, NULL, &error) != SHMRPC_OK ||
           served_board_serve(server, &board, NULL, &error) != SHMRPC_OK ||
           pthread_create(&thread, NULL, run, server) != 0;
}

static int stop_server(void **state)
{
    void *result = NULL;
    if (server != NULL) {
        shmrpc_server_stop(server);
        pthread_join(thread, &result);
        shmrpc_server_destroy(server);
        server = NULL;
    }
    return together_leave(state) != 0 || result != NULL;
}

/* ---- a client in another process ---- */

static bool push_jobs(void)
{
    shmrpc_error error = {.code = 0};
    served_tts *client = NULL;
    served_jobs_queue *jobs = NULL;
    bool good =
        went_well(served_tts_connect(NULL, NULL, &client, &error), &error) &&
        went_well(served_jobs_open(client, NULL, &jobs, &error), &error);
    /* more than `capacity 16`, so push waits for the reader */
    for (uint64_t i = 0; good && i < 40; i++) {
        served_job job = {.id = i, .text = shmrpc_str_of("say it")};
        good =
            went_well(served_jobs_push(jobs, &job, &patience, &error), &error);
    }
    served_jobs_close(jobs);
    served_tts_close(client);
    return good;
}

static void pop_jobs(void)
{
    shmrpc_error error = {.code = 0};
    served_jobs_queue *jobs = NULL;
    const served_job *job = NULL;
    assert_ok(served_jobs_open(NULL, NULL, &jobs, &error), &error);
    for (uint64_t i = 0; i < 40; i++) {
        assert_ok(served_jobs_pop(jobs, &patience, &job, &error), &error);
        assert_true(job->id == i);
        assert_string_equal(job->text.ptr, "say it");
        assert_int_equal(served_jobs_ack(jobs, job), SHMRPC_OK);
    }
    served_jobs_close(jobs);
}

static void clients_push_and_the_server_pops(void **state)
{
    (void)state;
    together(push_jobs, pop_jobs);
}

static bool read_only_looks(void)
{
    shmrpc_error error = {.code = 0};
    served_tts *client = NULL;
    served_voices_dict *voices = NULL;
    const served_voice *voice = NULL;
    shmrpc_str id = shmrpc_str_of("alto");
    bool good =
        went_well(served_tts_connect(NULL, NULL, &client, &error), &error) &&
        went_well(served_voices_open(client, NULL, &voices, &error), &error) &&
        went_well(served_voices_get(voices, id, &voice, &error), &error) &&
        voice->rate == 22050 && strcmp(voice->label.ptr, "clear") == 0 &&
        served_voices_put(voices, id, voice, &error) == SHMRPC_E_DENIED;
    served_voices_release(voices, voice);
    served_voices_close(voices);
    served_tts_close(client);
    return good;
}

static void only_the_server_writes_its_dict(void **state)
{
    (void)state;
    shmrpc_error error = {.code = 0};
    served_voices_dict *voices = NULL;
    served_voice voice = SERVED_VOICE_DEFAULTS;
    voice.label = shmrpc_str_of("clear");
    assert_ok(served_voices_open(NULL, NULL, &voices, &error), &error);
    assert_ok(served_voices_put(voices, shmrpc_str_of("alto"), &voice, &error),
              &error);
    together(read_only_looks, NULL);
    served_voices_close(voices);
}

static bool score(void)
{
    shmrpc_error error = {.code = 0};
    served_board *client = NULL;
    served_scores_dict *scores = NULL;
    const uint32_t value = 5;
    bool good =
        went_well(served_board_connect(NULL, NULL, &client, &error), &error) &&
        went_well(served_scores_open(client, NULL, &scores, &error), &error) &&
        went_well(served_scores_put(scores, 1, &value, &error), &error);
    served_scores_close(scores);
    served_board_close(client);
    return good;
}

static void all_write_where_it_says_so(void **state)
{
    (void)state;
    shmrpc_error error = {.code = 0};
    served_scores_dict *scores = NULL;
    uint32_t value = 0;
    together(score, NULL);
    assert_ok(served_scores_open(NULL, NULL, &scores, &error), &error);
    assert_ok(served_scores_get(scores, 1, &value, &error), &error);
    assert_int_equal(value, 5);
    served_scores_close(scores);
}

static void topics_and_pipes_reach_clients(void **state)
{
    (void)state;
    shmrpc_error error = {.code = 0};
    served_tts *client = NULL;
    served_progress_topic *theirs = NULL;
    served_progress_topic *ours = NULL;
    served_progress_sub *sub = NULL;
    const served_job *message = NULL;
    served_pcm_pipe *in = NULL;
    served_pcm_pipe *out = NULL;
    char bytes[8] = "";
    size_t count = 0;
    served_job job = {.id = 9, .text = shmrpc_str_of("half")};
    assert_ok(served_tts_connect(NULL, NULL, &client, &error), &error);
    assert_ok(served_progress_open(NULL, NULL, &ours, &error), &error);
    assert_ok(served_progress_open(client, NULL, &theirs, &error), &error);
    assert_ok(served_progress_subscribe(theirs, &sub, &error), &error);
    assert_ok(served_progress_publish(ours, &job, NULL, &error), &error);
    assert_ok(served_progress_next(sub, &message, &patience, &error), &error);
    assert_true(message->id == 9);
    assert_ok(served_pcm_open(NULL, NULL, &in, &error), &error);
    assert_ok(served_pcm_open(client, NULL, &out, &error), &error);
    assert_ok(served_pcm_write(in, "pcm", 4, &patience, NULL, &error), &error);
    assert_ok(
        served_pcm_read(out, bytes, sizeof bytes, &patience, &count, &error),
        &error);
    assert_true(count == 4 && strcmp(bytes, "pcm") == 0);
    served_pcm_close(in);
    served_pcm_close(out);
    served_progress_unsubscribe(sub);
    served_progress_close(theirs);
    served_progress_close(ours);
    served_tts_close(client);
}

static void objects_end_with_their_service(void **state)
{
    (void)state;
    shmrpc_error error = {.code = 0};
    served_tts *client = NULL;
    served_jobs_queue *jobs = NULL;
    const served_job *job = NULL;
    void *result = NULL;
    assert_ok(served_tts_connect(NULL, NULL, &client, &error), &error);
    assert_ok(served_jobs_open(client, NULL, &jobs, &error), &error);
    shmrpc_server_stop(server);
    pthread_join(thread, &result);
    shmrpc_server_destroy(server);
    server = NULL;
    assert_int_equal(served_jobs_pop(jobs, &patience, &job, &error),
                     SHMRPC_E_DESTROYED);
    served_jobs_close(jobs);
    served_tts_close(client);
}

int main(void)
{
#define SERVED(test) \
    cmocka_unit_test_setup_teardown(test, start_server, stop_server)
    const struct CMUnitTest tests[] = {
        SERVED(clients_push_and_the_server_pops),
        SERVED(only_the_server_writes_its_dict),
        SERVED(all_write_where_it_says_so),
        SERVED(topics_and_pipes_reach_clients),
        SERVED(objects_end_with_their_service),
    };
#undef SERVED
    return cmocka_run_group_tests(tests, NULL, NULL);
}
