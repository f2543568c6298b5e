/*
 * The handlers of search.svc.
 *
 * Threading: several handlers may run at a time, on the server's worker
 * threads; each call takes a session of the store.
 */
#ifndef SEARCH_SERVICE_H
#define SEARCH_SERVICE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

#include "search_server.h"
#include "store.h"

typedef struct service {
    store *store;
    char **folders; /* absolute paths, from the command line */
    size_t folder_count;
    pthread_mutex_t indexing; /* held while indexing; searches go on */
    _Atomic uint64_t searches;
} service;

/* Returns the handlers for search_search_serve(), whose `user` must be a
 * service. */
search_search_impl service_impl(void);

#endif
