/*
 * Searches for services on a thread of its own: discovering, describing and
 * connecting block, and a hung service must delay neither the page nor calls.
 *
 * The interface in a service object never changes. When a server has another
 * interface, a new object replaces the old one, which lives until its last
 * reference is released.
 */
#include "tools/shmrpc-web/directory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "idl/descriptor.h"
#include "idl/idl.h"
#include "os/clock.h"
#include "os/poll.h"
#include "os/thread.h"
#include "shmrpc/discover.h"

/* The most memory that reading a description may take. */
#define SERVICE_ARENA_BYTES ((size_t)256 << 20)
/* Timeout of one service; a hung one must not delay the others. */
#define ANSWER_NS SHMRPCI_NS_PER_S
/* Time between two searches. */
#define LOOK_NS (2 * SHMRPCI_NS_PER_S)

struct web_directory {
    int changed_fd;
    shmrpci_thread thread;
    shmrpci_mutex mutex; /* protects all that follows */
    shmrpci_cond cond;
    web_place places[WEB_MAX_SERVICES];
    size_t count;
    uint64_t asked; /* number of the last search that was begun or requested */
    uint64_t done;
    bool is_closing;
};

/* The most sockets of one search. Sockets of killed servers remain, so there
 * may be many more of them than services. */
#define MAX_FOUND 8192u

/* The results of one search. */
typedef struct look {
    web_place *places;
    size_t count;
    size_t cap;
} look;

/* ---- one service ---- */

static void destroy_service(web_service *service)
{
    shmrpc_stub_close(service->client);
    shmrpc_stats_close(service->presence);
    shmrpci_arena_fini(&service->arena);
    free(service);
}

/* The text comes from the service, and is parsed like any untrusted file; the
 * arena limits its memory. It must declare exactly one service, since otherwise
 * it would be unclear which one answers. */
static int read_text(web_service *s, shmrpc_error *error)
{
    const idl_options options = {.flags = IDL_ANY_C_NAMES};
    idl_diags diags;
    idl_diags_init(&diags);
    shmrpc_status status =
        idl_load_text(&options, s->address, s->text, s->text_len, &s->arena,
                      &diags, &s->schema);
    if (status == SHMRPC_OK && s->schema->service_count == 1) {
        s->source = s->schema->services[0];
        status = idl_descriptor(s->schema, s->source, &s->arena, &s->tables);
    }
    return status == SHMRPC_OK && s->tables != NULL
               ? SHMRPC_OK
               : shmrpc_error_set(error, SHMRPC_E_DATA_LOSS,
                                  "%s does not describe itself in a way that "
                                  "this version understands",
                                  s->address);
}

/* The tables contain the port that the interface recommends. This server may
 * listen on another one, so the tables are copied and changed. */
static int connect_service(web_service *s, shmrpc_error *error)
{
    const shmrpc_opts opts = {.timeout_ns = ANSWER_NS};
    shmrpc_service *here = shmrpci_arena_calloc(&s->arena, 1, sizeof *here,
                                                _Alignof(shmrpc_service));
    if (here == NULL) {
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    *here = *s->tables;
    here->port = s->port;
    s->tables = here;
    return shmrpc_stub_connect(here, s->address, &opts, &s->client, error);
}

/* The first reference belongs to the place. Returns NULL on failure; `error`
 * tells why, and is shown to users. */
static web_service *new_service(const web_place *place, const char *text,
                                size_t len, shmrpc_error *error)
{
    web_service *s = calloc(1, sizeof *s);
    if (s == NULL) {
        (void)shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
        return NULL;
    }
    shmrpci_arena_init(&s->arena, SERVICE_ARENA_BYTES);
    memcpy(s->name, place->name, sizeof s->name);
    memcpy(s->address, place->address, sizeof s->address);
    s->port = place->port;
    s->references = 1;
    s->text = shmrpci_arena_strndup(&s->arena, text, len);
    s->text_len = len;
    int status = s->text != NULL ? read_text(s, error)
                                 : shmrpc_error_set(error, SHMRPC_E_NO_MEMORY,
                                                    "out of memory");
    if (status == SHMRPC_OK) {
        status = connect_service(s, error);
    }
    if (status != SHMRPC_OK) {
        destroy_service(s);
        return NULL;
    }
    return s;
}

/* Attaches to the service's statistics. From them the next searches learn,
 * without a call, whether this server still runs. If that fails, each search
 * asks for the description again, which is slower but not wrong. */
static void renew_presence(web_service *s)
{
    const shmrpc_opts opts = {.timeout_ns = ANSWER_NS};
    shmrpc_stats_close(s->presence);
    if (shmrpc_stats_open(s->address, s->port, &opts, &s->presence, NULL) !=
        SHMRPC_OK) {
        s->presence = NULL;
    }
}

/* Asks the service for its interface, unless this server has answered already,
 * and makes a new object only if the interface has changed. */
static void look_at(web_place *place)
{
    const shmrpc_opts opts = {.timeout_ns = ANSWER_NS};
    char *text;
    size_t len;
    if (place->service != NULL && place->service->presence != NULL &&
        shmrpc_stats_is_alive(place->service->presence)) {
        place->is_alive = true;
        return;
    }
    if (shmrpc_describe(place->address, place->port, &opts, &text, &len,
                        &place->error) != SHMRPC_OK) {
        return;
    }
    web_service *old = place->service;
    if (old != NULL && old->text_len == len &&
        memcmp(old->text, text, len) == 0) {
        place->is_alive = true;
    } else {
        place->service = new_service(place, text, len, &place->error);
        place->is_alive = place->service != NULL;
    }
    if (place->is_alive) {
        renew_presence(place->service);
    }
    free(text);
}

/* ---- one search ---------------------------------------------------------- */

static bool grow(look *l)
{
    size_t cap = l->cap == 0 ? 32 : l->cap * 2;
    web_place *places =
        cap <= MAX_FOUND ? realloc(l->places, cap * sizeof *places) : NULL;
    if (places == NULL) {
        return false;
    }
    l->places = places;
    l->cap = cap;
    return true;
}

/* Skips services for which there is no room or whose names are too long,
 * because there is nobody to whom this could be reported. */
static void on_found(void *user, const shmrpc_found *found)
{
    look *l = user;
    bool has_instance = found->instance[0] != '\0';
    if (l->count == l->cap && !grow(l)) {
        return;
    }
    web_place *place = &l->places[l->count];
    memset(place, 0, sizeof *place);
    int len = snprintf(place->address, sizeof place->address, "shm://%s%s%s",
                       found->name, has_instance ? "@" : "", found->instance);
    if (len < 0 || (size_t)len >= sizeof place->address) {
        return;
    }
    memcpy(place->name, place->address + strlen("shm://"),
           (size_t)len + 1 - strlen("shm://"));
    place->port = found->port;
    for (size_t i = 0; i < l->count; i++) {
        if (strcmp(l->places[i].name, place->name) == 0) {
            return; /* clients only find the first one */
        }
    }
    l->count++;
}

static int compare_places(const void *a, const void *b)
{
    return strcmp(((const web_place *)a)->name, ((const web_place *)b)->name);
}

/* Services that answer come first, then those that have answered before. */
static int compare_use(const void *a, const void *b)
{
    const web_place *left = a;
    const web_place *right = b;
    if (left->is_alive != right->is_alive) {
        return left->is_alive ? -1 : 1;
    }
    if ((left->service == NULL) != (right->service == NULL)) {
        return left->service != NULL ? -1 : 1;
    }
    return compare_places(a, b);
}

/* Drops places beyond the maximum. */
static void cut(web_directory *d, look *l)
{
    if (l->count <= WEB_MAX_SERVICES) {
        return;
    }
    qsort(l->places, l->count, sizeof l->places[0], compare_use);
    for (size_t i = WEB_MAX_SERVICES; i < l->count; i++) {
        if (l->places[i].service != NULL) {
            web_service_release(d, l->places[i].service);
        }
    }
    l->count = WEB_MAX_SERVICES;
    qsort(l->places, l->count, sizeof l->places[0], compare_places);
}

static void retain_service(web_directory *d, web_service *service)
{
    shmrpci_mutex_lock(&d->mutex);
    service->references++;
    shmrpci_mutex_unlock(&d->mutex);
}

/* A place that existed before starts with its old service and a reference of
 * its own; publish releases the old place's reference. */
static void inherit(web_directory *d, look *l)
{
    for (size_t i = 0; i < d->count; i++) {
        web_place *old = &d->places[i];
        for (size_t k = 0; k < l->count && old->service != NULL; k++) {
            web_place *place = &l->places[k];
            if (strcmp(old->name, place->name) == 0 &&
                old->port == place->port) {
                place->service = old->service;
                retain_service(d, old->service);
            }
        }
    }
}

/* Releases the old references after unlocking: releasing the last one closes a
 * client, which takes time and needs the lock. */
static void publish(web_directory *d, const look *l, uint64_t number)
{
    web_service *gone[WEB_MAX_SERVICES];
    size_t gone_count = 0;
    shmrpci_mutex_lock(&d->mutex);
    for (size_t i = 0; i < d->count; i++) {
        if (d->places[i].service != NULL) {
            gone[gone_count++] = d->places[i].service;
        }
    }
    if (l->count > 0) {
        memcpy(d->places, l->places, l->count * sizeof l->places[0]);
    }
    d->count = l->count;
    d->done = number;
    shmrpci_mutex_unlock(&d->mutex);
    for (size_t i = 0; i < gone_count; i++) {
        web_service_release(d, gone[i]);
    }
    shmrpci_event_set(d->changed_fd);
}

/* Only this thread changes `places`, so it reads them without the lock. */
static void look_once(web_directory *d, look *l, uint64_t number)
{
    shmrpc_error error;
    l->count = 0;
    /* A folder that can't be read counts as one without services. */
    if (shmrpc_discover(&error, on_found, l) == SHMRPC_OK && l->count > 0) {
        qsort(l->places, l->count, sizeof l->places[0], compare_places);
    }
    inherit(d, l);
    for (size_t i = 0; i < l->count; i++) {
        web_service *old = l->places[i].service;
        look_at(&l->places[i]);
        if (old != NULL && l->places[i].service != old) {
            web_service_release(d, old);
        }
    }
    cut(d, l);
    publish(d, l, number);
}

/* If a search was requested meanwhile (web_directory_ask), it begins at once.
 * Its number distinguishes it from the one that has just ended. */
static void run(void *user)
{
    web_directory *d = user;
    look found = {NULL, 0, 0};
    shmrpci_mutex_lock(&d->mutex);
    while (!d->is_closing) {
        uint64_t number = d->asked + 1;
        d->asked = number;
        shmrpci_mutex_unlock(&d->mutex);
        look_once(d, &found, number);
        int64_t next_ns = shmrpci_deadline_after(LOOK_NS);
        shmrpci_mutex_lock(&d->mutex);
        while (!d->is_closing && d->asked == number &&
               shmrpci_cond_wait_until(&d->cond, &d->mutex, next_ns)) {
        }
    }
    shmrpci_mutex_unlock(&d->mutex);
    free(found.places);
}

/* ---- queries ------------ */

void web_service_release(web_directory *d, web_service *service)
{
    shmrpci_mutex_lock(&d->mutex);
    bool is_last = --service->references == 0;
    shmrpci_mutex_unlock(&d->mutex);
    if (is_last) {
        destroy_service(service);
    }
}

/* Takes the reference with the lock held: otherwise the directory's thread
 * could release the last reference after the service was found here. */
web_service *web_directory_find(web_directory *d, const char *name)
{
    web_service *found = NULL;
    shmrpci_mutex_lock(&d->mutex);
    for (size_t i = 0; i < d->count && found == NULL; i++) {
        if (strcmp(d->places[i].name, name) == 0) {
            found = d->places[i].service;
        }
    }
    if (found != NULL) {
        found->references++;
    }
    shmrpci_mutex_unlock(&d->mutex);
    return found;
}

size_t web_directory_list(web_directory *d, bool retain, web_place *out,
                          size_t max)
{
    shmrpci_mutex_lock(&d->mutex);
    size_t count = d->count < max ? d->count : max;
    memcpy(out, d->places, count * sizeof *out);
    for (size_t i = 0; i < count; i++) {
        if (out[i].service != NULL) {
            out[i].ping_ns = out[i].service->ping_ns;
            out[i].service->references += retain;
        }
    }
    shmrpci_mutex_unlock(&d->mutex);
    return count;
}

void web_directory_set_ping(web_directory *d, web_service *service,
                            int64_t ping_ns)
{
    shmrpci_mutex_lock(&d->mutex);
    service->ping_ns = ping_ns;
    shmrpci_mutex_unlock(&d->mutex);
}

uint64_t web_directory_ask(web_directory *d)
{
    shmrpci_mutex_lock(&d->mutex);
    /* Returns the number of the next search. A search in progress would not do,
     * because it may have passed the service's place already. */
    uint64_t number = ++d->asked;
    shmrpci_cond_signal(&d->cond);
    shmrpci_mutex_unlock(&d->mutex);
    return number + 1;
}

uint64_t web_directory_looks(web_directory *d)
{
    shmrpci_mutex_lock(&d->mutex);
    uint64_t done = d->done;
    shmrpci_mutex_unlock(&d->mutex);
    return done;
}

/* ---- opening and closing ------------------------------------------------- */

int web_directory_open(int changed_fd, web_directory **out, shmrpc_error *error)
{
    web_directory *d = calloc(1, sizeof *d);
    if (d == NULL) {
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    d->changed_fd = changed_fd;
    shmrpci_mutex_init(&d->mutex);
    shmrpci_cond_init(&d->cond);
    if (shmrpci_thread_create(&d->thread, "directory", run, d) != SHMRPC_OK) {
        free(d);
        return shmrpc_error_set(error, SHMRPC_E_EXHAUSTED, "no thread left");
    }
    *out = d;
    return SHMRPC_OK;
}

void web_directory_close(web_directory *d)
{
    shmrpci_mutex_lock(&d->mutex);
    d->is_closing = true;
    shmrpci_cond_signal(&d->cond);
    shmrpci_mutex_unlock(&d->mutex);
    shmrpci_thread_join(&d->thread);
    for (size_t i = 0; i < d->count; i++) {
        if (d->places[i].service != NULL) {
            web_service_release(d, d->places[i].service);
        }
    }
    shmrpci_cond_fini(&d->cond);
    shmrpci_mutex_fini(&d->mutex);
    free(d);
}
