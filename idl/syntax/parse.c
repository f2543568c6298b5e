/*
 * The parser's driver: feeds tokens to lemon, and recovers from errors.
 *
 * A token is tried before it is fed, so that an error is noticed before lemon
 * has popped anything. There are three repairs, the least harmful first:
 *   1. a misspelt keyword is read as the keyword, a reserved word as a name;
 *   2. one missing punctuation mark or closing brace is put in;
 *   3. else the rest of the broken item is skipped, with balanced braces.
 * Repairs 1 and 2 are made only if the next tokens then fit; otherwise they
 * would be guesses.
 */
#include "idl/syntax/ast.h"

#include <string.h>

#include "base/nearest.h"
#include "grammar.h"
#include "idl/explore.h"
#include "idl/syntax/expected.h"
#include "idl/syntax/svcparse.h"

/* The number of nested open braces that are remembered. A valid file nests two
 * (a service, and a shared object in it); a file with errors may nest more. */
#define MAX_BLOCKS 4

/* An open `{`. */
typedef struct block {
    idl_span brace;
    uint32_t indent; /* column of the first token on the brace's line */
} block;

typedef struct driver {
    idl_diags *diags;
    idl_tokens tokens;
    size_t at;         /* index of the next token */
    size_t item_start; /* index of the first token of the current item */
    void *parser;
    ast_builder builder;
    block blocks[MAX_BLOCKS];
    size_t block_count;
    size_t line_first; /* index of the first token on the line of token
                        * line_seen */
    size_t line_seen;
    bool end_reported; /* an error at the end of the file has been reported */
} driver;

static const idl_token *token_at(const driver *d, size_t index)
{
    size_t last = d->tokens.count - 1;
    return &d->tokens.items[index < last ? index : last];
}

static const char *token_word(const driver *d, const idl_token *token)
{
    return idl_strndup(d->diags->memory,
                       token->span.source->text + token->span.begin,
                       token->span.end - token->span.begin);
}

static bool is_first_on_line(const driver *d, size_t index)
{
    if (index == 0) {
        return true;
    }
    uint32_t from = token_at(d, index - 1)->span.end;
    uint32_t to = token_at(d, index)->span.begin;
    return memchr(d->builder.source->text + from, '\n', to - from) != NULL;
}

static uint32_t column(const driver *d, size_t index)
{
    uint32_t begin = token_at(d, index)->span.begin;
    return idl_source_place(d->builder.source, begin).column;
}

/* The indentation of the line that holds the next token. The search continues
 * where the last one ended, so that each token is visited only once: a line may
 * have a million tokens. */
static uint32_t line_indent(driver *d)
{
    while (d->line_seen < d->at) {
        d->line_seen++;
        if (is_first_on_line(d, d->line_seen)) {
            d->line_first = d->line_seen;
        }
    }
    return column(d, d->line_first);
}

/* ---- feeding ---- */

static void note_block(driver *d, idl_token token)
{
    if (token.kind == TK_LB && d->block_count < MAX_BLOCKS) {
        d->blocks[d->block_count++] =
            (block){.brace = token.span, .indent = line_indent(d)};
    } else if (token.kind == TK_RB && d->block_count > 0) {
        d->block_count--;
    }
}

/* Feeds a token. `next` is the index after it, or `at` if the token was
 * inserted. */
static void feed(driver *d, int kind, idl_span span, size_t next)
{
    idl_token token = {.kind = kind, .span = span};
    SvcParse(d->parser, kind, token);
    note_block(d, token);
    d->at = next;
    if (kind == TK_LB || kind == TK_RB || kind == TK_SEMI || kind == TK_SYNC) {
        d->item_start = next;
    }
}

/* The span after the last token before `at`, where something is missing. */
static idl_span gap(const driver *d)
{
    idl_span span = token_at(d, d->at)->span;
    span.begin = d->at > 0 ? token_at(d, d->at - 1)->span.end : span.begin;
    span.end = span.begin;
    return span;
}

static bool accepts(const driver *d, int kind)
{
    return svc_parse_accepts(d->parser, &kind, 1);
}

/* Whether the parser could shift `kind` and then the tokens from `index` on:
 * two of them, or fewer at the end of the file. */
static bool accepts_before(const driver *d, int kind, size_t index)
{
    int kinds[3] = {kind, token_at(d, index)->kind,
                    token_at(d, index + 1)->kind};
    return svc_parse_accepts(d->parser, kinds, kinds[1] == 0 ? 2 : 3);
}

/* ---- repair 1: a misspelt keyword ---- */

/* The keyword most similar to `word` that could stand at `at`, or 0. */
static int nearest_keyword(const driver *d, const char *word)
{
    shmrpci_nearest search = {.wanted = word};
    int best = 0;
    for (int kind = 1; kind < svc_parse_kind_count(); kind++) {
        const char *keyword = idl_token_word(kind);
        if (keyword == NULL || !accepts_before(d, kind, d->at + 1)) {
            continue;
        }
        const char *before = search.best;
        shmrpci_nearest_offer(&search, keyword);
        best = search.best != before ? kind : best;
    }
    return best;
}

static void report_misspelt(driver *d, idl_span span, const char *word,
                            const char *keyword)
{
    idl_diag *diag = idl_report(d->diags, IDL_S_MISSPELT_KEYWORD, span,
                                "unknown word `%s`", word);
    idl_suggest(d->diags, diag, keyword);
}

static bool repair_keyword(driver *d)
{
    const idl_token *token = token_at(d, d->at);
    if (token->kind != TK_IDENT) {
        return false;
    }
    const char *word = token_word(d, token);
    int kind = nearest_keyword(d, word);
    if (kind == 0) {
        return false;
    }
    report_misspelt(d, token->span, word, idl_token_word(kind));
    feed(d, kind, token->span, d->at + 1);
    return true;
}

/* ---- repair 1: a reserved word as a name --------------------------------- */

/* Keywords that the grammar accepts nowhere as a name. */
static bool is_reserved(int kind)
{
    return kind == TK_STRUCT || kind == TK_ENUM || kind == TK_UNION ||
           kind == TK_CONST || kind == TK_SERVICE || kind == TK_TRUE ||
           kind == TK_FALSE;
}

/* Whether the parser would accept a name here, followed by the next two tokens.
 * If the first of these is a reserved word, it may also count as a name. */
static bool fits_as_name(const driver *d)
{
    int kinds[3] = {TK_IDENT, token_at(d, d->at + 1)->kind,
                    token_at(d, d->at + 2)->kind};
    if (accepts_before(d, TK_IDENT, d->at + 1)) {
        return true;
    }
    kinds[1] = is_reserved(kinds[1]) ? TK_IDENT : kinds[1];
    return svc_parse_accepts(d->parser, kinds, 3);
}

/* Reads the reserved word as a name if the next tokens then fit. */
static bool repair_reserved(driver *d)
{
    const idl_token *token = token_at(d, d->at);
    if (!is_reserved(token->kind) || !fits_as_name(d)) {
        return false;
    }
    const char *word = token_word(d, token);
    idl_diag *diag =
        idl_report(d->diags, IDL_S_RESERVED_WORD, token->span,
                   "`%s` is a word of the language and can't be a name", word);
    idl_expected(d->diags, diag, "another name, such as `%s_value`", word);
    (void)idl_map_put(&d->builder.file->lost, d->diags->memory, word,
                      d->builder.file);
    feed(d, TK_IDENT, token->span, d->at + 1);
    return true;
}

/* ---- repair 2: a missing token ------------------------------------------- */

static bool starts_declaration(int kind)
{
    return kind == TK_STRUCT || kind == TK_ENUM || kind == TK_UNION ||
           kind == TK_CONST || kind == TK_SERVICE;
}

/* Whether the token at `index` shows that the innermost block was never closed:
 * it is the end of the file, or begins a declaration that isn't indented more
 * than the block. */
static bool shows_open_block(const driver *d, size_t index)
{
    int kind = token_at(d, index)->kind;
    return kind == 0 ||
           (starts_declaration(kind) && is_first_on_line(d, index) &&
            column(d, index) <= d->blocks[d->block_count - 1].indent);
}

static bool repair_open_block(driver *d)
{
    if (d->block_count == 0 || !shows_open_block(d, d->at) ||
        !accepts(d, TK_RB)) {
        return false;
    }
    if (!d->end_reported) {
        idl_diag *diag =
            idl_report(d->diags, IDL_S_NOT_CLOSED, gap(d), "missing `}`");
        diag->insert = "}";
        idl_add_note(d->diags, diag, d->blocks[d->block_count - 1].brace,
                     "the block begins here");
    }
    feed(d, TK_RB, gap(d), d->at);
    return true;
}

static void report_missing(driver *d, int mark)
{
    const char *before = token_word(d, token_at(d, d->at - 1));
    if (before[0] == '"' && before[strlen(before) - 1] != '"') {
        return; /* the missing mark is inside an unterminated string, which was
                 * reported */
    }
    const char *text = idl_token_text(mark); /* in backquotes */
    idl_diag *diag = idl_report(d->diags, IDL_S_MISSING_TOKEN, gap(d),
                                "missing %s after `%s`", text, before);
    diag->insert = idl_strndup(d->diags->memory, text + 1, strlen(text) - 2);
}

static bool repair_missing(driver *d)
{
    static const int marks[] = {TK_SEMI, TK_RP,    TK_GT, TK_RBR,
                                TK_EQ,   TK_COMMA, TK_LB, TK_COLON};
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        if (d->at > 0 && accepts_before(d, marks[i], d->at)) {
            report_missing(d, marks[i]);
            feed(d, marks[i], gap(d), d->at);
            return true;
        }
    }
    return false;
}

/* ---- repair 3: skipping ---- */

/* Reports a misspelt keyword that was read as the name of a type, so that the
 * error appears one or two tokens later: `lst<u32> x`, `-> strem u8;`,
 * `optinal u8 x`. */
static bool report_word_before(driver *d, size_t back, const char *const *words,
                               size_t count)
{
    if (d->at < d->item_start + back) {
        return false;
    }
    const idl_token *before = token_at(d, d->at - back);
    const char *word = token_word(d, before);
    const char *keyword = shmrpci_nearest_of(word, words, count);
    if (before->kind != TK_IDENT || keyword == NULL) {
        return false;
    }
    report_misspelt(d, before->span, word, keyword);
    return true;
}

static bool report_earlier_word(driver *d)
{
    static const char *const generic[] = {"list", "map", "dict"};
    static const char *const prefix[] = {"stream", "optional"};
    int kind = token_at(d, d->at)->kind;
    if (kind == TK_LT) {
        return report_word_before(d, 1, generic, 3);
    }
    return kind == TK_IDENT && (report_word_before(d, 1, prefix, 2) ||
                                (token_at(d, d->at - 1)->kind == TK_IDENT &&
                                 report_word_before(d, 2, prefix, 2)));
}

/* Reports `oneway` where the name of a method was expected, as in `native
 * oneway ping(`. */
static bool report_late_oneway(driver *d)
{
    static const int encodings[] = {TK_RAW, TK_JSON, TK_MSGPACK, TK_NATIVE};
    if (d->at < d->item_start + 2 || token_at(d, d->at)->kind != TK_IDENT ||
        token_at(d, d->at - 1)->kind != TK_ONEWAY) {
        return false;
    }
    const idl_token *before = token_at(d, d->at - 2);
    for (size_t i = 0; i < sizeof encodings / sizeof encodings[0]; i++) {
        if (before->kind == encodings[i]) {
            idl_diag *diag =
                idl_report(d->diags, IDL_S_SYNTAX, token_at(d, d->at - 1)->span,
                           "`oneway` after the encoding");
            idl_expected(d->diags, diag, "`oneway %s`", token_word(d, before));
            return true;
        }
    }
    return false;
}

static void report_refused(driver *d)
{
    const idl_token *token = token_at(d, d->at);
    d->end_reported = token->kind == 0;
    const char *what = token->kind == 0 ? "end of file"
                                        : idl_printf(d->diags->memory, "`%s`",
                                                     token_word(d, token));
    idl_diag *diag =
        idl_report(d->diags, IDL_S_SYNTAX, token->span, "unexpected %s", what);
    idl_expected(d->diags, diag, "%s",
                 idl_expected_text(d->parser, d->diags->memory));
}

/* Whether the token at `index` begins something that is not part of the broken
 * item at item_start. */
static bool begins_anew(const driver *d, size_t index)
{
    return index > d->item_start &&
           starts_declaration(token_at(d, index)->kind) &&
           is_first_on_line(d, index) &&
           (d->block_count == 0 || shows_open_block(d, index));
}

/* The index after the broken item that continues at `index`: after its `;` or
 * its block, or before something else begins. */
static size_t find_item_end(const driver *d, size_t index)
{
    size_t depth = 0;
    for (;; index++) {
        int kind = token_at(d, index)->kind;
        if (kind == 0) {
            return index;
        }
        if (depth == 0) {
            if (begins_anew(d, index) ||
                (kind == TK_RB && d->block_count > 0)) {
                return index;
            }
            if (kind == TK_SEMI || kind == TK_RB) {
                return index + 1;
            }
        }
        depth += kind == TK_LB;
        depth -= kind == TK_RB;
        if (kind == TK_RB && depth == 0) {
            return index + 1;
        }
    }
}

static void remember_lost(driver *d, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        if (token_at(d, i)->kind == TK_IDENT) {
            ast_file *file = d->builder.file;
            (void)idl_map_put(&file->lost, d->diags->memory,
                              token_word(d, token_at(d, i)), file);
        }
    }
}

static void skip_item(driver *d)
{
    idl_span span = token_at(d, d->at)->span;
    size_t end = find_item_end(d, d->at);
    remember_lost(d, d->item_start, end);
    feed(d, TK_BAD, span, end);
    feed(d, TK_SYNC, span, end);
}

/* ---- documentation ---- */

/* A `///` comment before something that can't be documented only gets a
 * warning. Fed to the parser, it would be an error that is hard to recover
 * from. */
static bool drop_doc(driver *d)
{
    size_t end = d->at;
    while (token_at(d, end)->kind == TK_DOC) {
        end++;
    }
    int next = token_at(d, end)->kind;
    bool has_owner = next != 0 && next != TK_RB && next != TK_SEMI;
    if (end == d->at || (has_owner && (accepts(d, TK_DOC) ||
                                       accepts_before(d, TK_SEMI, d->at)))) {
        return false;
    }
    idl_diag *diag =
        idl_report(d->diags, IDL_S_DOC_WITHOUT_OWNER, token_at(d, d->at)->span,
                   "this documents nothing");
    idl_expected(d->diags, diag, "a declaration or a field after it");
    d->at = end;
    return true;
}

/* ---- the loop ---- */

/* Takes one step; false at the end. */
static bool step(driver *d)
{
    if (drop_doc(d)) {
        return true;
    }
    const idl_token *token = token_at(d, d->at);
    if (accepts(d, token->kind)) {
        feed(d, token->kind, token->span, d->at + 1);
        return token->kind != 0;
    }
    if (repair_reserved(d) || repair_keyword(d) || repair_open_block(d)) {
        return true;
    }
    if (report_earlier_word(d) || report_late_oneway(d)) {
        skip_item(d);
    } else if (!repair_missing(d)) {
        report_refused(d);
        skip_item(d);
    }
    return true;
}

/* False when the parser's stack is full. */
static bool step_unless_full(driver *d, bool *more)
{
    *more = step(d);
    if (d->builder.overflow) {
        (void)idl_report(d->diags, IDL_S_NESTED_TOO_DEEPLY,
                         token_at(d, d->at - 1)->span,
                         "the type is nested too deeply");
    }
    return !d->builder.overflow;
}

static driver begin(const idl_source *source, idl_tokens tokens,
                    idl_diags *diags)
{
    ast_file *file = IDL_NEW(diags->memory, ast_file);
    file->source = source;
    driver d = {.diags = diags,
                .tokens = tokens,
                .builder = {.diags = diags,
                            .memory = diags->memory,
                            .source = source,
                            .file = file}};
    d.parser = idl_alloc(diags->memory, 1, svc_parse_size());
    return d;
}

/* Memory for parsing. Tokens get an arena of their own, because they take more
 * memory than the tree and are not needed after parsing. */
typedef struct parse_memory {
    shmrpci_arena arena;
    idl_memory tokens;
    idl_memory tree;
    idl_memory *outer; /* The caller's memory. `tree` allocates from its
                        * arena. */
    idl_diags *diags;
} parse_memory;

static void end_memory(parse_memory *p)
{
    shmrpci_arena_fini(&p->arena);
    p->diags->memory = p->outer;
}

static const ast_file *parse(const idl_source *source, parse_memory *p)
{
    driver d = begin(source, idl_lex(source, &p->tokens, p->diags), p->diags);
    SvcParseInit(d.parser, &d.builder);
    bool more = true;
    while (more && step_unless_full(&d, &more)) {
    }
    return d.builder.file;
}

const ast_file *idl_parse(const idl_source *source, idl_diags *diags)
{
    parse_memory p = {.outer = diags->memory, .diags = diags};
    shmrpci_arena_init(&p.arena, p.outer->arena->limit_bytes);
    p.tokens.arena = &p.arena;
    p.tree.arena = p.outer->arena;
    if (setjmp(p.tokens.exhausted) != 0) {
        end_memory(&p);
        longjmp(diags->memory->exhausted, 1);
    }
    if (setjmp(p.tree.exhausted) != 0) {
        end_memory(&p);
        longjmp(diags->memory->exhausted, 1);
    }
    diags->memory = &p.tree;
    const ast_file *file = parse(source, &p);
    end_memory(&p);
    return file;
}

void idl_parse_next(const idl_source *source, idl_diags *diags, idl_next *out)
{
    driver d = begin(source, idl_lex(source, diags->memory, diags), diags);
    SvcParseInit(d.parser, &d.builder);
    bool more = true;
    while (more && token_at(&d, d.at)->kind != 0 &&
           step_unless_full(&d, &more)) {
    }
    int count = svc_parse_kind_count();
    *out = (idl_next){
        .words = IDL_NEW_ARRAY(diags->memory, (size_t)count, const char *)};
    if (d.builder.overflow) {
        return;
    }
    for (int kind = 1; kind < count; kind++) {
        const char *word = idl_token_word(kind);
        if (word != NULL && svc_parse_expects(d.parser, kind)) {
            out->words[out->word_count++] = word;
        }
    }
    out->type = svc_parse_expects(d.parser, TK_LIST);
    out->value = svc_parse_expects(d.parser, TK_TRUE);
}
