/*
 * The program without its command line: the loop, and what each address does.
 *
 * Threading: one thread; stop may be called from anywhere.
 */
#ifndef SHMRPC_WEB_SERVER_H
#define SHMRPC_WEB_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "shmrpc/error.h"
#include "tools/shmrpc-web/head.h"
#include "tools/shmrpc-web/times.h"
#include "tools/shmrpc-web/token.h"

typedef struct web_server web_server;

typedef struct web_server_opts {
    const char *address; /* numeric address to listen on */
    uint16_t port;       /* 0: any free port */
    web_hosts hosts;     /* accepted in addition to this machine's own names */
    size_t max_body_bytes;
    web_times times;
    web_tokens tokens;
    const char *token_path; /* path that the page shows; NULL: not shown */
    const char *nats;       /* servers of a cluster; NULL: there is no
                             * cluster */
    bool read_only;
    const char *certificate; /* PEM, or NULL */
    const char *key;
} web_server_opts;

int web_server_open(const web_server_opts *opts, web_server **out,
                    shmrpc_error *error);
uint16_t web_server_port(const web_server *server);
/* Serves until web_server_stop is called. */
void web_server_run(web_server *server);
/* Ends the loop. Async-signal-safe. */
void web_server_stop(web_server *server);
void web_server_close(web_server *server);

#endif
