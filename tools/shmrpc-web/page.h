/*
 * The files of the page, built into the program.
 *
 * Threading: constant data.
 */
#ifndef SHMRPC_WEB_PAGE_H
#define SHMRPC_WEB_PAGE_H

#include <stdbool.h>

#include "tools/shmrpc-web/http.h"

/* Whether the request is for a file of the page. No file contains a secret. */
bool web_page_has(const web_request *request);
/* Answers with a file of the page. Returns false if there is no such file. */
bool web_page_take(web_request *request);

#endif
