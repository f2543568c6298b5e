/* The columns, size and keys of a terminal. */
#define _XOPEN_SOURCE   700
#define _DEFAULT_SOURCE /* for TIOCGWINSZ, the size of the window */
#include "tools/shmrpc/terminal.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

/* ---- columns --------------------------------------------------------- */

/* Decodes the code point at `text`, and returns how many bytes it takes, at
 * least one. Overlong forms are not checked, since they only cause a wrong
 * width. mbrtowc would stop at the first bad byte. */
static size_t decode(const char *text, size_t len, wchar_t *out)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t more = at[0] >= 0xf0 ? 3 : at[0] >= 0xe0 ? 2 : at[0] >= 0xc0 ? 1 : 0;
    unsigned long code = more > 0 ? at[0] & (0x3fu >> more) : at[0];
    for (size_t i = 1; i <= more; i++) {
        if (i >= len || (at[i] & 0xc0) != 0x80) {
            *out = L'?';
            return 1;
        }
        code = code << 6 | (at[i] & 0x3f);
    }
    *out = (wchar_t)code;
    return more + 1;
}

/* The width of a character in columns, in the program's locale, which main()
 * has set to UTF-8. wcwidth is negative for control characters. */
static size_t columns_of(wchar_t c)
{
    int columns = wcwidth(c);
    return columns >= 0 ? (size_t)columns : 1;
}

size_t cli_columns_of(const char *text, size_t len)
{
    size_t columns = 0;
    for (size_t i = 0; i < len;) {
        wchar_t c;
        i += decode(text + i, len - i, &c);
        columns += columns_of(c);
    }
    return columns;
}

/* The length in bytes of the longest prefix that fits into that many columns;
 * no character is split. */
static size_t columns_cut(const char *text, size_t len, size_t columns)
{
    size_t used = 0;
    size_t end = 0;
    while (end < len) {
        wchar_t c;
        size_t bytes = decode(text + end, len - end, &c);
        used += columns_of(c);
        if (used > columns) {
            break;
        }
        end += bytes;
    }
    return end;
}

/* printf can't do this, because its widths count bytes. */
void cli_columns_pad(shmrpci_buf *out, const char *text, size_t columns)
{
    size_t len = columns_cut(text, strlen(text), columns);
    size_t used = cli_columns_of(text, len);
    shmrpci_buf_append(out, text, len);
    for (; used < columns; used++) {
        shmrpci_buf_append_char(out, ' ');
    }
}

/* ---- the screen ------------------------------------------------------ */

/* Queries the size each time, because it may change. */
void cli_screen_size(size_t *rows, size_t *columns)
{
    struct winsize size = {.ws_row = 0};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) {
        size = (struct winsize){.ws_row = 0};
    }
    *rows = size.ws_row;
    *columns = size.ws_col;
}

/* Clears the screen and writes from the top left, in one piece so that the
 * screen doesn't flicker. */
void cli_screen_fill(shmrpci_buf *out, const shmrpci_buf *text, size_t rows,
                     size_t columns)
{
    const char *at = (const char *)text->data;
    const char *end = at + text->len;
    shmrpci_buf_append_text(out, "\033[H\033[J");
    for (size_t row = 0; at < end && (rows == 0 || row < rows); row++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t len = (size_t)((newline != NULL ? newline : end) - at);
        /* No newline after the last row, which would scroll. */
        shmrpci_buf_append_text(out, row > 0 ? "\n" : "");
        shmrpci_buf_append(out, at,
                           columns > 0 ? columns_cut(at, len, columns) : len);
        at += len + (newline != NULL);
    }
}

/* ---- keys ------------------------------------------------------------ */

/* Signals stay enabled, so Ctrl-C and Ctrl-Z work as usual. The first state is
 * kept, so that entering again doesn't save our own settings. */
bool cli_keys_enter(cli_keys *keys)
{
    if (!keys->is_on && tcgetattr(STDIN_FILENO, &keys->before) != 0) {
        return false;
    }
    struct termios now = keys->before;
    now.c_lflag &= (tcflag_t) ~(ICANON | ECHO);
    now.c_cc[VMIN] = 1;
    now.c_cc[VTIME] = 0;
    keys->is_on = tcsetattr(STDIN_FILENO, TCSANOW, &now) == 0;
    return keys->is_on;
}

void cli_keys_leave(cli_keys *keys)
{
    if (keys->is_on) {
        (void)tcsetattr(STDIN_FILENO, TCSANOW, &keys->before);
        keys->is_on = false;
    }
}

/* Never blocks. */
int cli_keys_next(void)
{
    char key;
    struct pollfd entry = {.fd = STDIN_FILENO, .events = POLLIN};
    if (poll(&entry, 1, 0) <= 0) {
        return 0;
    }
    ssize_t got = read(STDIN_FILENO, &key, 1);
    if (got == 1) {
        return (unsigned char)key;
    }
    return got < 0 && errno == EINTR ? 0 : -1;
}
