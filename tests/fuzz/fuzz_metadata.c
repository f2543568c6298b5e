/*
 * Metadata blocks: whatever a peer sends, an accepted block consists of
 * complete strings within the block, and can be written again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rpc/metadata.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool good)
{
    if (!good) {
        abort();
    }
}

/* Writes the same entries again; they must read back the same. */
static void write_again(const shmrpci_metadata *m)
{
    shmrpci_metadata copy;
    shmrpci_metadata back;
    shmrpc_metadata entry;
    shmrpci_metadata_init(&copy, shmrpci_metadata_flags(m));
    if (shmrpci_metadata_trace(m) != NULL) {
        shmrpci_metadata_set_trace(&copy, shmrpci_metadata_trace(m));
    }
    for (uint32_t i = 0; shmrpci_metadata_at(m, i, &entry); i++) {
        need((const uint8_t *)entry.value + strlen(entry.value) <
             m->bytes + m->len);
        need(shmrpci_metadata_find(m, entry.key) != NULL);
        need(shmrpci_metadata_add(&copy, entry.key, entry.value, NULL) ==
             SHMRPC_OK);
    }
    uint64_t peer;
    uint64_t same = 0;
    if (shmrpci_metadata_peer(m, &peer)) {
        need(shmrpci_metadata_put_peer(&copy, peer, NULL) == SHMRPC_OK);
        need(shmrpci_metadata_peer(&copy, &same) && same == peer);
    }
    size_t len = shmrpci_metadata_end(&copy);
    need(len <= m->len);
    need(shmrpci_metadata_read(copy.bytes, len, &back) == len);
    need(memcmp(back.bytes, copy.bytes, len) == 0);
}

static void read_trace(const uint8_t *data, size_t size)
{
    char text[SHMRPC_TRACEPARENT_BYTES + 8];
    char back[SHMRPC_TRACEPARENT_BYTES];
    uint8_t trace[SHMRPCI_TRACE_BYTES];
    size_t len = size < sizeof text - 1 ? size : sizeof text - 1;
    memcpy(text, data, len);
    text[len] = '\0';
    if (shmrpci_trace_read(text, trace)) {
        shmrpci_trace_write(trace, back);
        need(strcmp(text, back) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    shmrpci_metadata m;
    size_t len = shmrpci_metadata_read(data, size, &m);
    need(len <= size && len <= sizeof m.bytes);
    if (len > 0) {
        write_again(&m);
    }
    read_trace(data, size);
    return 0;
}
