/* Clients of served.svc, made by shmrpcgen: edit that file instead. */
#include "served_client.h"

#include <shmrpc/stub.h>

int served_tts_connect(const char *where, const shmrpc_opts *defaults,
                       served_tts **out, shmrpc_error *error)
{
    shmrpc_client *client = NULL;
    int status = shmrpc_stub_connect(&served_tts_descriptor, where, defaults,
                                     &client, error);
    if (status == SHMRPC_OK) {
        *out = (served_tts *)client;
    }
    return status;
}

void served_tts_close(served_tts *client)
{
    shmrpc_stub_close((shmrpc_client *)client);
}

void served_tts_read_stats(const served_tts *client, shmrpc_client_stats *out)
{
    shmrpc_stub_read_stats((const shmrpc_client *)client, out);
}

int served_tts_fd(served_tts *client)
{
    return shmrpc_stub_fd((shmrpc_client *)client);
}

int served_tts_dispatch(served_tts *client)
{
    return shmrpc_stub_dispatch((shmrpc_client *)client);
}

int served_tts_voice_count(served_tts *client, const shmrpc_opts *opts,
                           uint32_t *out, shmrpc_error *error)
{
    return shmrpc_stub_call((shmrpc_client *)client,
                            SERVED_TTS_METHOD_VOICE_COUNT, NULL, opts, out,
                            error);
}

int served_tts_voice_count_start(served_tts *client, const shmrpc_opts *opts,
                                 shmrpc_call **out, shmrpc_error *error)
{
    return shmrpc_stub_start((shmrpc_client *)client,
                             SERVED_TTS_METHOD_VOICE_COUNT, NULL, opts, out,
                             error);
}

int served_tts_voice_count_finish(shmrpc_call *call, uint32_t *out,
                                  shmrpc_error *error)
{
    return shmrpc_stub_finish(call, &served_tts_descriptor,
                              SERVED_TTS_METHOD_VOICE_COUNT, out, error);
}

static void end_tts_voice_count(shmrpc_function done, void *user, int status,
                                void *reply, const shmrpc_error *error)
{
    const served_tts_voice_count_fn tell = (served_tts_voice_count_fn)done;
    tell(user, status, (const uint32_t *)reply, error);
    shmrpc_stub_release(reply);
}

int served_tts_voice_count_async(served_tts *client, const shmrpc_opts *opts,
                                 shmrpc_call **out, shmrpc_error *error,
                                 served_tts_voice_count_fn done, void *user)
{
    return shmrpc_stub_async((shmrpc_client *)client,
                             SERVED_TTS_METHOD_VOICE_COUNT, NULL, opts, out,
                             error, end_tts_voice_count, (shmrpc_function)done,
                             user);
}

int served_board_connect(const char *where, const shmrpc_opts *defaults,
                         served_board **out, shmrpc_error *error)
{
    shmrpc_client *client = NULL;
    int status = shmrpc_stub_connect(&served_board_descriptor, where, defaults,
                                     &client, error);
    if (status == SHMRPC_OK) {
        *out = (served_board *)client;
    }
    return status;
}

void served_board_close(served_board *client)
{
    shmrpc_stub_close((shmrpc_client *)client);
}

void served_board_read_stats(const served_board *client,
                             shmrpc_client_stats *out)
{
    shmrpc_stub_read_stats((const shmrpc_client *)client, out);
}
