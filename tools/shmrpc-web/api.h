/*
 * All addresses except calls: lists of services and objects, their figures,
 * sessions, health.
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
    const char *token_path; /* shown on this machine; NULL: not shown */
    web_rate logins;        /* wrong tokens, for each address */
    web_place places[WEB_MAX_SERVICES];
} web_api;

/* Whether the address needs no login: health, the page, the login. */
bool web_api_is_open(const web_request *request);
/* Answers such a request. False: it needs a login. */
bool web_api_take_open(web_api *api, web_request *request);

/* Counts a wrong token of this address: 0, or in how many seconds the next one
 * is allowed. */
unsigned web_api_wrong(web_api *api, const web_request *request);

/* Answers all other requests, except calls, of users who are logged in. */
void web_api_take(web_api *api, web_request *request, const web_who *who);

#endif
