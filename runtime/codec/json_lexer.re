/* The tokens of JSON. The re2c rules only name tokens. A second block of rules
 * scans strings, because their bytes follow other rules. */
#include "codec/json_lexer.h"

#include <string.h>

#include "base/utf8.h"

/* re2c's generic interface over offsets. Reading at the end gives NUL, which
 * only the rule for the end accepts. */
#define YYPEEK()    (at < lexer->len ? lexer->data[at] : 0)
#define YYSKIP()    (at++)
#define YYBACKUP()  (marker = at)
#define YYRESTORE() (at = marker)

/*!re2c
    re2c:define:YYCTYPE = "uint8_t";
    re2c:flags:input = custom;
    re2c:yyfill:enable = 0;

    digit   = [0-9];
    hex     = [0-9a-fA-F];
    integer = "-"? ("0" | [1-9] digit*);
    real    = integer ("." digit+)? ([eE] [-+]? digit+)?;

    tail    = [\x80-\xbf];
    utf8    = [\xc2-\xdf] tail
            | "\xe0" [\xa0-\xbf] tail
            | [\xe1-\xec\xee-\xef] tail tail
            | "\xed" [\x80-\x9f] tail
            | "\xf0" [\x90-\xbf] tail tail
            | [\xf1-\xf3] tail tail tail
            | "\xf4" [\x80-\x8f] tail tail;
    high    = "\\u" [dD] [89abAB] hex hex;
    low     = "\\u" [dD] [c-fC-F] hex hex;
    scalar  = "\\u" ([0-9a-cA-CeEfF] hex | [dD] [0-7]) hex hex;
*/

static void fail(shmrpci_json_lexer *lexer, size_t at, const char *message)
{
    lexer->token = SHMRPCI_JSON_ERROR;
    lexer->at = at;
    lexer->message = message;
}

/* Scans the rest of a string, after its opening quote. */
static void scan_string(shmrpci_json_lexer *lexer)
{
    size_t at = lexer->next;
    size_t marker = at;
    lexer->token = SHMRPCI_JSON_STRING;
    lexer->text_at = at;
    lexer->has_escapes = false;
    for (;;) {
        at = shmrpci_json_skip_plain(lexer->data, lexer->len, at);
        if (at < lexer->len && lexer->data[at] == '"') {
            lexer->text_len = at - lexer->text_at;
            lexer->next = at + 1;
            return;
        }
        size_t start = at;
        /*!re2c
            ["] {
                lexer->text_len = start - lexer->text_at;
                lexer->next = at;
                return;
            }
            [\x20-\x7f] \ ["\\]     { continue; }
            utf8                    { continue; }
            "\\" ["\\/bfnrt]        { lexer->has_escapes = true; continue; }
            scalar | high low       { lexer->has_escapes = true; continue; }
            high | low {
                fail(lexer, start, "unpaired surrogate");
                return;
            }
            "\\" {
                fail(lexer, start, "unknown escape");
                return;
            }
            [\x00-\x1f] {
                fail(lexer, start,
                     start >= lexer->len ? "unterminated string"
                                         : "control character in a string");
                return;
            }
            * {
                fail(lexer, start, "not UTF-8");
                return;
            }
        */
    }
}

void shmrpci_json_next(shmrpci_json_lexer *lexer)
{
    size_t at = lexer->next;
    size_t marker = at;
    size_t start;
    do {
        start = at;
        /*!re2c
            [ \t\n\r]+ { continue; }
            "{"        { lexer->token = SHMRPCI_JSON_OBJECT_OPEN; break; }
            "}"        { lexer->token = SHMRPCI_JSON_OBJECT_CLOSE; break; }
            "["        { lexer->token = SHMRPCI_JSON_ARRAY_OPEN; break; }
            "]"        { lexer->token = SHMRPCI_JSON_ARRAY_CLOSE; break; }
            ","        { lexer->token = SHMRPCI_JSON_COMMA; break; }
            ":"        { lexer->token = SHMRPCI_JSON_COLON; break; }
            "null"     { lexer->token = SHMRPCI_JSON_NULL; break; }
            "true"     { lexer->token = SHMRPCI_JSON_TRUE; break; }
            "false"    { lexer->token = SHMRPCI_JSON_FALSE; break; }
            integer    { lexer->token = SHMRPCI_JSON_INTEGER; break; }
            real       { lexer->token = SHMRPCI_JSON_REAL; break; }
            ["] {
                lexer->next = at;
                lexer->at = start;
                scan_string(lexer);
                return;
            }
            "\x00" {
                if (start < lexer->len) {
                    fail(lexer, start, "unexpected NUL");
                    return;
                }
                at = start;
                lexer->token = SHMRPCI_JSON_END;
                break;
            }
            * {
                fail(lexer, start, "unexpected character");
                return;
            }
        */
    } while (true);
    lexer->at = start;
    lexer->text_at = start;
    lexer->text_len = at - start;
    lexer->next = at;
}

static uint32_t hex_value(const uint8_t *digits)
{
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) {
        uint32_t c = digits[i];
        uint32_t digit = c <= '9' ? c - '0' : (c | 0x20u) - 'a' + 10u;
        value = value << 4 | digit;
    }
    return value;
}

/* Decodes an escape at `from`, which points behind "\u"; returns how many bytes
 * of the input it used. The lexer has checked that surrogates pair. */
static size_t unescape_unicode(const uint8_t *from, char *out, size_t *len)
{
    uint32_t code_point = hex_value(from);
    size_t used = 4;
    if (code_point >= 0xD800 && code_point <= 0xDBFF) {
        uint32_t low = hex_value(from + 6);
        code_point = 0x10000 + ((code_point - 0xD800) << 10) + (low - 0xDC00);
        used = 10;
    }
    uint8_t utf8[4];
    size_t count = shmrpci_utf8_encode(code_point, utf8);
    memcpy(out + *len, utf8, count);
    *len += count;
    return used;
}

/* Returns what a backslash and this letter mean. */
static char control(uint8_t letter)
{
    switch (letter) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return (char)letter;
    }
}

size_t shmrpci_json_unescape(const shmrpci_json_lexer *lexer, char *out)
{
    const uint8_t *from = lexer->data + lexer->text_at;
    const uint8_t *end = from + lexer->text_len;
    size_t len = 0;
    while (from < end) {
        const uint8_t *slash = memchr(from, '\\', (size_t)(end - from));
        const uint8_t *stop = slash != NULL ? slash : end;
        memcpy(out + len, from, (size_t)(stop - from));
        len += (size_t)(stop - from);
        if (slash == NULL) {
            break;
        }
        from = slash + 2;
        if (slash[1] == 'u') {
            from += unescape_unicode(from, out, &len);
        } else {
            out[len++] = control(slash[1]);
        }
    }
    return len;
}

const char *shmrpci_json_token_text(shmrpci_json_token token)
{
    switch (token) {
    case SHMRPCI_JSON_END:
        return "the end";
    case SHMRPCI_JSON_ERROR:
        return "an error";
    case SHMRPCI_JSON_OBJECT_OPEN:
        return "object";
    case SHMRPCI_JSON_OBJECT_CLOSE:
        return "`}`";
    case SHMRPCI_JSON_ARRAY_OPEN:
        return "array";
    case SHMRPCI_JSON_ARRAY_CLOSE:
        return "`]`";
    case SHMRPCI_JSON_COMMA:
        return "`,`";
    case SHMRPCI_JSON_COLON:
        return "`:`";
    case SHMRPCI_JSON_NULL:
        return "null";
    case SHMRPCI_JSON_TRUE:
    case SHMRPCI_JSON_FALSE:
        return "bool";
    case SHMRPCI_JSON_INTEGER:
    case SHMRPCI_JSON_REAL:
        return "number";
    case SHMRPCI_JSON_STRING:
        return "string";
    }
    return "nothing";
}
