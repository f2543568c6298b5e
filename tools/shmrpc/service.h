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
    shmrpci_arena arena; /* of the target and the text */
    svc_target target;   /* how it was found */
    int64_t answer_ns;   /* how long it took to connect and get an answer */
    const char *text;    /* the .svc, of `text_len` bytes */
    size_t text_len;
    shmrpc_interface *interface;  /* as it was read */
    const shmrpc_service *tables; /* of it */
    shmrpc_client *client;        /* NULL until connected */
} cli_service;

/* Finds the service, asks it for its .svc, for 5 s at most, and reads that;
 * prints errors. Close it in any case. */
cli_exit cli_service_open(cli_service *s, const char *service, const char *at);

/* As open, without printing, for 3 s at most: for completion. False: it
 * failed. */
bool cli_service_peek(cli_service *s, const char *service, const char *at);

/* Asks a place of a list, for 5 s at most. OK; UNAVAILABLE: nobody listens;
 * DEADLINE: no answer; other statuses: it can't be understood. Close it in any
 * case. */
int cli_service_probe(cli_service *s, const svc_place *place);

/* Connects for calls; prints what goes wrong. */
cli_exit cli_service_connect(cli_service *s);

/* The index of a method; USAGE after printing a suggestion. */
cli_exit cli_service_method(const cli_service *s, const char *name,
                            uint32_t *out);

void cli_service_close(cli_service *s);

#endif
