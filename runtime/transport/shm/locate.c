/* Finds and makes the sockets of services. */
#include "transport/shm/locate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "os/activation.h"
#include "os/folder.h"
#include "os/memory.h"
#include "os/process.h"
#include "os/server_lock.h"
#include "os/socket.h"

static void add(shm_folders *list, const char *folder, const char *below)
{
    if (folder == NULL || folder[0] != '/') {
        return;
    }
    int len = snprintf(list->paths[list->count], SHM_PATH_BYTES, "%s%s", folder,
                       below);
    if (len > 0 && (size_t)len < SHM_PATH_BYTES) {
        list->count++;
    }
}

/* Checks $SHMRPC_DIR. If the folder that the user chose can't be used, no other
 * one is tried. */
static int check_choice(shmrpc_error *error)
{
    const char *chosen = getenv("SHMRPC_DIR");
    if (chosen == NULL || chosen[0] == '\0') {
        return SHMRPC_OK;
    }
    if (chosen[0] != '/' || strlen(chosen) >= SHM_PATH_BYTES) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "SHMRPC_DIR is \"%.64s\" (expected an absolute "
                                "path of less than %u bytes)",
                                chosen, SHM_PATH_BYTES);
    }
    return SHMRPC_OK;
}

int shm_folders_list(shm_folders *out, shmrpc_error *error)
{
    char own[64];
    int status = check_choice(error);
    if (status != SHMRPC_OK) {
        return status;
    }
    (void)snprintf(own, sizeof own, "/tmp/shmrpc-%u", shmrpci_process_uid());
    out->count = 0;
    add(out, getenv("SHMRPC_DIR"), "");
    add(out, getenv("XDG_RUNTIME_DIR"), "/shmrpc");
    add(out, "/run/shmrpc", "");
    add(out, own, "");
    return SHMRPC_OK;
}

bool shm_is_word(const char *text)
{
    for (; *text != '\0'; text++) {
        if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                   "0123456789_.-",
                   *text) == NULL) {
            return false;
        }
    }
    return true;
}

static int stem_of(const shmrpci_address *address, char *stem, size_t size,
                   shmrpc_error *error)
{
    if (address->name[0] == '\0' || address->name[0] == '.' ||
        !shm_is_word(address->name) || !shm_is_word(address->instance)) {
        return shmrpc_error_set(
            error, SHMRPC_E_INVALID,
            "\"%s\" is not a service name (letters, digits, '_', '-', '.')",
            address->name);
    }
    (void)snprintf(stem, size, "%s%s%s.%u", address->name,
                   address->instance[0] != '\0' ? "@" : "", address->instance,
                   (unsigned)address->port);
    return SHMRPC_OK;
}

/* ---- listening ------------------------------------------------------- */

static shmrpc_status open_folder(const char *path, bool is_public, int *out_fd)
{
    shmrpc_status status = shmrpci_folder_create(path, is_public ? 0755 : 0700);
    if (status != SHMRPC_OK) {
        return status;
    }
    return shmrpci_folder_open(path, out_fd);
}

static void name_place(const char *folder, const char *stem, shm_place *out)
{
    *out = (shm_place){.dir_fd = -1, .lock_fd = -1, .listen_fd = -1};
    (void)snprintf(out->socket_name, sizeof out->socket_name, "%.180s.sock",
                   stem);
    (void)snprintf(out->path, sizeof out->path, "%.300s/%s", folder,
                   out->socket_name);
}

static shmrpc_status guard(shm_place *place)
{
    return shmrpci_fork_close_fd(&place->lock_guard, &place->lock_fd) ==
                       SHMRPC_OK &&
                   shmrpci_fork_close_fd(&place->listen_guard,
                                         &place->listen_fd) == SHMRPC_OK
               ? SHMRPC_OK
               : SHMRPC_E_NO_MEMORY;
}

static shmrpc_status listen_in(const char *folder, const char *stem,
                               uint32_t mode, shm_place *out)
{
    char lock[192];
    char temporary[192];
    bool is_public = strcmp(folder, "/run/shmrpc") == 0;
    name_place(folder, stem, out);
    (void)snprintf(lock, sizeof lock, "%.180s.lock", stem);
    (void)snprintf(temporary, sizeof temporary, "%.180s.new", stem);
    shmrpc_status status = open_folder(folder, is_public, &out->dir_fd);
    if (status == SHMRPC_OK) {
        status = shmrpci_server_lock_take(out->dir_fd, lock, &out->lock_fd);
    }
    if (status == SHMRPC_OK) {
        out->listen_fd = shmrpci_activation_take(out->dir_fd, out->socket_name);
        out->is_lent = out->listen_fd >= 0;
    }
    if (status == SHMRPC_OK && !out->is_lent) {
        /* In a public folder the list of allowed users decides, not the
         * socket's mode. */
        status =
            shmrpci_socket_listen(out->dir_fd, out->socket_name, temporary,
                                  is_public ? 0666 : mode, &out->listen_fd);
    }
    if (status == SHMRPC_OK) {
        status = guard(out);
    }
    if (status != SHMRPC_OK) {
        shm_place_close(out);
    }
    return status;
}

/* Whether a server may use a folder. If $SHMRPC_DIR is set, it uses only that.
 * Else a server of root uses only /run/shmrpc, where other users find it, and
 * other servers use any folder but that. */
static bool is_for_server(const char *path)
{
    const char *chosen = getenv("SHMRPC_DIR");
    if (chosen != NULL && chosen[0] == '/') {
        return strcmp(path, chosen) == 0;
    }
    bool is_public = strcmp(path, "/run/shmrpc") == 0;
    return is_public == (shmrpci_process_uid() == 0);
}

int shm_place_listen(const shmrpci_address *address, uint32_t mode,
                     shm_place *out, shmrpc_error *error)
{
    char stem[192];
    shm_folders list;
    int failed = stem_of(address, stem, sizeof stem, error);
    if (failed == SHMRPC_OK) {
        failed = shm_folders_list(&list, error);
    }
    if (failed != SHMRPC_OK) {
        return failed;
    }
    shmrpc_status first = SHMRPC_OK;
    const char *where = "any folder";
    for (size_t i = 0; i < list.count; i++) {
        if (!is_for_server(list.paths[i])) {
            continue;
        }
        shmrpc_status status = listen_in(list.paths[i], stem, mode, out);
        if (status == SHMRPC_OK) {
            return SHMRPC_OK;
        }
        if (first == SHMRPC_OK || status == SHMRPC_E_EXISTS ||
            status == SHMRPC_E_DEADLINE) {
            first = status;
            where = list.paths[i];
        }
        if (status == SHMRPC_E_EXISTS || status == SHMRPC_E_DEADLINE) {
            break;
        }
    }
    if (first == SHMRPC_E_EXISTS) {
        return shmrpc_error_set(error, first, "%s already runs in %s", stem,
                                where);
    }
    if (first == SHMRPC_E_DEADLINE) {
        return shmrpc_error_set(error, first,
                                "workers of a killed %s are still running and "
                                "hold its lock in %s: end them first",
                                stem, where);
    }
    return shmrpc_error_set(
        error, first == SHMRPC_OK ? SHMRPC_E_DENIED : first,
        "can't listen in %s (%s); set SHMRPC_DIR to a folder that only its "
        "owner may write to",
        where, shmrpci_folder_trouble(where, first));
}

int shm_place_adopt(const shmrpci_address *address, const char *path,
                    int lock_fd, int listen_fd, shm_place *out,
                    shmrpc_error *error)
{
    char stem[192];
    shm_folders list;
    int failed = stem_of(address, stem, sizeof stem, error);
    if (failed == SHMRPC_OK) {
        failed = shm_folders_list(&list, error);
    }
    for (size_t i = 0; failed == SHMRPC_OK && i < list.count; i++) {
        name_place(list.paths[i], stem, out);
        if (!is_for_server(list.paths[i]) || strcmp(out->path, path) != 0) {
            continue;
        }
        shmrpc_status status = shmrpci_folder_open(list.paths[i], &out->dir_fd);
        if (status == SHMRPC_OK) {
            status = guard(out);
        }
        if (status != SHMRPC_OK) {
            shm_place_close(out);
            return shmrpc_error_set(error, status, "%.300s: %s", path,
                                    shmrpc_status_text(status));
        }
        out->lock_fd = lock_fd;
        out->listen_fd = listen_fd;
        shmrpci_server_lock_inherit(lock_fd);
        return SHMRPC_OK;
    }
    return failed != SHMRPC_OK
               ? failed
               : shmrpc_error_set(error, SHMRPC_E_INVALID,
                                  "the old server listens at %.300s, "
                                  "which is not where this one would listen",
                                  path);
}

void shm_place_close(shm_place *place)
{
    if (place->listen_fd >= 0 && !place->is_lent) {
        shmrpci_folder_remove(place->dir_fd, place->socket_name);
    }
    shmrpci_fork_keep_fd(&place->listen_guard);
    shmrpci_fork_keep_fd(&place->lock_guard);
    shmrpci_fd_close(&place->listen_fd);
    shmrpci_fd_close(&place->lock_fd);
    shmrpci_fd_close(&place->dir_fd);
}

/* ---- connecting ------------------------------------------------------ */

static shmrpc_status connect_in(const char *folder, const char *socket_name,
                                int64_t deadline_ns, int *out_fd)
{
    int dir_fd;
    shmrpc_status status = shmrpci_folder_open(folder, &dir_fd);
    if (status != SHMRPC_OK) {
        return status;
    }
    status = shmrpci_socket_connect(dir_fd, socket_name, deadline_ns, out_fd);
    shmrpci_fd_close(&dir_fd);
    return status;
}

/* The room for each path in a message that must name all paths. Short paths
 * leave their unused room to long ones. */
static size_t share_room(const shm_folders *list, size_t room)
{
    size_t share = room / list->count;
    size_t spare = room % list->count;
    size_t longer = 0;
    for (size_t i = 0; i < list->count; i++) {
        size_t len = strlen(list->paths[i]);
        spare += len < share ? share - len : 0;
        longer += len > share;
    }
    return longer > 0 ? share + spare / longer : share;
}

/* Names all places. If a path does not fit, its end is shown, which tells more
 * than its beginning. */
static void name_places(const shm_folders *list, shmrpci_buf *out, size_t room)
{
    static const char cut[] = "...";
    size_t separators = 2 * list->count;
    size_t most = share_room(list, room > separators ? room - separators : 0);
    for (size_t i = 0; i < list->count; i++) {
        const char *path = list->paths[i];
        size_t len = strlen(path);
        bool whole = len <= most || most < sizeof cut;
        shmrpci_buf_printf(out, "%s%s%s", i == 0 ? "" : ", ", whole ? "" : cut,
                           whole ? path : path + len - most + sizeof cut - 1);
    }
}

static int report_absent(const char *stem, const shm_folders *list,
                         shmrpc_error *error)
{
    char text[SHMRPC_ERROR_MESSAGE_BYTES];
    shmrpci_buf message;
    shmrpci_buf_init_fixed(&message, text, sizeof text - 1);
    shmrpci_buf_printf(&message, "no service %s is running; looked in ", stem);
    name_places(list, &message, sizeof text - 1 - message.len);
    text[message.len] = '\0';
    return shmrpc_error_set(error, SHMRPC_E_UNAVAILABLE, "%s", text);
}

int shm_place_connect(const shmrpci_address *address, int64_t deadline_ns,
                      int *out_fd, char *out_path, shmrpc_error *error)
{
    char stem[192];
    char socket_name[200];
    shm_folders list;
    int failed = stem_of(address, stem, sizeof stem, error);
    if (failed == SHMRPC_OK) {
        failed = shm_folders_list(&list, error);
    }
    if (failed != SHMRPC_OK) {
        return failed;
    }
    (void)snprintf(socket_name, sizeof socket_name, "%.180s.sock", stem);
    for (size_t i = 0; i < list.count; i++) {
        shmrpc_status status =
            connect_in(list.paths[i], socket_name, deadline_ns, out_fd);
        switch ((int)status) {
        case SHMRPC_OK:
            (void)snprintf(out_path, SHM_PATH_BYTES, "%.300s/%s", list.paths[i],
                           socket_name);
            return SHMRPC_OK;
        case SHMRPC_E_NOT_FOUND:
        case SHMRPC_E_UNAVAILABLE:
            continue;
        case SHMRPC_E_EXHAUSTED:
            return shmrpc_error_set(error, status,
                                    "no file descriptors are left in this "
                                    "process or on this machine (ulimit -n)");
        case SHMRPC_E_DEADLINE:
            return shmrpc_error_set(error, status,
                                    "the server's queue of clients stayed "
                                    "full; is it stopped, or busy?");
        case SHMRPC_E_DENIED:
            return shmrpc_error_set(error, status,
                                    "%s/%s may only be used by its owner and "
                                    "by users that the owner allows",
                                    list.paths[i], socket_name);
        default:
            return shmrpc_error_set(error, status, "%s/%s: %s", list.paths[i],
                                    socket_name, shmrpc_status_text(status));
        }
    }
    return report_absent(stem, &list, error);
}
