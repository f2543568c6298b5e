/* Endpoints of addresses: resolving, connecting, listening. */
#include "transport/tcp/place.h"

#include <stdio.h>
#include <string.h>

#include "os/clock.h"
#include "os/folder.h"
#include "os/memory.h"
#include "transport/adopted.h"

#define LOOPBACK "127.0.0.1"

static bool is_unix(const shmrpci_address *address)
{
    return address->transport == &shmrpci_transport_unix;
}

static bool is_adopted(const shmrpci_address *address)
{
    return address->transport == &shmrpci_transport_adopted;
}

const char *tcp_place_host(const shmrpci_address *address)
{
    return address->host[0] != '\0' ? address->host : LOOPBACK;
}

void tcp_place_text(const shmrpci_address *address, char out[TCP_PLACE_BYTES])
{
    if (is_unix(address)) {
        (void)snprintf(out, TCP_PLACE_BYTES, "unix://%s", address->host);
        return;
    }
    if (is_adopted(address)) {
        (void)snprintf(out, TCP_PLACE_BYTES, "%s", address->host);
        return;
    }
    const char *host = tcp_place_host(address);
    bool is_v6 = strchr(host, ':') != NULL;
    (void)snprintf(out, TCP_PLACE_BYTES, "%s://%s%s%s:%u",
                   address->transport->scheme, is_v6 ? "[" : "", host,
                   is_v6 ? "]" : "", (unsigned)address->port);
}

/* Resolves an address to at most SHMRPCI_ENDPOINTS_MAX endpoints. A tcp address
 * without a host means this machine. Returns INVALID, DEADLINE, or UNAVAILABLE
 * if there is no such host. */
static int find(const shmrpci_address *address, int64_t deadline_ns,
                shmrpci_endpoint *out, size_t *out_count, shmrpc_error *error)
{
    shmrpc_status status;
    if (is_unix(address)) {
        status = shmrpci_endpoint_of_path(address->host, out);
        *out_count = 1;
        return status == SHMRPC_OK
                   ? SHMRPC_OK
                   : shmrpc_error_set(
                         error, status,
                         "a socket's path may have at most 107 bytes: %.90s...",
                         address->host);
    }
    status = shmrpci_stream_resolve(tcp_place_host(address), address->port,
                                    deadline_ns, out, out_count);
    switch ((int)status) {
    case SHMRPC_OK:
        return SHMRPC_OK;
    case SHMRPC_E_NOT_FOUND:
        return shmrpc_error_set(error, SHMRPC_E_UNAVAILABLE,
                                "there is no host %.120s", address->host);
    default:
        return shmrpc_error_set(error, status, "host %.120s: %s", address->host,
                                shmrpc_status_text(status));
    }
}

/* ---- connecting ------------------------------------------------------ */

static const char *reason_of(shmrpc_status status)
{
    switch ((int)status) {
    case SHMRPC_E_UNAVAILABLE:
        return "nobody listens";
    case SHMRPC_E_NOT_FOUND:
        return "there is no such socket";
    case SHMRPC_E_DEADLINE:
        return "no answer";
    case SHMRPC_E_EXHAUSTED:
        return "descriptors or memory ran out";
    default:
        return shmrpc_status_text(status);
    }
}

int tcp_place_connect(const shmrpci_address *address, int64_t deadline_ns,
                      int *out_fd, shmrpc_error *error)
{
    shmrpci_endpoint endpoints[SHMRPCI_ENDPOINTS_MAX];
    size_t count = 0;
    char text[TCP_PLACE_BYTES];
    if (is_adopted(address)) {
        *out_fd = address->fd;
        return SHMRPC_OK;
    }
    int failed = find(address, deadline_ns, endpoints, &count, error);
    if (failed != SHMRPC_OK) {
        return failed;
    }
    shmrpc_status status = SHMRPC_E_UNAVAILABLE;
    for (size_t i = 0; i < count; i++) {
        /* An endpoint that drops packets must leave time for the other
         * endpoints. */
        int64_t share_ns =
            shmrpci_remaining_ns(deadline_ns) / (int64_t)(count - i);
        status = shmrpci_stream_connect(
            &endpoints[i], shmrpci_deadline_after(share_ns), out_fd);
        if (status == SHMRPC_OK) {
            return SHMRPC_OK;
        }
    }
    tcp_place_text(address, text);
    const char *why = reason_of(status);
    status = status == SHMRPC_E_NOT_FOUND ? SHMRPC_E_UNAVAILABLE : status;
    return shmrpc_error_set(error, status, "no service at %.140s: %s", text,
                            why);
}

/* ---- listening ------------------------------------------------------- */

static int listen_failed(const shmrpci_address *address, shmrpc_status status,
                         shmrpc_error *error)
{
    char text[TCP_PLACE_BYTES];
    tcp_place_text(address, text);
    const char *why = shmrpc_status_text(status);
    if (status == SHMRPC_E_EXISTS) {
        why = "another server listens there already";
    } else if (status == SHMRPC_E_NOT_FOUND) {
        why = "not an address of this machine";
    }
    return shmrpc_error_set(error, status, "can't listen at %.120s: %s", text,
                            why);
}

static int listen_tcp(const shmrpci_address *address, tcp_place *out,
                      shmrpc_error *error)
{
    shmrpci_endpoint endpoints[SHMRPCI_ENDPOINTS_MAX];
    size_t count = 0;
    int failed = find(address, shmrpci_deadline_after(5 * SHMRPCI_NS_PER_S),
                      endpoints, &count, error);
    if (failed != SHMRPC_OK) {
        return failed;
    }
    shmrpc_status status =
        shmrpci_stream_listen(&endpoints[0], &out->listen_fd);
    if (status == SHMRPC_OK) {
        status = shmrpci_stream_local(out->listen_fd, &endpoints[0]);
    }
    if (status != SHMRPC_OK) {
        return listen_failed(address, status, error);
    }
    char text[SHMRPCI_ENDPOINT_TEXT_BYTES];
    shmrpci_endpoint_text(&endpoints[0], text, sizeof text);
    (void)snprintf(out->text, sizeof out->text, "%s://%s",
                   address->transport->scheme, text);
    return SHMRPC_OK;
}

/* Splits an absolute path into its folder and its file name. */
static bool split_path(const char *path, char folder[256], char name[128])
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL || slash[1] == '\0' || strlen(slash + 1) > 100) {
        return false;
    }
    size_t len = slash == path ? 1 : (size_t)(slash - path);
    memcpy(folder, path, len);
    folder[len] = '\0';
    (void)snprintf(name, 128, "%.100s", slash + 1);
    return true;
}

static int listen_unix(const shmrpci_address *address, uint32_t mode,
                       tcp_place *out, shmrpc_error *error)
{
    char folder[256];
    char other[128];
    if (!split_path(address->host, folder, out->name)) {
        return shmrpc_error_set(
            error, SHMRPC_E_INVALID,
            "unix://%.120s: not a valid socket name (at most 100 bytes)",
            address->host);
    }
    shmrpc_status status = shmrpci_folder_open(folder, &out->dir_fd);
    if (status == SHMRPC_E_DENIED) {
        return shmrpc_error_set(
            error, status,
            "can't listen in %.120s: the folder must belong to you or to root, "
            "and nobody else may write to it",
            folder);
    }
    if (status == SHMRPC_OK) {
        (void)snprintf(other, sizeof other, "%.100s.lock", out->name);
        status = shmrpci_folder_lock(out->dir_fd, other, &out->lock_fd);
    }
    if (status == SHMRPC_OK) {
        (void)snprintf(other, sizeof other, "%.100s.new", out->name);
        status = shmrpci_stream_listen_at(out->dir_fd, out->name, other, mode,
                                          &out->listen_fd);
    }
    if (status == SHMRPC_E_NOT_FOUND) {
        return shmrpc_error_set(error, status, "there is no folder %.140s",
                                folder);
    }
    tcp_place_text(address, out->text);
    return status == SHMRPC_OK ? SHMRPC_OK
                               : listen_failed(address, status, error);
}

int tcp_place_listen(const shmrpci_address *address, uint32_t mode,
                     tcp_place *out, shmrpc_error *error)
{
    *out = (tcp_place){.listen_fd = -1, .dir_fd = -1, .lock_fd = -1};
    if (is_adopted(address)) {
        tcp_place_text(address, out->text);
        return SHMRPC_OK;
    }
    int failed = is_unix(address) ? listen_unix(address, mode, out, error)
                                  : listen_tcp(address, out, error);
    if (failed == SHMRPC_OK &&
        (shmrpci_fork_close_fd(&out->listen_place, &out->listen_fd) !=
             SHMRPC_OK ||
         shmrpci_fork_close_fd(&out->lock_place, &out->lock_fd) != SHMRPC_OK)) {
        failed = shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    if (failed != SHMRPC_OK) {
        tcp_place_close(out);
    }
    return failed;
}

void tcp_place_close(tcp_place *place)
{
    if (place->dir_fd >= 0 && place->listen_fd >= 0) {
        shmrpci_folder_remove(place->dir_fd, place->name);
    }
    shmrpci_fork_keep_fd(&place->listen_place);
    shmrpci_fork_keep_fd(&place->lock_place);
    shmrpci_fd_close(&place->listen_fd);
    shmrpci_fd_close(&place->lock_fd);
    shmrpci_fd_close(&place->dir_fd);
}
