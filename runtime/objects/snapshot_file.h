/*
 * Snapshot files: the state of a dict or value at one moment, on a disk.
 *
 * docs/snapshots.md describes the format byte by byte.  In short: a head, then
 * blocks of records, then a block that says how many there were.  Each block
 * has a CRC-32C that begins with that of the head, so that a block of another
 * snapshot is not accepted.
 *
 * A file is hostile: nothing is used before its checksum was verified, and no
 * length makes the reader allocate more than its limit.
 *
 * Threading: one thread at a time for a writer or reader.
 */
#ifndef SHMRPCI_OBJECTS_SNAPSHOT_FILE_H
#define SHMRPCI_OBJECTS_SNAPSHOT_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "os/new_file.h"
#include "shmrpc/descriptor.h"
#include "shmrpc/error.h"
#include "table/table.h"

/* No text begins with its first byte. */
#define SHMRPCI_SNAPSHOT_MAGIC   UINT64_C(0x31706E6172687389)
#define SHMRPCI_SNAPSHOT_VERSION 1u

/* Longer ones are cut (signature) or left out (text). */
#define SHMRPCI_SNAPSHOT_MAX_TEXT ((uint32_t)1 << 20)

/* Records are gathered until a block has this many bytes. */
#define SHMRPCI_SNAPSHOT_BLOCK_BYTES ((size_t)256 << 10)

/* The head as it is in the file; name, signature and text follow. */
typedef struct shmrpci_snapshot_head {
    uint64_t magic;
    uint32_t version;
    uint32_t crc;  /* CRC-32C of all behind this word, texts included */
    uint32_t kind; /* shmrpc_shared_kind: DICT, VALUE */
    uint32_t encoding;
    uint64_t type_hash; /* 0: of any shape */
    int64_t taken_ns;   /* since 1970 */
    uint64_t change;    /* the last one that it contains */
    uint64_t capacity;
    uint64_t max_bytes;
    uint64_t log;
    uint32_t name_len;
    uint32_t signature_len;
    uint32_t text_len;
    uint32_t reserve32;  /* 0 */
    uint64_t reserve[3]; /* 0 */
} shmrpci_snapshot_head;

_Static_assert(sizeof(shmrpci_snapshot_head) == 112, "format");

typedef struct shmrpci_snapshot_block {
    uint32_t crc;  /* of all behind this word, begun with the head's */
    uint32_t kind; /* SHMRPCI_SNAPSHOT_... */
    uint64_t bytes;
    uint64_t first; /* records before this block */
    uint64_t count;
} shmrpci_snapshot_block;

_Static_assert(sizeof(shmrpci_snapshot_block) == 32, "format");

enum { SHMRPCI_SNAPSHOT_RECORDS = 1, SHMRPCI_SNAPSHOT_END = 2 };

/* Before each record's key and value, which follow without a gap. */
typedef struct shmrpci_snapshot_record {
    uint32_t key_len;
    uint32_t value_len;
} shmrpci_snapshot_record;

/* ---- writing ------------------------------------------------------------- */

typedef struct shmrpci_snapshot_writer {
    shmrpci_new_file file;
    shmrpci_buf block; /* its head, then records */
    uint32_t seed;
    uint64_t first;
    uint64_t count; /* in the block */
} shmrpci_snapshot_writer;

/* The description of an object. */
typedef struct shmrpci_snapshot_facts {
    shmrpci_snapshot_head head; /* except what the writer fills in */
    const char *name;
    const char *signature;
    const char *text; /* .svc that declares its type; "": of any shape */
} shmrpci_snapshot_facts;

/* Begins a file that will be at `path`. Statuses as shmrpci_new_file_begin; the
 * error says what failed, here and below. */
shmrpc_status shmrpci_snapshot_begin(const char *path, uint32_t permissions,
                                     shmrpci_snapshot_writer *out,
                                     shmrpc_error *error);
shmrpc_status shmrpci_snapshot_write_head(shmrpci_snapshot_writer *writer,
                                          const shmrpci_snapshot_facts *facts,
                                          shmrpc_error *error);
shmrpc_status shmrpci_snapshot_append(shmrpci_snapshot_writer *writer,
                                      shmrpci_table_bytes key,
                                      shmrpci_table_bytes value,
                                      shmrpc_error *error);
/* Afterwards the file is on the disk; on failure the older one still is. */
shmrpc_status shmrpci_snapshot_commit(shmrpci_snapshot_writer *writer,
                                      shmrpc_error *error);
/* Ends a writer that was begun, whether or not writing has succeeded. */
void shmrpci_snapshot_end(shmrpci_snapshot_writer *writer);

/* ---- reading ------------------------------------------------------------- */

typedef struct shmrpci_snapshot_reader {
    int fd;
    shmrpci_snapshot_head head; /* checked */
    char *texts;                /* name, signature, text: each ends with NUL */
    const char *name;
    const char *signature;
    const char *text;
    size_t max_block_bytes; /* longer ones are TOO_LARGE; the caller's */
    /* The block that is being read. */
    uint64_t block;  /* its number, from 1 on */
    uint64_t begins; /* its offset in the file */
    uint64_t offset; /* offset of the next block */
    shmrpci_buf bytes;
    size_t at;
    uint64_t left; /* records in it */
    uint64_t read; /* records before it */
    bool is_over;
} shmrpci_snapshot_reader;

/* Whether the file begins as a snapshot. Statuses as shmrpci_snapshot_open. */
shmrpc_status shmrpci_snapshot_is_one(const char *path, bool *out,
                                      shmrpc_error *error);

/* Opens a file and reads its head. NOT_FOUND, DENIED; CONTRACT: a later
 * version; DATA_LOSS: damaged, or not a snapshot; NO_MEMORY. */
shmrpc_status shmrpci_snapshot_open(const char *path,
                                    shmrpci_snapshot_reader *out,
                                    shmrpc_error *error);
/* The next record, valid until the next call. NOT_FOUND: that was the last one,
 * and the file is complete; DATA_LOSS: the error says where; TOO_LARGE;
 * NO_MEMORY. */
shmrpc_status shmrpci_snapshot_next(shmrpci_snapshot_reader *reader,
                                    shmrpci_table_bytes *out_key,
                                    shmrpci_table_bytes *out_value,
                                    shmrpc_error *error);
/* DATA_LOSS, for the record that was read last. */
shmrpc_status shmrpci_snapshot_damaged(const shmrpci_snapshot_reader *reader,
                                       const char *what, shmrpc_error *error);
/* Also allowed: all zeros with fd -1. */
void shmrpci_snapshot_close(shmrpci_snapshot_reader *reader);

#endif
