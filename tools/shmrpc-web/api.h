/*
 * Handles all addresses except calls: lists of services and objects, their
 * figures, sessions, health.
 *
 * Threading: one thread.
 */
#ifndef SHMRPC_WEB_API_H
#define SHMRPC_WEB_API_H

#include <stdbool.h>

#include "tools/shmrpc-web/auth.h"
#include "tools/shmrpc-web/board.h"
#include "tools/shmrpc-web/directory.h"
#include "tools/shmrpc-web/events.h"
#include "tools/shmrpc-web/http.h"
#include "tools/shmrpc-web/machines.h"
#include "tools/shmrpc-web/objects.h"
#include "tools/shmrpc-web/rate.h"
#include "tools/shmrpc-web/rpc.h"

typedef struct web_api {
    web_auth *auth;
    web_directory *directory;
    web_board *board;
    web_objects *objects;
    web_machines *machines; /* NULL: there is no cluster */
    web_events *events;
    web_http *http;
    web_rpc *rpc;
    bool read_only;
    const char *token_path; /* path that is shown to users of this machine;
                             * NULL: not shown */
    web_rate logins;        /* limits wrong tokens of each address */
    web_place places[WEB_MAX_SERVICES];
} web_api;

/* Whether the address needs no login: health, the page, and the login
 * itself. */
bool web_api_is_open(const web_request *request);
/* Answers a request that needs no login. Returns false if the address needs
 * one. */
bool web_api_take_open(web_api *api, web_request *request);

/* Counts a wrong token of this address. Returns 0, or the number of seconds
 * until the next one is allowed. */
unsigned web_api_wrong(web_api *api, const web_request *request);

/* Answers all requests of logged-in users, except calls. */
void web_api_take(web_api *api, web_request *request, const web_who *who);

#endif
