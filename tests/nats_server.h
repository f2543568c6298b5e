/*
 * A nats-server of a test's own, on loopback, at a port that the kernel chose.
 *
 * Threading: one thread.
 */
#ifndef SHMRPCI_TESTS_NATS_SERVER_H
#define SHMRPCI_TESTS_NATS_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* The exit status of a test when no nats-server is installed. */
#define NATS_SERVER_SKIP 77

typedef struct nats_server {
    pid_t pid;
    uint16_t port;
    char folder[64]; /* of its own, in /tmp */
} nats_server;

/* False: there is no such program, and that was said on stderr. Ends the test
 * if it is there and does not start. `max_payload` 0: its own. It dies with
 * us. */
bool nats_server_start(nats_server *server, unsigned max_payload);

/* The same, with JetStream, which keeps its files in the folder. */
bool nats_server_start_storing(nats_server *server);

/* Kills it, and waits for its end. */
void nats_server_kill(nats_server *server);

/* Starts it again, at the same port. */
void nats_server_restart(nats_server *server);

/* Kills it and removes its folder. */
void nats_server_end(nats_server *server);

#endif
