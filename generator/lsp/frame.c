/* Frames: reads headers, and drops messages that are too large. */
#include "generator/lsp/frame.h"

#include <string.h>

#define NAME       "content-length:"
#define MAX_DIGITS 18

void lsp_frames_init(lsp_frames *frames)
{
    *frames = (lsp_frames){.begin = 0};
    shmrpci_buf_init_heap(&frames->bytes);
}

void lsp_frames_fini(lsp_frames *frames)
{
    shmrpci_buf_fini(&frames->bytes);
}

/* Moves the unread bytes to the beginning, so that the buffer holds only one
 * message and the bytes received after it. */
static void compact(lsp_frames *frames)
{
    size_t left = frames->bytes.len - frames->begin;
    if (frames->begin > 0 && left > 0) {
        memmove(frames->bytes.data, frames->bytes.data + frames->begin, left);
    }
    frames->bytes.len = left;
    frames->begin = 0;
}

shmrpc_status lsp_frames_feed(lsp_frames *frames, const void *data, size_t len)
{
    const char *at = data;
    size_t skipped = frames->skip < len ? (size_t)frames->skip : len;
    frames->skip -= skipped;
    compact(frames);
    shmrpci_buf_append(&frames->bytes, at + skipped, len - skipped);
    return frames->bytes.status;
}

/* The length of the header including its empty line; 0 if it isn't complete. */
static size_t header_length(const char *text, size_t len)
{
    for (size_t i = 3; i < len && i < LSP_MAX_HEADER_BYTES; i++) {
        if (memcmp(text + i - 3, "\r\n\r\n", 4) == 0) {
            return i + 1;
        }
    }
    return 0;
}

/* Whether the line begins with "Content-Length", in upper or lower case. */
static bool names_length(const char *line, size_t len)
{
    size_t name_len = sizeof NAME - 1;
    for (size_t i = 0; i < name_len; i++) {
        char c = i < len ? line[i] : '\0';
        c = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
        if (c != NAME[i]) {
            return false;
        }
    }
    return true;
}

static bool read_number(const char *text, size_t len, uint64_t *out)
{
    uint64_t number = 0;
    size_t digits = 0;
    size_t i = 0;
    while (i < len && text[i] == ' ') {
        i++;
    }
    for (; i < len && text[i] >= '0' && text[i] <= '9'; i++) {
        number = number * 10 + (uint64_t)(text[i] - '0');
        if (++digits > MAX_DIGITS) {
            return false;
        }
    }
    while (i < len && text[i] == ' ') {
        i++;
    }
    *out = number;
    return digits > 0 && i == len;
}

/* Reads the Content-Length of a header; false if it has none, or two. */
static bool read_header(const char *text, size_t len, uint64_t *out)
{
    bool found = false;
    for (size_t begin = 0; begin < len;) {
        size_t end = begin;
        while (end + 1 < len && memcmp(text + end, "\r\n", 2) != 0) {
            end++;
        }
        const char *line = text + begin;
        size_t line_len = end - begin;
        if (names_length(line, line_len)) {
            size_t skip = sizeof NAME - 1;
            if (found || !read_number(line + skip, line_len - skip, out)) {
                return false;
            }
            found = true;
        }
        begin = end + 2;
    }
    return found;
}

static lsp_frame drop(lsp_frames *frames, size_t header, uint64_t length)
{
    size_t left = frames->bytes.len - frames->begin - header;
    size_t dropped = length < left ? (size_t)length : left;
    frames->skip = length - dropped;
    frames->begin += header + dropped;
    return LSP_FRAME_TOO_LARGE;
}

lsp_frame lsp_frames_next(lsp_frames *frames, const char **message, size_t *len)
{
    size_t left = frames->bytes.len - frames->begin;
    if (frames->broken || left == 0) {
        return frames->broken ? LSP_FRAME_BROKEN : LSP_FRAME_NONE;
    }
    const char *text = (const char *)frames->bytes.data + frames->begin;
    size_t header = header_length(text, left);
    if (header == 0) {
        frames->broken = left >= LSP_MAX_HEADER_BYTES;
        return frames->broken ? LSP_FRAME_BROKEN : LSP_FRAME_NONE;
    }
    uint64_t length = 0;
    if (!read_header(text, header, &length)) {
        frames->broken = true;
        return LSP_FRAME_BROKEN;
    }
    if (length > LSP_MAX_MESSAGE_BYTES) {
        return drop(frames, header, length);
    }
    if (left - header < length) {
        return LSP_FRAME_NONE;
    }
    *message = text + header;
    *len = (size_t)length;
    frames->begin += header + *len;
    return LSP_FRAME_MESSAGE;
}

void lsp_frame_append(shmrpci_buf *out, const shmrpci_buf *json)
{
    shmrpci_buf_printf(out, "Content-Length: %zu\r\n\r\n", json->len);
    shmrpci_buf_append(out, json->data, json->len);
}
