/* Decodes JSON text as every kind of type. */
#include "fuzz_codec.h"

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
    size_t index = data[0] % SHMRPC_COUNT(fuzz_types);
    return fuzz_codec(SHMRPC_ENCODING_JSON, fuzz_types[index], data + 1,
                      size - 1);
}
