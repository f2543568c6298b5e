/* Finds services by the names of sections, which only managers know. */
#include "tools/shmrpc/managed.h"

#include <string.h>

#include "manager_client.h" /* generated */
#include "os/clock.h"
#include "tools/shmrpc/control.h"

/* How long a manager that does not answer may delay the lookup. */
#define ASK_NS (2 * SHMRPCI_NS_PER_S)

/* What find_section was asked, for the lookup in each manager. */
typedef struct question {
    shmrpci_arena *arena;    /* holds `out` and offered names */
    const char *name;        /* the section to find */
    const char **out;        /* receives the first address */
    shmrpci_nearest *search; /* gets all other sections, for a suggestion */
    shmrpci_buf *message;    /* why the section can't be called */
} question;

/* A section without an address can't be called. The message gives its state,
 * since `list` doesn't show it. */
static int take_address(const question *q, const manager_service *s)
{
    if (s->addresses.len == 0) {
        shmrpci_buf_printf(q->message,
                           s->state == MANAGER_STATE_RUNNING
                               ? "`%s` of the manager is %s, but is not a "
                                 "shmrpc server (see `shmrpc status %s`)"
                               : "`%s` of the manager is %s (see `shmrpc "
                                 "status %s`)",
                           s->name.ptr, cli_state_name(s->state), s->name.ptr);
        return SHMRPC_E_UNAVAILABLE;
    }
    const shmrpc_str *first = &s->addresses.ptr[0];
    *q->out = shmrpci_arena_strndup(q->arena, first->ptr, first->len);
    return *q->out != NULL ? SHMRPC_OK : SHMRPC_E_NO_MEMORY;
}

/* Copies all other names for the suggestion, because they must outlive the
 * reply that contains them. */
static int look_through(const question *q, const manager_service_list *list)
{
    for (size_t i = 0; i < list->len; i++) {
        const manager_service *s = &list->ptr[i];
        if (strcmp(s->name.ptr, q->name) == 0) {
            return take_address(q, s);
        }
        const char *kept =
            shmrpci_arena_strndup(q->arena, s->name.ptr, s->name.len);
        if (kept != NULL) {
            shmrpci_nearest_offer(q->search, kept);
        }
    }
    return SHMRPC_E_NOT_FOUND;
}

/* Asks one manager. A manager that does not answer, or that we may not call,
 * counts as not knowing the section: the name may be something else. */
static int ask(const question *q, const char *where)
{
    const shmrpc_opts opts = {.timeout_ns = ASK_NS};
    const manager_control_list_reply *reply;
    manager_control *client;
    shmrpc_error error;
    int status = manager_control_connect(where, &opts, &client, &error);
    if (status != SHMRPC_OK) {
        return SHMRPC_E_NOT_FOUND;
    }
    int found = SHMRPC_E_NOT_FOUND;
    if (manager_control_list(client, &opts, &reply, &error) == SHMRPC_OK) {
        found = look_through(q, &reply->value);
        manager_control_list_release(reply);
    }
    manager_control_close(client);
    return found;
}

/* The callback of svc_find for other names: asks the managers among `places`.
 * Returns UNAVAILABLE if there is such a section but its service can't be
 * called. */
static int find_section(shmrpci_arena *arena, const svc_places *places,
                        const char *name, const char **out,
                        shmrpci_nearest *search, shmrpci_buf *message)
{
    const question q = {arena, name, out, search, message};
    int status = SHMRPC_E_NOT_FOUND;
    for (size_t i = 0; i < places->count && status == SHMRPC_E_NOT_FOUND; i++) {
        const svc_place *at = &places->items[i];
        if (!at->hidden && strcmp(at->name, "shmrpcd") == 0) {
            status = ask(&q, at->address);
        }
    }
    return status;
}

int cli_find(shmrpci_arena *arena, const char *service, const char *at,
             svc_target *out, shmrpci_buf *message)
{
    return svc_find(arena, service, at, find_section, out, message);
}
