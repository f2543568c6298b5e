/* Reads a file with limits, repairs its UTF-8, removes markup, finds the
 * title. */
#include "text.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "html.h"

typedef struct kind {
    const char *suffix; /* extension, without ".gz" */
    bool is_html;
} kind;

static const kind kinds[] = {
    {".txt", false},  {".text", false}, {".md", false}, {".rst", false},
    {".adoc", false}, {".html", true},  {".htm", true}, {".xhtml", true},
};

static bool ends_with(const char *name, size_t length, const char *suffix)
{
    const size_t n = strlen(suffix);
    return length > n && strncasecmp(name + length - n, suffix, n) == 0;
}

static const kind *kind_of(const char *path)
{
    size_t length = strlen(path);
    if (ends_with(path, length, ".gz")) {
        length -= 3;
    }
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (ends_with(path, length, kinds[i].suffix)) {
            return &kinds[i];
        }
    }
    return NULL;
}

/* Opens a regular file; never follows a link or waits for a pipe. */
static int open_regular(const char *path)
{
    struct stat status;
    const int fd =
        open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd >= 0 && (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) ||
                    status.st_size > MAX_TEXT_BYTES)) {
        close(fd);
        return -1;
    }
    return fd;
}

/* Reads all bytes, unpacked if they are gzipped; NULL on failure. Reads at most
 * MAX_TEXT_BYTES, so that a small file can't unpack to a huge one. */
static char *read_all(int fd, size_t *size)
{
    const gzFile file = gzdopen(fd, "rb");
    if (file == NULL) {
        close(fd);
        return NULL;
    }
    char *bytes = malloc(MAX_TEXT_BYTES + 1);
    int n = -1;
    if (bytes != NULL) {
        n = gzread(file, bytes, MAX_TEXT_BYTES + 1);
    }
    if (gzclose(file) != Z_OK || n <= 0 || n > MAX_TEXT_BYTES) {
        free(bytes);
        return NULL;
    }
    *size = (size_t)n;
    return bytes;
}

/* Returns the length of the UTF-8 character at p, or 0 if it is invalid:
 * overlong, a surrogate, or above U+10FFFF. */
static size_t character(const unsigned char *p, const unsigned char *end)
{
    static const unsigned long least[] = {0, 0, 0x80, 0x800, 0x10000};
    const size_t n = p[0] < 0x80             ? 1
                     : (p[0] & 0xe0) == 0xc0 ? 2
                     : (p[0] & 0xf0) == 0xe0 ? 3
                     : (p[0] & 0xf8) == 0xf0 ? 4
                                             : 0;
    if (n <= 1 || (size_t)(end - p) < n) {
        return n == 1 ? 1 : 0;
    }
    unsigned long code = p[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
        code = code << 6 | (p[i] & 0x3fu);
    }
    const bool good = code >= least[n] && code <= 0x10ffff &&
                      (code < 0xd800 || code > 0xdfff);
    return good ? n : 0;
}

/* Whether the character at p is a control character (C0, DEL, C1), which a
 * terminal might interpret. White space does not count as one. */
static bool is_control(const unsigned char *p, size_t n)
{
    return (n == 1 && (*p < 0x20 || *p == 0x7f) &&
            strchr("\t\n\r\f", *p) == NULL) ||
           (n == 2 && p[0] == 0xc2 && p[1] < 0xa0);
}

void text_repair(char *bytes, size_t size)
{
    unsigned char *p = (unsigned char *)bytes;
    unsigned char *const end = p + size;
    while (p < end) {
        const size_t n = character(p, end);
        if (n == 0 || is_control(p, n)) {
            memset(p, '?', n == 0 ? 1 : n);
        }
        p += n == 0 ? 1 : n;
    }
}

/* Takes the first line with text as title, without '#', '=' and similar
 * signs. */
static void title_of(const text *t, char title[MAX_TITLE_BYTES + 1])
{
    const char *p = t->bytes + strspn(t->bytes, " \t\r\n#=*-/+_~");
    size_t n = strcspn(p, "\r\n");
    if (n > MAX_TITLE_BYTES) {
        n = MAX_TITLE_BYTES;
    }
    /* Do not cut within a character. */
    while (n > 0 && ((unsigned char)p[n] & 0xc0) == 0x80) {
        n--;
    }
    memcpy(title, p, n);
    title[n] = '\0';
}

bool text_read(text *out, const char *path)
{
    const kind *const k = kind_of(path);
    const int fd = k != NULL ? open_regular(path) : -1;
    text t = {0};
    if (fd < 0) {
        return false;
    }
    t.bytes = read_all(fd, &t.size);
    if (t.bytes == NULL || memchr(t.bytes, '\0', t.size) != NULL) {
        free(t.bytes);
        return false;
    }
    text_repair(t.bytes, t.size);
    t.bytes[t.size] = '\0';
    t.is_html = k->is_html;
    if (t.is_html) {
        t.size = html_to_text(t.bytes, t.title, sizeof t.title);
    }
    if (t.title[0] == '\0') {
        title_of(&t, t.title);
    }
    if (t.title[0] == '\0') {
        text_fini(&t); /* it has no searchable text */
        return false;
    }
    *out = t;
    return true;
}

void text_fini(text *t)
{
    free(t->bytes);
    t->bytes = NULL;
}
