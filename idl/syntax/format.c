/* Formatting: arranges tokens and comments in lines. */
#include "idl/syntax/format.h"

#include <string.h>

#include "grammar.h"
#include "idl/load.h"
#include "idl/syntax/format_lines.h"

#define INDENT 2

/* ---- elements ---- */

typedef struct elements {
    format_element *items; /* a last item of kind 0 follows */
    size_t count;          /* without that last item */
} elements;

static bool is_blank_char(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static void add_element(elements *list, int kind, const char *text, size_t len,
                        unsigned breaks)
{
    while (len > 0 && is_blank_char(text[len - 1])) {
        len--;
    }
    list->items[list->count++] = (format_element){
        .kind = kind, .text = text, .len = len, .breaks = breaks};
}

/* Adds the comments between two tokens; returns the number of line ends after
 * the last comment, which precede the next token. */
static unsigned add_comments(elements *list, const char *at, const char *end)
{
    unsigned breaks = 0;
    while (at < end) {
        if (*at == '/') {
            const char *stop = memchr(at, '\n', (size_t)(end - at));
            stop = stop != NULL ? stop : end;
            add_element(list, FORMAT_COMMENT, at, (size_t)(stop - at), breaks);
            breaks = 0;
            at = stop;
        } else {
            breaks += *at == '\n' && breaks < 2;
            at++;
        }
    }
    return breaks;
}

static size_t count_comments(const idl_source *source)
{
    size_t count = 0;
    for (uint32_t i = 0; i + 1 < source->len; i++) {
        count += source->text[i] == '/' && source->text[i + 1] == '/';
    }
    return count;
}

static elements find_elements(const idl_source *source, idl_diags *diags)
{
    idl_tokens tokens = idl_lex(source, diags->memory, diags);
    elements list = {.count = 0};
    list.items =
        IDL_NEW_ARRAY(diags->memory, tokens.count + count_comments(source) + 1,
                      format_element);
    const char *at = source->text;
    for (size_t i = 0; i < tokens.count; i++) {
        const idl_token *token = &tokens.items[i];
        const char *begin = source->text + token->span.begin;
        unsigned breaks = add_comments(&list, at, begin);
        add_element(&list, token->kind, begin,
                    token->span.end - token->span.begin, breaks);
        at = source->text + token->span.end;
    }
    list.count--;
    return list;
}

/* ---- lines ---- */

typedef struct builder {
    const format_element *elements;
    size_t at; /* index of the next element */
    format_text text;
    unsigned indent;
    bool block_begins; /* the last line opened a block: no empty line follows */
} builder;

static int kind_at(const builder *b, size_t i)
{
    return b->elements[i].kind;
}

/* Adds a line with one cell: the elements from `from` up to, but not including,
 * b->at. */
static format_line *add_line(builder *b, size_t from, format_class class)
{
    format_line *line = &b->text.lines[b->text.line_count++];
    *line = (format_line){.indent = b->indent,
                          .class = class,
                          .blank = b->elements[from].breaks > 1 &&
                                   !b->block_begins && from > 0,
                          .starts = {from, b->at},
                          .cell_count = 1};
    b->block_begins = false;
    return line;
}

/* If a comment follows on the same line of the source, adds it to `line`. */
static void take_comment(builder *b, format_line *line)
{
    const format_element *next = &b->elements[b->at];
    if (next->kind == FORMAT_COMMENT && next->breaks == 0) {
        line->comment = next;
        b->at++;
    }
}

/* Splits the line's last cell before element `at`. */
static void cut(format_line *line, size_t at)
{
    line->starts[line->cell_count + 1] = line->starts[line->cell_count];
    line->starts[line->cell_count++] = at;
}

static size_t find_kind(const builder *b, size_t from, size_t to, int kind)
{
    while (from < to && kind_at(b, from) != kind) {
        from++;
    }
    return from;
}

static bool has_comment(const builder *b, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        if (format_is_comment(&b->elements[i])) {
            return true;
        }
    }
    return false;
}

/* ---- before an item ---- */

static size_t behind_comments(const builder *b, size_t i)
{
    while (format_is_comment(&b->elements[i])) {
        i++;
    }
    return i;
}

/* Skips one annotation. */
static void skip_annotation(builder *b)
{
    size_t name = behind_comments(b, b->at + 1);
    size_t i = behind_comments(b, name + 1);
    b->at = name + 1;
    size_t depth = kind_at(b, i) == TK_LP;
    while (depth > 0 && kind_at(b, i) != 0) {
        i++;
        depth += kind_at(b, i) == TK_LP;
        depth -= kind_at(b, i) == TK_RP;
        b->at = i + 1;
    }
}

/* Puts the next annotations on a line of their own. Those that shared a line in
 * the source stay together; their declaration goes to another line. */
static void put_annotations(builder *b)
{
    size_t from = b->at;
    do {
        skip_annotation(b);
    } while (kind_at(b, b->at) == TK_AT && b->elements[b->at].breaks == 0);
    take_comment(b, add_line(b, from, FORMAT_NEUTRAL));
}

/* Adds comments, documentation and annotations before an item, or before the
 * end of a block. Returns true if the item must follow on the same line. */
static bool put_leading(builder *b)
{
    bool pinned = false; /* documentation stays with its declaration */
    for (;;) {
        format_line *line = &b->text.lines[b->text.line_count];
        int kind = kind_at(b, b->at);
        if (format_is_comment(&b->elements[b->at])) {
            b->at++;
            (void)add_line(b, b->at - 1, FORMAT_NEUTRAL);
        } else if (kind == TK_AT) {
            put_annotations(b);
        } else {
            return pinned;
        }
        line->blank = line->blank && !pinned;
        pinned = pinned || kind != FORMAT_COMMENT;
    }
}

/* ---- items ---- */

/* The index of the `;` or `{` that ends the item beginning at b->at. */
static size_t find_item_end(const builder *b)
{
    size_t i = b->at;
    while (kind_at(b, i) != TK_SEMI && kind_at(b, i) != TK_LB &&
           kind_at(b, i) != 0) {
        i++;
    }
    return i;
}

/* The index of the `}` of the block that begins at element `open`. */
static size_t find_close(const builder *b, size_t open)
{
    size_t depth = 0;
    for (size_t i = open;; i++) {
        depth += kind_at(b, i) == TK_LB;
        depth -= kind_at(b, i) == TK_RB;
        if (depth == 0 || kind_at(b, i) == 0) {
            return i;
        }
    }
}

/* Whether the block is on one line and fits there. */
static bool is_on_one_line(const builder *b, size_t open, size_t close)
{
    if (close == open + 1) {
        return true;
    }
    for (size_t i = open + 1; i <= close; i++) {
        if (b->elements[i].breaks > 0 || format_is_comment(&b->elements[i])) {
            return false;
        }
    }
    return b->indent + format_width(b->elements, b->at, close + 1) <=
           IDL_FORMAT_WIDTH;
}

/* Cuts a field into cells: `[tag:] type`, `name`, `[= value];`. */
static void cut_field(const builder *b, format_line *line, size_t end)
{
    size_t from = line->starts[0];
    size_t type = kind_at(b, from + 1) == TK_COLON ? from + 2 : from;
    size_t name = find_kind(b, from, end, TK_EQ) - 1;
    if (name > type) {
        cut(line, type);
        cut(line, name);
        line->class = FORMAT_FIELD;
    }
}

static bool is_shared(int kind)
{
    return kind == TK_QUEUE || kind == TK_TOPIC || kind == TK_PIPE ||
           kind == TK_DICT || kind == TK_VALUE;
}

/* Cuts a shared object into cells: `queue T`, `name`, `{ ... }`. */
static void cut_shared(format_line *line, size_t end)
{
    cut(line, end - 1);
    cut(line, end);
    line->class = FORMAT_SHARED;
}

/* Cuts an item of a service: a method into the cells `json` and `name(...);`,
 * or a shared object. A setting stays one cell. */
static void cut_service_item(const builder *b, format_line *line, size_t end)
{
    size_t from = line->starts[0];
    switch (kind_at(b, from)) {
    case TK_ONEWAY:
        line->loose = true;
        line->class = FORMAT_METHOD;
        cut(line, from + 2);
        break;
    case TK_RAW:
    case TK_JSON:
    case TK_MSGPACK:
    case TK_NATIVE:
        line->class = FORMAT_METHOD;
        cut(line, from + 1);
        break;
    default:
        if (is_shared(kind_at(b, from))) {
            cut_shared(line, end);
        }
        break;
    }
}

/* Splits an item into cells. `block` is the keyword of the enclosing block, 0
 * for a file; `end` is its `;` or `{`. */
static void cut_item(const builder *b, format_line *line, int block, size_t end)
{
    size_t from = line->starts[0];
    int kind = kind_at(b, from);
    if (has_comment(b, from, end)) {
        return;
    }
    if (block == TK_SERVICE) {
        cut_service_item(b, line, end);
    } else if (block == TK_ENUM && kind != TK_RESERVED) {
        line->class = FORMAT_ENUM_ITEM;
        cut(line, from + 1);
    } else if ((block == TK_STRUCT || block == TK_UNION || block == TK_ERROR) &&
               kind != TK_RESERVED) {
        cut_field(b, line, end);
    } else if (block == 0 && is_shared(kind)) {
        cut_shared(line, end);
    } else if (block == 0 && line->one_line) {
        line->class = FORMAT_RECORD;
        cut(line, end);
    }
}

static void put_items(builder *b, int block);

/* Adds the lines of a block after its `{`, which is already in place. */
static void put_block(builder *b, int word)
{
    b->indent += INDENT;
    b->block_begins = true;
    put_items(b, word);
    b->indent -= INDENT;
    if (kind_at(b, b->at) == TK_RB) {
        b->at++;
        b->block_begins = true; /* suppresses an empty line before a `}` */
        take_comment(b, add_line(b, b->at - 1, FORMAT_ALONE));
    }
}

static void put_item(builder *b, int block)
{
    size_t from = b->at;
    size_t end = find_item_end(b);
    size_t close = end;
    bool is_block = kind_at(b, end) == TK_LB;
    bool one_line = false;
    if (is_block) {
        close = find_close(b, end);
        one_line = is_on_one_line(b, end, close);
    }
    b->at = (is_block && !one_line ? end : close) + 1;
    format_line *line = add_line(b, from, FORMAT_ALONE);
    line->one_line = is_block && one_line;
    cut_item(b, line, block, end);
    take_comment(b, line);
    if (is_block && !one_line) {
        put_block(b, kind_at(b, from));
    }
}

static void put_items(builder *b, int block)
{
    for (;;) {
        bool pinned = put_leading(b);
        int kind = kind_at(b, b->at);
        if (kind == TK_RB || kind == 0) {
            return;
        }
        format_line *line = &b->text.lines[b->text.line_count];
        put_item(b, block);
        line->blank = line->blank && !pinned;
    }
}

/* ---- comparing input and output ------------------------------------------ */

/* Whether both texts have the same tokens and comments. */
static bool is_same(const elements *a, const elements *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++) {
        same = a->items[i].kind == b->items[i].kind &&
               a->items[i].len == b->items[i].len &&
               memcmp(a->items[i].text, b->items[i].text, a->items[i].len) == 0;
    }
    return same;
}

/* ---- entry point --------------------------------------------------------- */

static void format_elements(const elements *list, idl_memory *memory,
                            shmrpci_buf *out)
{
    builder b = {.elements = list->items};
    b.text.elements = list->items;
    b.text.lines = IDL_NEW_ARRAY(memory, list->count + 1, format_line);
    put_items(&b, 0);
    format_print(&b.text, memory, out);
}

static shmrpc_status format(const idl_source *source, idl_diags *diags,
                            shmrpci_buf *out)
{
    (void)idl_parse(source, diags);
    if (diags->error_count > 0) {
        return SHMRPC_E_INVALID;
    }
    idl_diags unused;
    idl_diags_init(&unused);
    unused.memory = diags->memory;
    shmrpci_buf text;
    idl_buf_init(&text, diags->memory);
    elements before = find_elements(source, &unused);
    format_elements(&before, diags->memory, &text);
    const idl_source *made =
        idl_load_memory(source->path, shmrpci_buf_text(&text), text.len, diags);
    if (made == NULL) {
        return SHMRPC_E_INVALID; /* with the new spaces it is too large */
    }
    elements after = find_elements(made, &unused);
    if (!is_same(&before, &after)) {
        return SHMRPC_E_INTERNAL;
    }
    shmrpci_buf_append(out, text.data, text.len);
    return out->status;
}

shmrpc_status idl_format(const char *path, const char *text, size_t len,
                         shmrpci_arena *arena, idl_diags *diags,
                         shmrpci_buf *out)
{
    idl_memory memory = {.arena = arena};
    diags->memory = &memory;
    if (setjmp(memory.exhausted) != 0) {
        diags->memory = NULL;
        return SHMRPC_E_NO_MEMORY;
    }
    const idl_source *source = idl_load_memory(path, text, len, diags);
    shmrpc_status status =
        source != NULL ? format(source, diags, out) : SHMRPC_E_INVALID;
    idl_diags_sort(diags);
    diags->memory = NULL;
    return status;
}
