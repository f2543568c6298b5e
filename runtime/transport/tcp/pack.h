/*
 * Compressed bodies.
 *
 * A packed body begins with its unpacked length (u32), followed by the body in
 * the compression that the welcome has named. The sender decides for each body
 * whether to pack it. The receiver checks the length against the limit and
 * against the number of bytes that have arrived, before it allocates memory.
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

/* The largest accepted ratio of unpacked to packed length. Bodies of up to
 * TCP_PACK_SLACK_BYTES are always accepted. */
#define TCP_PACK_MAX_RATIO   128u
#define TCP_PACK_SLACK_BYTES ((size_t)64 << 10)

/* The functions of one compression, implemented by pack_<name>.c. */
typedef struct tcp_packer {
    /* Returns the maximum size of `len` packed bytes. */
    size_t (*bound)(size_t len);
    /* `*out_len` is the size of `out` on entry, then the number of bytes
     * used. */
    bool (*pack)(const uint8_t *data, size_t len, uint8_t *out,
                 size_t *out_len);
    /* Unpacks all of `data` to exactly `out_len` bytes. Returns false on
     * failure. */
    bool (*unpack)(const uint8_t *data, size_t len, uint8_t *out,
                   size_t out_len);
} tcp_packer;

extern const tcp_packer tcp_packer_snappy;
extern const tcp_packer tcp_packer_zlib;

/* The Adler-32 checksum of RFC 1950, for compressions without a checksum. */
uint32_t tcp_pack_adler32(const uint8_t *data, size_t len);

/* Numbers of compressions in HELLO and WELCOME. 1 was Snappy without a
 * checksum. */
#define TCP_PACK_NUMBER_ZLIB   2u
#define TCP_PACK_NUMBER_SNAPPY 3u

/* The compressions that we can read: a bit 1 << number for each. */
#define TCP_PACK_OFFER \
    ((1u << TCP_PACK_NUMBER_SNAPPY) | (1u << TCP_PACK_NUMBER_ZLIB))

/* Returns the number of a compression; 0: no compression. */
uint32_t tcp_pack_number(shmrpc_compression how);
/* Returns false if we don't know the number. */
bool tcp_pack_of_number(uint32_t number, shmrpc_compression *out);

/* Memory for a packed body, which is reused for the next one. */
typedef struct tcp_pack_room {
    uint8_t *data; /* room of TCP_HEAD_BYTES for the caller, then the body */
    size_t cap;    /* capacity of the body */
} tcp_pack_room;

/* Packs a body into `room` and returns the packed length. Returns 0 if the body
 * should be sent unpacked: it is short, packing would save little, or memory is
 * exhausted. */
size_t tcp_pack(shmrpc_compression how, const uint8_t *data, size_t len,
                tcp_pack_room *room);

/* Checks a packed body and returns its unpacked length in *out. LENGTH: the
 * length exceeds `max_message`, or what the packed size allows. FIELD: no
 * compression was agreed on, or the body is too short to hold its length. */
tcp_end tcp_unpack_length(shmrpc_compression how, const uint8_t *data,
                          size_t len, size_t max_message, size_t *out);

/* Unpacks into `out`, which must have exactly the unpacked length. Returns
 * FIELD if the body is damaged. */
tcp_end tcp_unpack(shmrpc_compression how, const uint8_t *data, size_t len,
                   uint8_t *out, size_t out_len);

#endif
