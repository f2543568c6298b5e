/*
 * The database: documents and their full-text index (SQLite's FTS5), and one
 * session for each worker.
 *
 * The write-ahead log lets searches go on while documents are read again.
 *
 * Threading: open and close: one thread; take and give: any; a session is its
 * taker's alone.
 */
#ifndef SEARCH_STORE_H
#define SEARCH_STORE_H

#include <sqlite3.h>
#include <stddef.h>

enum { STORE_MESSAGE_BYTES = 200 };

/* What a session can do.  Parameters are ?1, ?2, ...; a filter that is NULL
 * lets everything pass. */
typedef enum store_statement {
    /* In the order of search_order: query, format, part of the path, limit,
     * offset; gives id, title, path, score. */
    STORE_FIND_BY_RELEVANCE,
    STORE_FIND_BY_PATH,
    STORE_FIND_LONGEST,
    STORE_COUNT,      /* query, format, part of the path */
    STORE_SNIPPET,    /* query, id; marks what matched with \2 and \3 */
    STORE_FETCH,      /* id; gives title, path, format, text */
    STORE_STATS,      /* gives documents, bytes */
    STORE_GENERATION, /* gives one more than any document has */
    STORE_KEEP,       /* generation, path, title, text */
    STORE_PUT,        /* the same, format */
    STORE_FORGET,     /* generation, folder with "/" */
    STORE_STATEMENTS  /* how many there are */
} store_statement;

typedef struct store store;

/* A connection with its statements, prepared once. */
typedef struct session {
    sqlite3 *db;
    sqlite3_stmt *statements[STORE_STATEMENTS];
    struct session *next; /* in the pool */
} session;

/* Opens or makes the database `path` with so many sessions.  NULL, with a
 * message, when that fails. */
store *store_open(const char *path, unsigned sessions,
                  char message[STORE_MESSAGE_BYTES]);
void store_close(store *s);

/* Waits for a free session if need be; give it back. */
session *store_take(store *s);
void store_give(store *s, session *taken);

/* Ends the use of a statement: its rows and parameters are gone. */
void store_reset(sqlite3_stmt *statement);

#endif
