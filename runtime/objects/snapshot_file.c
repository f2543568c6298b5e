/*
 * The bytes of snapshot files; docs/snapshots.md has the format.
 *
 * Writing gathers records into blocks. Each block has a checksum whose
 * computation starts from the head's checksum, so that blocks of two snapshots
 * can't be mixed. The file is written next to the old one, and replaces it when
 * it is on the disk. So whatever happens, there is one complete snapshot.
 *
 * Reading uses nothing before its checksum was verified, except the length of a
 * block, which is needed to find the checksum: that length is limited, and
 * memory is allocated piece by piece as bytes are read.
 */
#include "objects/snapshot_file.h"

#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "os/memory.h"
#include "os/read_file.h"

/* The head's checksum covers everything after it. */
#define CRC_FROM (offsetof(shmrpci_snapshot_head, crc) + sizeof(uint32_t))

/* ---- writing ------------------------------------------------------------- */

/* Reports that writing failed. The message says how far writing came, and that
 * the old snapshot is unchanged. */
static shmrpc_status cant_write(const shmrpci_snapshot_writer *writer,
                                shmrpc_status status, shmrpc_error *error)
{
    return shmrpc_error_set(
        error, status,
        status == SHMRPC_E_EXHAUSTED
            ? "can't write the snapshot %.64s: no space left after %llu bytes "
              "(the previous snapshot is unchanged)"
            : "can't write the snapshot %.64s after %llu bytes (the previous "
              "snapshot is unchanged)",
        writer->file.name, (unsigned long long)writer->file.bytes);
}

/* Locks the snapshot's path first, so that of two writers one gets BUSY. */
shmrpc_status shmrpci_snapshot_begin(const char *path, uint32_t permissions,
                                     shmrpci_snapshot_writer *out,
                                     shmrpc_error *error)
{
    shmrpc_status status =
        shmrpci_new_file_begin(path, permissions, &out->file);
    if (status == SHMRPC_E_BUSY) {
        return shmrpc_error_set(
            error, status, "another process is writing the snapshot %.128s",
            path);
    }
    if (status != SHMRPC_OK) {
        return shmrpc_error_set(error, status,
                                "can't begin the snapshot %.128s: %s", path,
                                shmrpc_status_text(status));
    }
    shmrpci_buf_init_heap(&out->block);
    out->seed = 0;
    out->first = 0;
    out->count = 0;
    return SHMRPC_OK;
}

/* `facts->head` describes the object; the other members of the head are filled
 * in here. */
shmrpc_status shmrpci_snapshot_write_head(shmrpci_snapshot_writer *writer,
                                          const shmrpci_snapshot_facts *facts,
                                          shmrpc_error *error)
{
    shmrpci_buf *out = &writer->block;
    shmrpci_snapshot_head head = facts->head;
    head.magic = SHMRPCI_SNAPSHOT_MAGIC;
    head.version = SHMRPCI_SNAPSHOT_VERSION;
    head.name_len = (uint32_t)strlen(facts->name);
    head.signature_len = (uint32_t)strlen(facts->signature);
    size_t text_len = strlen(facts->text);
    /* The text is only for tools, which can work without it. */
    head.text_len =
        text_len <= SHMRPCI_SNAPSHOT_MAX_TEXT ? (uint32_t)text_len : 0;
    shmrpci_buf_append(out, &head, sizeof head);
    shmrpci_buf_append(out, facts->name, head.name_len);
    shmrpci_buf_append(out, facts->signature, head.signature_len);
    shmrpci_buf_append(out, facts->text, head.text_len);
    if (out->status != SHMRPC_OK) {
        return cant_write(writer, out->status, error);
    }
    head.crc = shmrpci_crc32c(0, out->data + CRC_FROM, out->len - CRC_FROM);
    memcpy(out->data, &head, sizeof head);
    writer->seed = head.crc;
    shmrpc_status status =
        shmrpci_new_file_write(&writer->file, out->data, out->len);
    shmrpci_buf_reset(out);
    return status == SHMRPC_OK ? SHMRPC_OK : cant_write(writer, status, error);
}

/* Writes the block with the gathered records, and empties the buffer. A block
 * without records marks the end. */
static shmrpc_status write_block(shmrpci_snapshot_writer *writer, uint32_t kind)
{
    shmrpci_buf *out = &writer->block;
    shmrpci_snapshot_block block = {.kind = kind};
    if (out->len == 0) {
        shmrpci_buf_append(out, &block, sizeof block);
    }
    if (out->status != SHMRPC_OK) {
        return out->status;
    }
    block.bytes = out->len - sizeof block;
    block.first = writer->first;
    block.count = writer->count;
    /* The checksum covers the block's head too, except for the checksum
     * itself. */
    memcpy(out->data, &block, sizeof block);
    block.crc = shmrpci_crc32c(writer->seed, out->data + sizeof block.crc,
                               out->len - sizeof block.crc);
    memcpy(out->data, &block.crc, sizeof block.crc);
    shmrpc_status status =
        shmrpci_new_file_write(&writer->file, out->data, out->len);
    shmrpci_buf_reset(out);
    writer->first += writer->count;
    writer->count = 0;
    return status;
}

/* A record that is larger than a block gets a block of its own. */
shmrpc_status shmrpci_snapshot_append(shmrpci_snapshot_writer *writer,
                                      shmrpci_table_bytes key,
                                      shmrpci_table_bytes value,
                                      shmrpc_error *error)
{
    static const shmrpci_snapshot_block room = {.kind = 0};
    shmrpci_buf *out = &writer->block;
    const shmrpci_snapshot_record record = {(uint32_t)key.len,
                                            (uint32_t)value.len};
    shmrpc_status status = SHMRPC_OK;
    if (key.len > SHMRPCI_TABLE_KEY_MAX || value.len > UINT32_MAX) {
        return cant_write(writer, SHMRPC_E_TOO_LARGE, error);
    }
    if (out->len > 0 && out->len + key.len + value.len + sizeof record >
                            SHMRPCI_SNAPSHOT_BLOCK_BYTES) {
        status = write_block(writer, SHMRPCI_SNAPSHOT_RECORDS);
    }
    if (status == SHMRPC_OK && out->len == 0) {
        shmrpci_buf_append(out, &room, sizeof room);
    }
    shmrpci_buf_append(out, &record, sizeof record);
    shmrpci_buf_append(out, key.data, key.len);
    shmrpci_buf_append(out, value.data, value.len);
    writer->count++;
    status = status == SHMRPC_OK ? out->status : status;
    return status == SHMRPC_OK ? SHMRPC_OK : cant_write(writer, status, error);
}

/* The end block is written even for an empty object, because a file without one
 * counts as truncated. */
shmrpc_status shmrpci_snapshot_commit(shmrpci_snapshot_writer *writer,
                                      shmrpc_error *error)
{
    shmrpc_status status = writer->count > 0
                               ? write_block(writer, SHMRPCI_SNAPSHOT_RECORDS)
                               : SHMRPC_OK;
    if (status == SHMRPC_OK) {
        status = write_block(writer, SHMRPCI_SNAPSHOT_END);
    }
    if (status == SHMRPC_OK) {
        status = shmrpci_new_file_commit(&writer->file);
    }
    return status == SHMRPC_OK ? SHMRPC_OK : cant_write(writer, status, error);
}

/* After commit there is nothing to abort. */
void shmrpci_snapshot_end(shmrpci_snapshot_writer *writer)
{
    shmrpci_new_file_abort(&writer->file);
    shmrpci_buf_fini(&writer->block);
}

/* ---- reading the head ---------------------------------------------------- */

static shmrpc_status cant_read(const char *path, shmrpc_status status,
                               const char *what, shmrpc_error *error)
{
    return shmrpc_error_set(error, status, "the snapshot %.128s: %s", path,
                            what);
}

static shmrpc_status open_file(const char *path, int *out_fd,
                               shmrpc_error *error)
{
    shmrpc_status status = shmrpci_read_file_open(path, out_fd);
    if (status != SHMRPC_OK) {
        (void)cant_read(path, status,
                        status == SHMRPC_E_NOT_FOUND
                            ? "there is no such file"
                            : shmrpc_status_text(status),
                        error);
    }
    return status;
}

/* Looks only at the first eight bytes. */
shmrpc_status shmrpci_snapshot_is_one(const char *path, bool *out,
                                      shmrpc_error *error)
{
    uint64_t magic;
    int fd;
    shmrpc_status status = open_file(path, &fd, error);
    if (status == SHMRPC_OK) {
        *out = shmrpci_read_file(fd, &magic, sizeof magic) == SHMRPC_OK &&
               magic == SHMRPCI_SNAPSHOT_MAGIC;
        shmrpci_fd_close(&fd);
    }
    return status;
}

/* Reads the texts after the head, each with a NUL. All lengths are checked
 * before memory is allocated. The checksum of head and texts is checked before
 * any of them is used. */
static shmrpc_status read_texts(shmrpci_snapshot_reader *reader)
{
    const shmrpci_snapshot_head *head = &reader->head;
    const uint32_t lengths[] = {head->name_len, head->signature_len,
                                head->text_len};
    const char **const texts[] = {&reader->name, &reader->signature,
                                  &reader->text};
    uint32_t crc = shmrpci_crc32c(0, (const uint8_t *)head + CRC_FROM,
                                  sizeof *head - CRC_FROM);
    size_t all = 0;
    for (size_t i = 0; i < 3; i++) {
        if (lengths[i] > SHMRPCI_SNAPSHOT_MAX_TEXT) {
            return SHMRPC_E_DATA_LOSS;
        }
        all += (size_t)lengths[i] + 1;
    }
    reader->texts = calloc(1, all);
    if (reader->texts == NULL) {
        return SHMRPC_E_NO_MEMORY;
    }
    char *at = reader->texts;
    for (size_t i = 0; i < 3; i++) {
        shmrpc_status status = shmrpci_read_file(reader->fd, at, lengths[i]);
        if (status != SHMRPC_OK) {
            return status;
        }
        crc = shmrpci_crc32c(crc, at, lengths[i]);
        reader->offset += lengths[i];
        *texts[i] = at;
        at += lengths[i] + 1;
    }
    return crc == head->crc ? SHMRPC_OK : SHMRPC_E_DATA_LOSS;
}

/* The version is checked before the rest of the head, whose format a later
 * version may have changed. */
static shmrpc_status read_head(shmrpci_snapshot_reader *reader,
                               const char *path, shmrpc_error *error)
{
    shmrpci_snapshot_head *head = &reader->head;
    shmrpc_status status = shmrpci_read_file(reader->fd, head, sizeof *head);
    if (status == SHMRPC_OK && head->magic != SHMRPCI_SNAPSHOT_MAGIC) {
        return cant_read(path, SHMRPC_E_DATA_LOSS, "it is not a snapshot",
                         error);
    }
    if (status == SHMRPC_OK && head->version != SHMRPCI_SNAPSHOT_VERSION) {
        return shmrpc_error_set(
            error, SHMRPC_E_CONTRACT,
            "the snapshot %.128s has format %u, this program knows format %u: "
            "read it with the later version of shmrpc that wrote it",
            path, head->version, SHMRPCI_SNAPSHOT_VERSION);
    }
    reader->offset = sizeof *head;
    if (status == SHMRPC_OK) {
        status = read_texts(reader);
    }
    /* NOT_FOUND means the end of the file. */
    if (status == SHMRPC_E_NOT_FOUND || status == SHMRPC_E_DATA_LOSS) {
        return cant_read(path, SHMRPC_E_DATA_LOSS,
                         "its head is damaged, or cut off", error);
    }
    return status == SHMRPC_OK
               ? SHMRPC_OK
               : cant_read(path, status, shmrpc_status_text(status), error);
}

shmrpc_status shmrpci_snapshot_open(const char *path,
                                    shmrpci_snapshot_reader *out,
                                    shmrpc_error *error)
{
    *out = (shmrpci_snapshot_reader){.fd = -1, .max_block_bytes = SIZE_MAX};
    shmrpci_buf_init_heap(&out->bytes);
    shmrpc_status status = open_file(path, &out->fd, error);
    if (status == SHMRPC_OK) {
        status = read_head(out, path, error);
    }
    if (status != SHMRPC_OK) {
        shmrpci_snapshot_close(out);
    }
    return status;
}

void shmrpci_snapshot_close(shmrpci_snapshot_reader *reader)
{
    if (reader->fd >= 0) {
        shmrpci_fd_close(&reader->fd);
    }
    shmrpci_buf_fini(&reader->bytes);
    free(reader->texts);
    reader->texts = NULL;
}

/* ---- reading blocks ------------------------------------------------------ */

/* Reports damage with block, offset and record, so that it can be found with a
 * hex editor. */
shmrpc_status shmrpci_snapshot_damaged(const shmrpci_snapshot_reader *reader,
                                       const char *what, shmrpc_error *error)
{
    return shmrpc_error_set(
        error, SHMRPC_E_DATA_LOSS,
        "the snapshot is damaged: block %llu, at offset %llu, record %llu: %s",
        (unsigned long long)reader->block, (unsigned long long)reader->begins,
        (unsigned long long)(reader->read - reader->left), what);
}

/* The end of the file in the middle of a block is damage. */
static shmrpc_status read_failed(const shmrpci_snapshot_reader *reader,
                                 shmrpc_status status, shmrpc_error *error)
{
    if (status == SHMRPC_E_NOT_FOUND) {
        return shmrpci_snapshot_damaged(reader, "the file ends here", error);
    }
    return shmrpc_error_set(
        error, status, "the snapshot can't be read at offset %llu: %s",
        (unsigned long long)reader->offset, shmrpc_status_text(status));
}

/* Reads the bytes after a block's head, in pieces, because the length is not
 * trusted until that many bytes have been read. */
static shmrpc_status read_bytes(shmrpci_snapshot_reader *reader, uint64_t bytes,
                                shmrpc_error *error)
{
    while (bytes > 0) {
        size_t piece = bytes < SHMRPCI_SNAPSHOT_BLOCK_BYTES
                           ? (size_t)bytes
                           : SHMRPCI_SNAPSHOT_BLOCK_BYTES;
        uint8_t *at = shmrpci_buf_extend(&reader->bytes, piece);
        shmrpc_status status = at != NULL
                                   ? shmrpci_read_file(reader->fd, at, piece)
                                   : reader->bytes.status;
        if (status != SHMRPC_OK) {
            return read_failed(reader, status, error);
        }
        bytes -= piece;
    }
    return SHMRPC_OK;
}

/* Checks the checksum first; then that the block follows the one before it, and
 * can hold as many records as it claims. */
static shmrpc_status check_block(const shmrpci_snapshot_reader *reader,
                                 const shmrpci_snapshot_block *block,
                                 shmrpc_error *error)
{
    uint32_t crc =
        shmrpci_crc32c(reader->head.crc, (const uint8_t *)block + sizeof crc,
                       sizeof *block - sizeof crc);
    crc = shmrpci_crc32c(crc, reader->bytes.data, reader->bytes.len);
    if (crc != block->crc) {
        return shmrpci_snapshot_damaged(reader, "its checksum does not match",
                                        error);
    }
    bool is_end = block->kind == SHMRPCI_SNAPSHOT_END;
    if (block->first != reader->read ||
        (!is_end && block->kind != SHMRPCI_SNAPSHOT_RECORDS) ||
        (is_end && (block->count != 0 || block->bytes != 0)) ||
        block->count > block->bytes / sizeof(shmrpci_snapshot_record)) {
        return shmrpci_snapshot_damaged(
            reader, "it contradicts the blocks before it", error);
    }
    return SHMRPC_OK;
}

/* Nothing may follow the end block. */
static shmrpc_status end_file(shmrpci_snapshot_reader *reader,
                              shmrpc_error *error)
{
    uint8_t more;
    if (shmrpci_read_file(reader->fd, &more, 1) != SHMRPC_E_NOT_FOUND) {
        return shmrpci_snapshot_damaged(reader, "there are bytes after its end",
                                        error);
    }
    reader->is_over = true;
    return SHMRPC_E_NOT_FOUND;
}

static shmrpc_status next_block(shmrpci_snapshot_reader *reader,
                                shmrpc_error *error)
{
    shmrpci_snapshot_block block;
    shmrpci_buf_reset(&reader->bytes);
    reader->at = 0;
    reader->block++;
    reader->begins = reader->offset;
    shmrpc_status status = shmrpci_read_file(reader->fd, &block, sizeof block);
    if (status != SHMRPC_OK) {
        return read_failed(reader, status, error);
    }
    if (block.bytes > reader->max_block_bytes) {
        return shmrpc_error_set(
            error, SHMRPC_E_TOO_LARGE,
            "the snapshot has a block of %llu bytes at offset %llu: damaged, "
            "or max_bytes is too small for it",
            (unsigned long long)block.bytes,
            (unsigned long long)reader->offset);
    }
    status = read_bytes(reader, block.bytes, error);
    if (status == SHMRPC_OK) {
        status = check_block(reader, &block, error);
    }
    if (status != SHMRPC_OK) {
        return status;
    }
    reader->offset += sizeof block + block.bytes;
    reader->read += block.count;
    reader->left = block.count;
    return block.kind == SHMRPCI_SNAPSHOT_END ? end_file(reader, error)
                                              : SHMRPC_OK;
}

/* Takes the next `len` bytes of the block. Returns false if there are fewer. */
static bool take(shmrpci_snapshot_reader *reader, size_t len, const void **out)
{
    if (len > reader->bytes.len - reader->at) {
        return false;
    }
    *out = reader->bytes.data + reader->at;
    reader->at += len;
    return true;
}

shmrpc_status shmrpci_snapshot_next(shmrpci_snapshot_reader *reader,
                                    shmrpci_table_bytes *out_key,
                                    shmrpci_table_bytes *out_value,
                                    shmrpc_error *error)
{
    shmrpci_snapshot_record record;
    const void *at;
    /* Skips blocks without records. */
    while (reader->left == 0) {
        if (reader->at != reader->bytes.len) {
            return shmrpci_snapshot_damaged(
                reader, "there are bytes after its records", error);
        }
        shmrpc_status status =
            reader->is_over ? SHMRPC_E_NOT_FOUND : next_block(reader, error);
        if (status != SHMRPC_OK) {
            return status;
        }
    }
    if (!take(reader, sizeof record, &at)) {
        return shmrpci_snapshot_damaged(reader, "a record is cut off", error);
    }
    memcpy(&record, at, sizeof record);
    out_key->len = record.key_len;
    out_value->len = record.value_len;
    if (!take(reader, record.key_len, &out_key->data) ||
        !take(reader, record.value_len, &out_value->data)) {
        return shmrpci_snapshot_damaged(reader, "a record is cut off", error);
    }
    reader->left--;
    return SHMRPC_OK;
}
