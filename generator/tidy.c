/* Tidy: blank lines, comments and long lines of generated C. */
#include "generator/tidy.h"

#include <stdbool.h>
#include <string.h>

#define MAX_NESTING    32
#define UTF8_MAX_BYTES 4
/* The last column of an opening parenthesis to which the arguments of a call
 * are aligned. If the parenthesis is further right, the whole value after ` = `
 * starts on a new line. */
#define MAX_ALIGNMENT 44

typedef struct line {
    const char *text;
    size_t len;
    size_t indent;
} line;

static void append_blanks(shmrpci_buf *out, size_t count)
{
    uint8_t *at = shmrpci_buf_extend(out, count);
    if (at != NULL) {
        memset(at, ' ', count);
    }
}

/* Whether the byte is the first one of a UTF-8 character. */
static bool is_first(char byte)
{
    return ((unsigned char)byte & 0xc0) != 0x80;
}

/* The width of UTF-8 text, one column per character. Works on eight bytes at a
 * time, because it runs repeatedly over every line that is too long. */
static size_t columns(const char *text, size_t len)
{
    size_t count = len;
    size_t i = 0;
    for (uint64_t word; i + sizeof word <= len; i += sizeof word) {
        memcpy(&word, text + i, sizeof word);
        uint64_t later = (word >> 7) & ~(word >> 6) & 0x0101010101010101u;
        count -= (size_t)(later * 0x0101010101010101u >> 56);
    }
    for (; i < len; i++) {
        count -= !is_first(text[i]);
    }
    return count;
}

/* The next byte that matters for literals, parentheses or breaks; or `end`. */
static const char *next_mark(const char *at, const char *end)
{
    static const bool marks[256] = {
        ['"'] = true, ['\''] = true, ['('] = true, [')'] = true,
        ['{'] = true, ['}'] = true,  [','] = true, ['|'] = true,
    };
    while (at < end && !marks[(unsigned char)*at]) {
        at++;
    }
    return at;
}

static bool is_comment(const line *l)
{
    const char *at = l->text + l->indent;
    size_t left = l->len - l->indent;
    return (left >= 2 && memcmp(at, "* ", 2) == 0) ||
           (left >= 3 && memcmp(at, "/* ", 3) == 0);
}

/* Where to break `text`, whose first byte is in column `before`: at the last
 * space that fits, or if none fits at the first space. Only spaces at or after
 * offset `first` count, except the space before the end of the comment. Returns
 * 0 if there is none. */
static size_t comment_break(const char *text, size_t len, size_t before,
                            size_t first)
{
    size_t cut = 0;
    size_t column = before;
    for (size_t i = 0; i + 1 < len; column += is_first(text[i++])) {
        if (cut != 0 && column > GEN_TIDY_COLUMNS) {
            break;
        }
        bool ends = len - i == 3 && memcmp(text + i, " */", 3) == 0;
        if (i >= first && text[i] == ' ' && !ends) {
            cut = i;
        }
    }
    return cut;
}

/* The length without spaces at the end, which can be two, because two spaces
 * may separate sentences. */
static size_t without_blanks(const char *text, size_t len)
{
    while (len > 0 && text[len - 1] == ' ') {
        len--;
    }
    return len;
}

/* Breaks a comment into lines at the last space that fits. */
static void append_comment(const line *l, shmrpci_buf *out)
{
    bool opens = l->text[l->indent] == '/';
    size_t margin = opens ? l->indent + 1 : l->indent;
    const char *rest = l->text;
    size_t left = l->len;
    size_t words = l->indent + (opens ? 3 : 2); /* column where words begin */
    size_t before = 0;                          /* width of the margin */
    while (before + columns(rest, left) > GEN_TIDY_COLUMNS) {
        size_t cut = comment_break(rest, left, before, words + 1);
        if (cut == 0) {
            break;
        }
        shmrpci_buf_append(out, rest, without_blanks(rest, cut));
        shmrpci_buf_append_char(out, '\n');
        append_blanks(out, margin);
        shmrpci_buf_append_text(out, "* ");
        rest += cut + 1;
        left -= cut + 1;
        before = margin + 2;
        words = 0;
    }
    shmrpci_buf_append(out, rest, left);
    shmrpci_buf_append_char(out, '\n');
}

/* A long line of code that is being printed. */
typedef struct wrapper {
    const char *at;
    const char *end;
    size_t column;            /* column at which `at` will be printed */
    size_t open[MAX_NESTING]; /* columns after the open parentheses */
    size_t depth;
} wrapper;

/* The place after the string or character literal that begins at `at`. */
static const char *skip_literal(const char *at, const char *end)
{
    char quote = *at++;
    while (at < end && *at != quote) {
        at += *at == '\\' && at + 1 < end ? 2 : 1;
    }
    return at < end ? at + 1 : end;
}

/* Whether a string literal ends at `at` and another one follows. */
static bool joins_literals(const wrapper *w, const char *at)
{
    return w->end - at >= 2 && at[-1] == '"' && at[0] == ' ' && at[1] == '"';
}

/* The best place to break: between two string literals, else after a comma or
 * `|`. Of several, the place with the lowest nesting is best, and at equal
 * nesting the last one that fits. If none fits and the line is inside
 * parentheses, the first place is taken. NULL if there is no place. */
static const char *find_break(const wrapper *w)
{
    const char *best = NULL;
    size_t best_rank = MAX_NESTING;
    size_t depth = w->depth;
    const char *at = w->at;
    size_t column = w->column;
    while (at < w->end) {
        const char *mark = next_mark(at, w->end);
        column += columns(at, (size_t)(mark - at));
        at = mark;
        if (at == w->end ||
            (column >= GEN_TIDY_COLUMNS && (best != NULL || w->depth == 0))) {
            break;
        }
        if (*at == '"' || *at == '\'') {
            const char *literal = at;
            at = skip_literal(at, w->end);
            column += columns(literal, (size_t)(at - literal));
            if (joins_literals(w, at)) {
                bool fits = column <= GEN_TIDY_COLUMNS;
                return fits || best == NULL ? at : best;
            }
            continue;
        }
        depth += *at == '(' || *at == '{';
        depth -= (*at == ')' || *at == '}') && depth > 0;
        /* A break after `|` counts as one level deeper, so a comma of the same
         * level is preferred. */
        size_t rank = *at == '|' ? depth + 1 : depth;
        if ((*at == ',' || *at == '|') && at + 1 < w->end && at[1] == ' ' &&
            rank <= best_rank) {
            best = at + 1;
            best_rank = rank;
        }
        column++;
        at++;
    }
    return best;
}

/* Prints the text before `stop`, and keeps track of parentheses. */
static void advance(wrapper *w, const char *stop, shmrpci_buf *out)
{
    const char *at = next_mark(w->at, stop);
    for (; at < stop; at = next_mark(at, stop)) {
        if (*at == '"' || *at == '\'') {
            at = skip_literal(at, stop);
            continue;
        }
        if ((*at == '(' || *at == '{') && w->depth < MAX_NESTING) {
            size_t before = columns(w->at, (size_t)(at - w->at));
            w->open[w->depth++] = w->column + before + 1;
        } else if ((*at == ')' || *at == '}') && w->depth > 0) {
            w->depth--;
        }
        at++;
    }
    shmrpci_buf_append(out, w->at, (size_t)(stop - w->at));
    w->column += columns(w->at, (size_t)(stop - w->at));
    w->at = stop;
}

static void new_line(wrapper *w, size_t indent, shmrpci_buf *out)
{
    shmrpci_buf_append_char(out, '\n');
    append_blanks(out, indent);
    w->column = indent;
    while (w->at < w->end && *w->at == ' ') {
        w->at++;
    }
}

/* The first ` = ` of a line outside string literals, or NULL. */
static const char *find_assign(const line *l)
{
    const char *begin = l->text + l->indent;
    const char *end = l->text + l->len;
    const char *quote = memchr(begin, '"', (size_t)(end - begin));
    const char *stop = quote != NULL ? quote : end;
    const char *at = begin;
    while ((at = memchr(at, '=', (size_t)(stop - at))) != NULL) {
        if (at > begin && at[-1] == ' ' && stop - at > 1 && at[1] == ' ') {
            return at - 1;
        }
        at++;
    }
    return NULL;
}

/* The first opening parenthesis or brace at or after `from`, or NULL. A
 * parenthesis before an asterisk is skipped: in a pointer to a function,
 * `(*name)(...)`, the second parenthesis opens the arguments. */
static const char *find_open(const char *from, const char *end)
{
    from = next_mark(from, end);
    while (from < end && ((*from != '(' && *from != '{') ||
                          (end - from > 1 && from[1] == '*'))) {
        bool is_literal = *from == '"' || *from == '\'';
        from = next_mark(is_literal ? skip_literal(from, end) : from + 1, end);
    }
    return from < end ? from : NULL;
}

/* Whether the rest of the line has two adjacent string literals. */
static bool has_joint(const wrapper *w)
{
    const char *at = w->at;
    while ((at = next_mark(at, w->end)) < w->end) {
        if (*at != '"' && *at != '\'') {
            at++;
            continue;
        }
        at = skip_literal(at, w->end);
        if (joins_literals(w, at)) {
            return true;
        }
    }
    return false;
}

/* Width of the longest argument after the parenthesis `open`. */
static size_t longest_argument(const wrapper *w, const char *open)
{
    size_t longest = 0;
    size_t depth = 0;
    const char *start = open + 1;
    const char *at = start;
    while ((at = next_mark(at, w->end)) < w->end) {
        bool is_literal = *at == '"' || *at == '\'';
        const char *next = is_literal ? skip_literal(at, w->end) : at + 1;
        depth += *at == '(' || *at == '{';
        depth -= (*at == ')' || *at == '}') && depth > 0;
        if ((*at == ',' && depth == 0) || joins_literals(w, next)) {
            size_t len = columns(start, (size_t)(next - start));
            longest = len > longest ? len : longest;
            start = next + 1;
        }
        at = next;
    }
    if (start < w->end) {
        size_t len = columns(start, (size_t)(w->end - start));
        longest = len > longest ? len : longest;
    }
    return longest;
}

/* Whether text that begins in column `before` does not fit the line. */
static bool exceeds(size_t before, const char *text, const char *end)
{
    size_t len = (size_t)(end - text);
    return len > UTF8_MAX_BYTES * GEN_TIDY_COLUMNS ||
           before + columns(text, len) > GEN_TIDY_COLUMNS;
}

static bool is_too_long(const wrapper *w)
{
    return exceeds(w->column, w->at, w->end);
}

/* Breaks after ` = ` if the value then fits, or would otherwise begin far to
 * the right. */
static void break_assignment(wrapper *w, const line *l, size_t indent,
                             shmrpci_buf *out)
{
    const char *assign = find_assign(l);
    if (assign == NULL) {
        return;
    }
    const char *value = assign + 3;
    const char *open = find_open(value, w->end);
    bool fits = !exceeds(indent, value, w->end);
    if (fits || (open != NULL && (size_t)(open - l->text) > MAX_ALIGNMENT)) {
        advance(w, assign + 2, out);
        new_line(w, indent, out);
    }
}

/* Whether there is a comma outside of literals before `stop`. The line may be
 * broken at that comma. */
static bool has_comma(const char *at, const char *stop)
{
    while ((at = next_mark(at, stop)) < stop) {
        if (*at == ',') {
            return true;
        }
        bool is_literal = *at == '"' || *at == '\'';
        at = is_literal ? skip_literal(at, stop) : at + 1;
    }
    return false;
}

/* Breaks after the first parenthesis if an argument would not fit to its right.
 * If a comma comes before the parenthesis, the text is a list such as `1, F(2),
 * 3`, which is broken at its commas. */
static void break_arguments(wrapper *w, size_t indent, shmrpci_buf *out)
{
    const char *open = find_open(w->at, w->end);
    if (open == NULL || has_comma(w->at, open)) {
        return;
    }
    size_t alignment = w->column + columns(w->at, (size_t)(open + 1 - w->at));
    if (alignment + longest_argument(w, open) > GEN_TIDY_COLUMNS) {
        indent = w->column == indent ? indent + 4 : indent;
        advance(w, open + 1, out);
        w->open[w->depth - 1] = indent;
        new_line(w, indent, out);
    }
}

/* The last space that fits, for a line without a better place to break; or
 * NULL. */
static const char *find_blank(const wrapper *w, size_t indent)
{
    const char *best = NULL;
    size_t column = w->column;
    for (const char *at = w->at; at < w->end && *at != '"';
         column += is_first(*at++)) {
        if (*at == ' ' && column > indent && column <= GEN_TIDY_COLUMNS) {
            best = at;
        }
    }
    return best;
}

/* Prints the rest of a line that fits, and joins adjacent literals. */
static void append_joined(wrapper *w, shmrpci_buf *out)
{
    const char *at = w->at;
    while ((at = next_mark(at, w->end)) < w->end) {
        if (*at != '"' && *at != '\'') {
            at++;
            continue;
        }
        at = skip_literal(at, w->end);
        if (joins_literals(w, at)) {
            shmrpci_buf_append(out, w->at, (size_t)(at - w->at) - 1);
            w->at = at + 2;
        }
    }
    shmrpci_buf_append(out, w->at, (size_t)(w->end - w->at));
}

static void append_code(const line *l, shmrpci_buf *out)
{
    wrapper w = {.at = l->text, .end = l->text + l->len};
    size_t indent = l->indent + 4;
    if (is_too_long(&w)) {
        break_assignment(&w, l, indent, out);
    }
    if (is_too_long(&w)) {
        break_arguments(&w, indent, out);
    }
    bool broken = w.at != l->text;
    while (is_too_long(&w) || (broken && has_joint(&w))) {
        const char *stop = find_break(&w);
        size_t next = w.depth == 0 ? l->indent : 0;
        if (stop == NULL && w.depth == 0) {
            stop = find_blank(&w, indent);
            next = indent;
        }
        if (stop == NULL) {
            break;
        }
        advance(&w, stop, out);
        new_line(&w, w.depth > 0 ? w.open[w.depth - 1] : next, out);
        broken = true;
    }
    append_joined(&w, out);
    shmrpci_buf_append_char(out, '\n');
}

static line next_line(const char **at, const char *end)
{
    const char *stop = memchr(*at, '\n', (size_t)(end - *at));
    line l = {*at, (size_t)((stop != NULL ? stop : end) - *at), 0};
    *at = stop != NULL ? stop + 1 : end;
    while (l.len > 0 && strchr(" \t\r", l.text[l.len - 1]) != NULL) {
        l.len--;
    }
    while (l.indent < l.len && l.text[l.indent] == ' ') {
        l.indent++;
    }
    return l;
}

static bool closes(const line *l)
{
    return l->len > l->indent && l->text[l->indent] == '}';
}

/* Whether the line may contain adjacent string literals. */
static bool may_join(const line *l)
{
    const char *at = l->text;
    const char *end = l->text + l->len;
    while ((at = memchr(at, '"', (size_t)(end - at))) != NULL) {
        at++;
        if (end - at >= 2 && at[0] == ' ' && at[1] == '"') {
            return true;
        }
    }
    return false;
}

/* Whether there is nothing to break or join, as in most lines. */
static bool is_plain(const line *l)
{
    return l->len <= GEN_TIDY_COLUMNS && !may_join(l);
}

static void append_line(const line *l, shmrpci_buf *out)
{
    if (is_plain(l)) {
        shmrpci_buf_append(out, l->text, l->len);
        shmrpci_buf_append_char(out, '\n');
        return;
    }
    bool is_directive = l->text[l->indent] == '#';
    bool is_continued = l->text[l->len - 1] == '\\';
    bool fits = columns(l->text, l->len) <= GEN_TIDY_COLUMNS;
    if (is_directive || is_continued || (fits && is_comment(l))) {
        shmrpci_buf_append(out, l->text, l->len);
        shmrpci_buf_append_char(out, '\n');
    } else if (is_comment(l)) {
        append_comment(l, out);
    } else {
        append_code(l, out);
    }
}

void gen_tidy(gen_tidying *state, const char *text, size_t len,
              shmrpci_buf *out)
{
    const char *at = text;
    const char *end = text + len;
    while (at < end) {
        line l = next_line(&at, end);
        if (l.len == 0) {
            state->gap = true;
            continue;
        }
        if (state->gap && state->has_begun && !state->opens && !closes(&l)) {
            shmrpci_buf_append_char(out, '\n');
        }
        append_line(&l, out);
        state->gap = false;
        state->has_begun = true;
        state->opens = l.text[l.len - 1] == '{';
    }
}
