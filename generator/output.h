/*
 * Output: writes generated files to disk.
 *
 * A file is written only if its bytes change: to a temporary file beside it,
 * which is then renamed over it. So nobody sees half a file, and build systems
 * rebuild only what changed.
 * Threading: one thread at a time; blocks on the disk.
 */
#ifndef SHMRPC_GENERATOR_OUTPUT_H
#define SHMRPC_GENERATOR_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "shmrpc/error.h"
#include "shmrpc/status.h"

/* Part of the first comment of every generated file: "made by shmrpcgen"
 * without its first letter, which may be a capital, and without spaces, because
 * a comment may be broken into lines anywhere. */
#define GEN_OUTPUT_MARK "adebyshmrpcgen"

bool gen_output_is_folder(const char *path);

/* Whether the path is a regular file, which can be read to its end. */
bool gen_output_is_file(const char *path);

/* Whether anything exists at the path, even a dangling symbolic link. */
bool gen_output_exists(const char *path);

/* Creates the folder and its parents; existing ones are fine. On failure
 * `error` says which folder could not be created and why. */
shmrpc_status gen_output_make_folder(const char *path, shmrpc_error *error);

/*
 * A file that is written piece by piece: begin, append, then commit or abandon.
 * The pieces are compared with the existing file. At the first difference a
 * temporary file is created, which commit renames. So large files need no
 * memory, and unchanged ones cause no writes.
 */
typedef struct gen_output {
    const char *path;
    char *temporary; /* the temporary file's name; NULL while nothing differs */
    int old;         /* the existing file, or -1 */
    int fd;          /* the temporary file, or -1 */
    size_t same;     /* number of bytes equal to the existing file so far */
} gen_output;

/* Never fails; `path` must stay valid. */
void gen_output_begin(gen_output *output, const char *path);

/* Appends bytes. After a failure only abandon may be called. */
shmrpc_status gen_output_append(gen_output *output, const void *data,
                                size_t len, shmrpc_error *error);

/* Makes the file hold exactly the appended bytes, and ends the output.
 * `changed` (may be NULL) tells whether the file was written. On failure the
 * old file is untouched. */
shmrpc_status gen_output_commit(gen_output *output, bool *changed,
                                shmrpc_error *error);

/* Ends the output and leaves the old file untouched. Does nothing after
 * commit. */
void gen_output_abandon(gen_output *output);

/* Whether commit would replace a file that the generator did not write: one
 * with other bytes and without GEN_OUTPUT_MARK near its beginning. An empty
 * file does not count as foreign. */
bool gen_output_is_foreign(const gen_output *output);

/* Writes a whole file: begin, append, commit. */
shmrpc_status gen_output_write(const char *path, const void *data, size_t len,
                               bool *changed, shmrpc_error *error);

/* Creates the file if needed, empties it, and sets its time to now: this tells
 * build systems that unchanged outputs are up to date. */
shmrpc_status gen_output_touch(const char *path, shmrpc_error *error);

/* Reads a whole file, of at most 64 MiB, into `out`. */
shmrpc_status gen_output_read(const char *path, shmrpci_buf *out,
                              shmrpc_error *error);

/* Appends a Make rule: targets, a colon, sources, with Make's special
 * characters escaped. Adds an empty rule for each source except the first, so
 * that deleting an import is not an error. */
void gen_output_depfile(const char *const *targets, size_t target_count,
                        const char *const *sources, size_t source_count,
                        shmrpci_buf *out);

#endif
