/*
 * Reads a folder of documents into the store.
 *
 * Threading: any thread, with a session of its own; one at a time for a store.
 */
#ifndef SEARCH_INDEXER_H
#define SEARCH_INDEXER_H

#include <stdbool.h>
#include <stdint.h>

#include "store.h"

/* Files beyond these are left alone: a folder given by mistake ("/") shall
 * neither fill the memory nor take the day. */
enum { MAX_DOCUMENTS = 100000, MAX_DEPTH = 32 };

typedef struct indexed {
    uint32_t documents;
    uint32_t skipped;
} indexed;

/*
 * Brings the store in step with `folder` (absolute), in one transaction:
 * new documents are added, changed ones replaced, missing ones forgotten.
 * Symbolic links are not followed.  `stop` is asked between files; when it
 * says true, or on failure, nothing has changed.
 * Returns an SQLite code: SQLITE_INTERRUPT when stopped.
 */
int index_folder(session *s, const char *folder, bool (*stop)(void *user),
                 void *user, indexed *out);

#endif
