/*
 * The database: documents and their full-text index (SQLite's FTS5), and one
 * session for each worker.
 *
 * The write-ahead log lets searches go on while documents are read again.
 *
 * Threading: open and close: one thread; take and give: any; a session belongs
 * to the thread that took it.
 */
#ifndef SEARCH_STORE_H
#define SEARCH_STORE_H

#include <sqlite3.h>
#include <stddef.h>

enum { STORE_MESSAGE_BYTES = 200 };

/* The statements of a session. Parameters are ?1, ?2, ...; a filter that is
 * NULL matches everything. */
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
    STORE_GENERATION, /* gives a generation above those of all documents */
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

/* Opens or creates the database `path` with this many sessions. NULL, with a
 * message, on failure. */
store *store_open(const char *path, unsigned sessions,
                  char message[STORE_MESSAGE_BYTES]);
void store_close(store *s);

/* Waits for a free session if necessary; give it back afterwards. */
session *store_take(store *s);
void store_give(store *s, session *taken);

/* Resets a statement: its rows and parameters are gone. */
void store_reset(sqlite3_stmt *statement);

#endif
