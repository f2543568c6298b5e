/* Secrets: made at random, compared in constant time, and kept in a file that
 * only its owner may read. */
#include "tools/shmrpc-web/token.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

/* The maximum size of a file of tokens. */
#define FILE_BYTES ((size_t)8 << 10)

/* The system returns up to 256 bytes at once or none. It only blocks at boot,
 * before its generator is seeded (getrandom(2)). */
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

/* Compares every byte, whatever the previous ones were, so that the duration
 * does not reveal how many were right. The length is no secret. */
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

/* Creates the parent folders of `path`. Errors are reported when the file is
 * opened. */
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

/* Checks the descriptor rather than the path, which might name another file by
 * now. */
static int check_file(int fd, const char *path, shmrpc_error *error)
{
    struct stat info;
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        return fail(error, SHMRPC_E_INVALID, path, "it is not a file");
    }
    if (info.st_uid != geteuid() || (info.st_mode & 077) != 0) {
        return fail(error, SHMRPC_E_DENIED, path,
                    "others may read it, or it belongs to them: chmod 600, or "
                    "remove it to get a new token");
    }
    return SHMRPC_OK;
}

/* ---- lines of the file --------------------------------------------------- */

typedef struct role {
    const char *name;
    unsigned may;
} role;

static const role roles[] = {
    {"see", WEB_MAY_SEE}, {"call", WEB_MAY_CALL}, {"change", WEB_MAY_CHANGE}};

#define ROLE_COUNT (sizeof roles / sizeof roles[0])

void web_may_append(unsigned may, shmrpci_buf *out)
{
    const char *before = "";
    for (size_t i = 0; i < ROLE_COUNT; i++) {
        if ((may & roles[i].may) != 0) {
            shmrpci_buf_printf(out, "%s%s", before, roles[i].name);
            before = ",";
        }
    }
}

static int fail_line(shmrpc_error *error, const char *path, unsigned line,
                     const char *why)
{
    return shmrpc_error_set(error, SHMRPC_E_INVALID,
                            "the token file %s, line %u: %s", path, line, why);
}

/* Reads permissions such as "see,call". Returns false if one of the words is
 * unknown. */
static bool read_roles(char *text, unsigned *out)
{
    char *rest = NULL;
    *out = 0;
    for (char *word = strtok_r(text, ",", &rest); word != NULL;
         word = strtok_r(NULL, ",", &rest)) {
        size_t i = 0;
        while (i < ROLE_COUNT && strcmp(word, roles[i].name) != 0) {
            i++;
        }
        if (i == ROLE_COUNT) {
            return false;
        }
        *out |= roles[i].may;
    }
    return *out != 0;
}

static bool is_secret(const char *text)
{
    return strlen(text) == WEB_SECRET_LENGTH &&
           strspn(text, "0123456789abcdef") == WEB_SECRET_LENGTH;
}

/* The name appears in lines of the audit log, so it must not be able to imitate
 * a part of one. */
static bool read_name(const char *text, char out[WEB_TOKEN_NAME_BYTES])
{
    size_t len = strlen(text);
    bool is_good = len < WEB_TOKEN_NAME_BYTES &&
                   strspn(text,
                          "abcdefghijklmnopqrstuvwxyz0123456789_-"
                          "ABCDEFGHIJKLMNOPQRSTUVWXYZ.") == len;
    if (is_good) {
        memcpy(out, text, len + 1);
    }
    return is_good;
}

/* Adds the token of a line, which is cut to pieces. Returns NULL, or what is
 * wrong. The message never repeats the line, which may be a secret with a
 * typing error. */
static const char *read_line(char *line, web_tokens *out)
{
    char *rest = NULL;
    const char *secret = strtok_r(line, " \t\r", &rest);
    char *may = strtok_r(NULL, " \t\r", &rest);
    const char *name = strtok_r(NULL, " \t\r", &rest);
    web_token token = {.may = WEB_MAY_ALL};
    if (secret == NULL || secret[0] == '#') {
        return NULL;
    }
    if (!is_secret(secret)) {
        return "a token is 64 hexadecimal digits; remove the file to get a "
               "new one";
    }
    if (may != NULL && !read_roles(may, &token.may)) {
        return "the token's permissions must be see, call or change, or "
               "several "
               "of them, separated by commas";
    }
    if (name != NULL && !read_name(name, token.name)) {
        return "the name is longer than 31 bytes, or has other characters "
               "than letters, digits and ._-";
    }
    if (strtok_r(NULL, " \t\r", &rest) != NULL) {
        return "unexpected text after the token, its permissions and its name";
    }
    if (web_tokens_find(out, secret, WEB_SECRET_LENGTH) != NULL) {
        return "this token is listed twice";
    }
    if (out->count == WEB_MAX_TOKENS) {
        return "there are more than 16 tokens";
    }
    memcpy(token.secret.text, secret, WEB_SECRET_LENGTH + 1);
    out->items[out->count++] = token;
    return NULL;
}

/* Reads one byte more than the maximum, so that a file that is too long is
 * noticed. */
static int read_tokens(int fd, const char *path, web_tokens *out,
                       shmrpc_error *error)
{
    char text[FILE_BYTES + 1];
    unsigned number = 1;
    ssize_t len = read(fd, text, sizeof text);
    *out = (web_tokens){.count = 0};
    if (len < 0 || (size_t)len == sizeof text ||
        memchr(text, '\0', (size_t)len) != NULL) {
        return fail(error, SHMRPC_E_INVALID, path,
                    "it is not text, or longer than 8 KiB");
    }
    text[len] = '\0';
    for (char *line = text; line != NULL; number++) {
        char *end = strchr(line, '\n');
        if (end != NULL) {
            *end++ = '\0';
        }
        const char *wrong = read_line(line, out);
        if (wrong != NULL) {
            return fail_line(error, path, number, wrong);
        }
        line = end;
    }
    return out->count > 0 ? SHMRPC_OK
                          : fail(error, SHMRPC_E_INVALID, path,
                                 "it contains no token; remove it to get one");
}

/* Continues after a match, so that the duration does not reveal which token it
 * was. */
const web_token *web_tokens_find(const web_tokens *tokens, const char *text,
                                 size_t len)
{
    const web_token *found = NULL;
    for (size_t i = 0; i < tokens->count; i++) {
        if (web_secret_is(&tokens->items[i].secret, text, len)) {
            found = &tokens->items[i];
        }
    }
    return found;
}

/* The file is written under another name first, so that nobody ever reads half
 * of it. Then it is linked rather than renamed: if two processes start at the
 * same time, the second must use the first one's token and not replace it. */
static int make_token(const char *path, web_secret *out, shmrpc_error *error)
{
    char temporary[4096];
    int len =
        snprintf(temporary, sizeof temporary, "%s.%d", path, (int)getpid());
    if (len < 0 || (size_t)len >= sizeof temporary) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "the token file's path is too long: %s", path);
    }
    if (!web_secret_make(out)) {
        return shmrpc_error_set(error, SHMRPC_E_UNAVAILABLE,
                                "the system has no random numbers for a token");
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
                   : shmrpc_error_set(error, SHMRPC_E_DENIED,
                                      "can't create a token file (%s): %s",
                                      strerror(reason), path);
}

/* O_NOFOLLOW, because a link that somebody else has put there names a file of
 * their choice. O_NONBLOCK, because opening a pipe would wait for a writer. */
int web_token_open(const char *path, web_tokens *out, shmrpc_error *error)
{
    web_token made = {.may = WEB_MAY_ALL};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT) {
        int status = make_token(path, &made.secret, error);
        if (status == SHMRPC_OK) {
            *out = (web_tokens){.items = {made}, .count = 1};
            return status;
        }
        /* Another process may have created the file meanwhile. */
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
        status = read_tokens(fd, path, out, error);
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
