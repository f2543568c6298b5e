/*
 * search-client: find, fetch, index, stats.
 *
 * Each command makes one call: it fills the parameters, calls, prints the reply
 * and releases it. Parameters are borrowed; replies are read-only.
 */
#include "search_client.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "show.h"

static const char usage[] =
    "usage: search-client [--at ADDRESS] COMMAND\n"
    "\n"
    "  find [options] WORDS...   best documents first\n"
    "    --limit N, --offset N   how many (1 to 100, default 10), and how "
    "many\n"
    "                            to skip\n"
    "    --order relevance | path | longest\n"
    "    --format text | html    only this format\n"
    "    --path PART             only documents whose path contains PART\n"
    "  fetch ID                  one document's text\n"
    "  index [FOLDER]            read the documents again\n"
    "  stats                     what the server holds\n"
    "\n"
    "WORDS: one two (both), one OR two, one NOT two, \"a phrase\", begin*,\n"
    "NEAR(one two, 5), title: word.\n";

static int failed(const shmrpc_error *error)
{
    char text[SHMRPC_ERROR_TEXT_BYTES];
    fprintf(stderr, "search-client: %s\n",
            shmrpc_error_text(error, text, sizeof text));
    return 1;
}

static int misused(const char *why, const char *what)
{
    fprintf(stderr, "search-client: %s '%s'; see --help\n", why, what);
    return 2;
}

/* ---- find ---------------------------------------------------------------- */

/* Returns the index of `word` in `words`, or -1. */
static int index_of(const char *word, const char *const *words, int count)
{
    for (int i = 0; i < count; i++) {
        if (strcmp(word, words[i]) == 0) {
            return i;
        }
    }
    return -1;
}

static bool take_find_option(int option, const char *value, search_query *query)
{
    static const char *const orders[] = {"relevance", "path", "longest"};
    static const char *const formats[] = {"text", "html"};
    int chosen = 0;
    switch (option) {
    case 'l':
        query->limit = (uint32_t)strtoul(value, NULL, 10);
        break;
    case 'o':
        query->offset = (uint32_t)strtoul(value, NULL, 10);
        break;
    case 'r':
        chosen = index_of(value, orders, 3);
        query->order = (search_order)chosen;
        break;
    case 'f':
        chosen = index_of(value, formats, 2);
        query->has_format = true;
        query->format = (search_format)chosen;
        break;
    case 'p':
        query->has_path = true;
        query->path = shmrpc_str_of(value);
        break;
    default:
        return false;
    }
    return chosen >= 0;
}

/* Joins the arguments from `first` on with spaces; the caller frees the
 * result. */
static char *join(char **arguments, int first, int count)
{
    size_t size = 1;
    for (int i = first; i < count; i++) {
        size += strlen(arguments[i]) + 1;
    }
    char *const text = calloc(1, size);
    for (int i = first; text != NULL && i < count; i++) {
        strcat(text, arguments[i]);
        strcat(text, i + 1 < count ? " " : "");
    }
    return text;
}

static int call_find(search_search *search, const search_query *query)
{
    const search_search_find_reply *reply;
    shmrpc_error error;
    if (search_search_find(search, query, NULL, &reply, &error) != SHMRPC_OK) {
        return failed(&error);
    }
    const search_hits *const found = &reply->value;
    printf("%zu of %" PRIu64 " documents for: %s\n", found->hits.len,
           found->total, query->text.ptr);
    for (size_t i = 0; i < found->hits.len; i++) {
        show_hit(query->offset + i + 1, &found->hits.ptr[i]);
    }
    search_search_find_release(reply);
    return 0;
}

static int find(search_search *search, int argc, char **argv)
{
    static const struct option known[] = {
        {"limit", required_argument, NULL, 'l'},
        {"offset", required_argument, NULL, 'o'},
        {"order", required_argument, NULL, 'r'},
        {"format", required_argument, NULL, 'f'},
        {"path", required_argument, NULL, 'p'},
        {NULL, 0, NULL, 0},
    };
    search_query query = SEARCH_QUERY_DEFAULTS;
    int option;
    while ((option = getopt_long(argc, argv, "+", known, NULL)) != -1) {
        if (!take_find_option(option, optarg, &query)) {
            return misused("what is", argv[optind - 1]);
        }
    }
    char *const words = join(argv, optind, argc);
    query.text = shmrpc_str_of(words);
    const int status = call_find(search, &query);
    free(words);
    return status;
}

/* ---- other commands ------------------------------------------------------ */

static int fetch(search_search *search, int argc, char **argv)
{
    const search_search_fetch_reply *reply;
    shmrpc_error error;
    char *end = argv[0];
    const uint64_t id = argc > 1 ? strtoull(argv[1], &end, 10) : 0;
    if (argc != 2 || *end != '\0') {
        return misused("which document is", argc > 1 ? argv[1] : "");
    }
    if (search_search_fetch(search, id, NULL, &reply, &error) != SHMRPC_OK) {
        return failed(&error);
    }
    show_document(&reply->value);
    search_search_fetch_release(reply);
    return 0;
}

static int index_again(search_search *search, int argc, char **argv)
{
    const shmrpc_str folder = shmrpc_str_of(argc > 1 ? argv[1] : "");
    search_indexed done;
    shmrpc_error error;
    if (search_search_index(search, argc > 1 ? &folder : NULL, NULL, &done,
                            &error) != SHMRPC_OK) {
        return failed(&error);
    }
    printf("%" PRIu32 " documents, %" PRIu32 " files skipped, %.2f s\n",
           done.documents, done.skipped, done.seconds);
    return 0;
}

static int stats(search_search *search, int argc, char **argv)
{
    search_stats s;
    shmrpc_error error;
    (void)argc, (void)argv;
    if (search_search_stats(search, NULL, &s, &error) != SHMRPC_OK) {
        return failed(&error);
    }
    printf("%" PRIu64 " documents, %.1f MB of text, %" PRIu64 " searches\n",
           s.documents, (double)s.bytes / 1e6, s.searches);
    return 0;
}

typedef struct command {
    const char *name;
    int (*run)(search_search *search, int argc, char **argv);
} command;

static const command commands[] = {
    {"find", find}, {"fetch", fetch}, {"index", index_again}, {"stats", stats}};

static const command *command_of(const char *name)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(name, commands[i].name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

int main(int argc, char **argv)
{
    const char *where = "shm://";
    int first = 1;
    if (argc > 2 && strcmp(argv[1], "--at") == 0) {
        where = argv[2];
        first = 3;
    }
    if (argc <= first || strcmp(argv[first], "--help") == 0) {
        fputs(usage, argc <= first ? stderr : stdout);
        return argc <= first ? 2 : 0;
    }
    const command *const chosen = command_of(argv[first]);
    if (chosen == NULL) {
        return misused("there is no command", argv[first]);
    }
    search_search *search;
    shmrpc_error error;
    if (search_search_connect(where, NULL, &search, &error) != SHMRPC_OK) {
        return failed(&error);
    }
    const int status = chosen->run(search, argc - first, argv + first);
    search_search_close(search);
    return status;
}
