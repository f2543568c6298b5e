/* Statistics of a service, by its address. */
#include "shmrpc/observe.h"

#include "observe/reader.h"
#include "os/clock.h"
#include "rpc/address.h"

#define OBSERVE_TIMEOUT_NS (5 * SHMRPCI_NS_PER_S)

static int open_at(const shmrpci_place *place, int64_t deadline_ns,
                   shmrpc_stats **out, shmrpc_error *error)
{
    const shmrpci_transport *transport = place->address.transport;
    int fd = -1;
    int watch_fd = -1;
    if (transport == NULL) {
        return shmrpci_place_not_built(place, error);
    }
    if (transport->discovery == NULL) {
        return shmrpc_error_set(error, SHMRPC_E_UNIMPLEMENTED,
                                "%s: statistics can be read at shm:// only",
                                place->text);
    }
    int status = transport->discovery->open_stats(&place->address, deadline_ns,
                                                  &fd, &watch_fd, error);
    return status == SHMRPC_OK ? shmrpci_reader_open(fd, watch_fd, out, error)
                               : status;
}

shmrpc_status shmrpc_stats_open(const char *where, uint16_t port,
                                const shmrpc_opts *opts, shmrpc_stats **out,
                                shmrpc_error *error)
{
    static const shmrpc_opts defaults;
    const shmrpc_service nobody = {.name = "", .id = "", .port = port};
    shmrpci_place_list places;
    opts = opts != NULL ? opts : &defaults;
    if (opts->timeout_ns < 0) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "timeout_ns is negative");
    }
    int64_t deadline_ns = shmrpci_deadline_after(
        opts->timeout_ns != 0 ? opts->timeout_ns : OBSERVE_TIMEOUT_NS);
    int status = shmrpci_places_parse(where, &nobody, &places, error);
    for (size_t i = 0; status == SHMRPC_OK && i < places.count; i++) {
        int tried = open_at(&places.items[i], deadline_ns, out, error);
        if (i + 1 == places.count || !shmrpci_place_is_passed_over(tried)) {
            return tried;
        }
    }
    return status;
}
