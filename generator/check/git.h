/*
 * Git: the files of a revision.
 *
 * Runs the program `git` directly, never through a shell, and only with
 * commands that read.
 *
 * Threading: one thread at a time; blocks while git runs.
 */
#ifndef SHMRPC_GENERATOR_GIT_H
#define SHMRPC_GENERATOR_GIT_H

#include "base/buf.h"
#include "shmrpc/status.h"

/* Checks that `revision` names a commit in the repository that contains `path`,
 * which need not exist. Returns INVALID if not; then `message` has one line
 * with the reason, without a newline. */
shmrpc_status gen_git_check(const char *revision, const char *path,
                            shmrpci_buf *message) SHMRPC_WARN_UNUSED;

/* Appends the paths of all files below `folder`, relative to it, each followed
 * by a NUL. Returns INVALID with a `message`, as above, or NO_MEMORY. */
shmrpc_status gen_git_list(const char *revision, const char *folder,
                           shmrpci_buf *out,
                           shmrpci_buf *message) SHMRPC_WARN_UNUSED;

/* Appends the top folder of the repository that contains `path`. Returns
 * NOT_FOUND if none does, or NO_MEMORY. */
shmrpc_status gen_git_top(const char *path,
                          shmrpci_buf *out) SHMRPC_WARN_UNUSED;

/* Appends the file's bytes, at most `limit`. Returns NOT_FOUND if the revision
 * has no such file, TOO_LARGE, or NO_MEMORY. */
shmrpc_status gen_git_read(const char *revision, const char *path, size_t limit,
                           shmrpci_buf *out) SHMRPC_WARN_UNUSED;

#endif
