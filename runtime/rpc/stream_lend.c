/* Lends items of streams to the user, in the window or in a buffer. */
#include "rpc/stream_lend.h"

#include <string.h>

#include "base/error.h"

static uint8_t *lend_buffer(shmrpci_buf *out, size_t len)
{
    shmrpci_buf_reset(out);
    return shmrpci_buf_lend(out, len);
}

/* Writes the header of a flat item, whose value the user will write. */
static void begin_image(const shmrpci_flat *form, uint8_t *image)
{
    uint64_t header = shmrpci_flat_header(form);
    memset(image, 0, form->bytes);
    memcpy(image, &header, form->start);
}

int shmrpci_lend(const shmrpci_lender *by, shmrpci_lent *lent, size_t len,
                 int64_t deadline_ns, bool alone, void **at)
{
    shmrpci_flat form = shmrpci_flat_item(by->codec, by->type);
    size_t size = by->is_raw ? len : form.bytes;
    uint8_t *image = NULL;
    if (!by->is_raw && form.bytes == 0) {
        return SHMRPC_E_UNIMPLEMENTED;
    }
    if (lent->at != NULL) {
        return SHMRPC_E_PRECONDITION;
    }
    int status = by->lends != NULL ? by->lends->lend(by->end, size, deadline_ns,
                                                     alone, &image)
                                   : (int)SHMRPC_E_TOO_LARGE;
    bool is_in_window = status == SHMRPC_OK;
    if (status == SHMRPC_E_TOO_LARGE) {
        image = lend_buffer(by->out, size);
        status = image != NULL ? SHMRPC_OK : SHMRPC_E_NO_MEMORY;
    }
    if (status != SHMRPC_OK) {
        return status;
    }
    if (!by->is_raw) {
        begin_image(&form, image);
    }
    *lent = (shmrpci_lent){.at = image,
                           .len = size,
                           .start = by->is_raw ? 0 : form.start,
                           .is_in_window = is_in_window};
    *at = image + lent->start;
    return SHMRPC_OK;
}

/* Checks the bounds of a raw item. A flat item has none. */
static int check(const shmrpci_lender *by, const uint8_t *image, size_t len,
                 shmrpc_error *error)
{
    shmrpc_bytes same;
    return by->is_raw ? by->codec->decode(by->type, image, len, "item", NULL,
                                          &same, error)
                      : (int)SHMRPC_OK;
}

static bool is_lent(const shmrpci_lent *lent, const void *at)
{
    return lent->at != NULL && at == lent->at + lent->start;
}

int shmrpci_lend_commit(const shmrpci_lender *by, shmrpci_lent *lent,
                        const void *at, size_t len, int64_t deadline_ns,
                        bool alone, size_t *out_bytes, shmrpc_error *error)
{
    const shmrpci_lent mine = *lent;
    size_t size = by->is_raw ? len : mine.len;
    if (!is_lent(lent, at) || size > mine.len) {
        return SHMRPC_E_PRECONDITION;
    }
    int status = check(by, mine.at, size, error);
    if (status != SHMRPC_OK) {
        shmrpci_lend_abort(by, lent, at);
        return status;
    }
    lent->at = NULL;
    *out_bytes = size;
    return mine.is_in_window
               ? by->lends->commit(by->end, size)
               : by->ops->send(by->end, mine.at, size, deadline_ns, alone);
}

void shmrpci_lend_abort(const shmrpci_lender *by, shmrpci_lent *lent,
                        const void *at)
{
    if (is_lent(lent, at)) {
        if (lent->is_in_window) {
            by->lends->abort(by->end);
        }
        lent->at = NULL;
    }
}
