/*
 * Stream items that are written and read in place in the window: bytes of raw
 * methods, and flat values of native ones.
 *
 * If the transport has no such memory, or the item does not fit there in one
 * piece, a buffer is lent, and commit sends it.
 *
 * Threading: one sender at a time.
 */
#ifndef SHMRPCI_RPC_STREAM_LEND_H
#define SHMRPCI_RPC_STREAM_LEND_H

#include "base/buf.h"
#include "codec/flat.h"
#include "shmrpc/descriptor.h"
#include "transport/transport.h"

/* The lender of one direction of a stream. */
typedef struct shmrpci_lender {
    const shmrpci_stream_ops *ops;
    const shmrpci_lend_ops *lends; /* or NULL */
    shmrpci_stream *end;
    shmrpci_buf *out; /* the buffer to lend if the window can't be used */
    const shmrpc_type *type; /* the type of an item */
    const shmrpci_codec *codec;
    bool is_raw;
} shmrpci_lender;

typedef struct shmrpci_lent {
    uint8_t *at;    /* the item's image; NULL: nothing is lent */
    size_t len;     /* length of the image */
    uint32_t start; /* offset of the value */
    bool is_in_window;
} shmrpci_lent;

/*
 * Lends memory for a raw item of `len` bytes, or zeroed memory for a flat item.
 * Returns NO_MEMORY, UNIMPLEMENTED if the items are neither raw nor flat,
 * PRECONDITION if an item is already lent, or a status of shmrpci_lend_ops.lend
 * other than TOO_LARGE (then a buffer is lent).
 */
int shmrpci_lend(const shmrpci_lender *by, shmrpci_lent *lent, size_t len,
                 int64_t deadline_ns, bool alone, void **at);

/*
 * Sends the loan at `at`, or the first `len` bytes of it for a raw item, and
 * ends the loan. Sets *out_bytes to the item's length. Returns PRECONDITION,
 * with nothing changed, if there is no such loan; INVALID if the item breaks
 * its bounds; or the statuses of send.
 */
int shmrpci_lend_commit(const shmrpci_lender *by, shmrpci_lent *lent,
                        const void *at, size_t len, int64_t deadline_ns,
                        bool alone, size_t *out_bytes, shmrpc_error *error);

/* Drops the loan at `at`. Does nothing if `at` is not a loan. */
void shmrpci_lend_abort(const shmrpci_lender *by, shmrpci_lent *lent,
                        const void *at);

/* Returns a flat item in place, or NULL if the codec must read it or it must be
 * copied first. */
static inline const void *shmrpci_flat_in_place(const shmrpci_flat *form,
                                                const shmrpc_type *type,
                                                const shmrpci_stream_item *item)
{
    if ((item->in_shared && !item->is_trusted) ||
        !shmrpci_flat_fits(form, item->data, item->len)) {
        return NULL;
    }
    const uint8_t *at = item->data + form->start;
    return (uintptr_t)at % type->align == 0 ? at : NULL;
}

#endif
