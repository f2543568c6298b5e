/*
 * A nats-server that a test starts for itself, on loopback, at a port that the
 * kernel chooses.
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
    char folder[64]; /* its own folder in /tmp */
} nats_server;

/* Starts a server. Returns false, after a message on stderr, if nats-server is
 * not installed. Ends the test if the server does not start. `max_payload` 0:
 * the server's default. The kernel kills the server when the test dies. */
bool nats_server_start(nats_server *server, unsigned max_payload);

/* Like nats_server_start, but with JetStream, which keeps its files in the
 * folder. */
bool nats_server_start_storing(nats_server *server);

/* Kills the server, and waits for its end. */
void nats_server_kill(nats_server *server);

/* Starts a killed server again, at the same port. */
void nats_server_restart(nats_server *server);

/* Kills the server and removes its folder. */
void nats_server_end(nats_server *server);

#endif
