/* Finds the sockets of all services on this machine. */
#include "transport/shm/locate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/folder.h"
#include "os/memory.h"

typedef struct finder {
    const char *folder;
    shmrpci_on_found *found;
    void *user;
} finder;

/* Reads the "5555" of "name.5555.sock"; the digits end before `end`. Accepts
 * only the form that we write, without leading zeros. */
static bool read_port(const char *at, const char *end, uint16_t *out)
{
    unsigned long port = 0;
    for (const char *digit = at; digit < end; digit++) {
        if (*digit < '0' || *digit > '9' || end - at > 5) {
            return false;
        }
        port = port * 10 + (unsigned long)(*digit - '0');
    }
    *out = (uint16_t)port;
    return end > at && *at != '0' && port <= UINT16_MAX;
}

static bool copy_word(const char *at, const char *end, char out[64])
{
    size_t len = (size_t)(end - at);
    if (len == 0 || len > 63) {
        return false;
    }
    memcpy(out, at, len);
    out[len] = '\0';
    return shm_is_word(out) && out[0] != '.';
}

/* Parses NAME[@INSTANCE].PORT.sock. */
static bool read_name(const char *entry, shmrpci_address *out)
{
    static const char ending[] = ".sock";
    const size_t ending_len = sizeof ending - 1;
    size_t len = strlen(entry);
    if (len <= ending_len || strcmp(entry + len - ending_len, ending) != 0) {
        return false;
    }
    const char *end = entry + len - ending_len;
    const char *dot = end - 1;
    while (dot > entry && *dot != '.') {
        dot--;
    }
    if (!read_port(dot + 1, end, &out->port)) {
        return false;
    }
    const char *at = memchr(entry, '@', (size_t)(dot - entry));
    return copy_word(entry, at != NULL ? at : dot, out->name) &&
           (at == NULL || copy_word(at + 1, dot, out->instance));
}

static void on_entry(void *user, const char *name)
{
    const finder *f = user;
    shmrpci_address address = {.transport = &shmrpci_transport_shm};
    char where[SHM_PATH_BYTES + 256];
    if (read_name(name, &address)) {
        (void)snprintf(where, sizeof where, "%s/%s", f->folder, name);
        f->found(f->user, &address, where);
    }
}

/* Whether a folder that can't be used is an error: only if the user chose it
 * and it exists. */
static bool is_reported(const char *path, shmrpc_status status)
{
    const char *chosen = getenv("SHMRPC_DIR");
    return status != SHMRPC_E_NOT_FOUND && chosen != NULL &&
           strcmp(path, chosen) == 0;
}

int shm_place_find(shmrpci_on_found *found, void *user, shmrpc_error *error)
{
    shm_folders folders;
    int failed = shm_folders_list(&folders, error);
    if (failed != SHMRPC_OK) {
        return failed;
    }
    for (size_t i = 0; i < folders.count; i++) {
        finder f = {.folder = folders.paths[i], .found = found, .user = user};
        int dir_fd;
        shmrpc_status status = shmrpci_folder_open(f.folder, &dir_fd);
        if (status == SHMRPC_OK) {
            status = shmrpci_folder_list(dir_fd, on_entry, &f);
            shmrpci_fd_close(&dir_fd);
        }
        if (status != SHMRPC_OK && is_reported(f.folder, status)) {
            return shmrpc_error_set(error, status, "%s: %s", f.folder,
                                    shmrpc_status_text(status));
        }
    }
    return SHMRPC_OK;
}
