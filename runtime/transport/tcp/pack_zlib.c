/* zlib streams (RFC 1950). */
#include <zlib.h>

#include "transport/tcp/pack.h"

/* Much faster than the default level 6, and the result is hardly larger. */
#define LEVEL 4

static size_t bound(size_t len)
{
    return compressBound(len);
}

static bool pack(const uint8_t *data, size_t len, uint8_t *out, size_t *out_len)
{
    uLongf used = *out_len;
    if (compress2(out, &used, data, len, LEVEL) != Z_OK) {
        return false;
    }
    *out_len = used;
    return true;
}

static bool unpack(const uint8_t *data, size_t len, uint8_t *out,
                   size_t out_len)
{
    uLongf filled = out_len;
    uLong taken = len;
    return uncompress2(out, &filled, data, &taken) == Z_OK &&
           filled == out_len && taken == len;
}

uint32_t tcp_pack_adler32(const uint8_t *data, size_t len)
{
    return (uint32_t)adler32_z(adler32_z(0, NULL, 0), data, len);
}

const tcp_packer tcp_packer_zlib = {
    .bound = bound, .pack = pack, .unpack = unpack};
