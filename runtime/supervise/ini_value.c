/* Converts the text of a value to the type of its key. */
#include "supervise/ini_parser.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpus.h"
#include "base/quantity.h"

typedef struct reader {
    shmrpci_ini_parser *p;
    const shmrpci_ini_row *row;
    shmrpci_ini_place place;
    shmrpci_ini_value *out;
} reader;

static bool refuse(const reader *r, const char *text, const char *expected)
{
    shmrpci_ini_report(r->p, r->place, "`%.64s` for `%s` (expected %s)", text,
                       r->row->name, expected);
    return false;
}

/* ---- numbers ------------------------------------------------------------- */

static bool in_range(const shmrpci_ini_row *row, uint64_t value)
{
    return value >= row->least && value <= row->most;
}

static bool read_count(const shmrpci_ini_row *row, const char *text,
                       uint64_t *out, char expected[SHMRPCI_INI_EXPECTED_BYTES])
{
    static const shmrpci_unit units[] = {{"", 1}};
    bool whole = strchr(text, '.') == NULL;
    (void)snprintf(
        expected, SHMRPCI_INI_EXPECTED_BYTES, "a whole number of %llu to %llu",
        (unsigned long long)row->least, (unsigned long long)row->most);
    return whole && shmrpci_quantity_read(text, units, 1, out) &&
           in_range(row, *out);
}

/* Writes to `expected` what is expected, with the allowed range. */
static void expect_range(const shmrpci_ini_row *row, const char *what,
                         void (*format)(uint64_t value, char out[32]),
                         char expected[SHMRPCI_INI_EXPECTED_BYTES])
{
    char least[32];
    char most[32];
    bool is_open = row->most == INT64_MAX;
    format(row->least, least);
    format(row->most, most);
    (void)snprintf(expected, SHMRPCI_INI_EXPECTED_BYTES, "%s, %s%s%s%s", what,
                   is_open ? "" : "of ", least, is_open ? " or more" : " to ",
                   is_open ? "" : most);
}

/* Writes a number of bytes like "64M", for messages. */
static void format_bytes(uint64_t bytes, char out[32])
{
    static const char *const units[] = {"", "K", "M", "G", "T"};
    size_t i = 0;
    for (; bytes >= 1024 && bytes % 1024 == 0 && i < 4; i++) {
        bytes /= 1024;
    }
    (void)snprintf(out, 32, "%llu%s", (unsigned long long)bytes, units[i]);
}

static bool read_bytes(const shmrpci_ini_row *row, const char *text,
                       uint64_t *out, char expected[SHMRPCI_INI_EXPECTED_BYTES])
{
    static const shmrpci_unit units[] = {{"", 1},
                                         {"K", 1u << 10},
                                         {"M", 1u << 20},
                                         {"G", 1u << 30},
                                         {"T", UINT64_C(1) << 40},
                                         {"KiB", 1u << 10},
                                         {"MiB", 1u << 20},
                                         {"GiB", 1u << 30},
                                         {"TiB", UINT64_C(1) << 40}};
    expect_range(row, "bytes, as in 500M or 2G", format_bytes, expected);
    return shmrpci_quantity_read(text, units, sizeof units / sizeof *units,
                                 out) &&
           in_range(row, *out);
}

static bool read_percent(const shmrpci_ini_row *row, const char *text,
                         uint64_t *out,
                         char expected[SHMRPCI_INI_EXPECTED_BYTES])
{
    static const shmrpci_unit units[] = {{"", 1000}, {"%", 1000}, {" %", 1000}};
    (void)snprintf(expected, SHMRPCI_INI_EXPECTED_BYTES,
                   "a percentage of 1 to 100");
    return shmrpci_quantity_read(text, units, 3, out) && in_range(row, *out);
}

static void format_time(uint64_t ns, char out[32])
{
    static const char *const units[] = {"ns", "us", "ms", "s"};
    size_t i = 0;
    for (; ns >= 1000 && ns % 1000 == 0 && i < 3; i++) {
        ns /= 1000;
    }
    (void)snprintf(out, 32, "%llu%s", (unsigned long long)ns,
                   ns == 0 ? "s" : units[i]);
}

static bool read_time(const shmrpci_ini_row *row, const char *text,
                      uint64_t *out, char expected[SHMRPCI_INI_EXPECTED_BYTES])
{
    expect_range(row, "seconds, or a time like 250ms or 5m", format_time,
                 expected);
    return shmrpci_duration_read(text, out) && in_range(row, *out);
}

/* Reads a signed number. The limits in the row are signed too. */
static bool read_whole(const shmrpci_ini_row *row, const char *text,
                       uint64_t *out, char expected[SHMRPCI_INI_EXPECTED_BYTES])
{
    char *end;
    bool starts = isdigit((unsigned char)text[text[0] == '-' ? 1 : 0]) != 0;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    *out = (uint64_t)value;
    (void)snprintf(expected, SHMRPCI_INI_EXPECTED_BYTES,
                   "a whole number of %lld to %lld", (long long)row->least,
                   (long long)row->most);
    return starts && *end == '\0' && errno == 0 &&
           value >= (int64_t)row->least && value <= (int64_t)row->most;
}

static bool read_octal(const shmrpci_ini_row *row, const char *text,
                       uint64_t *out, char expected[SHMRPCI_INI_EXPECTED_BYTES])
{
    size_t len = strspn(text, "01234567");
    (void)snprintf(
        expected, SHMRPCI_INI_EXPECTED_BYTES, "an octal number of %llo to %llo",
        (unsigned long long)row->least, (unsigned long long)row->most);
    *out = len > 0 && len < 8 ? strtoull(text, NULL, 8) : UINT64_MAX;
    return text[len] == '\0' && in_range(row, *out);
}

bool shmrpci_ini_number(shmrpci_ini_key key, const char *text, uint64_t *out,
                        char expected[SHMRPCI_INI_EXPECTED_BYTES])
{
    typedef bool number_reader(const shmrpci_ini_row *row, const char *text,
                               uint64_t *out, char *expected);
    static number_reader *const readers[] = {
        [SHMRPCI_INI_COUNT] = read_count,     [SHMRPCI_INI_BYTES] = read_bytes,
        [SHMRPCI_INI_PERCENT] = read_percent, [SHMRPCI_INI_TIME] = read_time,
        [SHMRPCI_INI_WHOLE] = read_whole,     [SHMRPCI_INI_OCTAL] = read_octal,
    };
    const shmrpci_ini_row *row = &shmrpci_ini_rows[key];
    if (row->choices != NULL && strcmp(text, row->choices) == 0) {
        *out = SHMRPCI_INI_UNLIMITED;
        return true;
    }
    bool good = readers[row->type](row, text, out, expected);
    if (row->choices != NULL) {
        size_t used = strlen(expected);
        (void)snprintf(expected + used, SHMRPCI_INI_EXPECTED_BYTES - used,
                       ", or %s", row->choices);
    }
    return good;
}

static bool read_number(const reader *r, const char *text)
{
    char expected[SHMRPCI_INI_EXPECTED_BYTES];
    shmrpci_ini_key key = (shmrpci_ini_key)(r->row - shmrpci_ini_rows);
    return shmrpci_ini_number(key, text, &r->out->u.number, expected) ||
           refuse(r, text, expected);
}

/* ---- words --------------------------------------------------------------- */

static bool same_but_case(const char *a, const char *b)
{
    for (; *a != '\0' && *b != '\0'; a++, b++) {
        char lower = *a >= 'A' && *a <= 'Z' ? (char)(*a - 'A' + 'a') : *a;
        if (lower != *b) {
            return false;
        }
    }
    return *a == *b;
}

static bool read_bool(const reader *r, const char *text)
{
    static const char *const words[] = {"false", "true", "no", "yes",
                                        "off",   "on",   "0",  "1"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (same_but_case(text, words[i])) {
            r->out->u.flag = i % 2 == 1;
            return true;
        }
    }
    return refuse(r, text, "true or false");
}

static bool read_choice(const reader *r, const char *text)
{
    char words[128];
    const char *names[8];
    size_t count = 0;
    (void)snprintf(words, sizeof words, "%s", r->row->choices);
    for (char *at = words; *at != '\0' && count < 8; count++) {
        names[count] = at;
        at += strcspn(at, " ");
        if (*at == ' ') {
            *at++ = '\0';
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], text) == 0) {
            r->out->u.number = i;
            return true;
        }
    }
    shmrpci_ini_report(r->p, r->place,
                       "`%.64s` for `%s` (expected one of: %s)%s", text,
                       r->row->name, r->row->choices,
                       shmrpci_ini_nearest(r->p, text, names, count));
    return false;
}

/* ---- texts --------------------------------------------------------------- */

const char *shmrpci_ini_path(shmrpci_ini_parser *p,
                             const shmrpci_ini_file *file, const char *path)
{
    const char *slash = file != NULL ? strrchr(file->path, '/') : NULL;
    if (path[0] == '/' || slash == NULL) {
        return path;
    }
    const char *whole = shmrpci_arena_printf(
        p->arena, "%.*s/%s", (int)(slash - file->path), file->path, path);
    p->no_memory = p->no_memory || whole == NULL;
    return whole != NULL ? whole : "";
}

/* Returns the path of a value, which is relative to the folder of the file. */
static const char *path_of(const reader *r, const char *text)
{
    const char *path = shmrpci_ini_path(r->p, r->place.file, text);
    const char *base = r->p->opts->working_directory;
    if (path[0] == '/' || base == NULL) {
        return path;
    }
    const char *whole = shmrpci_arena_printf(r->p->arena, "%s/%s", base, path);
    r->p->no_memory = r->p->no_memory || whole == NULL;
    return whole != NULL ? whole : "";
}

static bool read_text(const reader *r, const char *text)
{
    r->out->u.text = text;
    return text[0] != '\0' || refuse(r, text, "a text");
}

static bool read_path(const reader *r, const char *text)
{
    r->out->u.text = path_of(r, text);
    return text[0] != '\0' || refuse(r, text, "a path");
}

/* Whether the text names a Python module: "echoserver" or "shop.server:Shop".
 */
static bool is_module(const char *text)
{
    bool begins = true; /* at the start of a part, where a letter is required */
    bool has_class = false;
    for (const char *at = text; *at != '\0'; at++) {
        bool is_letter = (*at >= 'a' && *at <= 'z') ||
                         (*at >= 'A' && *at <= 'Z') || *at == '_';
        bool is_digit = *at >= '0' && *at <= '9';
        bool ends = *at == ':' ? !has_class : *at == '.' && !has_class;
        if (begins ? !is_letter : !(is_letter || is_digit || ends)) {
            return false;
        }
        has_class = has_class || *at == ':';
        begins = !is_letter && !is_digit;
    }
    return !begins;
}

static bool read_library(const reader *r, const char *text)
{
    size_t len = strlen(text);
    if (len > 3 && strcmp(text + len - 3, ".so") == 0) {
        return read_path(r, text);
    }
    r->out->u.text = text;
    return is_module(text) ||
           refuse(r, text,
                  "the path of a shared library, path.so, or a module of "
                  "Python, module:Class");
}

/* ---- lists --------------------------------------------------------------- */

typedef struct list {
    const char **items;
    size_t count;
} list;

/* Allocates a list for as many items as `text` can hold. */
static bool list_new(const reader *r, const char *text, list *out)
{
    *out = (list){.items = shmrpci_ini_alloc(r->p, strlen(text) / 2 + 2,
                                             sizeof *out->items)};
    return out->items != NULL;
}

static void list_done(const reader *r, const list *l)
{
    r->out->u.list = (shmrpci_ini_list){l->items, l->count};
}

static bool read_words(const reader *r, const char *text)
{
    list l;
    if (!list_new(r, text, &l)) {
        return false;
    }
    for (const char *at = text;; at++) {
        size_t len = strcspn(at, ",");
        const char *begin = at + strspn(at, " \t");
        const char *end = at + len;
        while (end > begin && (end[-1] == ' ' || end[-1] == '\t')) {
            end--;
        }
        if (end == begin) {
            return refuse(r, text, "words, separated by commas");
        }
        l.items[l.count++] =
            shmrpci_ini_text(r->p, begin, (size_t)(end - begin));
        at += len;
        if (*at == '\0') {
            break;
        }
    }
    list_done(r, &l);
    return true;
}

/* Reads one word of a command. Quotes hold blanks together; a backslash makes
 * the next character literal, except between single quotes. Returns NULL if a
 * quote is not closed. */
static const char *read_argument(const char *at, char *out, size_t *len)
{
    char quote = '\0';
    *len = 0;
    for (; *at != '\0' && (quote != '\0' || (*at != ' ' && *at != '\t'));
         at++) {
        if (*at == quote) {
            quote = '\0';
        } else if (quote == '\0' && (*at == '"' || *at == '\'')) {
            quote = *at;
        } else if (*at == '\\' && quote != '\'' && at[1] != '\0') {
            out[(*len)++] = *++at;
        } else {
            out[(*len)++] = *at;
        }
    }
    return quote == '\0' ? at : NULL;
}

/* Reads words separated by blanks. */
static bool read_arguments(const reader *r, const char *text, list *out)
{
    char *word = shmrpci_ini_alloc(r->p, strlen(text) + 1, 1);
    if (word == NULL || !list_new(r, text, out)) {
        return false;
    }
    const char *at = text + strspn(text, " \t");
    while (*at != '\0') {
        size_t len;
        at = read_argument(at, word, &len);
        if (at == NULL) {
            return refuse(r, text, "a quote at its end");
        }
        out->items[out->count++] = shmrpci_ini_text(r->p, word, len);
        at += strspn(at, " \t");
    }
    return true;
}

static bool read_command(const reader *r, const char *text)
{
    list l;
    if (!read_arguments(r, text, &l)) {
        return false;
    }
    if (l.count == 0 || l.items[0][0] == '\0') {
        return refuse(r, text, "a program and its arguments");
    }
    /* A program without a slash is searched for in PATH. */
    if (strchr(l.items[0], '/') != NULL) {
        l.items[0] = path_of(r, l.items[0]);
    }
    list_done(r, &l);
    return true;
}

/* Variables that the manager itself sets, so that the file must not. */
static bool is_reserved(const char *variable, size_t len)
{
    static const char *const names[] = {"NOTIFY_SOCKET", "SHMRPC_OPTIONS",
                                        "SHMRPC_ORDERS", "SHMRPCD_OF"};
    bool is = false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        is = is ||
             (strlen(names[i]) == len && memcmp(names[i], variable, len) == 0);
    }
    return is;
}

static bool read_variables(const reader *r, const char *text)
{
    list l;
    if (!read_arguments(r, text, &l)) {
        return false;
    }
    for (size_t i = 0; i < l.count; i++) {
        const char *item = l.items[i];
        size_t len = strcspn(item, "=");
        size_t letters = strspn(item,
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "abcdefghijklmnopqrstuvwxyz0123456789_");
        if (len == 0 || letters != len || item[len] == '\0' ||
            isdigit((unsigned char)item[0])) {
            return refuse(r, item, "NAME=value, with a blank before the next");
        }
        if (is_reserved(item, len)) {
            return refuse(r, item,
                          "another name: this variable is the manager's");
        }
    }
    list_done(r, &l);
    return l.count > 0 || refuse(r, text, "NAME=value");
}

static bool read_cpus(const reader *r, const char *text)
{
    shmrpci_cpus cpus;
    r->out->u.text = text;
    return shmrpci_cpus_read(text, &cpus) ||
           refuse(r, text, "CPUs by number, as in 0-3,6");
}

bool shmrpci_ini_value_read(shmrpci_ini_parser *p, shmrpci_ini_key key,
                            const char *text, shmrpci_ini_place place,
                            shmrpci_ini_value *out)
{
    static bool (*const readers[])(const reader *r, const char *text) = {
        [SHMRPCI_INI_BOOL] = read_bool,
        [SHMRPCI_INI_COUNT] = read_number,
        [SHMRPCI_INI_BYTES] = read_number,
        [SHMRPCI_INI_PERCENT] = read_number,
        [SHMRPCI_INI_TIME] = read_number,
        [SHMRPCI_INI_CHOICE] = read_choice,
        [SHMRPCI_INI_TEXT] = read_text,
        [SHMRPCI_INI_PATH] = read_path,
        [SHMRPCI_INI_LIBRARY] = read_library,
        [SHMRPCI_INI_WHOLE] = read_number,
        [SHMRPCI_INI_OCTAL] = read_number,
        [SHMRPCI_INI_CPU_LIST] = read_cpus,
        [SHMRPCI_INI_COMMAND] = read_command,
        [SHMRPCI_INI_VARIABLES] = read_variables,
        [SHMRPCI_INI_WORDS] = read_words,
        [SHMRPCI_INI_SERVICES] = read_words,
    };
    const shmrpci_ini_row *row = &shmrpci_ini_rows[key];
    const reader r = {.p = p, .row = row, .place = place, .out = out};
    return readers[row->type](&r, text);
}
