/* Secrets. */
#include "tools/shmrpc-web/token.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

bool web_secret_make(web_secret *out)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char bytes[WEB_SECRET_LENGTH / 2];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes) {
        return false;
    }
    for (size_t i = 0; i < sizeof bytes; i++) {
        out->text[i * 2] = digits[bytes[i] >> 4];
        out->text[i * 2 + 1] = digits[bytes[i] & 15];
    }
    out->text[WEB_SECRET_LENGTH] = '\0';
    return true;
}

bool web_secret_is(const web_secret *secret, const char *text, size_t len)
{
    unsigned char difference = 0;
    if (len != WEB_SECRET_LENGTH) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        difference |= (unsigned char)(secret->text[i] ^ text[i]);
    }
    return difference == 0;
}

/* ---- the file ---- */

/* The folders on the way to `path`. What is wrong shows when it is opened. */
static void make_folders(const char *path)
{
    char folder[4096];
    size_t len = strlen(path);
    for (size_t i = 1; i < len && i < sizeof folder; i++) {
        if (path[i] == '/') {
            memcpy(folder, path, i);
            folder[i] = '\0';
            (void)mkdir(folder, 0700);
        }
    }
}

static int fail(shmrpc_error *error, int status, const char *path,
                const char *why)
{
    return shmrpc_error_set(error, status, "the token file %s: %s", path, why);
}

static int check_file(int fd, const char *path, shmrpc_error *error)
{
    struct stat info;
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        return fail(error, SHMRPC_E_INVALID, path, "it is no file");
    }
    if (info.st_uid != geteuid() || (info.st_mode & 077) != 0) {
        return fail(error, SHMRPC_E_DENIED, path,
                    "others may read it, or it belongs to them: chmod 600, or "
                    "remove it to get a new token");
    }
    return SHMRPC_OK;
}

static int read_token(int fd, const char *path, web_secret *out,
                      shmrpc_error *error)
{
    char text[WEB_SECRET_LENGTH + 2];
    ssize_t len = read(fd, text, sizeof text);
    bool is_good =
        len >= WEB_SECRET_LENGTH && len <= WEB_SECRET_LENGTH + 1 &&
        (len == WEB_SECRET_LENGTH || text[WEB_SECRET_LENGTH] == '\n');
    for (size_t i = 0; is_good && i < WEB_SECRET_LENGTH; i++) {
        is_good =
            strchr("0123456789abcdef", text[i]) != NULL && text[i] != '\0';
    }
    if (!is_good) {
        return fail(error, SHMRPC_E_INVALID, path,
                    "it holds no token (64 hexadecimal digits); remove it to "
                    "get a new one");
    }
    memcpy(out->text, text, WEB_SECRET_LENGTH);
    out->text[WEB_SECRET_LENGTH] = '\0';
    return SHMRPC_OK;
}

/* Written under another name first, so that nobody ever reads half of it. */
static int make_token(const char *path, web_secret *out, shmrpc_error *error)
{
    char temporary[4096];
    int len =
        snprintf(temporary, sizeof temporary, "%s.%d", path, (int)getpid());
    if (len < 0 || (size_t)len >= sizeof temporary || !web_secret_make(out)) {
        return fail(error, SHMRPC_E_INVALID, path, "the path is too long");
    }
    make_folders(path);
    (void)unlink(temporary);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool is_good = fd >= 0 && dprintf(fd, "%s\n", out->text) > 0 &&
                   fsync(fd) == 0 && link(temporary, path) == 0;
    int reason = errno;
    if (fd >= 0) {
        close(fd);
        (void)unlink(temporary);
    }
    return is_good ? SHMRPC_OK
                   : fail(error, SHMRPC_E_DENIED, path, strerror(reason));
}

int web_token_open(const char *path, web_secret *out, shmrpc_error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT) {
        int status = make_token(path, out, error);
        if (status == SHMRPC_OK) {
            return status;
        }
        /* Another process may have been faster. */
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (fd < 0) {
            return status;
        }
    }
    if (fd < 0) {
        return fail(error, SHMRPC_E_DENIED, path, strerror(errno));
    }
    int status = check_file(fd, path, error);
    if (status == SHMRPC_OK) {
        status = read_token(fd, path, out, error);
    }
    close(fd);
    return status;
}

bool web_token_default_path(char *out, size_t size)
{
    const char *state = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    int len = -1;
    if (state != NULL && state[0] == '/') {
        len = snprintf(out, size, "%s/shmrpc/web-token", state);
    } else if (home != NULL && home[0] == '/') {
        len = snprintf(out, size, "%s/.local/state/shmrpc/web-token", home);
    }
    return len > 0 && (size_t)len < size;
}
