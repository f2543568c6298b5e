/* Shared by the harnesses of the shm transport: creates a folder for sockets,
 * which is removed at exit, and a listener in it. */
#ifndef SHMRPCI_TESTS_FUZZ_SHM_H
#define SHMRPCI_TESTS_FUZZ_SHM_H

/* For mkdtemp and setenv; because of this, include this header first. */
#define _GNU_SOURCE

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "os/clock.h"
#include "transport/transport.h"

#define FUZZ_MAX_MESSAGE ((size_t)1 << 20)

static char fuzz_folder[] = "/tmp/shmrpc-fuzz-XXXXXX";

static void fuzz_clean_up(void)
{
    char command[64];
    (void)snprintf(command, sizeof command, "rm -rf %s", fuzz_folder);
    if (system(command) != 0) {
        perror(command);
    }
}

static inline int fuzz_on_hello(void *user, const uint8_t *hello, size_t len,
                                const shmrpc_peer *peer, shmrpci_buf *welcome,
                                shmrpc_error *error)
{
    (void)user;
    (void)peer;
    (void)error;
    if (len > 0) {
        shmrpci_buf_append(welcome, hello, len);
    }
    return SHMRPC_OK;
}

static inline shmrpci_address fuzz_address(void)
{
    return (shmrpci_address){
        .transport = &shmrpci_transport_shm, .name = "fuzz", .port = 1};
}

/* Returns a listener; aborts if it can't listen. */
static inline shmrpci_listener *fuzz_listen(void)
{
    shmrpci_listener *listener = NULL;
    shmrpci_address address = fuzz_address();
    shmrpci_listen_opts opts = {.max_workers = 1,
                                .profile = SHMRPC_PROFILE_POWER,
                                .max_message_bytes = FUZZ_MAX_MESSAGE,
                                .max_connections_per_uid = 4,
                                .max_bytes_per_uid = (size_t)64 << 20,
                                .on_hello = fuzz_on_hello};
    if (mkdtemp(fuzz_folder) == NULL || atexit(fuzz_clean_up) != 0 ||
        setenv("SHMRPC_DIR", fuzz_folder, 1) != 0 ||
        address.transport->listener->listen(&address, &opts, &listener, NULL) !=
            SHMRPC_OK) {
        abort();
    }
    return listener;
}

#endif
