/* Decodes bytes as values of random types: the first two bytes choose the type
 * (random_type.h makes it from them), the third chooses the encoding. */
#include <string.h>

#include "fuzz_codec.h"
#include "random_type.h"

/* Copies the input to the heap, so that the sanitizer sees overruns. Native
 * requires the length in front: it is written there, unless the top bit of the
 * choice says to leave it unchanged. */
static uint8_t *message_of(uint8_t choice, uint32_t encoding,
                           const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);
    if (copy == NULL) {
        return NULL;
    }
    memcpy(copy, data, size);
    if (encoding == SHMRPC_ENCODING_NATIVE && size > 4 && choice < 0x80) {
        uint32_t len = (uint32_t)size;
        memcpy(copy, &len, sizeof len);
    }
    return copy;
}

static void write_again(uint32_t encoding, const shmrpc_type *type,
                        const void *value)
{
    shmrpc_error error = {0};
    shmrpci_buf buf;
    shmrpci_buf_init_heap(&buf);
    if (shmrpci_codec_of(encoding)->encode(type, value, "v", &buf, &error) !=
        SHMRPC_OK) {
        fuzz_fail("accepted, but does not encode", &error);
    }
    shmrpci_buf_fini(&buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3) {
        return 0;
    }
    uint32_t encoding = SHMRPC_ENCODING_JSON + (data[2] & 0x7F) % 3u;
    uint64_t seed =
        UINT64_C(0x9E3779B97F4A7C15) * (data[0] + 256u * data[1] + 1u);
    unsigned flags = data[1] & (RANDOM_WITH_ANY | RANDOM_PARAMS);
    if (encoding == SHMRPC_ENCODING_NATIVE) {
        flags &= ~(unsigned)RANDOM_WITH_ANY;
    }
    shmrpci_arena types;
    shmrpci_arena values;
    shmrpci_arena_init(&types, 0);
    shmrpci_arena_init(&values, (size_t)64 << 20);
    const shmrpc_type *type = random_type(&types, &seed, flags);
    void *value = shmrpci_arena_calloc(&types, 1, type->size, 16);
    uint8_t *message = message_of(data[2], encoding, data + 3, size - 3);
    shmrpc_error error = {0};
    if (value != NULL && message != NULL &&
        shmrpci_codec_of(encoding)->decode(type, message, size - 3, "v",
                                           &values, value,
                                           &error) == SHMRPC_OK) {
        write_again(encoding, type, value);
    }
    free(message);
    shmrpci_arena_fini(&values);
    shmrpci_arena_fini(&types);
    return 0;
}
