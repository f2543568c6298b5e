/*
 * A service that is discovered at run time: finds it, asks it for its .svc,
 * builds its tables, and connects.
 *
 * Threading: open and close: main thread; the client: any number of threads.
 */
#ifndef SHMRPC_TOOLS_SERVICE_H
#define SHMRPC_TOOLS_SERVICE_H

#include "base/arena.h"
#include "shmrpc/interface.h"
#include "shmrpc/stub.h"
#include "svc/find.h"
#include "tools/shmrpc/cli.h"

typedef struct cli_service {
    shmrpci_arena arena; /* holds the target and the text */
    svc_target target;   /* its addresses and port */
    int64_t answer_ns;   /* how long it took to connect and get an answer */
    const char *text;    /* the .svc, of `text_len` bytes */
    size_t text_len;
    shmrpc_interface *interface;  /* the parsed .svc */
    const shmrpc_service *tables; /* tables made from `interface` */
    shmrpc_client *client;        /* NULL until connected */
} cli_service;

/* Finds the service, asks it for its .svc, for 5 s at most, and parses it;
 * prints errors. Must be closed even after a failure. */
cli_exit cli_service_open(cli_service *s, const char *service, const char *at);

/* Like cli_service_open, but for completion: prints nothing, and takes 3 s at
 * most. Returns false on failure. */
bool cli_service_peek(cli_service *s, const char *service, const char *at);

/* Asks a place of a list, for 5 s at most. Returns OK; UNAVAILABLE if nobody
 * listens there; DEADLINE if there is no answer; another status if the answer
 * is malformed. Must be closed even after a failure. */
int cli_service_probe(cli_service *s, const svc_place *place);

/* Connects for calls, and prints errors. */
cli_exit cli_service_connect(cli_service *s);

/* Finds the index of a method. Returns USAGE after printing a suggestion if
 * there is no such method. */
cli_exit cli_service_method(const cli_service *s, const char *name,
                            uint32_t *out);

void cli_service_close(cli_service *s);

#endif
