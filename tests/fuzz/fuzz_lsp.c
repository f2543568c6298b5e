/*
 * The language server: any bytes from a client are answered or end the server.
 *
 * An input is a list of messages without their headers, one per line. A line
 * that begins with a blank is sent unchanged, with whatever header it has. The
 * server is already initialized unless the first byte is '!'.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generator/lsp/server.h"

static const char hello[] =
    "{\"id\":0,\"method\":\"initialize\",\"params\":{}}";

static bool feed(lsp_server *server, const void *data, size_t len)
{
    shmrpci_buf out;
    shmrpci_buf_init_heap(&out);
    shmrpc_status status = lsp_server_feed(server, data, len, &out);
    if (status != SHMRPC_OK && status != SHMRPC_E_INVALID &&
        status != SHMRPC_E_NO_MEMORY) {
        (void)fprintf(stderr, "status %d\n", (int)status);
        abort();
    }
    shmrpci_buf_fini(&out);
    return status == SHMRPC_OK;
}

static bool feed_message(lsp_server *server, const char *text, size_t len)
{
    char header[64];
    int header_len =
        snprintf(header, sizeof header, "Content-Length: %zu\r\n\r\n", len);
    return feed(server, header, (size_t)header_len) && feed(server, text, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    lsp_server *server = lsp_server_create(LSP_NO_DISK);
    const char *text = (const char *)data;
    bool go_on = server != NULL;
    if (size > 0 && text[0] == '!') {
        text++;
        size--;
    } else if (go_on) {
        go_on = feed_message(server, hello, sizeof hello - 1);
    }
    while (go_on && size > 0) {
        const char *end = memchr(text, '\n', size);
        size_t len = end != NULL ? (size_t)(end - text) : size;
        go_on = text[0] == ' ' ? feed(server, text + 1, len > 0 ? len - 1 : 0)
                               : feed_message(server, text, len);
        len += end != NULL;
        text += len;
        size -= len;
    }
    lsp_server_destroy(server);
    return 0;
}
