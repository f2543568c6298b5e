/*
 * The service: puts the voices into the dict, from which all programs read them
 * without a call, and counts them for clients that call it.
 */
#include "tts_server.h"

#include <stdio.h>

static int voice_count(shmrpc_ctx *ctx, void *user, uint32_t *ret)
{
    tts_voices_dict *voices = user;
    uint64_t count = 0;
    shmrpc_error error;
    int status = tts_voices_len(voices, &count, &error);
    *ret = (uint32_t)count;
    return status == SHMRPC_OK
               ? SHMRPC_OK
               : shmrpc_ctx_fail(ctx, status, "%s", error.message);
}

static int put_voice(tts_voices_dict *voices, const char *id, const char *label,
                     float speed, shmrpc_error *error)
{
    tts_voice voice = TTS_VOICE_DEFAULTS;
    voice.label = shmrpc_str_of(label);
    voice.speed = speed;
    return tts_voices_put(voices, shmrpc_str_of(id), &voice, error);
}

int main(int argc, char **argv)
{
    tts_voices_dict *voices = NULL;
    shmrpc_error error;
    char text[SHMRPC_ERROR_TEXT_BYTES];
    if (tts_voices_open(NULL, NULL, &voices, &error) != SHMRPC_OK ||
        put_voice(voices, "alto", "clear and calm", 1.0F, &error) !=
            SHMRPC_OK ||
        put_voice(voices, "bass", "deep and slow", 0.75F, &error) !=
            SHMRPC_OK ||
        put_voice(voices, "kid", "in a hurry", 2.0F, &error) != SHMRPC_OK) {
        fprintf(stderr, "voices: %s\n",
                shmrpc_error_text(&error, text, sizeof text));
        return 1;
    }
    tts_tts_impl impl = TTS_TTS_IMPL_INIT;
    impl.voice_count = voice_count;
    int status = tts_tts_main(argc, argv, &impl, voices);
    tts_voices_close(voices);
    return status;
}
