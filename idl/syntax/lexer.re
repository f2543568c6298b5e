/* The lexer. Rules only name tokens. Malformed tokens are reported by the
 * functions at the end of this file. */
#include "idl/syntax/token.h"

#include <string.h>

#include "grammar.h"

/* Kinds used in this file only: outside the range of the grammar's kinds. */
enum {
    SKIP = -1,
    ODD_CHARACTER = -2,
    OPEN_STRING = -3,
    ODD_NUMBER = -4,
    BLOCK_COMMENT = -5,
    ODD_WORD = -6,
    ODD_QUOTES = -7
};

/* The kind of the token that begins at `*at`, which moves past it. The text
 * ends with a NUL, which is the end of the file. */
static int next_kind(const char **at)
{
    const unsigned char *YYCURSOR = (const unsigned char *)*at;
    const unsigned char *YYMARKER = YYCURSOR;
    int kind;
#define IS(k)          \
    do {               \
        kind = (k);    \
        goto finished; \
    } while (0)
    /*!re2c
    re2c:define:YYCTYPE = "unsigned char";
    re2c:yyfill:enable = 0;
    re2c:flags:case-ranges = 0;

    letter   = [A-Za-z_];
    digit    = [0-9];
    foreign  = [\x80-\xff];
    word     = letter (letter | digit)*;
    integer  = "0" | [1-9] digit* | "0x" [0-9A-Fa-f]+;
    exponent = [eE] [+-]? digit+;
    size     = ("0" | [1-9] digit*) [KMG];
    unit     = "ns" | "us" | "ms" | "s" | "m" | "h";
    rest     = [^\n\x00];
    noslash  = [^/\n\x00];
    plain    = [^"\\\n\x00];

    "\x00"              { YYCURSOR--; IS(0); }
    [ \t\r\n]+          { IS(SKIP); }
    "//" (noslash rest*)?  { IS(SKIP); }
    "////" rest*        { IS(SKIP); }
    "///" (noslash rest*)? { IS(TK_DOC); }
    "/*"                { IS(BLOCK_COMMENT); }

    "package"           { IS(TK_PACKAGE); }
    "import"            { IS(TK_IMPORT); }
    "const"             { IS(TK_CONST); }
    "type"              { IS(TK_TYPE); }
    "enum"              { IS(TK_ENUM); }
    "struct"            { IS(TK_STRUCT); }
    "union"             { IS(TK_UNION); }
    "error"             { IS(TK_ERROR); }
    "service"           { IS(TK_SERVICE); }
    "reserved"          { IS(TK_RESERVED); }
    "optional"          { IS(TK_OPTIONAL); }
    "list"              { IS(TK_LIST); }
    "map"               { IS(TK_MAP); }
    "port"              { IS(TK_PORT); }
    "name"              { IS(TK_NAME); }
    "version"           { IS(TK_VERSION); }
    "oneway"            { IS(TK_ONEWAY); }
    "raw"               { IS(TK_RAW); }
    "json"              { IS(TK_JSON); }
    "msgpack"           { IS(TK_MSGPACK); }
    "native"            { IS(TK_NATIVE); }
    "stream"            { IS(TK_STREAM); }
    "throws"            { IS(TK_THROWS); }
    "queue"             { IS(TK_QUEUE); }
    "topic"             { IS(TK_TOPIC); }
    "pipe"              { IS(TK_PIPE); }
    "dict"              { IS(TK_DICT); }
    "value"             { IS(TK_VALUE); }
    "true"              { IS(TK_TRUE); }
    "false"             { IS(TK_FALSE); }
    word                { IS(TK_IDENT); }
    (letter | foreign) (letter | digit | foreign)* { IS(ODD_WORD); }

    integer | size      { IS(TK_INT); }
    digit+ "." digit+ exponent? | digit+ exponent { IS(TK_FLOAT); }
    ("0" | [1-9] digit*) unit { IS(TK_DURATION); }
    digit (digit | letter)* | digit+ "." digit+ (digit | letter)+ { IS(ODD_NUMBER); }
    "\"" (plain | "\\" rest)* "\"" { IS(TK_STR); }
    "\"" (plain | "\\" rest)* "\\"? { IS(OPEN_STRING); }

    ";"                 { IS(TK_SEMI); }
    ":"                 { IS(TK_COLON); }
    ","                 { IS(TK_COMMA); }
    "."                 { IS(TK_DOT); }
    ".."                { IS(TK_RANGE); }
    "="                 { IS(TK_EQ); }
    "-"                 { IS(TK_MINUS); }
    "->"                { IS(TK_ARROW); }
    "@"                 { IS(TK_AT); }
    "<"                 { IS(TK_LT); }
    ">"                 { IS(TK_GT); }
    "("                 { IS(TK_LP); }
    ")"                 { IS(TK_RP); }
    "["                 { IS(TK_LBR); }
    "]"                 { IS(TK_RBR); }
    "{"                 { IS(TK_LB); }
    "}"                 { IS(TK_RB); }

    "'" [^'\n\x00]* "'"  { IS(ODD_QUOTES); }

    *                   { IS(ODD_CHARACTER); }
    */
#undef IS
finished:
    *at = (const char *)YYCURSOR;
    return kind;
}

/* Reports text that is not a token. Returns the kind of the token that was
 * probably meant, or SKIP. */
static int report_odd(int kind, idl_span span, idl_diags *diags)
{
    idl_diag *diag;
    switch (kind) {
    case OPEN_STRING:
        diag = idl_report(diags, IDL_S_BAD_STRING, span,
                          "the string isn't closed on its line");
        idl_expected(diags, diag, "`\"`");
        return TK_STR;
    case ODD_NUMBER:
        diag = idl_report(diags, IDL_S_BAD_NUMBER, span, "malformed number `%.*s`",
                          (int)(span.end - span.begin),
                          span.source->text + span.begin);
        idl_expected(diags, diag, "a number like 10, 0x1f, 64K or 0.5, or a duration like 2s");
        return TK_INT;
    case BLOCK_COMMENT:
        diag = idl_report(diags, IDL_S_BLOCK_COMMENT, span,
                          "there are no block comments");
        idl_expected(diags, diag, "`//` on each line");
        return SKIP;
    case ODD_WORD:
        diag = idl_report(diags, IDL_S_BAD_CHARACTER, span,
                          "`%.*s` has letters that no name can have",
                          (int)(span.end - span.begin),
                          span.source->text + span.begin);
        idl_expected(diags, diag, "A to Z, a to z, digits and `_`");
        return TK_IDENT;
    case ODD_QUOTES:
        diag = idl_report(diags, IDL_S_BAD_CHARACTER, span,
                          "a string in single quotes");
        idl_expected(diags, diag, "double quotes");
        return TK_STR;
    default:
        diag = idl_report(diags, IDL_S_BAD_CHARACTER, span,
                          "unexpected character `%.*s`",
                          (int)(span.end - span.begin),
                          span.source->text + span.begin);
        return SKIP;
    }
}

/* Returns the place after the block comment that began before `at`. */
static const char *skip_block_comment(const char *at)
{
    const char *end = strstr(at, "*/");
    return end != NULL ? end + 2 : at + strlen(at);
}

static void push(idl_tokens *tokens, size_t *cap, idl_token token,
                 idl_memory *memory)
{
    if (tokens->count == *cap) {
        *cap = *cap == 0 ? 256 : *cap * 2;
        idl_token *items = IDL_NEW_ARRAY(memory, *cap, idl_token);
        if (tokens->count > 0) {
            memcpy(items, tokens->items, tokens->count * sizeof *items);
        }
        tokens->items = items;
    }
    tokens->items[tokens->count++] = token;
}

idl_tokens idl_lex(const idl_source *source, idl_memory *memory,
                   idl_diags *diags)
{
    idl_tokens tokens = {.items = NULL};
    size_t cap = 0;
    const char *at = source->text;
    int kind;
    do {
        const char *begin = at;
        kind = next_kind(&at);
        if (kind == SKIP) {
            continue;
        }
        idl_token token = {
            .kind = kind,
            .span = {.source = source,
                     .begin = (uint32_t)(begin - source->text),
                     .end = (uint32_t)(at - source->text)}};
        if (kind < 0) {
            token.kind = report_odd(kind, token.span, diags);
            at = kind == BLOCK_COMMENT ? skip_block_comment(at) : at;
        }
        if (token.kind != SKIP) {
            push(&tokens, &cap, token, memory);
        }
    } while (kind != 0);
    return tokens;
}
