/*
 * Frames of the language server protocol: "Content-Length: N", an empty line,
 * N bytes of JSON.
 *
 * Bytes go in as they come, messages come out.  A message over the limit is
 * dropped while it arrives, without memory for it; a header that can't be
 * understood ends everything, because nobody knows where the next one begins.
 * Threading: one thread at a time.
 */
#ifndef SHMRPC_GENERATOR_LSP_FRAME_H
#define SHMRPC_GENERATOR_LSP_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

#define LSP_MAX_HEADER_BYTES  4096u
#define LSP_MAX_MESSAGE_BYTES (16u << 20)

typedef struct lsp_frames {
    shmrpci_buf bytes; /* from `begin` on not yet understood */
    size_t begin;
    uint64_t skip; /* bytes of a message that is dropped */
    bool broken;
} lsp_frames;

typedef enum lsp_frame {
    LSP_FRAME_NONE, /* more bytes are needed */
    LSP_FRAME_MESSAGE,
    LSP_FRAME_TOO_LARGE, /* it is dropped; go on */
    LSP_FRAME_BROKEN     /* and so is everything behind it */
} lsp_frame;

void lsp_frames_init(lsp_frames *frames);
void lsp_frames_fini(lsp_frames *frames);

/* Takes bytes; NO_MEMORY. */
shmrpc_status lsp_frames_feed(lsp_frames *frames, const void *data,
                              size_t len) SHMRPC_WARN_UNUSED;

/* The next message; it stays until the next feed. */
lsp_frame lsp_frames_next(lsp_frames *frames, const char **message,
                          size_t *len);

/* Appends `json` as a frame. */
void lsp_frame_append(shmrpci_buf *out, const shmrpci_buf *json);

#endif
