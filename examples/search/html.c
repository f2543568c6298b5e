/* Converts in one pass, in place: the output is never longer than the input
 * read so far. */
#include "html.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef struct page {
    const char *in;
    char *start;
    char *out;
    char *title_start; /* start of the title's text while in <title>, else
                        * NULL */
    char *title;
    size_t title_room;
} page;

typedef struct entity {
    const char *name;
    const char *text;
} entity;

/* Entities are replaced in place, because each text is shorter than its entity
 * with '&' and ';'. */
static const entity entities[] = {
    {"amp", "&"},
    {"lt", "<"},
    {"gt", ">"},
    {"quot", "\""},
    {"apos", "'"},
    {"nbsp", " "},
    {"mdash", "\xe2\x80\x94"},
    {"ndash", "\xe2\x80\x93"},
    {"hellip", "\xe2\x80\xa6"},
    {"copy", "\xc2\xa9"},
    {"lsquo", "\xe2\x80\x98"},
    {"rsquo", "\xe2\x80\x99"},
    {"ldquo", "\xe2\x80\x9c"},
    {"rdquo", "\xe2\x80\x9d"},
};

/* Inline tags, which do not begin a new line. */
static const char *const inline_tags[] = {
    "a",      "abbr", "b",   "big", "cite", "code", "em",    "font",
    "i",      "img",  "kbd", "q",   "s",    "samp", "small", "span",
    "strong", "sub",  "sup", "tt",  "u",    "var",  "wbr",
};

/* Elements whose content is not text for readers. */
static const char *const silent_tags[] = {"script", "style"};

static bool is_one_of(const char *name, size_t length, const char *const *names,
                      size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strlen(names[i]) == length &&
            strncasecmp(names[i], name, length) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_tag(const char *name, size_t length, const char *tag)
{
    return is_one_of(name, length, &tag, 1);
}

/* Folds white space to one space, or to one line break if it contains one. */
static void put_space(page *p, char space)
{
    if (p->out == p->start) {
        return;
    }
    if (p->out[-1] == ' ' && space == '\n') {
        p->out[-1] = '\n';
    } else if (p->out[-1] != ' ' && p->out[-1] != '\n') {
        *p->out++ = space;
    }
}

/* Writes a character given by number. It takes at most 4 bytes, and the
 * shortest reference, "&#0;", has 4: so the output never overtakes the
 * input. */
static void put_character(page *p, unsigned long code)
{
    if (code < 0x20 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) {
        put_space(p, ' ');
    } else if (code < 0x80) {
        *p->out++ = (char)code;
    } else if (code < 0x800) {
        *p->out++ = (char)(0xc0 | code >> 6);
        *p->out++ = (char)(0x80 | (code & 0x3f));
    } else {
        if (code < 0x10000) {
            *p->out++ = (char)(0xe0 | code >> 12);
        } else {
            *p->out++ = (char)(0xf0 | code >> 18);
            *p->out++ = (char)(0x80 | (code >> 12 & 0x3f));
        }
        *p->out++ = (char)(0x80 | (code >> 6 & 0x3f));
        *p->out++ = (char)(0x80 | (code & 0x3f));
    }
}

static void put_text(page *p, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == ' ') {
            put_space(p, ' ');
        } else {
            *p->out++ = *text;
        }
    }
}

/* Replaces the entity that begins at the '&'. If it is not a known entity,
 * copies the '&'. */
static void take_entity(page *p)
{
    const char *const name = p->in + 1;
    const size_t length = strcspn(name, "; \t\r\n<&");
    if (name[length] != ';') {
        *p->out++ = *p->in++;
        return;
    }
    if (name[0] == '#') {
        const bool hex = name[1] == 'x' || name[1] == 'X';
        put_character(p, strtoul(name + (hex ? 2 : 1), NULL, hex ? 16 : 10));
        p->in = name + length + 1;
        return;
    }
    for (size_t i = 0; i < sizeof entities / sizeof *entities; i++) {
        if (strlen(entities[i].name) == length &&
            strncmp(entities[i].name, name, length) == 0) {
            put_text(p, entities[i].text);
            p->in = name + length + 1;
            return;
        }
    }
    *p->out++ = *p->in++;
}

/* Returns the position after the element's end tag, or the end of the text. */
static const char *skip_element(const char *in, const char *name, size_t length)
{
    while ((in = strstr(in, "</")) != NULL) {
        in += 2;
        if (strncasecmp(in, name, length) == 0) {
            in += strcspn(in, ">");
            return in + (*in == '>' ? 1 : 0);
        }
    }
    return NULL;
}

static const char *skip_comment(const char *in)
{
    const char *const end = strstr(in, "-->");
    return end != NULL ? end + 3 : NULL;
}

static void end_title(page *p)
{
    size_t n = (size_t)(p->out - p->title_start);
    if (n >= p->title_room) {
        n = p->title_room - 1;
        /* Do not cut within a character. */
        while (n > 0 && ((unsigned char)p->title_start[n] & 0xc0) == 0x80) {
            n--;
        }
    }
    memcpy(p->title, p->title_start, n);
    p->title[n] = '\0';
    p->title_start = NULL;
}

/* Reads the tag or comment that begins at the '<'. */
static void take_tag(page *p)
{
    if (strncmp(p->in, "<!--", 4) == 0) {
        const char *const end = skip_comment(p->in);
        p->in = end != NULL ? end : p->in + strlen(p->in);
        return;
    }
    const bool closes = p->in[1] == '/';
    const char *const name = p->in + (closes ? 2 : 1);
    if (!isalpha((unsigned char)*name) && *name != '!' && *name != '?') {
        *p->out++ = *p->in++; /* not a tag, as in "a < b" */
        return;
    }
    const size_t length = strcspn(name, " \t\r\n/>");
    p->in = name + strcspn(name, ">");
    p->in += *p->in == '>' ? 1 : 0;
    if (closes && p->title_start != NULL && is_tag(name, length, "title")) {
        end_title(p);
    }
    if (!is_one_of(name, length, inline_tags,
                   sizeof inline_tags / sizeof *inline_tags)) {
        put_space(p, '\n');
    }
    if (!closes && is_tag(name, length, "title")) {
        p->title_start = p->out;
    }
    if (!closes && is_one_of(name, length, silent_tags, 2)) {
        const char *const end = skip_element(p->in, name, length);
        p->in = end != NULL ? end : p->in + strlen(p->in);
    }
}

size_t html_to_text(char *html, char *title, size_t title_room)
{
    page p = {.in = html,
              .start = html,
              .out = html,
              .title = title,
              .title_room = title_room};
    title[0] = '\0';
    while (*p.in != '\0') {
        if (*p.in == '<') {
            take_tag(&p);
        } else if (*p.in == '&') {
            take_entity(&p);
        } else if (isspace((unsigned char)*p.in)) {
            put_space(&p, *p.in == '\n' ? '\n' : ' ');
            p.in++;
        } else {
            *p.out++ = *p.in++;
        }
    }
    *p.out = '\0';
    return (size_t)(p.out - p.start);
}
