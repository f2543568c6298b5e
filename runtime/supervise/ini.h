/*
 * service.ini: the services of a machine and how to run them.
 *
 *     [defaults]
 *     log_dir = /var/log/services
 *
 *     [Echo]
 *     exec = ./echo-server
 *     max_proc_num = 3
 *
 * Reads a file and all that it includes into typed values; the manager acts on
 * them.  All errors are reported in one run, each with its place.
 * service.ini(5) documents the format and each key.
 *
 * Threading: one thread per load. What was loaded is constant.
 */
#ifndef SHMRPCI_SUPERVISE_INI_H
#define SHMRPCI_SUPERVISE_INI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "shmrpc/status.h"

#define SHMRPCI_INI_MAX_FILE_BYTES ((size_t)1 << 20)
#define SHMRPCI_INI_MAX_FILES      64 /* with all includes */
#define SHMRPCI_INI_MAX_SERVICES   1024
#define SHMRPCI_INI_MAX_ERRORS               \
    100 /* one more line says that there are \
         * more */
/* Longest value of a line, after its variables are expanded. */
#define SHMRPCI_INI_MAX_VALUE_BYTES 65536

/* The type of a value. The comments name the member of shmrpci_ini_value that
 * holds it. */
typedef enum shmrpci_ini_type {
    SHMRPCI_INI_BOOL,     /* flag */
    SHMRPCI_INI_COUNT,    /* number */
    SHMRPCI_INI_BYTES,    /* number; written with K, M or G */
    SHMRPCI_INI_PERCENT,  /* number, in thousandths of a percent */
    SHMRPCI_INI_TIME,     /* number, in ns; written in seconds or with a unit */
    SHMRPCI_INI_CHOICE,   /* number: index of the word among the choices */
    SHMRPCI_INI_TEXT,     /* text */
    SHMRPCI_INI_PATH,     /* text; relative paths are relative to the file's
                           * folder */
    SHMRPCI_INI_LIBRARY,  /* text: a path that ends in .so, treated like PATH,
                           * or "module:Class" */
    SHMRPCI_INI_WHOLE,    /* number: holds an int64_t; value and limits may be
                           * negative */
    SHMRPCI_INI_OCTAL,    /* number; written in octal */
    SHMRPCI_INI_CPU_LIST, /* text; a list such as 0-3,6 */
    SHMRPCI_INI_COMMAND,  /* list: program and arguments */
    SHMRPCI_INI_VARIABLES, /* list of NAME=value, with blanks between them */
    SHMRPCI_INI_WORDS,     /* list, separated by commas */
    SHMRPCI_INI_SERVICES   /* list of names of sections */
} shmrpci_ini_type;

/* The sections in which a key may stand. */
enum {
    SHMRPCI_INI_IN_SERVICE = 1u << 0,
    SHMRPCI_INI_IN_DEFAULTS = 1u << 1,
    SHMRPCI_INI_IN_BOTH = 3u,
    SHMRPCI_INI_IN_WEB = 1u << 2,
    SHMRPCI_INI_IN_ALL = 7u
};

/* The value that means "no limit". */
#define SHMRPCI_INI_UNLIMITED UINT64_MAX

/*
 * Every key: X(KEY, name, where, type, least, most, choices, default).
 *
 * Choices are words separated by blanks; for a number they are a word that
 * means UNLIMITED. A default is written as in a file. If it is NULL and the key
 * is not given, the value is absent.
 */
/* clang-format off */
#define SHMRPCI_INI_KEY_LIST(X)                                                                              \
    X(IMPORT_FROM,             "import_from",             SERVICE, LIBRARY, 0, 0, NULL, NULL)                \
    X(PYTHON,                  "python",                  BOTH, TEXT, 0, 0, NULL, "python3")                 \
    X(PYTHON_PATH,             "python_path",             BOTH, PATH, 0, 0, NULL, NULL)                      \
    X(SEND_TRACEBACK,          "send_traceback",          BOTH, CHOICE, 0, 0, "all user none", "user")          \
    X(PRELOAD_THREADS,         "preload_threads",         BOTH, CHOICE, 0, 0, "refuse allow", "refuse")         \
    X(EXEC,                    "exec",                    SERVICE, COMMAND, 0, 0, NULL, NULL)                \
    X(LISTEN,                  "listen",                  SERVICE, WORDS, 0, 0, NULL, NULL)                  \
    X(AFTER,                   "after",                   SERVICE, SERVICES, 0, 0, NULL, NULL)               \
    X(WAIT_UNTIL_COMPLETED,    "wait_until_completed",    BOTH, BOOL, 0, 0, NULL, "false")                   \
    X(READY,                   "ready",                   BOTH, CHOICE, 0, 0, "notify started", "notify")    \
    X(START_TIMEOUT,           "start_timeout",           BOTH, TIME, 10000000, 86400000000000, NULL, "300") \
    X(AUTOSTART,               "autostart",               BOTH, BOOL, 0, 0, NULL, "true")                    \
    X(ENVIRONMENT,             "environment",             BOTH, VARIABLES, 0, 0, NULL, NULL)                 \
    X(DIRECTORY,               "directory",               BOTH, PATH, 0, 0, NULL, NULL)                      \
    X(USER,                    "user",                    BOTH, TEXT, 0, 0, NULL, NULL)                      \
    X(GROUP,                   "group",                   BOTH, TEXT, 0, 0, NULL, NULL)                      \
    X(UMASK,                   "umask",                   BOTH, OCTAL, 0, 0777, NULL, NULL)                  \
    X(NICE,                    "nice",                    BOTH, WHOLE, (uint64_t)-20, 19, NULL, NULL)        \
    X(CPUS,                    "cpus",                    BOTH, CPU_LIST, 0, 0, NULL, NULL)                  \
    X(LIMIT_AS,                "limit_as",                BOTH, BYTES, 65536, INT64_MAX, "unlimited", NULL)  \
    X(LIMIT_CORE,              "limit_core",              BOTH, BYTES, 0, INT64_MAX, "unlimited", NULL)      \
    X(LIMIT_CPU,               "limit_cpu",               BOTH, TIME, 1000000000, INT64_MAX, "unlimited", NULL) \
    X(LIMIT_DATA,              "limit_data",              BOTH, BYTES, 65536, INT64_MAX, "unlimited", NULL)  \
    X(LIMIT_FSIZE,             "limit_fsize",             BOTH, BYTES, 0, INT64_MAX, "unlimited", NULL)      \
    X(LIMIT_MEMLOCK,           "limit_memlock",           BOTH, BYTES, 0, INT64_MAX, "unlimited", NULL)      \
    X(LIMIT_NOFILE,            "limit_nofile",            BOTH, COUNT, 16, 1073741824, NULL, NULL)           \
    X(LIMIT_NPROC,             "limit_nproc",             BOTH, COUNT, 1, INT64_MAX, "unlimited", NULL)      \
    X(LIMIT_STACK,             "limit_stack",             BOTH, BYTES, 65536, INT64_MAX, "unlimited", NULL)  \
    X(LOG_DIR,                 "log_dir",                 BOTH, PATH, 0, 0, NULL, NULL)                      \
    X(LOG_MAX_BYTES,           "log_max_bytes",           BOTH, BYTES, 65536, INT64_MAX, NULL, "64M")        \
    X(LOG_KEEP,                "log_keep",                BOTH, COUNT, 0, 1000, NULL, "5")                   \
    X(LOG_MAX_AGE,             "log_max_age",             BOTH, TIME, 1000000000, INT64_MAX, NULL, NULL)      \
    X(TCP_BIND,                "tcp_bind",                BOTH, WORDS, 0, 0, NULL, NULL)                     \
    X(TCP_TLS_CERT,            "tcp_tls_cert",            BOTH, PATH, 0, 0, NULL, NULL)                         \
    X(TCP_TLS_CLIENT_CA,       "tcp_tls_client_ca",       BOTH, PATH, 0, 0, NULL, NULL)                         \
    X(TCP_COMPRESSION,         "tcp_compression",         BOTH, CHOICE, 0, 0, "none snappy zlib", "none")    \
    X(TCP_ALLOW_INSECURE,      "tcp_allow_insecure_serialisation", BOTH, BOOL, 0, 0, NULL, "false")          \
    X(NATS,                    "nats",                    ALL, WORDS, 0, 0, NULL, NULL)                     \
    X(NATS_BIND,               "nats_bind",               BOTH, BOOL, 0, 0, NULL, "false")                   \
    X(NATS_CREDS,              "nats_creds",              ALL, PATH, 0, 0, NULL, NULL)                      \
    X(NATS_NKEY,               "nats_nkey",               ALL, PATH, 0, 0, NULL, NULL)                      \
    X(NATS_TLS_CA,             "nats_tls_ca",             ALL, PATH, 0, 0, NULL, NULL)                      \
    X(NATS_TLS_CERT,           "nats_tls_cert",           ALL, PATH, 0, 0, NULL, NULL)                      \
    X(NATS_ZONE,               "nats_zone",               BOTH, TEXT, 0, 0, NULL, NULL)                      \
    X(MIN_PROC_NUM,            "min_proc_num",            BOTH, COUNT, 1, 64, NULL, "1")                     \
    X(MAX_PROC_NUM,            "max_proc_num",            BOTH, COUNT, 1, 64, NULL, NULL)                    \
    X(THREADS,                 "threads",                 BOTH, COUNT, 1, 64, NULL, "1")                     \
    X(MAX_PROC_MEM_BYTES,      "max_proc_mem_bytes",      BOTH, BYTES, 1048576, INT64_MAX, NULL, NULL)       \
    X(MAX_PROC_CALLS,          "max_proc_calls",          BOTH, COUNT, 1, INT64_MAX, NULL, NULL)                \
    X(NEW_PROC_CPU_PC,         "new_proc_cpu_pc",         BOTH, PERCENT, 1000, 100000, NULL, "75")           \
    X(NEW_PROC_AVG_OVER_SECS,  "new_proc_avg_over_secs",  BOTH, TIME, 1000000000, 3600000000000, NULL, "5")  \
    X(NEW_PROC_QUEUE_DELAY,    "new_proc_queue_delay",    BOTH, TIME, 1000, 3600000000000, NULL, "1ms")      \
    X(KILL_PROC_AVG_OVER_SECS, "kill_proc_avg_over_secs", BOTH, TIME, 1000000000, 86400000000000, NULL, "30")\
    X(HANG_KILL_SECS,          "hang_kill_secs",          BOTH, TIME, 1000000, 86400000000000, NULL, "30")   \
    X(MAX_STREAMS,             "max_streams",             BOTH, COUNT, 1, 64, NULL, NULL)                      \
    X(STREAM_STALL,            "stream_stall",            BOTH, TIME, 1000000, 86400000000000, NULL, "60")     \
    X(STREAM_DRAIN,            "stream_drain",            BOTH, TIME, 1000000, 86400000000000, NULL, "30")     \
    X(MAX_STREAM_AGE,          "max_stream_age",          BOTH, TIME, 1000000, INT64_MAX, NULL, NULL)          \
    X(CLIENT_CALLS,            "client_calls",            BOTH, COUNT, 1, 64, NULL, NULL)                      \
    X(CLIENT_RATE,             "client_rate",             BOTH, COUNT, 1, 1000000000, NULL, NULL)              \
    X(SHED_AFTER,              "shed_after",              BOTH, TIME, 1000, 3600000000000, NULL, NULL)         \
    X(STOP_INT_SECS,           "stop_int_secs",           BOTH, TIME, 0, 3600000000000, NULL, "5")           \
    X(STOP_TERM_SECS,          "stop_term_secs",          BOTH, TIME, 0, 3600000000000, NULL, "5")           \
    X(PROFILE,                 "profile",                 BOTH, CHOICE, 0, 0, "balanced latency power", "balanced") \
    X(MAX_MESSAGE_BYTES,       "max_message_bytes",       BOTH, BYTES, 4096, 1073741824, NULL, "64M")        \
    X(MAX_CONNECTIONS_PER_USER,"max_connections_per_user",BOTH, COUNT, 1, 65536, NULL, "1024")               \
    X(MAX_BYTES_PER_USER,      "max_bytes_per_user",      BOTH, BYTES, 65536, INT64_MAX, NULL, "1G")         \
    X(ALLOWED_USERS,           "allowed_users",           BOTH, WORDS, 0, 0, NULL, NULL)                     \
    X(ALLOWED_GROUPS,          "allowed_groups",          BOTH, WORDS, 0, 0, NULL, NULL)                     \
    X(WEB_HOST,                "host",                    WEB, TEXT, 0, 0, NULL, "127.0.0.1")               \
    X(WEB_PORT,                "port",                    WEB, COUNT, 0, 65535, NULL, "5155")               \
    X(WEB_READ_ONLY,           "read_only",               WEB, BOOL, 0, 0, NULL, "false")                   \
    X(WEB_PASSWORD_FILE,       "password_file",           WEB, PATH, 0, 0, NULL, NULL)

/* Other spellings of keys: X(other, KEY). */
#define SHMRPCI_INI_ALIAS_LIST(X)                 \
    X("bind_tcp", TCP_BIND)                       \
    X("force_insecure_serialisation", TCP_ALLOW_INSECURE)
/* clang-format on */

typedef enum shmrpci_ini_key {
#define SHMRPCI_X(key, name, where, type, least, most, choices, fallback) \
    SHMRPCI_INI_##key,
    SHMRPCI_INI_KEY_LIST(SHMRPCI_X)
#undef SHMRPCI_X
        SHMRPCI_INI_KEYS /* number of keys */
} shmrpci_ini_key;

typedef struct shmrpci_ini_row {
    const char *name;
    unsigned where; /* SHMRPCI_INI_IN_... */
    shmrpci_ini_type type;
    uint64_t least;
    uint64_t most;
    const char *choices;
    const char *fallback;
} shmrpci_ini_row;

extern const shmrpci_ini_row shmrpci_ini_rows[SHMRPCI_INI_KEYS];

/* Size of the text that describes what was expected of an invalid value. */
#define SHMRPCI_INI_EXPECTED_BYTES 128

/* Reads a value of a numeric key, written as in the file, from a command-line
 * option. On failure returns false; `expected` then says what is allowed. */
bool shmrpci_ini_number(shmrpci_ini_key key, const char *text, uint64_t *out,
                        char expected[SHMRPCI_INI_EXPECTED_BYTES]);

/* A file that was read; its text lives as long as the arena. */
typedef struct shmrpci_ini_file {
    const char *path;
    const char *text; /* with a NUL behind it */
    size_t len;
    const struct shmrpci_ini_file *included_by; /* NULL: the main file */
} shmrpci_ini_file;

/* Bytes [begin, end) of a file; `file` is NULL for values that are in none. */
typedef struct shmrpci_ini_place {
    const shmrpci_ini_file *file;
    size_t begin;
    size_t end;
} shmrpci_ini_place;

/* The suffix that turns a service's name into its gateway's. */
#define SHMRPCI_INI_GATE_SUFFIX ".tcp"

/* Most sections with nats_bind, since one gateway announces all of them. */
#define SHMRPCI_INI_NATS_MAX 16

typedef struct shmrpci_ini_list {
    const char *const *items; /* NULL behind the last */
    size_t count;
} shmrpci_ini_list;

typedef struct shmrpci_ini_value {
    bool present; /* has a value, from the section, [defaults] or the default */
    /* The place of the key. `file` is NULL if the value is the default. */
    shmrpci_ini_place place;
    union {
        bool flag;
        uint64_t number;
        const char *text;
        shmrpci_ini_list list;
    } u;
} shmrpci_ini_value;

typedef struct shmrpci_ini_service {
    const char *name; /* the name of the section, shown as the service's name */
    shmrpci_ini_place place;
    shmrpci_ini_value
        values[SHMRPCI_INI_KEYS]; /* without the keys of the page */
} shmrpci_ini_service;

typedef struct shmrpci_ini {
    const shmrpci_ini_service *services; /* in the order of the file */
    size_t service_count;
    /* Indices of services in starting order: the order of the file, but each
     * service comes after those in its `after` list. */
    const size_t *order;
    bool has_web;                            /* there is a [web monitor] */
    shmrpci_ini_value web[SHMRPCI_INI_KEYS]; /* only the keys of the page */
} shmrpci_ini;

typedef struct shmrpci_ini_opts {
    /* Reads a file into the arena, and adds a NUL behind its `*len` bytes.
     * Returns OK, NOT_FOUND, TOO_LARGE or NO_MEMORY. If this is NULL, files are
     * read from disk. */
    shmrpc_status (*read)(void *user, const char *path, shmrpci_arena *arena,
                          const char **text, size_t *len);
    /* Returns the value of an environment variable, or NULL. If this is NULL,
     * getenv is used. */
    const char *(*variable)(void *user, const char *name);
    void *user;
    /* The folder that makes relative paths in values absolute, so that they are
     * valid for programs in other folders too. If this is NULL, paths stay
     * relative. */
    const char *working_directory;
} shmrpci_ini_opts;

/*
 * Loads `path` and the files that it includes. Returns OK, INVALID (`messages`
 * then holds the errors, ready to be printed) or NO_MEMORY. Everything lives in
 * `arena`. `opts` may be NULL.
 */
shmrpc_status shmrpci_ini_load(const shmrpci_ini_opts *opts, const char *path,
                               shmrpci_arena *arena, const shmrpci_ini **out,
                               shmrpci_buf *messages) SHMRPC_WARN_UNUSED;

/* Whether the gateway to a NATS cluster announces the service. */
bool shmrpci_ini_is_announced(const shmrpci_ini_service *service);

/* Appends the NATS servers of a service or of the page as addresses, each with
 * the files and the zone given in `values`:
 * "nats://a?creds=FILE,nats://b?creds=FILE". */
void shmrpci_ini_append_nats(const shmrpci_ini_value *values, shmrpci_buf *out);

#endif
