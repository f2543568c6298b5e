/*
 * The services of this machine, searched repeatedly on a thread of its own,
 * because finding and connecting block.
 *
 * A service's description is untrusted input. If it does not parse, the service
 * stays in the list with the reason, but can't be called.
 *
 * Threading: any thread.
 */
#ifndef SHMRPC_WEB_DIRECTORY_H
#define SHMRPC_WEB_DIRECTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "idl/schema.h"
#include "shmrpc/error.h"
#include "shmrpc/observe.h"
#include "shmrpc/stub.h"

/* The most services that are shown; services that answer come first. */
#define WEB_MAX_SERVICES 256
#define WEB_NAME_BYTES   160

/* The round trip of a ping that was not answered. */
#define WEB_NO_ANSWER (-1)

typedef struct web_directory web_directory;

/* A service that has answered and can be called. Nothing but the client
 * changes. */
typedef struct web_service {
    char name[WEB_NAME_BYTES];    /* "echo_serv", "echo_serv@two" */
    char address[WEB_NAME_BYTES]; /* "shm://echo_serv" */
    uint16_t port;
    const char *text; /* the service's .svc */
    size_t text_len;
    const idl_schema *schema;
    const idl_service *source;
    const shmrpc_service *tables;
    shmrpc_client *client;
    /* Only the directory uses the rest. */
    shmrpci_arena arena;
    unsigned references;
    int64_t ping_ns;        /* protected by the directory's lock; see
                             * web_place */
    shmrpc_stats *presence; /* shows without a call whether the server runs;
                             * NULL: the server must be asked */
} web_service;

/* A socket in one of the folders, and its service. */
typedef struct web_place {
    char name[WEB_NAME_BYTES];
    char address[WEB_NAME_BYTES];
    uint16_t port;
    bool is_alive;
    web_service *service; /* NULL: it never answered correctly */
    int64_t ping_ns;      /* last round trip; 0: unknown; or WEB_NO_ANSWER */
    shmrpc_error error;   /* why it is not alive */
} web_place;

/* Starts the thread. `changed_fd` is an event, which is set after each
 * search. */
int web_directory_open(int changed_fd, web_directory **out,
                       shmrpc_error *error);
/* All services must have been released before. */
void web_directory_close(web_directory *directory);

/* Finds a service, which must be released. Returns NULL if no service with this
 * name answers. */
web_service *web_directory_find(web_directory *directory, const char *name);
void web_service_release(web_directory *directory, web_service *service);

/* Copies up to `max` places, sorted by name, and returns how many. Unless
 * `retain`, their services are not retained and may only be compared. */
size_t web_directory_list(web_directory *directory, bool retain, web_place *out,
                          size_t max);

/* Records the round trip of a ping, or WEB_NO_ANSWER. */
void web_directory_set_ping(web_directory *directory, web_service *service,
                            int64_t ping_ns);

/* Starts a search at once. Returns the number of the first search whose result
 * will be up to date. */
uint64_t web_directory_ask(web_directory *directory);
/* The number of the last finished search. */
uint64_t web_directory_looks(web_directory *directory);

#endif
