/*
 * Finds the method that an address names.
 *
 * Threading: pure functions.
 */
#ifndef SHMRPC_WEB_TARGET_H
#define SHMRPC_WEB_TARGET_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/shmrpc-web/directory.h"
#include "tools/shmrpc-web/http.h"

/* The most parameters in a path of @rest. */
#define WEB_MAX_PATH_PARAMS 16

typedef struct web_path_param {
    const shmrpc_field *field;
    const char *text;
    size_t len;
} web_path_param;

typedef struct web_target {
    char service[WEB_NAME_BYTES];
    const char *rest; /* what follows the service: "add", or for /rest/
                       * "/v2/docs/17" */
    bool is_rest;
    const char *verb; /* HEAD counts as GET */
    web_path_param params[WEB_MAX_PATH_PARAMS];
    size_t param_count;
} web_target;

/* Splits /rpc/SERVICE/METHOD or /rest/SERVICE/PATH. Returns false if the
 * address is neither. */
bool web_target_read(const web_request *request, web_target *out);

/* Whether the verb means that the request changes nothing. */
bool web_target_is_safe(const web_target *target);

/* Finds the method, and the parameters in the path. Returns NOT_FOUND with a
 * suggestion, or INVALID with the HTTP status 405 in `*http` if the method does
 * not accept the verb. */
int web_target_method(web_target *target, const web_service *service,
                      uint32_t *out, unsigned *http, shmrpc_error *error);

#endif
