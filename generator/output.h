/*
 * Output: generated files on disk.
 *
 * A file is written only when its bytes change, into a temporary beside it
 * that is then renamed over it, so that nobody sees half a file and build
 * systems rebuild only what differs.
 * Threading: one thread at a time; blocks on the disk.
 */
#ifndef SHMRPC_GENERATOR_OUTPUT_H
#define SHMRPC_GENERATOR_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "shmrpc/error.h"
#include "shmrpc/status.h"

bool gen_output_is_folder(const char *path);

/* A plain file: reading it ends. */
bool gen_output_is_file(const char *path);

/* Anything at all, also a symbolic link that leads nowhere. */
bool gen_output_exists(const char *path);

/* Creates the folder and those above it; existing ones are fine.  On failure
 * `error` says which could not be made and why. */
shmrpc_status gen_output_make_folder(const char *path, shmrpc_error *error);

/* Makes the file hold exactly these bytes.  `changed` (may be NULL) tells
 * whether that took a write.  On failure the old file is untouched. */
shmrpc_status gen_output_write(const char *path, const void *data, size_t len,
                               bool *changed, shmrpc_error *error);

/* Makes the file exist, empty, with the present time: build systems see from it
 * that what was left untouched is fresh. */
shmrpc_status gen_output_touch(const char *path, shmrpc_error *error);

/* Reads a whole file, of at most 64 MiB, into `out`. */
shmrpc_status gen_output_read(const char *path, shmrpci_buf *out,
                              shmrpc_error *error);

/* Appends a rule of Make: targets, a colon, sources, with the characters that
 * Make would interpret escaped; and an empty rule for each source but the
 * first, so that a deleted import is no error. */
void gen_output_depfile(const char *const *targets, size_t target_count,
                        const char *const *sources, size_t source_count,
                        shmrpci_buf *out);

#endif
