/*
 * Frames of the language server protocol: "Content-Length: N", an empty line,
 * N bytes of JSON.
 *
 * Bytes are fed as they arrive, and complete messages are returned. A message
 * over the limit is dropped while it arrives, without allocating memory for it.
 * After a malformed header nothing more is read, because the start of the next
 * message is unknown.
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
    shmrpci_buf bytes; /* bytes from `begin` on are not parsed yet */
    size_t begin;
    uint64_t skip; /* remaining bytes of a message that is dropped */
    bool broken;
} lsp_frames;

typedef enum lsp_frame {
    LSP_FRAME_NONE, /* more bytes are needed */
    LSP_FRAME_MESSAGE,
    LSP_FRAME_TOO_LARGE, /* the message is dropped; continue */
    LSP_FRAME_BROKEN     /* no message can be read any more */
} lsp_frame;

void lsp_frames_init(lsp_frames *frames);
void lsp_frames_fini(lsp_frames *frames);

/* Appends received bytes. Returns NO_MEMORY on failure. */
shmrpc_status lsp_frames_feed(lsp_frames *frames, const void *data,
                              size_t len) SHMRPC_WARN_UNUSED;

/* Returns the next message, which is valid until the next feed. */
lsp_frame lsp_frames_next(lsp_frames *frames, const char **message,
                          size_t *len);

/* Appends `json` as a frame. */
void lsp_frame_append(shmrpci_buf *out, const shmrpci_buf *json);

#endif
