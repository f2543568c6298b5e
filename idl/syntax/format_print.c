/* Formatting: spaces between tokens, columns, and long lines. */
#include "grammar.h"
#include "idl/syntax/format.h"
#include "idl/syntax/format_lines.h"

/* A cell wider than this is printed beyond its column instead of widening
 * it. */
#define MAX_COLUMN 32

/* Parameters are aligned with the first parameter if it begins at column
 * MAX_HANG or before it; otherwise they are indented by CONTINUATION spaces. */
#define MAX_HANG     60
#define CONTINUATION 4

bool format_is_comment(const format_element *element)
{
    return element->kind == FORMAT_COMMENT || element->kind == TK_DOC;
}

/* ---- spaces -------------------------------------------------------------- */

static bool is_tight_before(int kind)
{
    return kind == TK_SEMI || kind == TK_COMMA || kind == TK_RP ||
           kind == TK_RBR || kind == TK_GT || kind == TK_LP || kind == TK_LBR ||
           kind == TK_LT || kind == TK_DOT || kind == TK_RANGE;
}

static bool is_tight_after(int kind)
{
    return kind == TK_LP || kind == TK_LBR || kind == TK_LT || kind == TK_DOT ||
           kind == TK_RANGE || kind == TK_MINUS || kind == TK_AT;
}

/* Whether a space stands before elements[i] if `first` begins the line. */
static bool has_blank(const format_element *elements, size_t first, size_t i)
{
    int kind = elements[i].kind;
    int before = elements[i - 1].kind;
    if (kind == TK_COLON) { /* `enum Name : u8`, but `1: u8 x` */
        return i >= first + 2 && elements[i - 2].kind == TK_ENUM;
    }
    if (kind == TK_RB && before == TK_LB) {
        return false;
    }
    return !is_tight_before(kind) && !is_tight_after(before);
}

static size_t count_chars(const char *text, size_t len)
{
    size_t count = 0;
    for (size_t i = 0; i < len; i++) {
        count += ((unsigned char)text[i] & 0xC0) != 0x80;
    }
    return count;
}

static size_t element_width(const format_element *element)
{
    return count_chars(element->text, element->len);
}

/* The width of a cell with the elements [from, to). The space before its first
 * element does not count: it belongs to the gap between the cells, and depends
 * on the cell before. */
static size_t width_in(const format_element *elements, size_t first,
                       size_t from, size_t to)
{
    size_t width = 0;
    for (size_t i = from; i < to; i++) {
        width += i > from && has_blank(elements, first, i);
        width += element_width(&elements[i]);
    }
    return width;
}

size_t format_width(const format_element *elements, size_t from, size_t to)
{
    return width_in(elements, from, from, to);
}

/* ---- columns ---- */

/* The widths of the columns that a group of lines shares. */
typedef struct columns {
    size_t widths[FORMAT_MAX_CELLS];
} columns;

static size_t line_end(const format_line *line)
{
    return line->starts[line->cell_count];
}

static size_t cell_width(const format_text *text, const format_line *line,
                         size_t cell)
{
    return width_in(text->elements, line->starts[0], line->starts[cell],
                    line->starts[cell + 1]);
}

static bool is_beside(const format_line *line, size_t cell, size_t width)
{
    return width > MAX_COLUMN || (cell == 0 && line->loose);
}

/* The index after the group that begins with line `from`. */
static size_t group_end(const format_text *text, size_t from)
{
    const format_line *first = &text->lines[from];
    size_t i = from + 1;
    while (i < text->line_count && first->class > FORMAT_ALONE &&
           !text->lines[i].blank && text->lines[i].indent == first->indent &&
           (text->lines[i].class == first->class ||
            text->lines[i].class == FORMAT_NEUTRAL)) {
        i++;
    }
    return i;
}

/* The index after the block that contains line `from`. */
static size_t block_end(const format_text *text, size_t from)
{
    size_t i = from;
    while (i < text->line_count &&
           text->lines[i].indent >= text->lines[from].indent) {
        i++;
    }
    return i;
}

static columns measure(const format_text *text, size_t from, size_t to)
{
    columns found = {.widths = {0}};
    for (size_t i = from; i < to; i++) {
        const format_line *line = &text->lines[i];
        if (line->class != text->lines[from].class) {
            continue;
        }
        for (size_t c = 0; c + 1 < line->cell_count; c++) {
            size_t width = cell_width(text, line, c);
            if (!is_beside(line, c, width) && width > found.widths[c]) {
                found.widths[c] = width;
            }
        }
    }
    return found;
}

/* The number of spaces after cell `c`, which is `width` wide. */
static size_t gap_behind(const format_text *text, const format_line *line,
                         const columns *shared, size_t c, size_t width)
{
    size_t next = line->starts[c + 1];
    bool closes = text->elements[next].kind == TK_SEMI;
    bool blank = width > 0 && has_blank(text->elements, line->starts[0], next);
    if (closes || shared->widths[c] == 0) {
        return blank;
    }
    size_t pad = shared->widths[c] > width ? shared->widths[c] - width : 0;
    return pad + (blank || width == 0);
}

/* The width of the line if it is not broken; 0 if it must be broken. */
static size_t full_width(const format_text *text, const format_line *line,
                         const columns *shared)
{
    size_t width = line->indent;
    for (size_t c = 0; c < line->cell_count; c++) {
        size_t cell = cell_width(text, line, c);
        width += cell;
        if (c + 1 < line->cell_count) {
            width += gap_behind(text, line, shared, c, cell);
        }
    }
    for (size_t i = line->starts[0]; i + 1 < line_end(line); i++) {
        if (format_is_comment(&text->elements[i])) {
            return 0;
        }
    }
    return width <= IDL_FORMAT_WIDTH || line->one_line ? width : 0;
}

/* ---- one line ---- */

typedef struct printer {
    const format_text *text;
    const format_line *line;
    shmrpci_buf *out;
    bool may_break;
    size_t column;
    size_t parens;
    size_t angles;
    size_t hang; /* the column after the first parenthesis */
} printer;

static void put_blanks(printer *p, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        shmrpci_buf_append_char(p->out, ' ');
    }
    p->column += count;
}

static void put_break(printer *p)
{
    size_t indent = p->line->indent + CONTINUATION;
    if (p->parens > 0 && p->hang <= MAX_HANG) {
        indent = p->hang;
    }
    shmrpci_buf_append_char(p->out, '\n');
    p->column = 0;
    put_blanks(p, indent);
}

/* A line may be broken after a comma that isn't inside a type or an annotation,
 * and before `->` and `throws`. */
static bool can_break(const printer *p, size_t i)
{
    int kind = p->text->elements[i].kind;
    int before = p->text->elements[i - 1].kind;
    return p->may_break && p->angles == 0 &&
           ((before == TK_COMMA && p->parens <= 1) ||
            (p->parens == 0 && (kind == TK_ARROW || kind == TK_THROWS)));
}

/* Width of the characters from elements[i] to the next place where the line may
 * be broken. */
static size_t chunk_width(const printer *p, size_t i)
{
    const format_element *elements = p->text->elements;
    printer ahead = *p;
    size_t first = i;
    size_t end = line_end(p->line);
    size_t width = 0;
    for (; i < end; i++) {
        if (i > first &&
            (can_break(&ahead, i) || format_is_comment(&elements[i]))) {
            break;
        }
        width += element_width(&elements[i]);
        width += i > first && has_blank(elements, p->line->starts[0], i);
        ahead.parens += elements[i].kind == TK_LP;
        ahead.parens -= elements[i].kind == TK_RP && ahead.parens > 0;
        ahead.angles += elements[i].kind == TK_LT;
        ahead.angles -= elements[i].kind == TK_GT && ahead.angles > 0;
    }
    return width;
}

static void put_element(printer *p, size_t i)
{
    const format_element *element = &p->text->elements[i];
    shmrpci_buf_append(p->out, element->text, element->len);
    p->column += element_width(element);
    if (element->kind == TK_LP) {
        p->hang = p->parens == 0 ? p->column : p->hang;
        p->parens++;
    }
    p->parens -= element->kind == TK_RP && p->parens > 0;
    p->angles += element->kind == TK_LT;
    p->angles -= element->kind == TK_GT && p->angles > 0;
}

/* Prints the space between elements[i - 1] and elements[i] of one line. */
static void put_gap(printer *p, size_t i, size_t blanks)
{
    const format_element *element = &p->text->elements[i];
    if (format_is_comment(element)) {
        if (element->breaks > 0 || format_is_comment(element - 1)) {
            put_break(p);
        } else {
            put_blanks(p, 1);
        }
    } else if (format_is_comment(element - 1)) {
        put_break(p);
    } else if (can_break(p, i) &&
               p->column + blanks + chunk_width(p, i) > IDL_FORMAT_WIDTH) {
        put_break(p);
    } else {
        put_blanks(p, blanks);
    }
}

static void put_line(const format_text *text, const format_line *line,
                     const columns *shared, shmrpci_buf *out)
{
    printer p = {
        .text = text, .line = line, .out = out, .may_break = !line->one_line};
    shmrpci_buf_append_text(out, line->blank ? "\n" : "");
    put_blanks(&p, line->indent);
    for (size_t c = 0; c < line->cell_count; c++) {
        size_t width = cell_width(text, line, c);
        for (size_t i = line->starts[c]; i < line->starts[c + 1]; i++) {
            if (i > line->starts[c]) {
                put_gap(&p, i, has_blank(text->elements, line->starts[0], i));
            }
            put_element(&p, i);
        }
        if (c + 1 < line->cell_count) {
            put_blanks(&p, gap_behind(text, line, shared, c, width));
        }
    }
}

/* ---- comments at the ends of lines ---- */

/* The column of the comments of neighbouring lines. */
typedef struct margin {
    size_t end; /* index after the last of these lines */
    size_t column;
} margin;

static margin find_margin(const size_t *widths, const format_text *text,
                          size_t from)
{
    margin found = {.end = from};
    for (; found.end < text->line_count; found.end++) {
        const format_line *line = &text->lines[found.end];
        if (line->comment == NULL || widths[found.end] == 0 ||
            (found.end > from && line->blank)) {
            break;
        }
        if (widths[found.end] > found.column) {
            found.column = widths[found.end];
        }
    }
    return found;
}

static void put_comment(const format_line *line, size_t width, size_t column,
                        shmrpci_buf *out)
{
    if (line->comment != NULL) {
        for (size_t i = width; i < column; i++) {
            shmrpci_buf_append_char(out, ' ');
        }
        shmrpci_buf_append_char(out, ' ');
        shmrpci_buf_append(out, line->comment->text, line->comment->len);
    }
    shmrpci_buf_append_char(out, '\n');
}

/* ---- all lines ----------------------------------------------------------- */

/* Computes the columns and the width of each line. All methods of a service
 * share columns; other lines share columns only with their neighbours. */
static void lay_out(const format_text *text, columns *shared, size_t *widths)
{
    columns methods = {.widths = {0}};
    size_t methods_end = 0;
    size_t end = 0;
    for (size_t i = 0; i < text->line_count; i++) {
        if (text->lines[i].class == FORMAT_METHOD && i >= methods_end) {
            methods_end = block_end(text, i);
            methods = measure(text, i, methods_end);
        }
        if (i >= end) {
            end = group_end(text, i);
            shared[i] = measure(text, i, end);
        } else {
            shared[i] = shared[i - 1];
        }
        if (text->lines[i].class == FORMAT_METHOD) {
            shared[i] = methods;
        }
        widths[i] = full_width(text, &text->lines[i], &shared[i]);
    }
}

void format_print(const format_text *text, idl_memory *memory, shmrpci_buf *out)
{
    size_t count = text->line_count;
    columns *shared = IDL_NEW_ARRAY(memory, count + 1, columns);
    size_t *widths = IDL_NEW_ARRAY(memory, count + 1, size_t);
    lay_out(text, shared, widths);
    margin comments = {.end = 0};
    for (size_t i = 0; i < count; i++) {
        if (i >= comments.end) {
            comments = find_margin(widths, text, i);
        }
        put_line(text, &text->lines[i], &shared[i], out);
        put_comment(&text->lines[i], widths[i],
                    i < comments.end ? comments.column : 0, out);
    }
}
