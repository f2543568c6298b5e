/*
 * Checks the head of a request.
 *
 * Most checks exist because a proxy in front of us may interpret the same bytes
 * differently: what can be understood in two ways is refused, never repaired.
 * The README lists the attacks that were tried;
 * tests/tools/shmrpc-web/guard_test.py tests examples of them.
 */
#include "tools/shmrpc-web/head.h"

#include <string.h>

/* A tchar of RFC 9110, 5.6.2, of which names of fields consist. */
static bool is_token(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
           (c >= 'a' && c <= 'z') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/* tolower can't be used, because it depends on the locale. */
static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_same(const char *a, size_t a_len, const char *b, size_t b_len)
{
    if (a_len != b_len) {
        return false;
    }
    for (size_t i = 0; i < a_len; i++) {
        if (lower(a[i]) != lower(b[i])) {
            return false;
        }
    }
    return true;
}

bool web_field_is(const web_field *field, const char *text)
{
    return is_same(field->value, field->value_len, text, strlen(text));
}

/* Finds the first field with this name. Names that check_single lists occur
 * only once; other names may occur again. */
const web_field *web_head_find(const web_head *head, const char *name)
{
    size_t count =
        head->field_count < WEB_MAX_FIELDS ? head->field_count : WEB_MAX_FIELDS;
    for (size_t i = 0; i < count; i++) {
        const web_field *at = &head->fields[i];
        if (is_same(at->name, at->name_len, name, strlen(name))) {
            return at;
        }
    }
    return NULL;
}

/* The name comes from the command line. Names with blanks or bytes beyond ASCII
 * are refused, since they could never equal a Host that check_host accepts. */
bool web_hosts_add(web_hosts *hosts, const char *name)
{
    size_t len = strlen(name);
    if (len == 0 || len > WEB_MAX_HOST_LENGTH ||
        hosts->count == WEB_MAX_HOSTS) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)name[i] <= ' ' || (unsigned char)name[i] >= 0x7f) {
            return false;
        }
    }
    memcpy(hosts->names[hosts->count++], name, len + 1);
    return true;
}

static bool refuse(web_refusal *out, unsigned status, const char *why)
{
    *out = (web_refusal){.status = status, .why = why};
    return false;
}

/* ---- the first line ---- */

/* OPTIONS is refused, so no preflight of another site ever succeeds, and the
 * pages of that site can send only what a form could (the CORS protocol). TRACE
 * would echo the cookie to a script. Known verbs of HTTP get 405, others 501
 * (RFC 9110, 15.5.6 and 15.6.2). */
static bool check_verb(const char *verb, web_refusal *out)
{
    static const char *const known[] = {"GET", "HEAD",  "POST",
                                        "PUT", "PATCH", "DELETE"};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(verb, known[i]) == 0) {
            return true;
        }
    }
    bool is_http = strcmp(verb, "OPTIONS") == 0 || strcmp(verb, "TRACE") == 0 ||
                   strcmp(verb, "CONNECT") == 0;
    return is_http ? refuse(out, 405, "this method is not allowed")
                   : refuse(out, 501, "unknown HTTP method");
}

static int hex_digit(char c)
{
    c = lower(c);
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                  : -1;
}

/* A path may contain any escaped byte, except those that would change the
 * meaning of the path. */
static bool is_good_escape(const char *at)
{
    int high = hex_digit(at[1]);
    int low = high >= 0 ? hex_digit(at[2]) : -1;
    int byte = high * 16 + low;
    return high >= 0 && low >= 0 && byte >= 0x20 && byte != 0x7f &&
           byte != '/' && byte != '\\' && byte != '.' && byte != '%';
}

/* Accepts only a path. Refused are a scheme and authority, which are for
 * proxies (RFC 9112, 3.2.2); `..` and `//`, which some programs resolve; and a
 * backslash, which some take for a slash. The query may contain any escape,
 * because it never becomes a path. */
static bool is_good_target(const char *target)
{
    bool in_query = false;
    for (const char *at = target; *at != '\0'; at++) {
        unsigned char c = (unsigned char)*at;
        in_query |= c == '?';
        if (c <= ' ' || c >= 0x7f || c == '#' || c == '\\') {
            return false;
        }
        if (!in_query && ((c == '%' && !is_good_escape(at)) ||
                          (c == '/' && (at[1] == '/' || at[1] == '.')))) {
            return false;
        }
    }
    return target[0] == '/';
}

static bool check_line(const web_head *head, web_refusal *out)
{
    if (strcmp(head->version, "HTTP/1.1") != 0 &&
        strcmp(head->version, "HTTP/1.0") != 0) {
        return refuse(out, 505, "only HTTP/1.1 and HTTP/1.0 are supported");
    }
    if (!check_verb(head->verb, out)) {
        return false;
    }
    if (head->target == NULL) {
        return refuse(out, 414, "the address is too long");
    }
    return is_good_target(head->target)
               ? true
               : refuse(out, 400, "the address is not a plain path");
}

/* ---- fields ---- */

/* A control character in a value is dangerous if it is passed on, for example
 * to a line of a log (RFC 9110, 5.5). */
static bool is_good_field(const web_field *field)
{
    for (size_t i = 0; i < field->name_len; i++) {
        if (!is_token((unsigned char)field->name[i])) {
            return false;
        }
    }
    for (size_t i = 0; i < field->value_len; i++) {
        unsigned char c = (unsigned char)field->value[i];
        if ((c < ' ' && c != '\t') || c == 0x7f) {
            return false;
        }
    }
    return field->name_len > 0;
}

/* Each field counts 4 bytes for its colon, blank and line end, as they were
 * received. */
static bool check_fields(const web_head *head, web_refusal *out)
{
    size_t bytes = strlen(head->target);
    if (head->field_count > WEB_MAX_FIELDS) {
        return refuse(out, 431, "too many header fields");
    }
    for (size_t i = 0; i < head->field_count; i++) {
        bytes += head->fields[i].name_len + head->fields[i].value_len + 4;
        if (!is_good_field(&head->fields[i])) {
            return refuse(
                out, 400,
                "a header field has a bad name or a control character");
        }
    }
    return bytes <= WEB_MAX_HEAD_BYTES
               ? true
               : refuse(out, 431, "the header fields are too large");
}

static bool begins_as(const web_field *field, const char *name)
{
    size_t len = strlen(name);
    return field->name_len > len && is_same(field->name, len, name, len);
}

/* Fields that must not occur twice, because two readers could use different
 * ones. The library appends the second line of a folded field to its name:
 * `Content-Length: 5` with ` 0` below becomes `Content-Length0` with the value
 * 5. */
static bool check_single(const web_head *head, web_refusal *out)
{
    static const char *const single[] = {"Host",
                                         "Content-Length",
                                         "Transfer-Encoding",
                                         "Content-Type",
                                         "Authorization",
                                         "Cookie",
                                         "Origin",
                                         "Expect",
                                         "X-CSRF-Token",
                                         "Sec-Fetch-Site",
                                         "Shmrpc-Timeout-Ms",
                                         "Accept",
                                         "traceparent"};
    for (size_t k = 0; k < sizeof single / sizeof single[0]; k++) {
        size_t count = 0;
        bool may_begin_others = strcmp(single[k], "Accept") == 0;
        for (size_t i = 0; i < head->field_count; i++) {
            if (!may_begin_others && begins_as(&head->fields[i], single[k])) {
                return refuse(out, 400,
                              "a header field is folded over two lines");
            }
            count += is_same(head->fields[i].name, head->fields[i].name_len,
                             single[k], strlen(single[k]));
        }
        if (count > 1) {
            return refuse(out, 400, "a header field is given twice");
        }
    }
    return true;
}

/* Accepts digits only (RFC 9110, 8.6), because some servers accept `+5`, `5, 5`
 * and `0x5` as numbers and others don't. A number that doesn't fit into 64 bits
 * counts as the largest. */
static bool check_length(const web_field *length, size_t most, web_refusal *out)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < length->value_len; i++) {
        char c = length->value[i];
        if (c < '0' || c > '9') {
            return refuse(out, 400, "Content-Length is not a number");
        }
        bytes = bytes < UINT64_MAX / 16 ? bytes * 10 + (uint64_t)(c - '0')
                                        : UINT64_MAX;
    }
    if (length->value_len == 0) {
        return refuse(out, 400, "Content-Length is not a number");
    }
    return bytes <= most ? true
                         : refuse(out, 413,
                                  "the body is larger than this server takes "
                                  "(--max-body, 1 MiB if not given)");
}

/* It must be certain where the body ends. If both fields are present, or
 * HTTP/1.0 has chunks, two servers may disagree, and one takes the rest of the
 * body for another client's request (request smuggling; RFC 9112, 6.1 and
 * 6.3). */
static bool check_body(const web_head *head, size_t most, web_refusal *out)
{
    const web_field *length = web_head_find(head, "Content-Length");
    const web_field *coding = web_head_find(head, "Transfer-Encoding");
    const web_field *expect = web_head_find(head, "Expect");
    if (length != NULL && coding != NULL) {
        return refuse(
            out, 400,
            "Content-Length and Transfer-Encoding exclude each other");
    }
    if (coding != NULL && (!web_field_is(coding, "chunked") ||
                           strcmp(head->version, "HTTP/1.0") == 0)) {
        return refuse(out, 400, "this Transfer-Encoding is not understood");
    }
    if (expect != NULL && !web_field_is(expect, "100-continue")) {
        return refuse(out, 417, "this Expect is not understood");
    }
    return length == NULL || check_length(length, most, out);
}

/* Prevents DNS rebinding: if the name of evil.example now resolves to our
 * address, its page has our origin for the browser, but Host still says
 * evil.example. */
static bool check_host(const web_head *head, const web_hosts *hosts,
                       web_refusal *out)
{
    const web_field *host = web_head_find(head, "Host");
    if (host == NULL) {
        return refuse(out, 400, "the field Host is missing");
    }
    for (size_t i = 0; i < host->value_len; i++) {
        char c = host->value[i];
        if (c <= ' ' || c == ',' || c == '/' || c == '@' || c == 0x7f) {
            return refuse(out, 400, "the field Host is not a host name");
        }
    }
    for (size_t i = 0; i < hosts->count; i++) {
        if (web_field_is(host, hosts->names[i])) {
            return true;
        }
    }
    return refuse(out, 403,
                  "the Host header names no host of this server (--host)");
}

/* The order matters: later checks rely on an existing target and on fields that
 * occur once. */
bool web_head_check(const web_head *head, const web_hosts *hosts,
                    size_t max_body_bytes, web_refusal *out)
{
    return check_line(head, out) && check_fields(head, out) &&
           check_single(head, out) && check_host(head, hosts, out) &&
           check_body(head, max_body_bytes, out);
}
