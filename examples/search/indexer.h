/*
 * Reads a folder of documents into the store.
 *
 * Threading: any thread, with a session of its own; only one thread at a time
 * may index into a store.
 */
#ifndef SEARCH_INDEXER_H
#define SEARCH_INDEXER_H

#include <stdbool.h>
#include <stdint.h>

#include "store.h"

/* Limits: a folder given by mistake, such as "/", must not exhaust memory or
 * take all day. */
enum { MAX_DOCUMENTS = 100000, MAX_DEPTH = 32 };

typedef struct indexed {
    uint32_t documents;
    uint32_t skipped;
} indexed;

/*
 * Makes the store match `folder` (an absolute path), in one transaction: new
 * documents are added, changed ones replaced, missing ones removed. Symbolic
 * links are not followed. `stop` is called between files; if it returns true,
 * or on failure, nothing has changed. Returns an SQLite code: SQLITE_INTERRUPT
 * if stopped.
 */
int index_folder(session *s, const char *folder, bool (*stop)(void *user),
                 void *user, indexed *out);

#endif
