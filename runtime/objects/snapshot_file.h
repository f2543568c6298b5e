/*
 * Snapshot files: the state of a dict or value at one moment, on a disk.
 *
 * docs/snapshots.md describes the format byte by byte. In short: a head, then
 * blocks of records, then a block that says how many records there were. Each
 * block has a CRC-32C whose computation starts from the head's CRC, so that a
 * block of another snapshot is not accepted.
 *
 * A file is not trusted: nothing is used before its checksum was verified, and
 * no length in it makes the reader allocate more than its limit.
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

/* The first byte of the magic never begins a text. */
#define SHMRPCI_SNAPSHOT_MAGIC   UINT64_C(0x31706E6172687389)
#define SHMRPCI_SNAPSHOT_VERSION 1u

/* A longer .svc text is left out of the file. Labels have cut signatures
 * already (label.h). */
#define SHMRPCI_SNAPSHOT_MAX_TEXT ((uint32_t)1 << 20)

/* A block ends when its records have this many bytes. */
#define SHMRPCI_SNAPSHOT_BLOCK_BYTES ((size_t)256 << 10)

/* The head as stored in the file; name, signature and text follow. */
typedef struct shmrpci_snapshot_head {
    uint64_t magic;
    uint32_t version;
    uint32_t crc;  /* CRC-32C of everything after this word, texts included */
    uint32_t kind; /* shmrpc_shared_kind: DICT, VALUE */
    uint32_t encoding;
    uint64_t type_hash; /* 0: an object of any shape */
    int64_t taken_ns;   /* nanoseconds since 1970 */
    uint64_t change;    /* the last change that it contains */
    uint64_t capacity;
    uint64_t max_bytes;
    uint64_t log;
    uint32_t name_len;
    uint32_t signature_len;
    uint32_t text_len;
    uint32_t reserve32;  /* must be 0 */
    uint64_t reserve[3]; /* must be 0 */
} shmrpci_snapshot_head;

_Static_assert(sizeof(shmrpci_snapshot_head) == 112, "format");

typedef struct shmrpci_snapshot_block {
    uint32_t crc;  /* CRC of everything after this word, started with the
                    * head's */
    uint32_t kind; /* SHMRPCI_SNAPSHOT_... */
    uint64_t bytes;
    uint64_t first; /* number of records in earlier blocks */
    uint64_t count;
} shmrpci_snapshot_block;

_Static_assert(sizeof(shmrpci_snapshot_block) == 32, "format");

enum { SHMRPCI_SNAPSHOT_RECORDS = 1, SHMRPCI_SNAPSHOT_END = 2 };

/* Precedes each record's key and value, which follow without a gap. */
typedef struct shmrpci_snapshot_record {
    uint32_t key_len;
    uint32_t value_len;
} shmrpci_snapshot_record;

/* ---- writing ------------------------------------------------------------- */

typedef struct shmrpci_snapshot_writer {
    shmrpci_new_file file;
    shmrpci_buf block; /* the head of the block, then its records */
    uint32_t seed;
    uint64_t first;
    uint64_t count; /* number of records in the block */
} shmrpci_snapshot_writer;

/* Describes an object. */
typedef struct shmrpci_snapshot_facts {
    shmrpci_snapshot_head head; /* without the members that the writer fills
                                 * in */
    const char *name;
    const char *signature;
    const char *text; /* .svc text that declares the type; "" for any shape */
} shmrpci_snapshot_facts;

/* Begins a file that will be at `path`. Statuses as for shmrpci_new_file_begin.
 * The error says what failed, here and in the functions below. */
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
/* If this succeeds the new file is on the disk; if it fails the old one still
 * is. */
shmrpc_status shmrpci_snapshot_commit(shmrpci_snapshot_writer *writer,
                                      shmrpc_error *error);
/* Ends a writer that was begun, whether or not writing succeeded. */
void shmrpci_snapshot_end(shmrpci_snapshot_writer *writer);

/* ---- reading ------------------------------------------------------------- */

typedef struct shmrpci_snapshot_reader {
    int fd;
    shmrpci_snapshot_head head; /* the checked head */
    char *texts;                /* name, signature, text: each ends with NUL */
    const char *name;
    const char *signature;
    const char *text;
    size_t max_block_bytes; /* limit set by the caller; larger blocks are
                             * TOO_LARGE */
    /* The block that is being read. */
    uint64_t block;  /* its number, from 1 on */
    uint64_t begins; /* its offset in the file */
    uint64_t offset; /* offset of the next block */
    shmrpci_buf bytes;
    size_t at;
    uint64_t left; /* records of the block that were not read yet */
    uint64_t read; /* records read so far */
    bool is_over;
} shmrpci_snapshot_reader;

/* Whether the file begins like a snapshot. Statuses as for
 * shmrpci_snapshot_open. */
shmrpc_status shmrpci_snapshot_is_one(const char *path, bool *out,
                                      shmrpc_error *error);

/* Opens a file and reads its head. Returns NOT_FOUND or DENIED; CONTRACT if it
 * is of a later version; DATA_LOSS if it is damaged, or not a snapshot; or
 * NO_MEMORY. */
shmrpc_status shmrpci_snapshot_open(const char *path,
                                    shmrpci_snapshot_reader *out,
                                    shmrpc_error *error);
/* Reads the next record, which is valid until the next call. Returns NOT_FOUND
 * after the last record of a complete file; DATA_LOSS, with the place in the
 * error; TOO_LARGE or NO_MEMORY. */
shmrpc_status shmrpci_snapshot_next(shmrpci_snapshot_reader *reader,
                                    shmrpci_table_bytes *out_key,
                                    shmrpci_table_bytes *out_value,
                                    shmrpc_error *error);
/* Reports the record that was read last as damaged: returns DATA_LOSS. */
shmrpc_status shmrpci_snapshot_damaged(const shmrpci_snapshot_reader *reader,
                                       const char *what, shmrpc_error *error);
/* Closes the reader. Allowed for one that is all zeros except that its fd is
 * -1. */
void shmrpci_snapshot_close(shmrpci_snapshot_reader *reader);

#endif
