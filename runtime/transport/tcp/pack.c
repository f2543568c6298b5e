/* Decides which bodies are compressed, and which compressed bodies are
 * accepted. */
#include "transport/tcp/pack.h"
#include "base/assert.h"

#include <stdlib.h>

static const tcp_packer *packer_of(shmrpc_compression how)
{
    switch (how) {
    case SHMRPC_COMPRESSION_SNAPPY:
        return &tcp_packer_snappy;
    case SHMRPC_COMPRESSION_ZLIB:
        return &tcp_packer_zlib;
    case SHMRPC_COMPRESSION_NONE:
        break;
    }
    return NULL;
}

uint32_t tcp_pack_number(shmrpc_compression how)
{
    switch (how) {
    case SHMRPC_COMPRESSION_SNAPPY:
        return TCP_PACK_NUMBER_SNAPPY;
    case SHMRPC_COMPRESSION_ZLIB:
        return TCP_PACK_NUMBER_ZLIB;
    case SHMRPC_COMPRESSION_NONE:
        break;
    }
    return 0;
}

bool tcp_pack_of_number(uint32_t number, shmrpc_compression *out)
{
    static const shmrpc_compression all[] = {SHMRPC_COMPRESSION_NONE,
                                             SHMRPC_COMPRESSION_SNAPPY,
                                             SHMRPC_COMPRESSION_ZLIB};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (tcp_pack_number(all[i]) == number) {
            *out = all[i];
            return true;
        }
    }
    return false;
}

/* Whether `packed` bytes may unpack to `len` bytes. */
static bool is_credible(size_t packed, size_t len)
{
    return len <= TCP_PACK_SLACK_BYTES ||
           (len - TCP_PACK_SLACK_BYTES) / TCP_PACK_MAX_RATIO <= packed;
}

static bool make_room(tcp_pack_room *room, size_t cap)
{
    if (cap <= room->cap && room->data != NULL) {
        return true;
    }
    SHMRPCI_ASSERT(room->data != NULL || room->cap == 0,
                   "room without memory has no capacity");
    uint8_t *data = realloc(room->data, TCP_HEAD_BYTES + cap);
    if (data == NULL) {
        return false;
    }
    room->data = data;
    room->cap = cap;
    return true;
}

size_t tcp_pack(shmrpc_compression how, const uint8_t *data, size_t len,
                tcp_pack_room *room)
{
    const tcp_packer *packer = packer_of(how);
    if (packer == NULL || len < TCP_PACK_MIN_BYTES || len > UINT32_MAX) {
        return 0;
    }
    size_t packed = packer->bound(len);
    if (!make_room(room, TCP_PACK_PREFIX_BYTES + packed)) {
        return 0;
    }
    uint8_t *at = room->data + TCP_HEAD_BYTES;
    for (size_t i = 0; i < TCP_PACK_PREFIX_BYTES; i++) {
        at[i] = (uint8_t)(len >> (8 * i));
    }
    if (!packer->pack(data, len, at + TCP_PACK_PREFIX_BYTES, &packed)) {
        return 0;
    }
    SHMRPCI_ASSERT(TCP_PACK_PREFIX_BYTES + packed <= room->cap,
                   "a packer stays within its room");
    /* Saving less than an eighth is not worth the other side's time. */
    bool helps = TCP_PACK_PREFIX_BYTES + packed <= len - len / 8;
    return helps && is_credible(packed, len) ? TCP_PACK_PREFIX_BYTES + packed
                                             : 0;
}

tcp_end tcp_unpack_length(shmrpc_compression how, const uint8_t *data,
                          size_t len, size_t max_message, size_t *out)
{
    size_t claimed = 0;
    if (packer_of(how) == NULL || len <= TCP_PACK_PREFIX_BYTES) {
        return TCP_END_FIELD;
    }
    for (size_t i = 0; i < TCP_PACK_PREFIX_BYTES; i++) {
        claimed |= (size_t)data[i] << (8 * i);
    }
    if (claimed == 0) {
        return TCP_END_FIELD;
    }
    if (claimed > max_message ||
        !is_credible(len - TCP_PACK_PREFIX_BYTES, claimed)) {
        return TCP_END_LENGTH;
    }
    *out = claimed;
    return TCP_END_NONE;
}

tcp_end tcp_unpack(shmrpc_compression how, const uint8_t *data, size_t len,
                   uint8_t *out, size_t out_len)
{
    SHMRPCI_ASSERT(packer_of(how) != NULL && len > TCP_PACK_PREFIX_BYTES &&
                       out_len > 0,
                   "tcp_unpack_length has checked the body");
    return packer_of(how)->unpack(data + TCP_PACK_PREFIX_BYTES,
                                  len - TCP_PACK_PREFIX_BYTES, out, out_len)
               ? TCP_END_NONE
               : TCP_END_FIELD;
}
