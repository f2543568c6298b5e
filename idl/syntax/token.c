/* The texts of tokens. */
#include "idl/syntax/token.h"

#include "grammar.h"

/* X(kind, text): the words of the language. */
/* clang-format off */
#define WORD_LIST(X)                                                          \
    X(PACKAGE, "package") X(IMPORT, "import") X(CONST, "const")               \
    X(TYPE, "type") X(ENUM, "enum") X(STRUCT, "struct") X(UNION, "union")     \
    X(ERROR, "error") X(SERVICE, "service") X(RESERVED, "reserved")           \
    X(OPTIONAL, "optional") X(LIST, "list") X(MAP, "map") X(PORT, "port")     \
    X(NAME, "name") X(VERSION, "version") X(ONEWAY, "oneway") X(RAW, "raw")   \
    X(JSON, "json") X(MSGPACK, "msgpack") X(NATIVE, "native")                 \
    X(STREAM, "stream") X(THROWS, "throws") X(QUEUE, "queue")                 \
    X(TOPIC, "topic") X(PIPE, "pipe") X(DICT, "dict") X(VALUE, "value")       \
    X(TRUE, "true") X(FALSE, "false")

#define SIGN_LIST(X)                                                          \
    X(SEMI, ";") X(COLON, ":") X(COMMA, ",") X(DOT, ".") X(RANGE, "..")       \
    X(EQ, "=") X(MINUS, "-") X(ARROW, "->") X(AT, "@") X(LT, "<") X(GT, ">")  \
    X(LP, "(") X(RP, ")") X(LBR, "[") X(RBR, "]") X(LB, "{") X(RB, "}")
/* clang-format on */

const char *idl_token_word(int kind)
{
    switch (kind) {
#define X(name, word) \
    case TK_##name:   \
        return word;
        WORD_LIST(X)
#undef X
    default:
        return NULL;
    }
}

const char *idl_token_text(int kind)
{
    switch (kind) {
#define X(name, text) \
    case TK_##name:   \
        return "`" text "`";
        WORD_LIST(X)
        SIGN_LIST(X)
#undef X
    case TK_IDENT:
        return "a name";
    case TK_INT:
        return "an integer";
    case TK_FLOAT:
        return "a number";
    case TK_STR:
        return "a string";
    case TK_DURATION:
        return "a duration";
    case TK_DOC:
        return "`///`";
    default:
        return "end of file";
    }
}

void idl_dump_tokens(const idl_tokens *tokens, shmrpci_buf *out)
{
    for (size_t i = 0; i < tokens->count; i++) {
        const idl_token *token = &tokens->items[i];
        idl_span span = token->span;
        idl_place place = idl_source_place(span.source, span.begin);
        const char *word = idl_token_word(token->kind);
        shmrpci_buf_printf(out, "%u:%u %s", place.line, place.column,
                           word != NULL ? "keyword"
                                        : idl_token_text(token->kind));
        if (span.end > span.begin) {
            shmrpci_buf_append_char(out, ' ');
            shmrpci_buf_append(out, span.source->text + span.begin,
                               span.end - span.begin);
        }
        shmrpci_buf_append_char(out, '\n');
    }
}
