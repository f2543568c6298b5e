/*
 * Runs git and reads its output.
 *
 * The program is started without a shell, with fixed commands that only read;
 * names of files and revisions are passed as single arguments that can't be
 * mistaken for options. It runs in the folder of the file in question (-C), so
 * that the repository is found as git itself would find it, also from a
 * subfolder or a worktree. Its standard error is discarded, because we print
 * messages of our own.
 */
#define _GNU_SOURCE
#include "generator/check/git.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "generator/output.h"

/* Limits the total length of the names of a repository's files, and so the
 * memory; far more than any real repository has. */
#define MAX_LIST_BYTES ((size_t)64 << 20)

extern char **environ;

/* A path, split for git: an existing folder in which to run it, and the rest of
 * the path. */
typedef struct place {
    char *folder; /* from malloc */
    const char *rest;
} place;

/* Splits the path at the nearest folder above it that still exists: the file
 * and its folder may have been removed. */
static shmrpc_status place_of(const char *path, place *out)
{
    size_t len = strlen(path);
    /* Room for "." even when the path is empty. */
    char *folder = malloc(len + 2);
    if (folder == NULL) {
        return SHMRPC_E_NO_MEMORY;
    }
    memcpy(folder, path, len + 1);
    char *slash = strrchr(folder, '/');
    /* `rest` is the part of the path below the folder. */
    while (slash != NULL && slash != folder) {
        *slash = '\0';
        if (gen_output_is_folder(folder)) {
            *out = (place){folder, path + (slash - folder) + 1};
            return SHMRPC_OK;
        }
        slash = strrchr(folder, '/');
    }
    memcpy(folder, slash == folder ? "/" : ".", 2);
    *out = (place){folder, slash == folder ? path + 1 : path};
    return SHMRPC_OK;
}

/* Standard input and error are /dev/null, so that git can't ask for
 * anything. */
static int start(char *const *argv, int out_fd, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    int error = posix_spawn_file_actions_init(&actions);
    if (error != 0) {
        return error;
    }
    error = posix_spawn_file_actions_adddup2(&actions, out_fd, STDOUT_FILENO);
    /* Descriptors 0 and 2. */
    for (int fd = STDIN_FILENO; error == 0 && fd <= STDERR_FILENO; fd += 2) {
        error = posix_spawn_file_actions_addopen(&actions, fd, "/dev/null",
                                                 O_RDWR, 0);
    }
    if (error == 0) {
        error = posix_spawnp(pid, argv[0], &actions, NULL, argv, environ);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    return error;
}

/* Reads up to `limit` bytes into `out`. The rest is read and discarded, because
 * git would otherwise block forever on the full pipe. `out` may be NULL. */
static shmrpc_status read_all(int fd, size_t limit, shmrpci_buf *out)
{
    char part[4096];
    ssize_t got;
    size_t total = 0;
    while ((got = read(fd, part, sizeof part)) > 0 ||
           (got < 0 && errno == EINTR)) {
        if (got > 0) {
            total += (size_t)got;
            if (out != NULL && total <= limit) {
                shmrpci_buf_append(out, part, (size_t)got);
            }
        }
    }
    return total > limit                             ? SHMRPC_E_TOO_LARGE
           : out != NULL && out->status != SHMRPC_OK ? out->status
                                                     : SHMRPC_OK;
}

/* Runs git and waits for it. Returns OK; NOT_FOUND if it fails for any reason;
 * UNAVAILABLE if git is not installed; TOO_LARGE. `out` may be NULL. */
static shmrpc_status run(char *const *argv, size_t limit, shmrpci_buf *out)
{
    int pipe_fds[2];
    pid_t pid = 0;
    if (pipe2(pipe_fds, O_CLOEXEC) != 0) {
        return SHMRPC_E_UNAVAILABLE;
    }
    int error = start(argv, pipe_fds[1], &pid);
    /* Our copy of the write end must be closed, or reading never sees the end
     * of the pipe. */
    (void)close(pipe_fds[1]);
    shmrpc_status status =
        error != 0 ? SHMRPC_E_UNAVAILABLE : read_all(pipe_fds[0], limit, out);
    (void)close(pipe_fds[0]);
    int ended = 0;
    if (error == 0) {
        while (waitpid(pid, &ended, 0) < 0 && errno == EINTR) {
        }
        bool ok = WIFEXITED(ended) && WEXITSTATUS(ended) == 0;
        status = ok ? status : SHMRPC_E_NOT_FOUND;
    }
    return status;
}

/* The arguments of execv aren't const, but nobody writes to them. */
static char *argument(const char *text)
{
    return (char *)(uintptr_t)text;
}

/* `^{commit}` follows a tag or a branch, and refuses the hash of a file. */
static shmrpc_status has_commit(const char *folder, const char *revision)
{
    char *name = NULL;
    if (asprintf(&name, "%s^{commit}", revision) < 0) {
        return SHMRPC_E_NO_MEMORY;
    }
    char *const argv[] = {argument("git"),
                          argument("-C"),
                          argument(folder),
                          argument("rev-parse"),
                          argument("--verify"),
                          argument("--quiet"),
                          argument("--end-of-options"),
                          name,
                          NULL};
    shmrpc_status status = run(argv, SIZE_MAX, NULL);
    free(name);
    return status;
}

/* Checked first, because a missing repository needs another message than an
 * unknown revision. */
static shmrpc_status is_repository(const char *folder)
{
    char *const argv[] = {argument("git"),       argument("-C"),
                          argument(folder),      argument("rev-parse"),
                          argument("--git-dir"), NULL};
    return run(argv, SIZE_MAX, NULL);
}

shmrpc_status gen_git_check(const char *revision, const char *path,
                            shmrpci_buf *message)
{
    place at;
    shmrpc_status status = place_of(path, &at);
    if (status != SHMRPC_OK) {
        return status;
    }
    shmrpc_status repository = is_repository(at.folder);
    status =
        repository != SHMRPC_OK ? repository : has_commit(at.folder, revision);
    if (repository == SHMRPC_E_UNAVAILABLE) {
        shmrpci_buf_append_text(message, "the program git can't be run");
    } else if (repository != SHMRPC_OK) {
        shmrpci_buf_printf(
            message,
            "`%s` is neither a file nor a folder, and `%s` is not in a "
            "git repository",
            revision, path);
    } else if (status != SHMRPC_OK) {
        shmrpci_buf_printf(
            message, "`%s` is neither a file, a folder nor a git revision",
            revision);
    }
    free(at.folder);
    return status == SHMRPC_OK || status == SHMRPC_E_NO_MEMORY
               ? status
               : SHMRPC_E_INVALID;
}

shmrpc_status gen_git_list(const char *revision, const char *folder,
                           shmrpci_buf *out, shmrpci_buf *message)
{
    char *inside = NULL;
    /* Passes a file in the folder, so that place_of returns the folder
     * itself. */
    if (asprintf(&inside, "%s/.", folder) < 0) {
        return SHMRPC_E_NO_MEMORY;
    }
    shmrpc_status status = gen_git_check(revision, inside, message);
    free(inside);
    if (status != SHMRPC_OK) {
        return status;
    }
    /* ---- z: names are not quoted and end with a NUL each. ---------------- */
    char *const argv[] = {argument("git"),         argument("-C"),
                          argument(folder),        argument("ls-tree"),
                          argument("-r"),          argument("-z"),
                          argument("--name-only"), argument("--end-of-options"),
                          argument(revision),      NULL};
    status = run(argv, MAX_LIST_BYTES, out);
    if (status == SHMRPC_E_NOT_FOUND) {
        shmrpci_buf_printf(message, "git can't list the files of `%s` in `%s`",
                           revision, folder);
        status = SHMRPC_E_INVALID;
    }
    return status;
}

shmrpc_status gen_git_top(const char *path, shmrpci_buf *out)
{
    place at;
    shmrpc_status status = place_of(path, &at);
    if (status != SHMRPC_OK) {
        return status;
    }
    char *const argv[] = {argument("git"),
                          argument("-C"),
                          argument(at.folder),
                          argument("rev-parse"),
                          argument("--show-toplevel"),
                          NULL};
    size_t before = out->len;
    status = run(argv, SIZE_MAX, out);
    free(at.folder);
    if (out->len > before && out->data[out->len - 1] == '\n') {
        out->len--;
    }
    return status;
}

shmrpc_status gen_git_read(const char *revision, const char *path, size_t limit,
                           shmrpci_buf *out)
{
    place at;
    char *name = NULL;
    shmrpc_status status = place_of(path, &at);
    if (status != SHMRPC_OK) {
        return status;
    }
    /* "./" makes the path relative to the folder given to -C. */
    if (asprintf(&name, "%s:./%s", revision, at.rest) < 0) {
        free(at.folder);
        return SHMRPC_E_NO_MEMORY;
    }
    char *const argv[] = {argument("git"),
                          argument("-C"),
                          argument(at.folder),
                          argument("cat-file"),
                          argument("blob"),
                          name,
                          NULL};
    status = run(argv, limit, out);
    free(name);
    free(at.folder);
    return status;
}
