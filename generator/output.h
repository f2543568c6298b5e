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

/* Part of the first comment of every generated file: "made by shmrpcgen",
 * without the words in between, since comments are broken into lines. */
#define GEN_OUTPUT_MARK "adebyshmrpcgen"

bool gen_output_is_folder(const char *path);

/* A plain file: reading it ends. */
bool gen_output_is_file(const char *path);

/* Anything at all, also a symbolic link that leads nowhere. */
bool gen_output_exists(const char *path);

/* Creates the folder and those above it; existing ones are fine.  On failure
 * `error` says which could not be made and why. */
shmrpc_status gen_output_make_folder(const char *path, shmrpc_error *error);

/*
 * A file that is written piece by piece: begin, append, then commit or abandon.
 * The pieces are compared with the file that is there; where they first differ
 * a temporary file begins, which commit renames.  So large files need no
 * memory, and those that stay the same no disk.
 */
typedef struct gen_output {
    const char *path;
    char *temporary; /* name of the new file; NULL while nothing differs */
    int old;         /* the existing file, or -1 */
    int fd;          /* the temporary file, or -1 */
    size_t same;     /* bytes that agree with the existing file */
} gen_output;

/* Fails never; `path` must stay. */
void gen_output_begin(gen_output *output, const char *path);

/* After a failure only abandon may be called. */
shmrpc_status gen_output_append(gen_output *output, const void *data,
                                size_t len, shmrpc_error *error);

/* Makes the file hold exactly what was appended, and ends the output.
 * `changed` (may be NULL) tells whether that took a write.  On failure the old
 * file is untouched. */
shmrpc_status gen_output_commit(gen_output *output, bool *changed,
                                shmrpc_error *error);

/* Ends the output; the old file is untouched.  Nothing after commit. */
void gen_output_abandon(gen_output *output);

/* Whether commit would replace a file that the generator did not write: the
 * existing file has other bytes, and no GEN_OUTPUT_MARK near its beginning. An
 * empty file is nobody's. */
bool gen_output_is_foreign(const gen_output *output);

/* All of it in one: begin, append, commit. */
shmrpc_status gen_output_write(const char *path, const void *data, size_t len,
                               bool *changed, shmrpc_error *error);

/* Makes the file exist, empty, with the present time: it tells build systems
 * that unchanged outputs are up to date. */
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
