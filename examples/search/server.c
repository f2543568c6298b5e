/*
 * search-server: indexes the given folders, then serves until it is told to
 * stop. A server that has to prepare something itself uses shmrpc_server_...
 * instead of the generated main function.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "indexer.h"
#include "service.h"
#include "store.h"

typedef struct options {
    const char *listen;
    const char *database;
    unsigned workers;
} options;

static const char usage[] =
    "usage: search-server [options] FOLDER...\n"
    "\n"
    "Full-text search over the .txt, .md, .rst, .adoc and .html files (also\n"
    "with .gz) in the folders.  Symbolic links are not followed.\n"
    "\n"
    "  --db FILE         keep the index in FILE (default: made anew each "
    "time)\n"
    "  --listen ADDRESS  default: shm://\n"
    "  --workers N       threads that answer, 1 to 64 (default 2)\n";

static shmrpc_server *running;

static void on_signal(int number)
{
    (void)number;
    shmrpc_server_stop(running);
}

/* ---- the index ----------------------------------------------------------- */

static bool never(void *user)
{
    (void)user;
    return false;
}

static bool index_folders(service *s)
{
    uint32_t documents = 0;
    for (size_t i = 0; i < s->folder_count; i++) {
        indexed counts;
        session *const taken = store_take(s->store);
        const int code =
            index_folder(taken, s->folders[i], never, NULL, &counts);
        if (code != SQLITE_OK) {
            fprintf(stderr, "search-server: %s: %s\n", s->folders[i],
                    sqlite3_errmsg(taken->db));
        }
        store_give(s->store, taken);
        if (code != SQLITE_OK) {
            return false;
        }
        documents += counts.documents;
    }
    printf("search: %u documents indexed\n", documents);
    return true;
}

/* Makes the folders absolute, so that a client's folder can be compared. */
static bool take_folders(service *s, char **names, int count)
{
    s->folders = calloc((size_t)count, sizeof *s->folders);
    for (int i = 0; s->folders != NULL && i < count; i++) {
        s->folders[i] = realpath(names[i], NULL);
        if (s->folders[i] == NULL) {
            perror(names[i]);
            return false;
        }
        s->folder_count++;
    }
    return s->folders != NULL;
}

/* ---- the server ---------------------------------------------------------- */

static bool serve(service *s, const options *o)
{
    const search_search_impl impl = service_impl();
    const shmrpc_server_opts server_opts = {.listen = o->listen,
                                            .workers = o->workers};
    shmrpc_error error;
    int status = shmrpc_server_create(&server_opts, &running, &error);
    if (status == SHMRPC_OK) {
        status = search_search_serve(running, &impl, s, &error);
    }
    if (status == SHMRPC_OK) {
        signal(SIGINT, on_signal);
        signal(SIGTERM, on_signal);
        printf("search: serving at %s\n", o->listen);
        fflush(stdout);
        status = shmrpc_server_run(running, &error);
    }
    if (status != SHMRPC_OK) {
        char text[SHMRPC_ERROR_TEXT_BYTES];
        fprintf(stderr, "search-server: %s\n",
                shmrpc_error_text(&error, text, sizeof text));
    }
    shmrpc_server_destroy(running);
    return status == SHMRPC_OK;
}

static bool index_and_serve(service *s, const options *o, const char *database)
{
    char message[STORE_MESSAGE_BYTES];
    /* One session for each worker, so that none waits for another. */
    s->store = store_open(database, o->workers, message);
    if (s->store == NULL) {
        fprintf(stderr, "search-server: %s\n", message);
        return false;
    }
    pthread_mutex_init(&s->indexing, NULL);
    const bool ok = index_folders(s) && serve(s, o);
    pthread_mutex_destroy(&s->indexing);
    store_close(s->store);
    return ok;
}

/* Without --db, keeps the database in a temporary folder, which is removed at
 * the end. */
static bool with_private_database(service *s, const options *o)
{
    const char *const base = getenv("TMPDIR");
    char folder[4096];
    char path[sizeof folder + 16];
    snprintf(folder, sizeof folder, "%s/shmrpc-search-XXXXXX",
             base != NULL ? base : "/tmp");
    if (mkdtemp(folder) == NULL) {
        perror(folder);
        return false;
    }
    snprintf(path, sizeof path, "%s/index.db", folder);
    const bool ok = index_and_serve(s, o, path);
    unlink(path);
    rmdir(folder);
    return ok;
}

/* ---- options ------------------------------------------------------------- */

/* Returns -1 to continue; otherwise the exit status. */
static int parse(int argc, char **argv, options *o)
{
    static const struct option known[] = {
        {"db", required_argument, NULL, 'd'},
        {"listen", required_argument, NULL, 'l'},
        {"workers", required_argument, NULL, 'w'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int option;
    while ((option = getopt_long(argc, argv, "h", known, NULL)) != -1) {
        switch (option) {
        case 'd':
            o->database = optarg;
            break;
        case 'l':
            o->listen = optarg;
            break;
        case 'w':
            o->workers = (unsigned)strtoul(optarg, NULL, 10);
            break;
        case 'h':
            fputs(usage, stdout);
            return 0;
        default:
            fputs(usage, stderr);
            return 2;
        }
    }
    if (optind == argc || o->workers < 1 || o->workers > 64) {
        fputs(usage, stderr);
        return 2;
    }
    return -1;
}

int main(int argc, char **argv)
{
    options o = {.listen = "shm://", .workers = 2};
    service s = {0};
    const int status = parse(argc, argv, &o);
    if (status >= 0) {
        return status;
    }
    const bool ok = take_folders(&s, argv + optind, argc - optind) &&
                    (o.database != NULL ? index_and_serve(&s, &o, o.database)
                                        : with_private_database(&s, &o));
    for (size_t i = 0; i < s.folder_count; i++) {
        free(s.folders[i]);
    }
    free(s.folders);
    return ok ? 0 : 1;
}
