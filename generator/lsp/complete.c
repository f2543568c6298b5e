/*
 * Completion: offers the tokens that the parser would accept at the cursor, and
 * the names that fit there.
 *
 * The text before the word under the cursor is parsed alone; the parser's state
 * at its end says which keywords can follow, and whether a type or a value
 * can. What the parser can't know (annotations, errors after `throws`, items of
 * the enum that a value is for) is inferred from the words before.
 */
#include <string.h>

#include "generator/lsp/feature.h"
#include "idl/limits.h"
#include "idl/option.h"

/* LSP's CompletionItemKind. */
enum {
    KIND_PROPERTY = 10,
    KIND_ENUM = 13,
    KIND_KEYWORD = 14,
    KIND_ENUM_MEMBER = 20,
    KIND_CONSTANT = 21,
    KIND_STRUCT = 22,
    KIND_EVENT = 23,
    KIND_CLASS = 7
};

static const char *const builtin[] = {"bool", "i8",     "i16",   "i32", "i64",
                                      "u8",   "u16",    "u32",   "u64", "f32",
                                      "f64",  "string", "bytes", "any"};

typedef struct completion {
    lsp_context *cx;
    const lsp_query *query;
    const char *package;
    const char *text; /* text of the file */
    size_t start;     /* start of the word under the cursor, including its
                       * dotted prefix */
    char owner[IDL_MAX_PATH_BYTES + 1]; /* the part of the word before its
                                         * last dot */
    gen_value *list;
} completion;

static void add(completion *c, const char *label, int kind, const char *detail)
{
    if (!lsp_may_add(c->cx)) {
        return;
    }
    gen_tree *tree = c->cx->tree;
    gen_value *row = gen_push(c->list, gen_object(tree));
    gen_set(row, "label", gen_string(tree, label));
    gen_set(row, "kind", gen_int(tree, kind));
    if (detail != NULL) {
        gen_set(row, "detail", gen_string(tree, detail));
    }
}

/* ---- words before the cursor ---- */

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '_' || c == '.';
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static size_t word_start(const char *text, size_t at)
{
    while (at > 0 && is_word(text[at - 1])) {
        at--;
    }
    return at;
}

static size_t space_start(const char *text, size_t at)
{
    while (at > 0 && is_space(text[at - 1])) {
        at--;
    }
    return at;
}

/* Whether `at` is inside a comment or a string. */
static bool is_quoted(const char *text, size_t at)
{
    size_t i = at;
    while (i > 0 && text[i - 1] != '\n') {
        i--;
    }
    bool in_string = false;
    for (; i < at; i++) {
        if (in_string && text[i] == '\\') {
            i++;
        } else if (text[i] == '"') {
            in_string = !in_string;
        } else if (!in_string && text[i] == '/' && i + 1 < at &&
                   text[i + 1] == '/') {
            return true;
        }
    }
    return in_string;
}

/* Whether the word under the cursor is in the list after `throws`. */
static bool is_thrown(const completion *c)
{
    size_t at = space_start(c->text, c->start);
    while (at > 0 && c->text[at - 1] == ',') {
        at = word_start(c->text, space_start(c->text, at - 1));
        at = space_start(c->text, at);
    }
    size_t begin = word_start(c->text, at);
    return at - begin == 6 && memcmp(c->text + begin, "throws", 6) == 0;
}

/* ---- names ---- */

static bool is_visible(const completion *c, const idl_symbol *symbol)
{
    if (symbol->unit == c->query->unit) {
        return true;
    }
    for (size_t i = 0; i < c->query->unit->use_count; i++) {
        if (c->query->unit->uses[i].unit == symbol->unit) {
            return true;
        }
    }
    return false;
}

static const char *last_part(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot != NULL ? dot + 1 : path;
}

/* The text to insert for the symbol: without `package.` if that is already in
 * front of the cursor. NULL if the symbol doesn't fit. */
static const char *written(completion *c, const idl_symbol *symbol)
{
    const char *package = symbol->scope->package.name;
    if (c->owner[0] != '\0') {
        bool same = strcmp(c->owner, package) == 0 ||
                    strcmp(c->owner, last_part(package)) == 0;
        return same ? symbol->decl->name : NULL;
    }
    if (strcmp(package, c->package) == 0) {
        return symbol->decl->name;
    }
    return gen_format(c->cx->tree, "%s.%s", last_part(package),
                      symbol->decl->name)
        ->text;
}

typedef bool wanted(idl_symbol_kind kind);

static bool is_type(idl_symbol_kind kind)
{
    return kind == IDL_SYMBOL_ALIAS || kind == IDL_SYMBOL_ENUM ||
           kind == IDL_SYMBOL_STRUCT || kind == IDL_SYMBOL_UNION;
}

static bool is_value(idl_symbol_kind kind)
{
    return kind == IDL_SYMBOL_CONST;
}

static bool is_error(idl_symbol_kind kind)
{
    return kind == IDL_SYMBOL_ERROR;
}

static int kind_of(idl_symbol_kind kind)
{
    switch (kind) {
    case IDL_SYMBOL_CONST:
        return KIND_CONSTANT;
    case IDL_SYMBOL_ALIAS:
    case IDL_SYMBOL_SERVICE:
    case IDL_SYMBOL_SHARED:
        return KIND_CLASS;
    case IDL_SYMBOL_ENUM:
        return KIND_ENUM;
    case IDL_SYMBOL_STRUCT:
    case IDL_SYMBOL_UNION:
        return KIND_STRUCT;
    case IDL_SYMBOL_ERROR:
        return KIND_EVENT;
    }
    return 0;
}

static void add_symbols(completion *c, wanted *is_wanted)
{
    const idl_resolved *resolved = &c->query->analysis->found.resolved;
    for (size_t i = 0; i < resolved->symbol_count; i++) {
        const idl_symbol *symbol = resolved->symbols[i];
        if (!is_wanted(symbol->kind) || !is_visible(c, symbol)) {
            continue;
        }
        const char *label = written(c, symbol);
        if (label != NULL) {
            add(c, label, kind_of(symbol->kind), symbol->decl->full_name);
        }
    }
}

static void add_items(completion *c, const char *path)
{
    const idl_symbol *symbol =
        lsp_find_symbol(c->query->analysis, c->query->unit, c->package, path);
    if (symbol == NULL || symbol->kind != IDL_SYMBOL_ENUM) {
        return;
    }
    const idl_enum *enumeration = symbol->u.enumeration;
    for (size_t i = 0; i < enumeration->item_count; i++) {
        add(c, enumeration->items[i].name, KIND_ENUM_MEMBER,
            symbol->decl->full_name);
    }
}

/* Offers the items of the enum whose name is before the field's name and `=`,
 * as in `Order order =`. */
static void add_items_of_type(completion *c)
{
    size_t at = space_start(c->text, c->start);
    if (at == 0 || c->text[at - 1] != '=') {
        return;
    }
    at = word_start(c->text, space_start(c->text, at - 1)); /* skips the name */
    size_t end = space_start(c->text, at);
    size_t begin = word_start(c->text, end);
    char path[IDL_MAX_PATH_BYTES + 1];
    if (end > begin && end - begin < sizeof path) {
        memcpy(path, c->text + begin, end - begin);
        path[end - begin] = '\0';
        add_items(c, path);
    }
}

static void add_values(completion *c)
{
    if (c->owner[0] != '\0') {
        add_items(c, c->owner);
    } else {
        add_items_of_type(c);
        add(c, "true", KIND_KEYWORD, NULL);
        add(c, "false", KIND_KEYWORD, NULL);
    }
    add_symbols(c, is_value);
}

static void add_types(completion *c)
{
    for (size_t i = 0;
         i < sizeof builtin / sizeof builtin[0] && c->owner[0] == '\0'; i++) {
        add(c, builtin[i], KIND_KEYWORD, NULL);
    }
    add_symbols(c, is_type);
}

static void add_annotations(completion *c)
{
    const char *name;
    const char *usage;
    for (size_t i = 0; idl_explore_annotation(i, &name, &usage); i++) {
        add(c, name, KIND_PROPERTY, usage);
    }
}

/* ---- options of shared objects ---- */

/* The kind of the shared object in whose braces the cursor is: the first word
 * on the line of the opening brace. False if the cursor is in no such
 * braces. */
static bool find_shared_kind(const completion *c, idl_shared_kind *out)
{
    size_t at = c->start;
    while (at > 0 && c->text[at - 1] != '{' && c->text[at - 1] != '}') {
        at--;
    }
    if (at == 0 || c->text[at - 1] == '}') {
        return false;
    }
    while (at > 0 && c->text[at - 1] != '\n') {
        at--;
    }
    at += strspn(c->text + at, " \t");
    for (int i = 0; i <= IDL_SHARED_VALUE; i++) {
        const char *word = idl_shared_kind_name((idl_shared_kind)i);
        size_t len = strlen(word);
        if (strncmp(c->text + at, word, len) == 0 &&
            !is_word(c->text[at + len])) {
            *out = (idl_shared_kind)i;
            return true;
        }
    }
    return false;
}

static void add_option_names(completion *c, idl_shared_kind kind)
{
    for (size_t i = 0; i < IDL_OPTION_COUNT; i++) {
        const idl_option_row *row = idl_option_of(kind, (idl_option)i);
        if (row != NULL) {
            add(c, row->name, KIND_PROPERTY, NULL);
        }
    }
}

/* Offers options after `{` and `;`, and the words of an option after its name.
 * False if the cursor is at neither of these places. */
static bool add_options(completion *c)
{
    idl_shared_kind kind;
    size_t end = space_start(c->text, c->start);
    if (!find_shared_kind(c, &kind)) {
        return false;
    }
    if (c->text[end - 1] == '{' || c->text[end - 1] == ';') {
        add_option_names(c, kind);
        return true;
    }
    size_t begin = word_start(c->text, end);
    const char *name =
        gen_string_n(c->cx->tree, c->text + begin, end - begin)->text;
    const idl_option_row *row =
        name != NULL ? idl_option_find(kind, name) : NULL;
    if (row == NULL || row->words == NULL) {
        return false;
    }
    for (const idl_option_word *at = row->words; at->word != NULL; at++) {
        add(c, at->word, KIND_ENUM_MEMBER, row->name);
    }
    return true;
}

/* ---- the whole answer ---------------------------------------------------- */

static void add_by_parser(completion *c)
{
    idl_next next;
    shmrpc_status status =
        idl_explore_next(c->text, c->start, &c->cx->tree->arena, &next);
    if (status != SHMRPC_OK) {
        c->cx->tree->out_of_memory |= status == SHMRPC_E_NO_MEMORY;
        return;
    }
    for (size_t i = 0; i < next.word_count && c->owner[0] == '\0'; i++) {
        if (strcmp(next.words[i], "true") != 0 &&
            strcmp(next.words[i], "false") != 0) {
            add(c, next.words[i], KIND_KEYWORD, NULL);
        }
    }
    if (next.type) {
        add_types(c);
    }
    if (next.value) {
        add_values(c);
    }
}

/* False if the word is too long to be a name. */
static bool set_owner(completion *c, size_t end)
{
    size_t len = end - c->start;
    while (len > 0 && c->text[c->start + len - 1] != '.') {
        len--;
    }
    if (len >= sizeof c->owner) {
        return false;
    }
    memcpy(c->owner, c->text + c->start, len);
    c->owner[len > 0 ? len - 1 : 0] = '\0';
    return true;
}

gen_value *lsp_completion(lsp_context *cx, const lsp_query *query)
{
    const idl_source *source = query->unit->source;
    completion c = {.cx = cx,
                    .query = query,
                    .text = source->text,
                    .package = lsp_package_at(query->unit->ast, query->offset),
                    .start = word_start(source->text, query->offset),
                    .list = gen_array(cx->tree)};
    if (is_quoted(c.text, query->offset) || !set_owner(&c, query->offset)) {
        return c.list;
    }
    if (c.start > 0 && c.text[c.start - 1] == '@') {
        add_annotations(&c);
    } else if (is_thrown(&c)) {
        add_symbols(&c, is_error);
    } else if (!add_options(&c)) {
        add_by_parser(&c);
    }
    return c.list;
}
