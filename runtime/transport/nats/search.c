/* Finding instances, and opening a link to one. */
#include "transport/nats/search.h"

#include <string.h>

#include "base/assert.h"

/* How long to wait for more answers after the first one. */
#define GATHER_NS (3 * SHMRPCI_NS_PER_MS)

/* How long an instance that answered may take to open a link, before another
 * one is tried. */
#define OPEN_NS (2 * SHMRPCI_NS_PER_S)

void nats_search_take(nats_search *search, nats_result result,
                      const nats_parcel *parcel)
{
    if (result == NATS_NOBODY) {
        search->is_nobody = true;
    }
    if (parcel == NULL) {
        return;
    }
    if (parcel->kind == NATS_FOUND && search->count < NATS_FOUND_MAX) {
        nats_found *found = &search->found[search->count];
        found->load = parcel->value > 0 ? (uint32_t)parcel->value : 0;
        if (nats_who_get(parcel->data, parcel->len, &found->who)) {
            search->count++;
        }
    } else if (parcel->kind == NATS_OPENED && parcel->link != 0) {
        search->link = parcel->link;
    } else if (parcel->kind == NATS_CLOSE) {
        search->is_refused = true;
    }
}

int nats_search_find(nats_search *search, nats_pump *pump, const char *service,
                     const char *reply, int64_t deadline_ns,
                     shmrpc_error *error)
{
    char subject[NATS_SUBJECT_BYTES];
    nats_parcel find = {.kind = NATS_FIND};
    *search = (nats_search){.count = 0};
    nats_subject_find(service, subject);
    if (nats_pump_send(pump, subject, reply, &find) != NATS_DONE) {
        return shmrpc_error_set(error, SHMRPC_E_UNAVAILABLE,
                                "the connection to NATS was lost");
    }
    int64_t until_ns = deadline_ns;
    while (!search->is_nobody && search->count < NATS_FOUND_MAX &&
           shmrpci_now_ns() < until_ns) {
        bool was_silent = search->count == 0 && !search->is_refused;
        nats_pump_round(pump, until_ns);
        if (was_silent && (search->count > 0 || search->is_refused)) {
            int64_t gathered_ns = shmrpci_deadline_after(GATHER_NS);
            until_ns = gathered_ns < deadline_ns ? gathered_ns : deadline_ns;
        }
    }
    if (search->count > 0) {
        return SHMRPC_OK;
    }
    if (search->is_refused) {
        return shmrpc_error_set(error, SHMRPC_E_UNAVAILABLE,
                                "%.60s is not running behind its gateway",
                                service);
    }
    return search->is_nobody
               ? shmrpc_error_set(
                     error, SHMRPC_E_UNAVAILABLE,
                     "no gateway (shmrpc-nats) for %.60s is running there",
                     service)
               : shmrpc_error_set(error, SHMRPC_E_DEADLINE,
                                  "no gateway of %.60s answered in time",
                                  service);
}

/* ---- choosing ---------------------------------------------------------- */

/* Puts those of our zone first; returns how many there are, or all if none. */
static uint32_t near_first(nats_search *search, const char *zone)
{
    uint32_t near = 0;
    for (uint32_t i = 0; i < search->count && zone[0] != '\0'; i++) {
        if (strcmp(search->found[i].who.zone, zone) == 0) {
            nats_found other = search->found[near];
            search->found[near++] = search->found[i];
            search->found[i] = other;
        }
    }
    return near > 0 ? near : search->count;
}

nats_found nats_search_choose(nats_search *search, const char *zone,
                              uint64_t random)
{
    SHMRPCI_ASSERT(search->count > 0, "there is an instance to choose");
    uint32_t count = near_first(search, zone);
    uint32_t one = (uint32_t)(random % count);
    uint32_t other = (uint32_t)((random >> 32) % count);
    uint32_t best =
        search->found[other].load < search->found[one].load ? other : one;
    nats_found chosen = search->found[best];
    search->found[best] = search->found[--search->count];
    return chosen;
}

/* ---- opening ----------------------------------------------------------- */

int nats_search_open(nats_search *search, nats_pump *pump, const char *subject,
                     const char *reply, int64_t deadline_ns)
{
    nats_parcel open = {.kind = NATS_OPEN};
    int64_t until_ns = shmrpci_deadline_after(OPEN_NS);
    until_ns = until_ns < deadline_ns ? until_ns : deadline_ns;
    search->is_nobody = search->is_refused = false;
    search->link = 0;
    if (nats_pump_send(pump, subject, reply, &open) != NATS_DONE) {
        return SHMRPC_E_UNAVAILABLE;
    }
    while (search->link == 0 && !search->is_nobody && !search->is_refused) {
        if (shmrpci_now_ns() >= until_ns) {
            return SHMRPC_E_DEADLINE;
        }
        nats_pump_round(pump, until_ns);
    }
    return search->link != 0 ? SHMRPC_OK : SHMRPC_E_UNAVAILABLE;
}
