/* Options from the manager (SHMRPC_OPTIONS) and notices to it (NOTIFY_SOCKET).
 */
#include "supervise/managed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/activation.h"
#include "os/notify.h"

#define VARIABLE "SHMRPC_OPTIONS"

static int count_lines(const char *text)
{
    int count = 0;
    for (const char *at = text; *at != '\0'; count++) {
        at += strcspn(at, "\n");
        at += *at == '\n';
    }
    return count;
}

char **shmrpci_managed_arguments(int argc, char **argv, int *out_argc)
{
    static char **all; /* keeps it reachable for leak checkers */
    const char *given = getenv(VARIABLE);
    char *text = strdup(given != NULL ? given : "");
    if (text == NULL) {
        return NULL;
    }
    int count = count_lines(text);
    all = calloc((size_t)(argc + count) + 1, sizeof *all);
    if (all == NULL) {
        free(text);
        return NULL;
    }
    all[0] = argv[0];
    char *rest = text;
    for (int i = 1; i <= count; i++) {
        all[i] = strsep(&rest, "\n");
    }
    memcpy(all + count + 1, argv + 1, sizeof *all * (size_t)(argc - 1));
    if (count == 0) {
        free(text);
    }
    (void)unsetenv(VARIABLE);
    *out_argc = argc + count;
    return all;
}

/* Appends the address of a socket, derived from its path
 * ".../echo_serv@two.5555.sock". */
static void append_shm(shmrpci_buf *out, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    size_t len = strlen(name);
    for (int dots = 0; len > 0 && dots < 2;) {
        dots += name[--len] == '.';
    }
    shmrpci_buf_append_text(out, "shm://");
    shmrpci_buf_append(out, name, len);
}

static void append_addresses(shmrpci_buf *out, const shmrpc_server *server)
{
    static const char shm[] = "shm ";
    const char *where;
    for (uint32_t i = 0; (where = shmrpci_server_describe(server, i)) != NULL;
         i++) {
        shmrpci_buf_append_text(out, i > 0 ? "," : "");
        if (strncmp(where, shm, sizeof shm - 1) == 0) {
            append_shm(out, where + sizeof shm - 1);
        } else {
            shmrpci_buf_append_text(out, where);
        }
    }
}

int shmrpci_managed_open(shmrpc_error *error)
{
    char why[SHMRPCI_ACTIVATION_WHY_BYTES] = "out of memory";
    shmrpc_status status = shmrpci_activation_open(why);
    return status == SHMRPC_OK ? SHMRPC_OK
                               : shmrpc_error_set(error, status, "%s", why);
}

int shmrpci_managed_check(const shmrpc_server *server, shmrpc_error *error)
{
    const char *path = shmrpci_activation_left();
    return path == NULL
               ? SHMRPC_OK
               : shmrpc_error_set(
                     error, SHMRPC_E_INVALID,
                     "the socket %.64s was passed, which is not that of %.80s",
                     path, shmrpci_server_describe(server, 0));
}

void shmrpci_managed_serving(const shmrpc_server *server)
{
    shmrpci_buf lines;
    shmrpci_buf_init_heap(&lines);
    shmrpci_buf_append_text(&lines, "READY=1\nX_SHMRPC_ADDRESSES=");
    append_addresses(&lines, server);
    const char *text = shmrpci_buf_text(&lines);
    /* A failure is ignored: the service continues without its manager. */
    (void)shmrpci_notify_send(text != NULL ? text : "READY=1");
    shmrpci_notify_forget();
    shmrpci_buf_fini(&lines);
}

void shmrpci_managed_ending(void)
{
    (void)shmrpci_notify_send("STOPPING=1");
}
