/*
 * Checks of the keys nats*, which say which sections can be called from a NATS
 * cluster, and where the cluster is.
 *
 * One gateway announces all of these sections, so they must agree about the
 * cluster. The addresses are checked by the parser that the gateway uses.
 */
#include <string.h>

#include "rpc/address.h"
#include "supervise/ini_parser.h"

/* Keys that are options of the gateway, so all sections must agree on them. */
static const shmrpci_ini_key common[] = {SHMRPCI_INI_NATS,
                                         SHMRPCI_INI_NATS_CREDS,
                                         SHMRPCI_INI_NATS_NKEY,
                                         SHMRPCI_INI_NATS_TLS_CA,
                                         SHMRPCI_INI_NATS_TLS_CERT,
                                         SHMRPCI_INI_NATS_ZONE,
                                         SHMRPCI_INI_TCP_ALLOW_INSECURE};

/* Keys whose values become options after the ? of an address, with the names of
 * these options. */
static const struct {
    shmrpci_ini_key key;
    const char *name;
} parameters[] = {{SHMRPCI_INI_NATS_CREDS, "creds"},
                  {SHMRPCI_INI_NATS_NKEY, "nkey"},
                  {SHMRPCI_INI_NATS_TLS_CA, "ca"},
                  {SHMRPCI_INI_NATS_TLS_CERT, "cert"},
                  {SHMRPCI_INI_NATS_ZONE, "zone"}};

#define PARAMETERS (sizeof parameters / sizeof *parameters)

bool shmrpci_ini_is_announced(const shmrpci_ini_service *service)
{
    return service->values[SHMRPCI_INI_NATS_BIND].u.flag;
}

/* ---- addresses ----------------------------------------------------------- */

static void append_server(const shmrpci_ini_value *values, const char *server,
                          shmrpci_buf *out)
{
    char joint = '?';
    shmrpci_buf_printf(out, "%s%s", strstr(server, "://") ? "" : "nats://",
                       server);
    for (size_t i = 0; i < PARAMETERS; i++) {
        const shmrpci_ini_value *value = &values[parameters[i].key];
        if (value->present && value->u.text != NULL) {
            shmrpci_buf_printf(out, "%c%s=%s", joint, parameters[i].name,
                               value->u.text);
            joint = '&';
        }
    }
}

void shmrpci_ini_append_nats(const shmrpci_ini_value *values, shmrpci_buf *out)
{
    const shmrpci_ini_value *servers = &values[SHMRPCI_INI_NATS];
    if (!servers->present || servers->u.list.count == 0) {
        append_server(values, "127.0.0.1", out);
        return;
    }
    for (size_t i = 0; i < servers->u.list.count; i++) {
        shmrpci_buf_append_text(out, i > 0 ? "," : "");
        append_server(values, servers->u.list.items[i], out);
    }
}

/* ---- one section --------------------------------------------------------- */

/* A section that may have these keys: a service's or the page's. */
typedef struct holder {
    const char *name;
    shmrpci_ini_place place;
    const shmrpci_ini_value *values;
} holder;

static shmrpci_ini_place place_of(const holder *of, shmrpci_ini_key key)
{
    const shmrpci_ini_value *value = &of->values[key];
    return value->place.file != NULL ? value->place : of->place;
}

/* Refuses an address with parts after the host and port, because other keys set
 * these parts. */
static bool check_server(shmrpci_ini_parser *p, const holder *of,
                         const char *server)
{
    const char *scheme = strstr(server, "://");
    const char *host = scheme != NULL ? scheme + 3 : server;
    bool is_good = host[strcspn(host, "/?& \t")] == '\0' && host[0] != '\0' &&
                   (scheme == NULL || strncmp(server, "nats://", 7) == 0);
    if (!is_good) {
        shmrpci_ini_report(p, place_of(of, SHMRPCI_INI_NATS),
                           "`%.64s` for `nats` (expected nats://HOST or "
                           "nats://HOST:PORT; files and zone have keys of "
                           "their own)",
                           server);
    }
    return is_good;
}

static bool check_servers(shmrpci_ini_parser *p, const holder *of)
{
    const shmrpci_ini_value *servers = &of->values[SHMRPCI_INI_NATS];
    bool is_good = true;
    for (size_t i = 0; servers->present && i < servers->u.list.count; i++) {
        is_good = check_server(p, of, servers->u.list.items[i]) && is_good;
    }
    return is_good;
}

/* Checks hosts, ports, and the lengths of all parts, with the parser that the
 * gateway uses. */
static void check_addresses(shmrpci_ini_parser *p, const holder *of)
{
    const shmrpc_service nobody = {.name = "x", .id = ""};
    shmrpci_ini_place place = place_of(of, SHMRPCI_INI_NATS);
    shmrpci_place_list places;
    shmrpc_error error;
    shmrpci_buf text;
    shmrpci_buf_init_heap(&text);
    shmrpci_ini_append_nats(of->values, &text);
    const char *addresses = shmrpci_buf_text(&text);
    if (addresses == NULL) {
        p->no_memory = true;
    } else if (shmrpci_places_parse(addresses, &nobody, &places, &error) !=
               SHMRPC_OK) {
        shmrpci_ini_report(p, place, "[%s]: %s", of->name, error.message);
    } else if (places.count != 1) {
        shmrpci_ini_report(p, place, "[%s]: `nats` must name one server",
                           of->name);
    }
    shmrpci_buf_fini(&text);
}

static void check_zone(shmrpci_ini_parser *p, const holder *of)
{
    const shmrpci_ini_value *zone = &of->values[SHMRPCI_INI_NATS_ZONE];
    if (zone->present && zone->u.text != NULL &&
        strpbrk(zone->u.text, ",&?= \t") != NULL) {
        shmrpci_ini_report(p, zone->place,
                           "`%.64s` for `nats_zone` (expected a name without "
                           "blanks, commas, &, = and ?)",
                           zone->u.text);
    }
}

static void check_holder(shmrpci_ini_parser *p, const holder *of)
{
    const shmrpci_ini_value *creds = &of->values[SHMRPCI_INI_NATS_CREDS];
    const shmrpci_ini_value *nkey = &of->values[SHMRPCI_INI_NATS_NKEY];
    size_t before = p->error_count;
    if (creds->present && nkey->present) {
        shmrpci_ini_report(p, nkey->place,
                           "[%s] has both `nats_creds` and `nats_nkey`",
                           of->name);
        shmrpci_ini_note(p, creds->place, "the other is here");
    }
    for (size_t i = 0; i < PARAMETERS; i++) {
        if (parameters[i].key != SHMRPCI_INI_NATS_ZONE) {
            shmrpci_ini_check_file(p, of->values, parameters[i].key);
        }
    }
    check_zone(p, of);
    if (check_servers(p, of) && p->error_count == before) {
        check_addresses(p, of);
    }
}

/* ---- all sections -------------------------------------------------------- */

/* Checks that the service listens on shared memory, because the gateway is its
 * client there. */
static void check_listen(shmrpci_ini_parser *p,
                         const shmrpci_ini_service *service)
{
    const shmrpci_ini_value *listen = &service->values[SHMRPCI_INI_LISTEN];
    bool has_shm = !listen->present;
    for (size_t i = 0; listen->present && i < listen->u.list.count; i++) {
        has_shm = has_shm || strncmp(listen->u.list.items[i], "shm:", 4) == 0;
    }
    if (!has_shm) {
        shmrpci_ini_report(p, listen->place,
                           "[%s] has `nats_bind`, but no shm:// address, by "
                           "which the gateway would call it",
                           service->name);
    }
}

static bool is_same_list(const shmrpci_ini_list *a, const shmrpci_ini_list *b)
{
    bool is_same = a->count == b->count;
    for (size_t i = 0; is_same && i < a->count; i++) {
        is_same = strcmp(a->items[i], b->items[i]) == 0;
    }
    return is_same;
}

static bool is_same(shmrpci_ini_key key, const shmrpci_ini_value *a,
                    const shmrpci_ini_value *b)
{
    if (!a->present || !b->present) {
        return a->present == b->present;
    }
    return key == SHMRPCI_INI_NATS ? is_same_list(&a->u.list, &b->u.list)
           : key == SHMRPCI_INI_TCP_ALLOW_INSECURE
               ? a->u.flag == b->u.flag
               /* NULL means that it was invalid and has been reported. */
               : a->u.text == NULL || b->u.text == NULL ||
                     strcmp(a->u.text, b->u.text) == 0;
}

static void check_agreement(shmrpci_ini_parser *p,
                            const shmrpci_ini_service *first,
                            const shmrpci_ini_service *service)
{
    for (size_t i = 0; i < sizeof common / sizeof *common; i++) {
        shmrpci_ini_key key = common[i];
        if (!is_same(key, &first->values[key], &service->values[key])) {
            shmrpci_ini_report(p, shmrpci_ini_key_place(service, key),
                               "[%s] and [%s] differ in `%s`, but one gateway "
                               "announces both: write it into [defaults]",
                               first->name, service->name,
                               shmrpci_ini_rows[key].name);
            shmrpci_ini_note(p, shmrpci_ini_key_place(first, key),
                             "the other is here");
        }
    }
}

void shmrpci_ini_check_nats(shmrpci_ini_parser *p)
{
    const shmrpci_ini_service *first = NULL;
    size_t count = 0;
    if (p->out->has_web) {
        check_holder(p, &(holder){SHMRPCI_INI_WEB, p->web_place, p->out->web});
    }
    for (size_t i = 0; i < p->service_count; i++) {
        const shmrpci_ini_service *service = &p->services[i];
        if (!shmrpci_ini_is_announced(service)) {
            continue;
        }
        check_listen(p, service);
        if (first == NULL) {
            first = service;
            check_holder(
                p, &(holder){service->name, service->place, service->values});
        } else {
            check_agreement(p, first, service);
        }
        if (++count == SHMRPCI_INI_NATS_MAX + 1) {
            shmrpci_ini_report(
                p, shmrpci_ini_key_place(service, SHMRPCI_INI_NATS_BIND),
                "more than %d sections have `nats_bind`", SHMRPCI_INI_NATS_MAX);
        }
    }
}
