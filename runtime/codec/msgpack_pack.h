/*
 * msgpack-c's packer (pack_template.h) over our buffer: msgpack_pack_str,
 * msgpack_pack_uint64 and so on, with a shmrpci_buf where msgpack-c takes a
 * packer.
 *
 * <msgpack.h> itself is made from this template, but its packer writes every
 * byte through a function pointer, which took half of the time. A failure stays
 * recorded in the buffer. Only msgpack_write.c includes this. Threading: one
 * thread at a time.
 */
#ifndef SHMRPCI_CODEC_MSGPACK_PACK_H
#define SHMRPCI_CODEC_MSGPACK_PACK_H

#include <limits.h>
#include <msgpack/pack_define.h>
#include <msgpack/timestamp.h>
#include <stdint.h>

#include "base/buf.h"
#include "codec/value.h"

static inline int shmrpci_msgpack_append(shmrpci_buf *out, const void *data,
                                         size_t len)
{
    uint8_t *at = shmrpci_buf_extend(out, len);
    if (at != NULL) {
        shmrpci_copy_tiny(at, data, len);
    }
    return 0;
}

#define msgpack_pack_inline_func(name)      static inline int msgpack_pack##name
#define msgpack_pack_inline_func_cint(name) static inline int msgpack_pack##name
#define msgpack_pack_user                   shmrpci_buf *
#define msgpack_pack_append_buffer(user, data, len) \
    return shmrpci_msgpack_append(user, data, len)

#include <msgpack/pack_template.h>

#endif
