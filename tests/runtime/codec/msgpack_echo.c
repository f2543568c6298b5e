/*
 * Reads msgpack values as `any` and writes them again, for msgpack_python.py.
 * Messages on both pipes are a u32 length (little-endian), then the bytes. The
 * answer to a refused message is the length 0xFFFFFFFF, then a message with the
 * reason.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/codec.h"

static void answer(const void *data, size_t len)
{
    uint32_t size = (uint32_t)len;
    (void)fwrite(&size, sizeof size, 1, stdout);
    (void)fwrite(data, 1, len, stdout);
    (void)fflush(stdout);
}

static void echo(const uint8_t *data, size_t len)
{
    const shmrpci_codec *codec = shmrpci_codec_of(SHMRPC_ENCODING_MSGPACK);
    const uint32_t refused = UINT32_MAX;
    shmrpc_any value;
    shmrpc_error error = {0};
    shmrpci_arena arena;
    shmrpci_buf out;
    shmrpci_arena_init(&arena, 0);
    shmrpci_buf_init_heap(&out);
    if (codec->decode(&shmrpc_type_any, data, len, "", &arena, &value,
                      &error) == SHMRPC_OK &&
        codec->encode(&shmrpc_type_any, &value, "", &out, &error) ==
            SHMRPC_OK) {
        answer(out.data, out.len);
    } else {
        (void)fwrite(&refused, sizeof refused, 1, stdout);
        answer(error.message, strlen(error.message));
    }
    shmrpci_buf_fini(&out);
    shmrpci_arena_fini(&arena);
}

int main(void)
{
    uint32_t len;
    while (fread(&len, sizeof len, 1, stdin) == 1) {
        uint8_t *data = malloc(len > 0 ? len : 1);
        if (data == NULL || fread(data, 1, len, stdin) != len) {
            free(data);
            return 1;
        }
        echo(data, len);
        free(data);
    }
    return 0;
}
