/*
 * All addresses but calls: who is there, what they look like, health.
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
#include "tools/shmrpc-web/objects.h"
#include "tools/shmrpc-web/rate.h"
#include "tools/shmrpc-web/rpc.h"

typedef struct web_api {
    web_auth *auth;
    web_directory *directory;
    web_board *board;
    web_objects *objects;
    web_events *events;
    web_http *http;
    web_rpc *rpc;
    bool read_only;
    const char *token_path; /* told to this machine; NULL: to nobody */
    web_rate logins;        /* wrong tokens, by address */
    web_place places[WEB_MAX_SERVICES];
} web_api;

/* Whether anybody may have it: health, the page, the login. */
bool web_api_is_open(const web_request *request);
/* Answers that. False: it is something else. */
bool web_api_take_open(web_api *api, web_request *request);

/* One more wrong token of this address: 0, or in how many seconds the next may
 * come. */
unsigned web_api_wrong(web_api *api, const web_request *request);

/* Answers everything else but calls, for those who are let in. */
void web_api_take(web_api *api, web_request *request, const web_who *who);

#endif
