/* Output: files written atomically and only when they change. */
#define _POSIX_C_SOURCE 200809L
#include "generator/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_FILE_BYTES ((size_t)64 << 20)

static shmrpc_status fail(shmrpc_error *error, const char *what,
                          const char *path)
{
    int reason = errno;
    shmrpc_status status = reason == ENOENT   ? SHMRPC_E_NOT_FOUND
                           : reason == EACCES ? SHMRPC_E_DENIED
                                              : SHMRPC_E_INTERNAL;
    shmrpc_error_set(error, status, "%s %s: %s", what, path, strerror(reason));
    return status;
}

/* Creates one folder, unless it exists. */
static bool make_one(const char *path)
{
    struct stat info;
    if (mkdir(path, 0777) == 0) {
        return true;
    }
    if (errno == EEXIST && stat(path, &info) == 0 && !S_ISDIR(info.st_mode)) {
        errno = ENOTDIR;
    }
    return errno == EEXIST;
}

bool gen_output_is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

bool gen_output_is_file(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

bool gen_output_exists(const char *path)
{
    struct stat info;
    return lstat(path, &info) == 0;
}

shmrpc_status gen_output_make_folder(const char *path, shmrpc_error *error)
{
    char *partial = strdup(path);
    if (partial == NULL) {
        return fail(error, "cannot create", path);
    }
    shmrpc_status status = SHMRPC_OK;
    char *at = partial;
    while (status == SHMRPC_OK && *at != '\0') {
        at += strspn(at, "/");
        at += strcspn(at, "/");
        char was = *at;
        *at = '\0';
        if (!make_one(partial)) {
            status = fail(error, "cannot create the folder", partial);
        }
        *at = was;
        at += strspn(at, "/");
    }
    free(partial);
    return status;
}

shmrpc_status gen_output_read(const char *path, shmrpci_buf *out,
                              shmrpc_error *error)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return fail(error, "cannot read", path);
    }
    size_t start = out->len;
    size_t got;
    char chunk[8192];
    while ((got = fread(chunk, 1, sizeof chunk, file)) > 0) {
        shmrpci_buf_append(out, chunk, got);
        if (out->len - start > MAX_FILE_BYTES) {
            shmrpci_buf_fail(out, SHMRPC_E_TOO_LARGE);
        }
        if (out->status != SHMRPC_OK) {
            break;
        }
    }
    shmrpc_status status = SHMRPC_OK;
    if (ferror(file)) {
        status = fail(error, "cannot read", path);
    } else if (out->status != SHMRPC_OK) {
        status = out->status;
        shmrpc_error_set(error, status, "cannot read %s: %s", path,
                         shmrpc_status_text(status));
    }
    fclose(file);
    return status;
}

static bool holds(const char *path, const void *data, size_t len)
{
    shmrpci_buf old;
    shmrpci_buf_init_heap(&old);
    bool same = gen_output_read(path, &old, NULL) == SHMRPC_OK &&
                old.len == len &&
                (len == 0 || memcmp(old.data, data, len) == 0);
    shmrpci_buf_fini(&old);
    return same;
}

/* mkstemp makes a file private; a new one follows the umask, and one that was
 * there keeps what it had. */
static mode_t mode_for(const char *path)
{
    struct stat info;
    if (stat(path, &info) == 0) {
        return info.st_mode & 0777;
    }
    mode_t mask = umask(0);
    umask(mask);
    return 0666 & ~mask;
}

/* Fills the temporary file and renames it; `fd` is closed in any case. */
static bool fill_and_rename(int fd, const char *temporary, const char *path,
                            const void *data, size_t len)
{
    bool good = fchmod(fd, mode_for(path)) == 0;
    size_t done = 0;
    while (good && done < len) {
        ssize_t wrote = write(fd, (const char *)data + done, len - done);
        if (wrote >= 0) {
            done += (size_t)wrote;
        } else {
            good = errno == EINTR;
        }
    }
    int reason = errno;
    if (close(fd) != 0 && good) {
        reason = errno;
        good = false;
    }
    errno = reason;
    return good && rename(temporary, path) == 0;
}

shmrpc_status gen_output_write(const char *path, const void *data, size_t len,
                               bool *changed, shmrpc_error *error)
{
    if (holds(path, data, len)) {
        if (changed != NULL) {
            *changed = false;
        }
        return SHMRPC_OK;
    }
    shmrpci_buf name;
    shmrpci_buf_init_heap(&name);
    shmrpci_buf_printf(&name, "%s.XXXXXX%c", path, '\0');
    if (name.status != SHMRPC_OK) {
        return (shmrpc_status)shmrpc_error_set(
            error, name.status, "cannot write %s: out of memory", path);
    }
    char *temporary = (char *)name.data;
    shmrpc_status status = SHMRPC_OK;
    int fd = mkstemp(temporary);
    if (fd < 0) {
        status = fail(error, "cannot write", path);
    } else if (!fill_and_rename(fd, temporary, path, data, len)) {
        status = fail(error, "cannot write", path);
        unlink(temporary);
    } else if (changed != NULL) {
        *changed = true;
    }
    shmrpci_buf_fini(&name);
    return status;
}

shmrpc_status gen_output_touch(const char *path, shmrpc_error *error)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0 || futimens(fd, NULL) != 0) {
        shmrpc_status status = fail(error, "cannot write", path);
        if (fd >= 0) {
            close(fd);
        }
        return status;
    }
    close(fd);
    return SHMRPC_OK;
}

static void append_escaped(shmrpci_buf *out, const char *path)
{
    for (; *path != '\0'; path++) {
        if (*path == '$') {
            shmrpci_buf_append_char(out, '$');
        } else if (strchr(" #\\:\t", *path) != NULL) {
            shmrpci_buf_append_char(out, '\\');
        }
        shmrpci_buf_append_char(out, *path);
    }
}

void gen_output_depfile(const char *const *targets, size_t target_count,
                        const char *const *sources, size_t source_count,
                        shmrpci_buf *out)
{
    for (size_t i = 0; i < target_count; i++) {
        shmrpci_buf_append_text(out, i > 0 ? " \\\n  " : "");
        append_escaped(out, targets[i]);
    }
    shmrpci_buf_append_text(out, ":");
    for (size_t i = 0; i < source_count; i++) {
        shmrpci_buf_append_text(out, " \\\n  ");
        append_escaped(out, sources[i]);
    }
    shmrpci_buf_append_text(out, "\n");
    for (size_t i = 1; i < source_count; i++) {
        append_escaped(out, sources[i]);
        shmrpci_buf_append_text(out, ":\n");
    }
}
