/* Decodes native images as every kind of type. The length at their start is
 * corrected, so that inputs get further. */
#include <string.h>

#include "fuzz_codec.h"

static const shmrpc_type *choose(uint8_t byte)
{
    const shmrpc_type *type = fuzz_types[byte % SHMRPC_COUNT(fuzz_types)];
    bool has_any = type == &sample_all_type || type == &sample_compact_type ||
                   type == &shmrpc_type_any;
    return has_any ? &sample_native_type : type;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool is_ready;
    if (!is_ready) {
        sample_init();
        is_ready = true;
    }
    if (size == 0) {
        return 0;
    }
    uint8_t *image = malloc(size);
    if (image == NULL) {
        return 0;
    }
    memcpy(image, data + 1, size - 1);
    /* The top bit of the first byte keeps the length unchanged. */
    if ((data[0] & 0x80) == 0 && size > 4) {
        uint32_t len = (uint32_t)(size - 1);
        memcpy(image, &len, sizeof len);
    }
    (void)fuzz_codec(SHMRPC_ENCODING_NATIVE, choose(data[0] & 0x7F), image,
                     size - 1);
    free(image);
    return 0;
}
