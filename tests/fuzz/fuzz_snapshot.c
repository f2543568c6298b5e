/*
 * Any bytes as a snapshot file: loading returns a status, never crashes, and
 * never loops forever; an accepted file is loaded completely.
 *
 * The input consists of flags, then the file. Flags: 1: correct the checksums,
 * so that the code after their check is reached; 2: a value instead of a dict;
 * 4: keys are u32; 8: load into existing contents.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "objects/dict_inside.h"
#include "objects/snapshot.h"
#include "os/memory.h"

enum { MEND = 1, VALUE = 2, NUMBERS = 4, MERGE = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool good)
{
    if (!good) {
        abort();
    }
}

/* ---- checksums ----------------------------------------------------------- */

static uint32_t mend_head(uint8_t *file, size_t size, size_t *at)
{
    shmrpci_snapshot_head head;
    if (size < sizeof head) {
        *at = size;
        return 0;
    }
    memcpy(&head, file, sizeof head);
    uint64_t end = sizeof head + (uint64_t)head.name_len + head.signature_len +
                   head.text_len;
    *at = end < size ? (size_t)end : size;
    size_t from = offsetof(shmrpci_snapshot_head, kind);
    head.crc = shmrpci_crc32c(0, file + from, *at - from);
    memcpy(file, &head, sizeof head);
    return head.crc;
}

static void mend(uint8_t *file, size_t size)
{
    size_t at;
    uint32_t seed = mend_head(file, size, &at);
    shmrpci_snapshot_block block;
    while (size - at >= sizeof block) {
        memcpy(&block, file + at, sizeof block);
        size_t left = size - at - sizeof block;
        size_t bytes = block.bytes < left ? (size_t)block.bytes : left;
        block.crc = shmrpci_crc32c(seed, file + at + sizeof block.crc,
                                   sizeof block - sizeof block.crc + bytes);
        memcpy(file + at, &block, sizeof block);
        at += sizeof block + bytes;
    }
}

/* ---- loading ------------------------------------------------------------- */

static int make_file(const uint8_t *data, size_t size, bool mends,
                     char path[32])
{
    int fd;
    size_t room = size > 0 ? size : 1;
    uint8_t *copy = malloc(room);
    need(copy != NULL);
    if (size > 0) {
        memcpy(copy, data, size);
    }
    if (mends) {
        mend(copy, size);
    }
    need(shmrpci_memory_create_constant("snapshot", copy, size, &fd) ==
         SHMRPC_OK);
    free(copy);
    (void)snprintf(path, 32, "/proc/self/fd/%d", fd);
    return fd;
}

static void make_table(const shmrpci_handle *handle, shmrpci_table *out)
{
    const shmrpci_table_spec spec = {
        .max_bytes = 1 << 20,
        .log = 16,
        .kind = SHMRPCI_TABLE_KIND_DICT,
        .encoding = (uint32_t)handle->row.encoding,
        .participants = 2,
    };
    uint64_t bytes;
    int fd;
    need(shmrpci_table_size(&spec, &bytes, NULL) == SHMRPC_OK);
    need(shmrpci_memory_create_sparse("table", (size_t)bytes, &fd) ==
         SHMRPC_OK);
    need(shmrpci_table_format(fd, &spec, NULL) == SHMRPC_OK);
    need(shmrpci_table_attach(fd, SHMRPCI_ACCESS_WRITE, out, NULL) ==
         SHMRPC_OK);
}

static uint64_t count(shmrpci_table *table)
{
    shmrpci_table_view view;
    shmrpci_table_bytes key;
    shmrpci_table_bytes value;
    uint64_t entries = 0;
    need(shmrpci_table_view_open(table, &view, NULL) == SHMRPC_OK);
    while (shmrpci_table_view_next(&view, &key, &value, NULL) == SHMRPC_OK) {
        entries++;
    }
    shmrpci_table_view_close(&view);
    return entries;
}

static void load(const shmrpci_handle *handle, const char *path, bool merges)
{
    shmrpci_table table;
    shmrpc_error error;
    make_table(handle, &table);
    shmrpc_status status =
        merges ? shmrpci_snapshot_merge(handle, &table, NULL, path, &error)
               : shmrpci_snapshot_fill(handle, &table, path, &error);
    switch ((int)status) {
    case SHMRPC_OK:
    case SHMRPC_E_CONTRACT:
    case SHMRPC_E_DATA_LOSS:
    case SHMRPC_E_EXHAUSTED:
    case SHMRPC_E_TOO_LARGE:
        break;
    default:
        abort();
    }
    need(count(&table) == shmrpci_table_len(&table));
    need(!merges || status == SHMRPC_OK || shmrpci_table_len(&table) == 0);
    need(shmrpci_table_check(&table, NULL, NULL) == 0);
    shmrpci_table_detach(&table);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[32];
    if (size == 0) {
        return 0;
    }
    uint8_t how = data[0];
    shmrpci_handle handle;
    memset(&handle, 0, sizeof handle);
    handle.row = shmrpci_handle_any_row(
        (how & VALUE) != 0 ? SHMRPC_SHARED_VALUE : SHMRPC_SHARED_DICT, 0);
    if ((how & NUMBERS) != 0 && handle.row.key != NULL) {
        handle.row.key = &shmrpc_type_u32;
    }
    int fd = make_file(data + 1, size - 1, (how & MEND) != 0, path);
    load(&handle, path, (how & MERGE) != 0);
    shmrpci_fd_close(&fd);
    return 0;
}
