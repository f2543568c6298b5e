/* Finds the service that a user names. */
#include "svc/find.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "shmrpc/discover.h"

/* ---- services that run here ---------------------------------------------- */

typedef struct finder {
    shmrpci_arena *arena;
    svc_places *out;
    size_t room;
    bool no_memory;
} finder;

static int compare_places(const void *a, const void *b)
{
    const svc_place *left = a;
    const svc_place *right = b;
    int order = strcmp(left->name, right->name);
    if (order == 0) {
        order = strcmp(left->instance, right->instance);
    }
    if (order == 0) {
        order = (int)left->port - (int)right->port;
    }
    return order != 0 ? order : (int)left->hidden - (int)right->hidden;
}

static bool is_hidden(const svc_places *places, const shmrpc_found *found)
{
    for (size_t i = 0; i < places->count; i++) {
        const svc_place *at = &places->items[i];
        if (at->port == found->port && strcmp(at->name, found->name) == 0 &&
            strcmp(at->instance, found->instance) == 0) {
            return true;
        }
    }
    return false;
}

static bool grow(finder *f)
{
    if (f->out->count < f->room) {
        return true;
    }
    size_t room = f->room == 0 ? 16 : f->room * 2;
    svc_place *items = shmrpci_arena_calloc(f->arena, room, sizeof *items,
                                            _Alignof(svc_place));
    if (items == NULL) {
        return false;
    }
    if (f->out->count > 0) {
        memcpy(items, f->out->items, f->out->count * sizeof *items);
    }
    f->out->items = items;
    f->room = room;
    return true;
}

static void on_found(void *user, const shmrpc_found *found)
{
    finder *f = user;
    if (f->no_memory || !grow(f)) {
        f->no_memory = true;
        return;
    }
    bool has_instance = found->instance[0] != '\0';
    svc_place place = {
        .name = shmrpci_arena_printf(f->arena, "%s", found->name),
        .instance = shmrpci_arena_printf(f->arena, "%s", found->instance),
        .port = found->port,
        .where = shmrpci_arena_printf(f->arena, "%s", found->where),
        .address =
            shmrpci_arena_printf(f->arena, "shm://%s%s%s", found->name,
                                 has_instance ? "@" : "", found->instance),
        .hidden = is_hidden(f->out, found),
    };
    if (place.name == NULL || place.instance == NULL || place.where == NULL ||
        place.address == NULL) {
        f->no_memory = true;
        return;
    }
    f->out->items[f->out->count++] = place;
}

int svc_places_find(shmrpci_arena *arena, svc_places *out, shmrpc_error *error)
{
    *out = (svc_places){.items = NULL};
    finder f = {.arena = arena, .out = out};
    int status = shmrpc_discover(error, on_found, &f);
    if (status == SHMRPC_OK && f.no_memory) {
        status = shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    if (status == SHMRPC_OK && out->count > 0) {
        qsort(out->items, out->count, sizeof *out->items, compare_places);
    }
    return status;
}

/* ---- the service that is meant ------------------------------------------- */

/* The parts of NAME[@INSTANCE][:PORT]. */
typedef struct wanted {
    const char *name;
    const char *instance;
    uint16_t port;   /* 0: any */
    bool is_address; /* the name is part of an address */
} wanted;

static bool read_port(const char *text, uint16_t *out)
{
    size_t len = strlen(text);
    if (len == 0 || len > 5 || strspn(text, "0123456789") != len) {
        return false;
    }
    long value = strtol(text, NULL, 10);
    *out = (uint16_t)value;
    return value >= 1 && value <= UINT16_MAX;
}

static int read_wanted(shmrpci_arena *arena, const char *text, wanted *out,
                       shmrpci_buf *message)
{
    const char *colon = strchr(text, ':');
    size_t len = colon != NULL ? (size_t)(colon - text) : strlen(text);
    const char *sign = memchr(text, '@', len);
    size_t name_len = sign != NULL ? (size_t)(sign - text) : len;
    *out = (wanted){
        .name = shmrpci_arena_strndup(arena, text, name_len),
        .instance = sign != NULL ? shmrpci_arena_strndup(arena, sign + 1,
                                                         len - name_len - 1)
                                 : "",
    };
    if (out->name == NULL || out->instance == NULL) {
        shmrpci_buf_append_text(message, "out of memory");
        return SHMRPC_E_NO_MEMORY;
    }
    if (name_len == 0 || (colon != NULL && !read_port(colon + 1, &out->port))) {
        shmrpci_buf_printf(
            message,
            "`%s` is not a service (expected NAME, NAME@INSTANCE, NAME:PORT or "
            "an address like shm://NAME)",
            text);
        return SHMRPC_E_INVALID;
    }
    return SHMRPC_OK;
}

static bool is_wanted(const svc_place *place, const wanted *w)
{
    return !place->hidden && strcmp(place->name, w->name) == 0 &&
           strcmp(place->instance, w->instance) == 0 &&
           (w->port == 0 || place->port == w->port);
}

/* Appends "; did you mean `echo_serv@two`?", or the list of services. Names
 * that `others` knows have already been offered to the search. */
static void suggest(const svc_places *places, const wanted *w,
                    shmrpci_nearest *search, shmrpci_buf *message)
{
    for (size_t i = 0; i < places->count; i++) {
        const svc_place *at = &places->items[i];
        if (strcmp(at->name, w->name) == 0) {
            shmrpci_buf_printf(message, "; did you mean `%s:%u`?",
                               at->address + strlen("shm://"), at->port);
            return;
        }
        shmrpci_nearest_offer(search, at->name);
    }
    if (search->best != NULL) {
        shmrpci_buf_printf(message, "; did you mean `%s`?", search->best);
    } else if (places->count == 0) {
        shmrpci_buf_append_text(message,
                                "; no service runs in the folders where this "
                                "user's clients look (SHMRPC_DIR?)");
    } else {
        shmrpci_buf_append_text(message, " (`shmrpc list` shows all services)");
    }
}

static int find_by_address(shmrpci_arena *arena, const char *list,
                           uint16_t port, svc_other_names *others,
                           svc_target *out, shmrpci_buf *message);

/* Looks for a name that no socket has: `others` may know it. */
static int find_elsewhere(shmrpci_arena *arena, const svc_places *places,
                          const wanted *w, svc_other_names *others,
                          svc_target *out, shmrpci_buf *message)
{
    const char *address = NULL;
    shmrpci_nearest search = {.wanted = w->name};
    bool may_be = others != NULL && w->instance[0] == '\0' && w->port == 0 &&
                  !w->is_address;
    int status =
        may_be ? others(arena, places, w->name, &address, &search, message)
               : SHMRPC_E_NOT_FOUND;
    if (status == SHMRPC_OK) {
        return find_by_address(arena, address, 0, NULL, out, message);
    }
    if (status == SHMRPC_E_NOT_FOUND) {
        shmrpci_buf_printf(message, "there is no service `%s%s%s`", w->name,
                           w->instance[0] != '\0' ? "@" : "", w->instance);
        suggest(places, w, &search, message);
    } else if (status == SHMRPC_E_NO_MEMORY) {
        shmrpci_buf_append_text(message, "out of memory");
    }
    return status;
}

static int choose(shmrpci_arena *arena, const svc_places *places,
                  const wanted *w, svc_other_names *others, svc_target *out,
                  shmrpci_buf *message)
{
    const svc_place *chosen = NULL;
    for (size_t i = 0; i < places->count; i++) {
        const svc_place *at = &places->items[i];
        if (is_wanted(at, w) && chosen != NULL) {
            shmrpci_buf_printf(
                message, "`%s` runs on the ports %u and %u; write `%s:%u`",
                w->name, chosen->port, at->port, at->address + strlen("shm://"),
                at->port);
            return SHMRPC_E_INVALID;
        }
        chosen = is_wanted(at, w) ? at : chosen;
    }
    if (chosen == NULL) {
        return find_elsewhere(arena, places, w, others, out, message);
    }
    out->where = chosen->address;
    out->port = chosen->port;
    return SHMRPC_OK;
}

static int find_by_name(shmrpci_arena *arena, const wanted *w,
                        svc_other_names *others, svc_target *out,
                        shmrpci_buf *message)
{
    svc_places places;
    shmrpc_error error;
    int status = svc_places_find(arena, &places, &error);
    if (status != SHMRPC_OK) {
        shmrpci_buf_append_text(message, error.message);
        return status;
    }
    return choose(arena, &places, w, others, out, message);
}

/* The name in the first shm:// address of a list, or NULL. */
static const char *shm_name(shmrpci_arena *arena, const char *list)
{
    const char *at = strstr(list, "shm://");
    if (at == NULL) {
        return NULL;
    }
    at += strlen("shm://");
    return shmrpci_arena_strndup(arena, at, strcspn(at, ", "));
}

/* Uses an address list unchanged. If its first shm:// address has a name and no
 * port is given, looks up the port. */
static int find_by_address(shmrpci_arena *arena, const char *list,
                           uint16_t port, svc_other_names *others,
                           svc_target *out, shmrpci_buf *message)
{
    const char *name = shm_name(arena, list);
    out->where = list;
    out->port = port;
    if (name == NULL || name[0] == '\0' || port != 0) {
        return SHMRPC_OK;
    }
    wanted w;
    svc_target found;
    int status = read_wanted(arena, name, &w, message);
    if (status == SHMRPC_OK) {
        w.is_address = true;
        status = find_by_name(arena, &w, others, &found, message);
    }
    if (status == SHMRPC_OK) {
        out->port = found.port;
    } else if (status == SHMRPC_E_NOT_FOUND && strchr(list, ',') != NULL) {
        /* The next address of the list may still work. */
        shmrpci_buf_reset(message);
        status = SHMRPC_OK;
    }
    return status;
}

int svc_find(shmrpci_arena *arena, const char *service, const char *at,
             svc_other_names *others, svc_target *out, shmrpci_buf *message)
{
    wanted w;
    if (strstr(service, "://") != NULL) {
        return find_by_address(arena, at != NULL ? at : service, 0, others, out,
                               message);
    }
    int status = read_wanted(arena, service, &w, message);
    if (status != SHMRPC_OK || at == NULL) {
        return status == SHMRPC_OK
                   ? find_by_name(arena, &w, others, out, message)
                   : status;
    }
    /* "shm://@two" means the instance `two` of the named service. */
    bool nameless = strcmp(at, "shm://") == 0 || strncmp(at, "shm://@", 7) == 0;
    const char *list =
        nameless ? shmrpci_arena_printf(arena, "shm://%s%s", w.name, at + 6)
                 : at;
    if (list == NULL) {
        shmrpci_buf_append_text(message, "out of memory");
        return SHMRPC_E_NO_MEMORY;
    }
    return find_by_address(arena, list, w.port, others, out, message);
}
