/* Parses addresses of shared objects, and makes the names that objects have in
 * NATS. */
#include "transport/nats/remote_place.h"

#include <stdio.h>
#include <string.h>

#include "base/number.h"

#define SCHEME    "nats://"
#define NATS_PORT "4222"

/* The longest value of an option that is a number or a word. */
#define WORD_BYTES 16u

/* A part of an address; not terminated by a 0. */
typedef struct part {
    const char *at;
    size_t len;
} part;

static int bad(const char *address, const char *what, shmrpc_error *error)
{
    return shmrpc_error_set(error, SHMRPC_E_INVALID, "address \"%.100s\": %s",
                            address, what);
}

static bool is_it(part p, const char *text)
{
    return strlen(text) == p.len && memcmp(p.at, text, p.len) == 0;
}

/* Returns false if the part is empty or too long. */
static bool copy(part p, char *out, size_t size)
{
    if (p.len == 0 || p.len >= size) {
        return false;
    }
    memcpy(out, p.at, p.len);
    out[p.len] = '\0';
    return true;
}

/* ---- servers ------------------------------------------------------------- */

/* The brackets around an IPv6 address keep its colons from looking like a
 * port. */
static bool has_port(part host)
{
    const char *end = memchr(host.at, ']', host.len);
    size_t from = end != NULL ? (size_t)(end - host.at) : 0;
    return memchr(host.at + from, ':', host.len - from) != NULL;
}

/* Returns false if the list of servers becomes too long. */
static bool add_server(nats_place *out, part host)
{
    size_t used = strlen(out->servers);
    if (host.len == 0) {
        host = (part){"127.0.0.1", sizeof "127.0.0.1" - 1};
    }
    int len = snprintf(out->servers + used, sizeof out->servers - used,
                       "%s%.*s%s", used > 0 ? "," : "", (int)host.len, host.at,
                       has_port(host) ? "" : ":" NATS_PORT);
    return len > 0 && (size_t)len < sizeof out->servers - used;
}

/* Reads servers up to the name, the options or the end, and moves *at there. */
static int parse_servers(const char *address, const char **at, nats_place *out,
                         shmrpc_error *error)
{
    for (;;) {
        if (strncmp(*at, SCHEME, sizeof SCHEME - 1) != 0) {
            return bad(address, "each server begins with nats://", error);
        }
        *at += sizeof SCHEME - 1;
        part host = {*at, strcspn(*at, ",/?")};
        if (!add_server(out, host)) {
            return bad(address, "the list of servers is too long", error);
        }
        *at += host.len;
        if (**at != ',') {
            return SHMRPC_OK;
        }
        ++*at;
    }
}

/* ---- options ------------------------------------------------------------- */

static char *file_of(part key, nats_place *out)
{
    return is_it(key, "creds")  ? out->creds_file
           : is_it(key, "nkey") ? out->nkey_file
           : is_it(key, "ca")   ? out->ca_file
           : is_it(key, "cert") ? out->cert_file
                                : NULL;
}

static bool set_number(part value, uint64_t most, uint32_t *out)
{
    char text[WORD_BYTES];
    uint64_t number;
    if (!copy(value, text, sizeof text) ||
        !shmrpci_number_read(text, 1, most, &number)) {
        return false;
    }
    *out = (uint32_t)number;
    return true;
}

static bool set_option(part key, part value, nats_place *out)
{
    char *file = file_of(key, out);
    if (file != NULL) {
        return file[0] == '\0' && copy(value, file, sizeof out->creds_file);
    }
    if (is_it(key, "storage")) {
        out->is_in_file = is_it(value, "file");
        return out->is_in_file || is_it(value, "memory");
    }
    return is_it(key, "replicas")   ? set_number(value, 5, &out->replicas)
           : is_it(key, "ack_wait") ? set_number(value, 3600, &out->ack_wait_s)
                                    : false;
}

/* Reads KEY=VALUE[&KEY=VALUE...]. */
static int parse_options(const char *address, const char *at, nats_place *out,
                         shmrpc_error *error)
{
    while (*at != '\0') {
        part one = {at, strcspn(at, "&")};
        const char *is = memchr(one.at, '=', one.len);
        part key = {one.at, is != NULL ? (size_t)(is - one.at) : 0};
        if (is == NULL ||
            !set_option(key, (part){is + 1, one.len - key.len - 1}, out)) {
            return bad(address,
                       "expected creds=FILE, nkey=FILE, ca=FILE, cert=FILE, "
                       "replicas=1..5, storage=file, storage=memory or "
                       "ack_wait=SECONDS after ?, each once",
                       error);
        }
        at += one.len;
        at += *at == '&' ? 1 : 0;
    }
    return SHMRPC_OK;
}

int nats_place_parse(const char *address, const char *name, bool is_in_file,
                     nats_place *out, shmrpc_error *error)
{
    const char *at = address;
    *out =
        (nats_place){.replicas = 1, .is_in_file = is_in_file, .ack_wait_s = 30};
    int status = parse_servers(address, &at, out, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    part given = {name, name != NULL ? strlen(name) : 0};
    if (*at == '/' && at[1] != '\0' && at[1] != '?') {
        given = (part){at + 1, strcspn(at + 1, "?")};
    }
    if (!copy(given, out->name, sizeof out->name)) {
        return bad(address,
                   given.len == 0 ? "a name is missing: nats://host/name"
                                  : "the name is longer than 255 bytes",
                   error);
    }
    at += strcspn(at, "?");
    return *at == '?' ? parse_options(address, at + 1, out, error)
                      : (int)SHMRPC_OK;
}

/* ---- names --------------------------------------------------------------- */

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '_';
}

/* A dot is kept only between two non-empty tokens: NATS allows no empty
 * token. */
static bool is_separator(const char *name, size_t i)
{
    return name[i] == '.' && i > 0 && name[i - 1] != '.' &&
           name[i + 1] != '\0' && name[i + 1] != '.';
}

static int too_long(shmrpc_error *error)
{
    return shmrpc_error_set(error, SHMRPC_E_INVALID,
                            "the name is too long for NATS, where each special "
                            "character counts as three");
}

/* Different names get different results, because = and the character that
 * replaces a dot are escaped as well. */
static int spell(const char *name, char kind, char dot,
                 char out[NATS_PLACE_SUBJECT_BYTES], shmrpc_error *error)
{
    size_t len = (size_t)snprintf(out, NATS_PLACE_SUBJECT_BYTES, "shmrpc%c%c%c",
                                  dot, kind, dot);
    for (size_t i = 0; name[i] != '\0'; i++) {
        char c = name[i];
        /* Room for the longest form and the final 0. */
        if (len + 4 > NATS_PLACE_SUBJECT_BYTES) {
            return too_long(error);
        }
        if (is_separator(name, i)) {
            out[len++] = dot;
        } else if (is_letter(c) || (c == '-' && dot == '.')) {
            out[len++] = c;
        } else {
            len += (size_t)snprintf(out + len, NATS_PLACE_SUBJECT_BYTES - len,
                                    "=%02X", (unsigned)(unsigned char)c);
        }
    }
    out[len] = '\0';
    return SHMRPC_OK;
}

int nats_place_subject(const char *name, char kind,
                       char out[NATS_PLACE_SUBJECT_BYTES], shmrpc_error *error)
{
    return spell(name, kind, '.', out, error);
}

int nats_place_stream(const char *name, char kind,
                      char out[NATS_PLACE_SUBJECT_BYTES], shmrpc_error *error)
{
    return spell(name, kind, '-', out, error);
}

int nats_place_bucket(const char *name, char out[NATS_PLACE_SUBJECT_BYTES],
                      shmrpc_error *error)
{
    size_t len = (size_t)snprintf(out, NATS_PLACE_SUBJECT_BYTES, "%s", "KV_");
    for (size_t i = 0; name[i] != '\0'; i++) {
        char c = name[i];
        /* Room for the longest form, for ".>" of its subjects, and for the
         * final 0. */
        if (len + 8 > NATS_PLACE_SUBJECT_BYTES) {
            return too_long(error);
        }
        if (c == '.' || (is_letter(c) && c != '_')) {
            out[len++] = c == '.' ? '-' : c;
        } else {
            len += (size_t)snprintf(out + len, NATS_PLACE_SUBJECT_BYTES - len,
                                    "_%02X", (unsigned)(unsigned char)c);
        }
    }
    out[len] = '\0';
    return SHMRPC_OK;
}
