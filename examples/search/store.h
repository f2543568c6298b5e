/*
 * The database: documents and their full-text index (SQLite's FTS5), and one
 * session for each worker.
 *
 * The write-ahead log lets searches go on while documents are read again.
 *
 * Threading: one thread opens and closes; any thread may take and give
 * sessions; a session belongs to the thread that took it.
 */
#ifndef SEARCH_STORE_H
#define SEARCH_STORE_H

#include <sqlite3.h>
#include <stddef.h>

enum { STORE_MESSAGE_BYTES = 200 };

/* The statements of a session. Comments list parameters ?1, ?2, ... and the
 * result columns; a filter that is NULL matches everything. */
typedef enum store_statement {
    /* The first three have the values of the enum search_order. Parameters:
     * query, format, part of the path, limit, offset; results: id, title, path,
     * score. */
    STORE_FIND_BY_RELEVANCE,
    STORE_FIND_BY_PATH,
    STORE_FIND_LONGEST,
    STORE_COUNT,      /* query, format, part of the path */
    STORE_SNIPPET,    /* query, id; the snippet has \2 and \3 around matches */
    STORE_FETCH,      /* id; gives title, path, format, text */
    STORE_STATS,      /* gives documents, bytes */
    STORE_GENERATION, /* gives a generation above those of all documents */
    STORE_KEEP,       /* generation, path, title, text */
    STORE_PUT,        /* generation, path, title, text, format */
    STORE_FORGET,     /* generation, folder with "/" */
    STORE_STATEMENTS  /* number of statements */
} store_statement;

typedef struct store store;

/* A database connection with statements that are prepared once. */
typedef struct session {
    sqlite3 *db;
    sqlite3_stmt *statements[STORE_STATEMENTS];
    struct session *next; /* in the pool */
} session;

/* Opens or creates the database `path` with `sessions` sessions. Returns NULL,
 * with a message, on failure. */
store *store_open(const char *path, unsigned sessions,
                  char message[STORE_MESSAGE_BYTES]);
void store_close(store *s);

/* Takes a free session, waiting if necessary; pass it to store_give()
 * afterwards. */
session *store_take(store *s);
void store_give(store *s, session *taken);

/* Resets a statement, which frees its rows and clears its parameters. */
void store_reset(sqlite3_stmt *statement);

#endif
