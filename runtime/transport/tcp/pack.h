/*
 * Bodies that travel compressed.
 *
 * A packed body begins with its own length, unpacked (u32), followed by the
 * body in the compression that the welcome has named.  The sender decides for
 * each body; the receiver checks the length, against the limit and against the
 * bytes that have arrived, before it allocates memory.
 *
 * Threading: pure functions.
 */
#ifndef SHMRPCI_TRANSPORT_TCP_PACK_H
#define SHMRPCI_TRANSPORT_TCP_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shmrpc/options.h"
#include "transport/wire/frame.h"

#define TCP_PACK_PREFIX_BYTES 4u

/* Shorter bodies are not packed. */
#define TCP_PACK_MIN_BYTES ((size_t)860)

/* Largest ratio of unpacked to packed length that is accepted. */
#define TCP_PACK_MAX_RATIO   128u
#define TCP_PACK_SLACK_BYTES ((size_t)64 << 10)

/* One compression; pack_<name>.c implements it. */
typedef struct tcp_packer {
    /* Most bytes that packing `len` bytes may produce. */
    size_t (*bound)(size_t len);
    /* `*out_len` is the room at first, then the bytes used. */
    bool (*pack)(const uint8_t *data, size_t len, uint8_t *out,
                 size_t *out_len);
    /* Unpacks all of `data` into exactly `out_len` bytes, or fails. */
    bool (*unpack)(const uint8_t *data, size_t len, uint8_t *out,
                   size_t out_len);
} tcp_packer;

extern const tcp_packer tcp_packer_snappy;
extern const tcp_packer tcp_packer_zlib;

/* The checksum of RFC 1950, for compressions that have none of their own. */
uint32_t tcp_pack_adler32(const uint8_t *data, size_t len);

/* Their numbers in HELLO and WELCOME. 1 was Snappy without a checksum. */
#define TCP_PACK_NUMBER_ZLIB   2u
#define TCP_PACK_NUMBER_SNAPPY 3u

/* The compressions that we can read, as bits 1 << number. */
#define TCP_PACK_OFFER \
    ((1u << TCP_PACK_NUMBER_SNAPPY) | (1u << TCP_PACK_NUMBER_ZLIB))

/* 0 for none. */
uint32_t tcp_pack_number(shmrpc_compression how);
/* False: the number is not a compression we know. */
bool tcp_pack_of_number(uint32_t number, shmrpc_compression *out);

/* Memory for a packed body, reused for the next one. */
typedef struct tcp_pack_room {
    uint8_t *data; /* TCP_HEAD_BYTES for the caller, then the body */
    size_t cap;    /* of the body */
} tcp_pack_room;

/* Packs a body into `room`; returns its packed length, or 0 if it should be
 * sent unpacked: it is short, little would be saved, or there is no memory. */
size_t tcp_pack(shmrpc_compression how, const uint8_t *data, size_t len,
                tcp_pack_room *room);

/* How long a packed body will be: LENGTH: more than `max_message` or than its
 * packed size allows, FIELD: no compression was agreed on, or it has no
 * length. */
tcp_end tcp_unpack_length(shmrpc_compression how, const uint8_t *data,
                          size_t len, size_t max_message, size_t *out);

/* Unpacks into `out`, which has exactly that size. FIELD: it is damaged. */
tcp_end tcp_unpack(shmrpc_compression how, const uint8_t *data, size_t len,
                   uint8_t *out, size_t out_len);

#endif
