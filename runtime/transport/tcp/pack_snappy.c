/* Snappy's raw format, without the framing that files have. */
#include <snappy-c.h>

#include "transport/tcp/pack.h"

static size_t bound(size_t len)
{
    return snappy_max_compressed_length(len);
}

static bool pack(const uint8_t *data, size_t len, uint8_t *out, size_t *out_len)
{
    return snappy_compress((const char *)data, len, (char *)out, out_len) ==
           SNAPPY_OK;
}

/* It has a length of its own, which must not be another one. */
static bool unpack(const uint8_t *data, size_t len, uint8_t *out,
                   size_t out_len)
{
    size_t own = 0;
    return snappy_uncompressed_length((const char *)data, len, &own) ==
               SNAPPY_OK &&
           own == out_len &&
           snappy_uncompress((const char *)data, len, (char *)out, &own) ==
               SNAPPY_OK;
}

const tcp_packer tcp_packer_snappy = {
    .bound = bound, .pack = pack, .unpack = unpack};
