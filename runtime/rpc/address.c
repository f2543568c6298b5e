/* Parsing of address lists. */
#include "rpc/address.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A part of an address. */
typedef struct part {
    const char *at;
    size_t len;
} part;

#define PART_ARGS(p) (int)((p).len < 100 ? (p).len : 100), (p).at

static bool part_is(part p, const char *text)
{
    return strlen(text) == p.len && memcmp(p.at, text, p.len) == 0;
}

static part trim(part p)
{
    while (p.len > 0 && p.at[0] == ' ') {
        p.at++;
        p.len--;
    }
    while (p.len > 0 && p.at[p.len - 1] == ' ') {
        p.len--;
    }
    return p;
}

/* Splits `p` at the first `c`: returns the part before it and stores the part
 * behind it in *rest; false if there is no `c`. */
static bool split(part p, char c, part *before, part *rest)
{
    const char *at = p.len > 0 ? memchr(p.at, c, p.len) : NULL;
    if (at == NULL) {
        return false;
    }
    size_t len = (size_t)(at - p.at);
    *before = (part){p.at, len};
    *rest = (part){at + 1, p.len - len - 1};
    return true;
}

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
}

/* Service names become file names: no separators, and no hidden files. */
static bool is_name(part p)
{
    for (size_t i = 0; i < p.len; i++) {
        if (!is_name_char(p.at[i])) {
            return false;
        }
    }
    return p.len > 0 && p.at[0] != '.';
}

static int copy_name(part whole, part name, const char *what, char out[64],
                     shmrpc_error *error)
{
    if (!is_name(name)) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "address \"%.*s\": \"%.*s\" is not a valid %s "
                                "(letters, digits, _, - and .)",
                                PART_ARGS(whole), PART_ARGS(name), what);
    }
    if (name.len > 63) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "address \"%.*s\": the %s is too long "
                                "(%zu bytes, allowed 63)",
                                PART_ARGS(whole), what, name.len);
    }
    memcpy(out, name.at, name.len);
    out[name.len] = '\0';
    return SHMRPC_OK;
}

/* [name][@instance], without a query */
static int parse_names(part whole, part rest, const shmrpc_service *service,
                       shmrpci_address *out, shmrpc_error *error)
{
    part name = rest;
    part instance;
    int status = SHMRPC_OK;
    if (split(rest, '@', &name, &instance) && part_is(instance, "*")) {
        out->instance[0] = '*';
    } else if (rest.len != name.len) {
        status = copy_name(whole, instance, "instance", out->instance, error);
    }
    if (status == SHMRPC_OK && name.len == 0) {
        name = (part){service->name, strlen(service->name)};
    }
    return status == SHMRPC_OK
               ? copy_name(whole, name, "service name", out->name, error)
               : status;
}

static int parse_port(part whole, part digits, uint16_t *out,
                      shmrpc_error *error)
{
    unsigned long value = 0;
    bool valid = digits.len > 0 && digits.len <= 5;
    for (size_t i = 0; valid && i < digits.len; i++) {
        valid = digits.at[i] >= '0' && digits.at[i] <= '9';
        value = value * 10 + (unsigned long)(digits.at[i] - '0');
    }
    if (!valid || value > UINT16_MAX) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "address \"%.*s\": \"%.*s\" is not a port (1 "
                                "to 65535, or 0 for a server to choose)",
                                PART_ARGS(whole), PART_ARGS(digits));
    }
    *out = (uint16_t)value;
    return SHMRPC_OK;
}

static int copy_host(part whole, part host, const char *what,
                     shmrpci_address *out, shmrpc_error *error)
{
    if (host.len == 0 || host.len >= sizeof out->host) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "address \"%.*s\": %s %s", PART_ARGS(whole),
                                what,
                                host.len == 0 ? "is missing" : "is too long");
    }
    memcpy(out->host, host.at, host.len);
    out->host[host.len] = '\0';
    return SHMRPC_OK;
}

/* The port of a NATS server whose address has none. */
#define NATS_PORT 4222u

/* Kinds of addresses, which differ in the options that they accept. */
typedef enum query_kind {
    QUERY_LOCAL,
    QUERY_TCP,
    QUERY_TLS,
    QUERY_NATS
} query_kind;

static char *file_of(part name, query_kind kind, shmrpci_address *out)
{
    if (kind == QUERY_NATS) {
        return part_is(name, "creds")   ? out->creds_file
               : part_is(name, "nkey")  ? out->key_file
               : part_is(name, "cert")  ? out->cert_file
               : part_is(name, "ca")    ? out->ca_file
               : part_is(name, "token") ? out->token_file
                                        : NULL;
    }
    return part_is(name, "token")                        ? out->token_file
           : kind != QUERY_LOCAL && part_is(name, "key") ? out->key_file
           : kind == QUERY_TLS && part_is(name, "cert")  ? out->cert_file
           : kind == QUERY_TLS && part_is(name, "ca")    ? out->ca_file
                                                         : NULL;
}

static int copy_zone(part whole, part zone, shmrpci_address *out,
                     shmrpc_error *error)
{
    if (zone.len >= sizeof out->zone || out->zone[0] != '\0') {
        return shmrpc_error_set(
            error, SHMRPC_E_INVALID, "address \"%.*s\": the zone is %s",
            PART_ARGS(whole),
            out->zone[0] != '\0' ? "there twice" : "too long");
    }
    memcpy(out->zone, zone.at, zone.len);
    out->zone[zone.len] = '\0';
    return SHMRPC_OK;
}

/* Parses the options after an address's ?, see address.h. */
static int parse_file(part whole, part query, query_kind kind,
                      shmrpci_address *out, shmrpc_error *error)
{
    static const char *const expected[] = {
        [QUERY_LOCAL] = "token=FILE",
        [QUERY_TCP] = "key=FILE or token=FILE",
        [QUERY_TLS] = "key=FILE, cert=FILE, ca=FILE or token=FILE",
        [QUERY_NATS] = ("creds=FILE, nkey=FILE, cert=FILE, ca=FILE, "
                        "token=FILE or zone=NAME")};
    part name;
    part value = {NULL, 0};
    char *file = NULL;
    bool has_value = split(query, '=', &name, &value) && value.len > 0;
    if (has_value && kind == QUERY_NATS && part_is(name, "zone")) {
        return copy_zone(whole, value, out, error);
    }
    if (has_value) {
        file = file_of(name, kind, out);
    }
    if (file == NULL) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "address \"%.*s\": expected %s after ?",
                                PART_ARGS(whole), expected[kind]);
    }
    if (value.len >= sizeof out->key_file || file[0] != '\0') {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "address \"%.*s\": the %.*s's path is %s",
                                PART_ARGS(whole), PART_ARGS(name),
                                file[0] != '\0' ? "there twice" : "too long");
    }
    memcpy(file, value.at, value.len);
    file[value.len] = '\0';
    return SHMRPC_OK;
}

/* Parses several options, separated by &. */
static int parse_query(part whole, part query, query_kind kind,
                       shmrpci_address *out, shmrpc_error *error)
{
    int status = SHMRPC_OK;
    for (bool more = true; more && status == SHMRPC_OK;) {
        part one = query;
        more = split(query, '&', &one, &query);
        status = parse_file(whole, one, kind, out, error);
    }
    return status;
}

/* Splits off what follows a ?, if there is one, from *rest. */
static int take_query(part whole, part *rest, query_kind kind,
                      shmrpci_address *out, shmrpc_error *error)
{
    part query;
    return split(*rest, '?', rest, &query)
               ? parse_query(whole, query, kind, out, error)
               : (int)SHMRPC_OK;
}

/* [name][@instance][?token=FILE] */
static int parse_local(part whole, part rest, const shmrpc_service *service,
                       shmrpci_address *out, shmrpc_error *error)
{
    int status = take_query(whole, &rest, QUERY_LOCAL, out, error);
    return status == SHMRPC_OK ? parse_names(whole, rest, service, out, error)
                               : status;
}

/* [host][:port], [v6][:port] */
static int parse_host(part whole, part rest, shmrpci_address *out,
                      shmrpc_error *error)
{
    part host = rest;
    part port = {NULL, 0};
    bool has_port;
    if (rest.len > 0 && rest.at[0] == '[') {
        part inner = {rest.at + 1, rest.len - 1};
        part behind;
        if (!split(inner, ']', &host, &behind) ||
            (behind.len > 0 && behind.at[0] != ':')) {
            return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                    "address \"%.*s\": expected [address]:port",
                                    PART_ARGS(whole));
        }
        has_port = behind.len > 0;
        port = has_port ? (part){behind.at + 1, behind.len - 1} : port;
    } else {
        has_port = split(rest, ':', &host, &port);
    }
    if (has_port) {
        int status = parse_port(whole, port, &out->port, error);
        if (status != SHMRPC_OK) {
            return status;
        }
    }
    return host.len > 0 ? copy_host(whole, host, "the host", out, error)
                        : SHMRPC_OK;
}

/* [host][:port][?name=FILE[&name=FILE...]] */
static int parse_endpoint(part whole, part rest, query_kind kind,
                          shmrpci_address *out, shmrpc_error *error)
{
    part host = rest;
    int status = take_query(whole, &host, kind, out, error);
    return status == SHMRPC_OK ? parse_host(whole, host, out, error) : status;
}

static int parse_tcp(part whole, part rest, const shmrpc_service *service,
                     shmrpci_address *out, shmrpc_error *error)
{
    (void)service;
    return parse_endpoint(whole, rest, QUERY_TCP, out, error);
}

static int parse_tls(part whole, part rest, const shmrpc_service *service,
                     shmrpci_address *out, shmrpc_error *error)
{
    (void)service;
    return parse_endpoint(whole, rest, QUERY_TLS, out, error);
}

/* Splits the name off "host:port/name". If there is none, takes the service's
 * name. */
static int take_nats_name(part whole, part *rest, char name[64],
                          const shmrpc_service *service, shmrpc_error *error)
{
    part text;
    if (split(*rest, '/', rest, &text)) {
        return copy_name(whole, text, "service name", name, error);
    }
    (void)snprintf(name, 64, "%s", service->name);
    return SHMRPC_OK;
}

/* Parses host[:port][/name][?option=FILE...]. Stores "host:port" as the host:
 * the first entry of the list of servers. An address without a name gets the
 * service's name. */
static int parse_nats(part whole, part rest, const shmrpc_service *service,
                      shmrpci_address *out, shmrpc_error *error)
{
    char host[sizeof out->host];
    part place = rest;
    out->port = 0;
    int status = take_query(whole, &place, QUERY_NATS, out, error);
    if (status == SHMRPC_OK) {
        status = take_nats_name(whole, &place, out->name, service, error);
    }
    if (status == SHMRPC_OK) {
        status = parse_host(whole, place, out, error);
    }
    if (status != SHMRPC_OK) {
        return status;
    }
    bool is_v6 = strchr(out->host, ':') != NULL;
    int len = snprintf(host, sizeof host, "%s%s%s:%u", is_v6 ? "[" : "",
                       out->host[0] != '\0' ? out->host : "127.0.0.1",
                       is_v6 ? "]" : "",
                       out->port != 0 ? (unsigned)out->port : NATS_PORT);
    if (len < 0 || (size_t)len >= sizeof host) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "address \"%.*s\": the host is too long",
                                PART_ARGS(whole));
    }
    memcpy(out->host, host, (size_t)len + 1);
    return SHMRPC_OK;
}

/* Adds the server of the second address to the first, if both name servers of
 * one cluster: neighbours in a list that have the same files, zone and name.
 * Returns false if they differ. */
static bool join_nats(shmrpci_address *first, const shmrpci_address *second)
{
    char both[sizeof first->host];
    if (first->transport == NULL || first->transport != second->transport ||
        strcmp(first->transport->scheme, "nats") != 0 ||
        strcmp(first->creds_file, second->creds_file) != 0 ||
        strcmp(first->key_file, second->key_file) != 0 ||
        strcmp(first->cert_file, second->cert_file) != 0 ||
        strcmp(first->ca_file, second->ca_file) != 0 ||
        strcmp(first->token_file, second->token_file) != 0 ||
        strcmp(first->zone, second->zone) != 0 ||
        strcmp(first->name, second->name) != 0) {
        return false;
    }
    int len = snprintf(both, sizeof both, "%s,%s", first->host, second->host);
    if (len < 0 || (size_t)len >= sizeof both) {
        return false;
    }
    memcpy(first->host, both, (size_t)len + 1);
    return true;
}

/* /path[?token=FILE] */
static int parse_unix(part whole, part rest, const shmrpc_service *service,
                      shmrpci_address *out, shmrpc_error *error)
{
    (void)service;
    if (rest.len > 0 && rest.at[0] != '/') {
        return shmrpc_error_set(
            error, SHMRPC_E_INVALID,
            "address \"%.*s\": expected unix:///path, a path from the root",
            PART_ARGS(whole));
    }
    int status = take_query(whole, &rest, QUERY_LOCAL, out, error);
    return status == SHMRPC_OK ? copy_host(whole, rest, "the path", out, error)
                               : status;
}

typedef int parse_rest(part whole, part rest, const shmrpc_service *service,
                       shmrpci_address *out, shmrpc_error *error);

/* Every scheme that addresses may have, whether its transport is built or
 * not. */
static const struct {
    const char *name;
    parse_rest *parse;
} schemes[] = {
    {"shm", parse_local}, {"inproc", parse_local}, {"tcp", parse_tcp},
    {"tls", parse_tls},   {"unix", parse_unix},    {"nats", parse_nats},
};

static parse_rest *scheme_of(part name)
{
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        if (part_is(name, schemes[i].name)) {
            return schemes[i].parse;
        }
    }
    return NULL;
}

static int parse_place(part whole, const shmrpc_service *service,
                       shmrpci_place *out, shmrpc_error *error)
{
    part name;
    part rest;
    if (whole.len == 0) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "an address in the list is empty");
    }
    if (!split(whole, ':', &name, &rest) || rest.len < 2 ||
        memcmp(rest.at, "//", 2) != 0) {
        return shmrpc_error_set(
            error, SHMRPC_E_INVALID,
            "address \"%.*s\": expected shm://, inproc://, tcp://host or "
            "unix:///path",
            PART_ARGS(whole));
    }
    parse_rest *parse = scheme_of(name);
    if (parse == NULL) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "address \"%.*s\": no transport is called "
                                "\"%.*s\" (shm, inproc, tcp, tls, unix, nats)",
                                PART_ARGS(whole), PART_ARGS(name));
    }
    *out = (shmrpci_place){.address = {.port = service->port}};
    out->address.transport = shmrpci_transport_of(name.at, name.len);
    (void)snprintf(out->text, sizeof out->text, "%.*s", PART_ARGS(whole));
    rest = (part){rest.at + 2, rest.len - 2};
    return parse(whole, rest, service, &out->address, error);
}

int shmrpci_places_parse(const char *text, const shmrpc_service *service,
                         shmrpci_place_list *out, shmrpc_error *error)
{
    part list = {text, text != NULL ? strlen(text) : 0};
    list = trim(list);
    if (list.len == 0) {
        list = (part){"shm://", strlen("shm://")};
    }
    out->count = 0;
    for (bool more = true; more;) {
        part whole = list;
        more = split(list, ',', &whole, &list);
        if (out->count == SHMRPCI_PLACES_MAX) {
            return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                    "more than %d addresses in a list",
                                    SHMRPCI_PLACES_MAX);
        }
        int status =
            parse_place(trim(whole), service, &out->items[out->count], error);
        if (status != SHMRPC_OK) {
            return status;
        }
        out->count++;
        if (out->count > 1 && join_nats(&out->items[out->count - 2].address,
                                        &out->items[out->count - 1].address)) {
            out->count--;
        }
    }
    return SHMRPC_OK;
}

bool shmrpci_place_is_passed_over(int status)
{
    return status == SHMRPC_E_UNAVAILABLE || status == SHMRPC_E_DEADLINE ||
           status == SHMRPC_E_UNIMPLEMENTED;
}

int shmrpci_place_not_built(const shmrpci_place *place, shmrpc_error *error)
{
    return shmrpc_error_set(
        error, SHMRPC_E_UNIMPLEMENTED, "%s: the transport %.*s is not built in",
        place->text, (int)strcspn(place->text, ":"), place->text);
}
