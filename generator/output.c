/* Output: writes files atomically, and only if they change. */
#define _GNU_SOURCE /* mkostemp */
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

/* Creates one folder unless it exists. */
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

/* ---- writing ---- */

void gen_output_begin(gen_output *output, const char *path)
{
    struct stat info;
    *output = (gen_output){.path = path, .old = -1, .fd = -1};
    /* Anything that is not a regular file is replaced without reading it,
     * because reading a pipe might never end. */
    if (stat(path, &info) == 0 && S_ISREG(info.st_mode)) {
        output->old = open(path, O_RDONLY | O_CLOEXEC);
    }
}

/* The mode of the result: an existing file keeps its mode, and a new file gets
 * the mode that the umask allows. Without this the file would keep the private
 * mode that mkostemp sets. */
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

/* Returns false, and sets errno, on failure. */
static bool write_fully(int fd, const void *data, size_t len)
{
    size_t done = 0;
    while (done < len) {
        ssize_t wrote = write(fd, (const char *)data + done, len - done);
        if (wrote < 0 && errno != EINTR) {
            return false;
        }
        done += wrote > 0 ? (size_t)wrote : 0;
    }
    return true;
}

/* Reads up to `len` bytes of the old file at `offset`; fewer at its end, or if
 * it can't be read. */
static size_t read_old(const gen_output *output, size_t offset, void *out,
                       size_t len)
{
    size_t done = 0;
    while (output->old >= 0 && done < len) {
        ssize_t got = pread(output->old, (char *)out + done, len - done,
                            (off_t)(offset + done));
        if (got == 0 || (got < 0 && errno != EINTR)) {
            break;
        }
        done += got > 0 ? (size_t)got : 0;
    }
    return done;
}

/* Whether these bytes come next in the old file. */
static bool goes_on(const gen_output *output, const char *data, size_t len)
{
    char chunk[8192];
    for (size_t done = 0; done < len;) {
        size_t part = len - done < sizeof chunk ? len - done : sizeof chunk;
        if (read_old(output, output->same + done, chunk, part) != part ||
            memcmp(chunk, data + done, part) != 0) {
            return false;
        }
        done += part;
    }
    return true;
}

/* Copies the part that was equal so far to a new temporary file. */
static bool differ(gen_output *output)
{
    size_t len = strlen(output->path) + sizeof ".XXXXXX";
    output->temporary = malloc(len);
    if (output->temporary == NULL) {
        errno = ENOMEM;
        return false;
    }
    snprintf(output->temporary, len, "%s.XXXXXX", output->path);
    output->fd = mkostemp(output->temporary, O_CLOEXEC);
    if (output->fd < 0) {
        return false;
    }
    char chunk[8192];
    for (size_t done = 0; done < output->same;) {
        size_t left = output->same - done;
        size_t part = left < sizeof chunk ? left : sizeof chunk;
        if (read_old(output, done, chunk, part) != part) {
            errno = EIO;
            return false;
        }
        if (!write_fully(output->fd, chunk, part)) {
            return false;
        }
        done += part;
    }
    return true;
}

shmrpc_status gen_output_append(gen_output *output, const void *data,
                                size_t len, shmrpc_error *error)
{
    if (output->fd < 0 && goes_on(output, data, len)) {
        output->same += len;
        return SHMRPC_OK;
    }
    if ((output->fd < 0 && !differ(output)) ||
        !write_fully(output->fd, data, len)) {
        return fail(error, "cannot write", output->path);
    }
    return SHMRPC_OK;
}

/* Whether the appended bytes are exactly the contents of the old file. While
 * `fd` is -1, all appended bytes have matched the old file, so only the lengths
 * are compared. */
static bool is_unchanged(const gen_output *output)
{
    struct stat info;
    return output->fd < 0 && output->old >= 0 &&
           fstat(output->old, &info) == 0 &&
           (size_t)info.st_size == output->same;
}

/* The mark is searched for in the first MARKED_BYTES bytes of a file, because a
 * title and documentation may precede it. */
#define MARKED_BYTES 65536

static bool is_marked(char *text, size_t len)
{
    size_t kept = 0;
    for (size_t i = 0; i < len; i++) {
        text[kept] = text[i];
        kept += strchr(" \n*", text[i]) == NULL || text[i] == '\0';
    }
    return memmem(text, kept, GEN_OUTPUT_MARK, sizeof GEN_OUTPUT_MARK - 1) !=
           NULL;
}

bool gen_output_is_foreign(const gen_output *output)
{
    struct stat info;
    if (is_unchanged(output) || lstat(output->path, &info) != 0) {
        return false;
    }
    if (output->old < 0) {
        return true;
    }
    char *text = malloc(MARKED_BYTES);
    size_t len =
        text != NULL ? read_old(output, 0, text, MARKED_BYTES) : MARKED_BYTES;
    bool foreign = len > 0 && (text == NULL || !is_marked(text, len));
    free(text);
    return foreign;
}

static bool close_and_rename(gen_output *output)
{
    bool good = fchmod(output->fd, mode_for(output->path)) == 0;
    int reason = errno;
    if (close(output->fd) != 0 && good) {
        reason = errno;
        good = false;
    }
    output->fd = -1;
    errno = reason;
    if (!good || rename(output->temporary, output->path) != 0) {
        return false;
    }
    free(output->temporary);
    output->temporary = NULL;
    return true;
}

shmrpc_status gen_output_commit(gen_output *output, bool *changed,
                                shmrpc_error *error)
{
    bool writes = !is_unchanged(output);
    shmrpc_status status = SHMRPC_OK;
    if (writes &&
        ((output->fd < 0 && !differ(output)) || !close_and_rename(output))) {
        status = fail(error, "cannot write", output->path);
    }
    gen_output_abandon(output);
    if (status == SHMRPC_OK && changed != NULL) {
        *changed = writes;
    }
    return status;
}

void gen_output_abandon(gen_output *output)
{
    if (output->fd >= 0) {
        close(output->fd);
    }
    if (output->old >= 0) {
        close(output->old);
    }
    if (output->temporary != NULL) {
        unlink(output->temporary);
        free(output->temporary);
    }
    *output = (gen_output){.path = output->path, .old = -1, .fd = -1};
}

shmrpc_status gen_output_write(const char *path, const void *data, size_t len,
                               bool *changed, shmrpc_error *error)
{
    gen_output output;
    gen_output_begin(&output, path);
    shmrpc_status status = gen_output_append(&output, data, len, error);
    if (status != SHMRPC_OK) {
        gen_output_abandon(&output);
        return status;
    }
    return gen_output_commit(&output, changed, error);
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
