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

/* Limits: a folder given by mistake ("/") must not fill the memory or take all
 * day. */
enum { MAX_DOCUMENTS = 100000, MAX_DEPTH = 32 };

typedef struct indexed {
    uint32_t documents;
    uint32_t skipped;
} indexed;

/*
 * Brings the store in step with `folder` (absolute), in one transaction: new
 * documents are added, changed ones replaced, missing ones forgotten. Symbolic
 * links are not followed. `stop` is called between files; if it returns true,
 * or on failure, nothing has changed. Returns an SQLite code: SQLITE_INTERRUPT
 * when stopped.
 */
int index_folder(session *s, const char *folder, bool (*stop)(void *user),
                 void *user, indexed *out);

#endif
