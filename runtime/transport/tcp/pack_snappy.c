/* Snappy's raw format, not its framing format. A checksum as in zlib streams
 * follows, because a damaged block may still unpack. */
#include <snappy-c.h>
#include <string.h>

#include "transport/tcp/pack.h"

#define SUM_BYTES 4u

static size_t bound(size_t len)
{
    return snappy_max_compressed_length(len) + SUM_BYTES;
}

static void put_sum(const uint8_t *data, size_t len, uint8_t *out)
{
    uint32_t sum = tcp_pack_adler32(data, len);
    for (unsigned i = 0; i < SUM_BYTES; i++) {
        out[i] = (uint8_t)(sum >> (24 - 8 * i));
    }
}

static bool pack(const uint8_t *data, size_t len, uint8_t *out, size_t *out_len)
{
    size_t used = *out_len - SUM_BYTES;
    if (snappy_compress((const char *)data, len, (char *)out, &used) !=
        SNAPPY_OK) {
        return false;
    }
    put_sum(out, used, out + used);
    *out_len = used + SUM_BYTES;
    return true;
}

/* The block contains its unpacked length, which must equal `out_len`. */
static bool unpack_block(const uint8_t *data, size_t len, uint8_t *out,
                         size_t out_len)
{
    size_t own = 0;
    return snappy_uncompressed_length((const char *)data, len, &own) ==
               SNAPPY_OK &&
           own == out_len &&
           snappy_uncompress((const char *)data, len, (char *)out, &own) ==
               SNAPPY_OK;
}

static bool unpack(const uint8_t *data, size_t len, uint8_t *out,
                   size_t out_len)
{
    uint8_t sum[SUM_BYTES];
    if (len < SUM_BYTES) {
        return false;
    }
    /* The checksum covers the packed block, because that is shorter than the
     * body. */
    size_t block_len = len - SUM_BYTES;
    put_sum(data, block_len, sum);
    return memcmp(sum, data + block_len, SUM_BYTES) == 0 &&
           unpack_block(data, block_len, out, out_len);
}

const tcp_packer tcp_packer_snappy = {
    .bound = bound, .pack = pack, .unpack = unpack};
