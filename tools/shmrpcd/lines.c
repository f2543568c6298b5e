/* Splits streams into lines. */
#include "tools/shmrpcd/lines.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

/* A level is only searched for in this many bytes at the beginning of a
 * line. */
#define LOOK_BYTES 80u

/* ---- levels ---------------------------------------------------------- */

/* Level words of common loggers, in lower case, as is_word compares. */
static const struct {
    const char *word;
    mgr_level level;
} words[] = {
    {"trace", MGR_LEVEL_DEBUG},    {"debug", MGR_LEVEL_DEBUG},
    {"info", MGR_LEVEL_INFO},      {"notice", MGR_LEVEL_NOTICE},
    {"warn", MGR_LEVEL_WARNING},   {"warning", MGR_LEVEL_WARNING},
    {"err", MGR_LEVEL_ERROR},      {"error", MGR_LEVEL_ERROR},
    {"crit", MGR_LEVEL_CRITICAL},  {"critical", MGR_LEVEL_CRITICAL},
    {"fatal", MGR_LEVEL_CRITICAL}, {"panic", MGR_LEVEL_CRITICAL},
    {"alert", MGR_LEVEL_CRITICAL}, {"emerg", MGR_LEVEL_CRITICAL},
    {"abort", MGR_LEVEL_CRITICAL},
};

/* Reads the digits of a number up to the character `end`. Returns the position
 * after `end`, or NULL if the number is malformed. */
static const char *take_number(const char *at, const char *stop, int base,
                               char end, uint64_t *out)
{
    static const char digits[] = "0123456789abcdef";
    uint64_t value = 0;
    for (int count = 0; at < stop && count <= 16; at++, count++) {
        if (*at == end) {
            *out = value;
            return at + 1;
        }
        const char *digit = memchr(digits, *at, (size_t)base);
        if (digit == NULL) {
            return NULL;
        }
        value = value * (uint64_t)base + (uint64_t)(digit - digits);
    }
    return NULL;
}

/* Reads the mark at the beginning of a line: "<3>", as programs write it for
 * systemd, or "<3;71;1f>" of shmrpc_log, with the thread and the call that it
 * serves. Returns its length, or 0 if there is none. */
static size_t read_mark(const char *text, size_t len, mgr_line *out)
{
    /* The index is the severity of syslog(3), from LOG_EMERG to LOG_DEBUG. */
    static const mgr_level levels[] = {MGR_LEVEL_CRITICAL, MGR_LEVEL_CRITICAL,
                                       MGR_LEVEL_CRITICAL, MGR_LEVEL_ERROR,
                                       MGR_LEVEL_WARNING,  MGR_LEVEL_NOTICE,
                                       MGR_LEVEL_INFO,     MGR_LEVEL_DEBUG};
    if (len < 3 || text[0] != '<' || text[1] < '0' || text[1] > '7') {
        return 0;
    }
    size_t mark = text[2] == '>' ? 3 : 0;
    if (text[2] == ';') {
        const char *stop = text + len;
        uint64_t thread = 0;
        uint64_t call = 0;
        const char *at = take_number(text + 3, stop, 10, ';', &thread);
        at = at != NULL ? take_number(at, stop, 16, '>', &call) : NULL;
        if (at == NULL || thread > INT32_MAX) {
            return 0;
        }
        out->thread = (int32_t)thread;
        out->call = call;
        mark = (size_t)(at - text);
    }
    if (mark > 0) {
        out->level = levels[text[1] - '0'];
    }
    return mark;
}

/* Compares without regard to case: `word` is in lower case, and `text` has only
 * letters. */
static bool is_word(const char *text, size_t len, const char *word)
{
    for (size_t i = 0; i < len; i++) {
        if (tolower((unsigned char)text[i]) != word[i]) {
            return false; /* also if `word` ends too early */
        }
    }
    return word[len] == '\0';
}

/* A word counts as a level if the character behind it marks it as one, or if it
 * is written in capitals. */
static bool is_mark(const char *text, size_t len, char behind)
{
    bool capitals = true;
    for (size_t i = 0; i < len; i++) {
        capitals = capitals && isupper((unsigned char)text[i]) != 0;
    }
    return behind == ':' || behind == ']' || behind == '|' ||
           (capitals && (behind == ' ' || behind == '\0' || behind == ')'));
}

/* The first level word counts, so "info: no error: ..." is an info. A time or a
 * name may precede it. */
mgr_level mgr_level_of(const char *text, size_t len)
{
    mgr_line marked;
    if (read_mark(text, len, &marked) > 0) {
        return marked.level;
    }
    size_t end = len < LOOK_BYTES ? len : LOOK_BYTES;
    for (size_t i = 0; i < end;) {
        size_t word = 0;
        while (i + word < end && isalpha((unsigned char)text[i + word])) {
            word++;
        }
        char behind = i + word < len ? text[i + word] : '\0';
        for (size_t k = 0; word > 0 && k < sizeof words / sizeof *words; k++) {
            if (is_word(text + i, word, words[k].word) &&
                is_mark(text + i, word, behind)) {
                return words[k].level;
            }
        }
        i += word + 1;
    }
    return MGR_LEVEL_INFO;
}

/* ---- text ------------------------------------------------------------ */

/* Whether a UTF-8 character may be shown unchanged. */
static bool is_harmless(const uint8_t *at, size_t len)
{
    if (len == 1) {
        return (at[0] >= 0x20 && at[0] != 0x7f) || at[0] == '\t';
    }
    if (len == 2) {
        return !(at[0] == 0xc2 && at[1] < 0xa0) && /* U+0080 to U+009F */
               !(at[0] == 0xd8 && at[1] == 0x9c);  /* U+061C */
    }
    if (len == 3 && at[0] == 0xe2 && at[1] == 0x80) {
        return !(at[2] == 0x8e || at[2] == 0x8f ||  /* U+200E, U+200F */
                 (at[2] >= 0xa8 && at[2] <= 0xae)); /* U+2028 to U+202E */
    }
    return !(len == 3 && at[0] == 0xe2 && at[1] == 0x81 && at[2] >= 0xa6 &&
             at[2] <= 0xa9); /* U+2066 to U+2069 */
}

/* The length of a character; `first` is known to begin valid UTF-8. */
static size_t char_len(uint8_t first)
{
    return first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/* Appends one character, or its bytes as \xHH. Returns false if there is no
 * room. */
static bool put(const uint8_t *at, size_t len, bool as_it_is, char *out,
                size_t *used)
{
    size_t need = as_it_is ? len : 4 * len;
    if (need > MGR_LINE_BYTES - *used) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (as_it_is) {
            out[(*used)++] = (char)at[i];
        } else {
            static const char digits[] = "0123456789abcdef";
            const char escaped[] = {'\\', 'x', digits[at[i] >> 4],
                                    digits[at[i] & 15]};
            memcpy(out + *used, escaped, sizeof escaped);
            *used += sizeof escaped;
        }
    }
    return true;
}

/* `valid` is the end of the prefix that was checked already, so that each byte
 * is checked only once. An escape is never cut: if it doesn't fit as a whole,
 * the text ends before it. */
size_t mgr_text_inert(const char *data, size_t len, char *out, bool *truncated)
{
    const uint8_t *at = (const uint8_t *)data;
    const uint8_t *end = at + len;
    const uint8_t *valid = at;
    size_t used = 0;
    while (at < end) {
        if (at == valid) {
            valid += shmrpci_utf8_valid_prefix(at, (size_t)(end - at));
        }
        bool is_valid = at < valid;
        size_t one = is_valid ? char_len(*at) : 1;
        if (!put(at, one, is_valid && is_harmless(at, one), out, &used)) {
            *truncated = true;
            return used;
        }
        at += one;
        valid = valid < at ? at : valid;
    }
    return used;
}

/* ---- lines ----------------------------------------------------------- */

/* Reports a complete line, without its mark and without a carriage return
 * before the newline. Carriage returns inside the line are escaped. */
static void tell(mgr_lines *lines, mgr_on_line *on_line, void *user)
{
    char text[MGR_LINE_BYTES];
    size_t len = lines->len;
    if (len > 0 && lines->bytes[len - 1] == '\r') {
        len--;
    }
    mgr_line line = {.unix_ms = lines->unix_ms,
                     .origin = lines->origin,
                     .truncated = lines->is_long,
                     .text = text};
    size_t mark = read_mark(lines->bytes, len, &line);
    if (mark == 0) {
        line.level = mgr_level_of(lines->bytes, len);
    }
    line.len =
        mgr_text_inert(lines->bytes + mark, len - mark, text, &line.truncated);
    on_line(user, &line);
    lines->len = 0;
    lines->is_long = false;
}

/* Drops bytes for which there is no room, up to the newline. A line has the
 * time of its first byte. */
static void append(mgr_lines *lines, const char *data, size_t len,
                   int64_t unix_ms)
{
    size_t room = sizeof lines->bytes - lines->len;
    if (lines->len == 0) {
        lines->unix_ms = unix_ms;
    }
    if (len > room) {
        lines->is_long = true;
        len = room;
    }
    memcpy(lines->bytes + lines->len, data, len);
    lines->len += len;
}

/* An empty line is reported, too. */
void mgr_lines_feed(mgr_lines *lines, const void *data, size_t len,
                    int64_t unix_ms, mgr_on_line *on_line, void *user)
{
    const char *at = data;
    const char *end = at + len;
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t part = (size_t)((newline != NULL ? newline : end) - at);
        append(lines, at, part, unix_ms);
        if (newline == NULL) {
            return;
        }
        tell(lines, on_line, user);
        at = newline + 1;
    }
}

/* A line that is too long is not flushed, because the dropped rest of it would
 * be taken for a new line. */
void mgr_lines_flush(mgr_lines *lines, mgr_on_line *on_line, void *user)
{
    if (lines->len > 0 && !lines->is_long) {
        tell(lines, on_line, user);
    }
}

void mgr_lines_end(mgr_lines *lines, mgr_on_line *on_line, void *user)
{
    if (lines->len > 0) {
        tell(lines, on_line, user);
    }
}
