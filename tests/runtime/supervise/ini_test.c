/* service.ini: every key, and every kind of mistake. */
#include "supervise/ini.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- a simulated file system and environment ----------------------------- */

typedef struct file {
    const char *path;
    const char *text;
} file;

typedef struct world {
    const file *files; /* an entry without a path ends the list */
} world;

static shmrpc_status read_file(void *user, const char *path,
                               shmrpci_arena *arena, const char **text,
                               size_t *len)
{
    const world *w = user;
    for (const file *at = w->files; at->path != NULL; at++) {
        if (strcmp(at->path, path) == 0) {
            *len = strlen(at->text);
            *text = shmrpci_arena_strndup(arena, at->text, *len);
            return *text != NULL ? SHMRPC_OK : SHMRPC_E_NO_MEMORY;
        }
    }
    return SHMRPC_E_NOT_FOUND;
}

static const char *variable(void *user, const char *name)
{
    (void)user;
    return strcmp(name, "PORT") == 0    ? "5000"
           : strcmp(name, "EMPTY") == 0 ? ""
                                        : NULL;
}

typedef struct loaded {
    shmrpci_arena arena;
    shmrpci_buf messages;
    const shmrpci_ini *ini;
    shmrpc_status status;
} loaded;

static void load_files(loaded *l, const file *files)
{
    world w = {files};
    const shmrpci_ini_opts opts = {
        .read = read_file, .variable = variable, .user = &w};
    l->ini = NULL;
    shmrpci_arena_init(&l->arena, 0);
    shmrpci_buf_init_heap(&l->messages);
    l->status = shmrpci_ini_load(&opts, files[0].path, &l->arena, &l->ini,
                                 &l->messages);
}

static void load(loaded *l, const char *text)
{
    const file files[] = {{"/etc/s.ini", text}, {NULL, NULL}};
    load_files(l, files);
}

static void unload(loaded *l)
{
    shmrpci_buf_fini(&l->messages);
    shmrpci_arena_fini(&l->arena);
}

/* Loads a text that must be valid. */
static void load_good(loaded *l, const char *text)
{
    load(l, text);
    if (l->status != SHMRPC_OK) {
        fail_msg("%s\n%s", text, shmrpci_buf_text(&l->messages));
    }
}

/* Loads an invalid text, and expects exactly these messages. */
static void expect_messages(const char *text, const char *expected)
{
    loaded l;
    load(&l, text);
    assert_int_equal(l.status, SHMRPC_E_INVALID);
    assert_string_equal(shmrpci_buf_text(&l.messages), expected);
    unload(&l);
}

/* Loads an invalid text, and expects messages that contain `expected`. */
static void expect_says(const char *text, const char *expected)
{
    loaded l;
    load(&l, text);
    const char *said = shmrpci_buf_text(&l.messages);
    if (l.status != SHMRPC_E_INVALID || strstr(said, expected) == NULL) {
        fail_msg("%s\nsays: %s\nnot: %s", text, said, expected);
    }
    unload(&l);
}

/* ---- every key ----------------------------------------------------------- */

/* Prints a value in the form that the table of keys below uses. */
static void print_value(shmrpci_ini_key key, const shmrpci_ini_value *value,
                        char *out, size_t size)
{
    const shmrpci_ini_list *list = &value->u.list;
    size_t len = 0;
    out[0] = '\0';
    if (!value->present) {
        (void)snprintf(out, size, "absent");
        return;
    }
    switch (shmrpci_ini_rows[key].type) {
    case SHMRPCI_INI_BOOL:
        (void)snprintf(out, size, "%s", value->u.flag ? "true" : "false");
        break;
    case SHMRPCI_INI_COUNT:
    case SHMRPCI_INI_BYTES:
    case SHMRPCI_INI_PERCENT:
    case SHMRPCI_INI_WHOLE:
    case SHMRPCI_INI_OCTAL:
    case SHMRPCI_INI_TIME:
    case SHMRPCI_INI_CHOICE:
        (void)snprintf(out, size, "%llu", (unsigned long long)value->u.number);
        break;
    case SHMRPCI_INI_TEXT:
    case SHMRPCI_INI_PATH:
    case SHMRPCI_INI_LIBRARY:
    case SHMRPCI_INI_CPU_LIST:
        (void)snprintf(out, size, "%s", value->u.text);
        break;
    case SHMRPCI_INI_COMMAND:
    case SHMRPCI_INI_VARIABLES:
    case SHMRPCI_INI_WORDS:
    case SHMRPCI_INI_SERVICES:
        for (size_t i = 0; i < list->count && len < size; i++) {
            len += (size_t)snprintf(out + len, size - len, "%s%s",
                                    i > 0 ? "|" : "", list->items[i]);
        }
        assert_null(list->items[list->count]);
        break;
    }
}

/* For each key: texts and the values they give, texts that are refused with a
 * part of the message, and the default. */
static const struct {
    shmrpci_ini_key key;
    const char *good[8]; /* written text, value, written text, value, ... */
    const char *bad[8];  /* written text, message, ... */
    const char *fallback;
} rows[SHMRPCI_INI_KEYS] = {
    {SHMRPCI_INI_IMPORT_FROM,
     {"echo.so", "/etc/echo.so", "/lib/e.so", "/lib/e.so", "a.b_1:C", "a.b_1:C",
      "echoserver", "echoserver"},
     {"./echo", "expected the path of a shared library, path.so, or a module",
      "a:b.c", "module:Class", "1a", "path.so", "a..b", "path.so"},
     "absent"},
    {SHMRPCI_INI_PYTHON,
     {"/venv/bin/python3", "/venv/bin/python3"},
     {"", "expected"},
     "python3"},
    {SHMRPCI_INI_PYTHON_PATH,
     {"lib", "/etc/lib", "/opt", "/opt"},
     {"", "a path"},
     "absent"},
    {SHMRPCI_INI_SEND_TRACEBACK,
     {"all", "0", "user", "1", "none", "2"},
     {"nobody", "expected one of: all user none"},
     "1"},
    {SHMRPCI_INI_PRELOAD_THREADS,
     {"refuse", "0", "allow", "1"},
     {"Allow", "did you mean `allow`?"},
     "0"},
    {SHMRPCI_INI_EXEC,
     {"echo-server -w 2", "echo-server|-w|2",
      "./bin/echo 'a b' \"c\\\"d\" e\\ f", "/etc/./bin/echo|a b|c\"d|e f",
      "/x \"\"", "/x|"},
     {"", "expected a program and its arguments", "a 'b",
      "expected a quote at its end", "'' x", "expected a program"},
     "/bin/true"},
    {SHMRPCI_INI_LISTEN,
     {"shm://", "shm://", "shm://@two , tcp://h:1", "shm://@two|tcp://h:1"},
     {"shm://,", "words, separated by commas", "", "words"},
     "absent"},
    {SHMRPCI_INI_AFTER,
     {"B", "B", "B,C", "B|C"},
     {"D", "there is no service [D]", "B,,C", "words"},
     "absent"},
    {SHMRPCI_INI_WAIT_UNTIL_COMPLETED,
     {"True", "true", "no", "false", "ON", "true", "0", "false"},
     {"maybe", "`maybe` for `wait_until_completed` (expected true or false)"},
     "false"},
    {SHMRPCI_INI_READY,
     {"notify", "0", "started", "1"},
     {"start", "(expected one of: notify started)"},
     "0"},
    {SHMRPCI_INI_START_TIMEOUT,
     {"90", "90000000000", "1.5s", "1500000000", "10m", "600000000000"},
     {"0", "of 10ms to 86400s", "soon", "time"},
     "300000000000"},
    {SHMRPCI_INI_AUTOSTART,
     {"no", "false"},
     {"later", "true or false"},
     "true"},
    {SHMRPCI_INI_ENVIRONMENT,
     {"A=1", "A=1", "A= B_2='x y'", "A=|B_2=x y"},
     {"A", "`A` for `environment` (expected NAME=value", "1A=2", "NAME=value",
      "SHMRPC_OPTIONS=x", "the manager's", "", "NAME=value"},
     "absent"},
    {SHMRPCI_INI_DIRECTORY, {"work", "/etc/work"}, {"", "a path"}, "absent"},
    {SHMRPCI_INI_USER, {"www-data", "www-data"}, {"", "a text"}, "absent"},
    {SHMRPCI_INI_GROUP, {"audio", "audio"}, {"", "a text"}, "absent"},
    {SHMRPCI_INI_UMASK,
     {"027", "23", "0", "0", "777", "511"},
     {"8", "an octal number of 0 to 777", "1000", "octal", "-1", "octal", "",
      "octal"},
     "absent"},
    {SHMRPCI_INI_NICE,
     {"10", "10", "0", "0", "-20", "18446744073709551596"},
     {"20", "a whole number of -20 to 19", "-21", "whole", "-", "whole", "1.5",
      "whole"},
     "absent"},
    {SHMRPCI_INI_CPUS,
     {"0-3,6", "0-3,6", "1", "1", "0, 2-3", "0, 2-3"},
     {"3-1", "CPUs by number, as in 0-3,6", "1024", "CPUs", "1,", "CPUs", "",
      "CPUs"},
     "absent"},
    {SHMRPCI_INI_LIMIT_AS,
     {"1G", "1073741824", "unlimited", "18446744073709551615"},
     {"1", "64K or more, or unlimited"},
     "absent"},
    {SHMRPCI_INI_LIMIT_CORE, {"0", "0"}, {"none", "bytes"}, "absent"},
    {SHMRPCI_INI_LIMIT_CPU,
     {"1h", "3600000000000"},
     {"0", "a time like"},
     "absent"},
    {SHMRPCI_INI_LIMIT_DATA, {"1M", "1048576"}, {"x", "bytes"}, "absent"},
    {SHMRPCI_INI_LIMIT_FSIZE, {"1M", "1048576"}, {"x", "bytes"}, "absent"},
    {SHMRPCI_INI_LIMIT_MEMLOCK, {"1M", "1048576"}, {"x", "bytes"}, "absent"},
    {SHMRPCI_INI_LIMIT_NOFILE,
     {"4096", "4096"},
     {"unlimited", "a whole number of 16 to 1073741824"},
     "absent"},
    {SHMRPCI_INI_LIMIT_NPROC, {"100", "100"}, {"0", "1 to"}, "absent"},
    {SHMRPCI_INI_LIMIT_STACK, {"8M", "8388608"}, {"x", "bytes"}, "absent"},
    {SHMRPCI_INI_LOG_DIR,
     {"/tmp/logs/", "/tmp/logs/", "logs", "/etc/logs"},
     {"", "expected a path"},
     "absent"},
    {SHMRPCI_INI_LOG_MAX_BYTES,
     {"65536", "65536", "1M", "1048576", "1.5MiB", "1572864"},
     {"1K", "expected bytes, as in 500M or 2G, 64K or more", "1MB", "bytes"},
     "67108864"},
    {SHMRPCI_INI_LOG_KEEP,
     {"0", "0", "1000", "1000"},
     {"1001", "a whole number of 0 to 1000", "1.5", "whole", "-1", "whole"},
     "5"},
    {SHMRPCI_INI_LOG_MAX_AGE,
     {"24h", "86400000000000"},
     {"0", "1s or more"},
     "absent"},
    {SHMRPCI_INI_TCP_BIND,
     {"127.0.0.1", "127.0.0.1", "0.0.0.0:5000, [::1]", "0.0.0.0:5000|[::1]"},
     {"", "words"},
     "absent"},
    {SHMRPCI_INI_TCP_TLS_CERT,
     {"/tmp/server.pem", "/tmp/server.pem", "tls/a.pem", "/etc/tls/a.pem"},
     {"", "expected a path"},
     "absent"},
    {SHMRPCI_INI_TCP_TLS_CLIENT_CA,
     {"ca.pem", "/etc/ca.pem"},
     {"", "expected a path"},
     "absent"},
    {SHMRPCI_INI_TCP_COMPRESSION,
     {"none", "0", "snappy", "1", "zlib", "2"},
     {"zlip", "(expected one of: none snappy zlib); did you mean `zlib`?"},
     "0"},
    {SHMRPCI_INI_TCP_ALLOW_INSECURE,
     {"true", "true", "False", "false"},
     {"2", "expected true or false"},
     "false"},
    {SHMRPCI_INI_NATS,
     {"nats://a, nats://b:4223", "nats://a|nats://b:4223", "a", "a"},
     {"", "words"},
     "absent"},
    {SHMRPCI_INI_NATS_BIND,
     {"yes", "true", "no", "false"},
     {"maybe", "true or false"},
     "false"},
    {SHMRPCI_INI_NATS_CREDS,
     {"/run/a.creds", "/run/a.creds", "a.creds", "/etc/a.creds"},
     {"", "expected a path"},
     "absent"},
    {SHMRPCI_INI_NATS_NKEY,
     {"a.nk", "/etc/a.nk"},
     {"", "expected a path"},
     "absent"},
    {SHMRPCI_INI_NATS_TLS_CA,
     {"ca.pem", "/etc/ca.pem"},
     {"", "expected a path"},
     "absent"},
    {SHMRPCI_INI_NATS_TLS_CERT,
     {"a.pem", "/etc/a.pem"},
     {"", "expected a path"},
     "absent"},
    {SHMRPCI_INI_NATS_ZONE, {"east", "east"}, {NULL}, "absent"},
    {SHMRPCI_INI_MIN_PROC_NUM,
     {"1", "1", "64", "64"},
     {"0", "1 to 64", "65", "1 to 64", "X", "1 to 64"},
     "1"},
    {SHMRPCI_INI_MAX_PROC_NUM,
     {"3", "3"},
     {"0", "`0` for `max_proc_num` (expected a whole number of 1 to 64)"},
     "absent"},
    {SHMRPCI_INI_THREADS, {"4", "4"}, {"many", "1 to 64"}, "1"},
    {SHMRPCI_INI_MAX_PROC_MEM_BYTES,
     {"500000000", "500000000", "2G", "2147483648"},
     {"1", "1M or more", "99999999999999999999", "bytes"},
     "absent"},
    {SHMRPCI_INI_MAX_PROC_CALLS,
     {"1000", "1000"},
     {"0", "a whole number of 1 to"},
     "absent"},
    {SHMRPCI_INI_NEW_PROC_CPU_PC,
     {"30", "30000", "7.5 %", "7500", "100%", "100000"},
     {"0", "a percentage of 1 to 100", "101", "percentage"},
     "75000"},
    {SHMRPCI_INI_NEW_PROC_AVG_OVER_SECS,
     {"20", "20000000000", "1.5", "1500000000", "2m", "120000000000"},
     {"0.5", "seconds, or a time like 250ms or 5m, of 1s to 3600s", "1d",
      "seconds"},
     "5000000000"},
    {SHMRPCI_INI_NEW_PROC_QUEUE_DELAY,
     {"10ms", "10000000", "50us", "50000"},
     {"0", "of 1us to 3600s"},
     "1000000"},
    {SHMRPCI_INI_KILL_PROC_AVG_OVER_SECS,
     {"240", "240000000000", "1h", "3600000000000"},
     {"0", "of 1s to 86400s"},
     "30000000000"},
    {SHMRPCI_INI_HANG_KILL_SECS,
     {"5s", "5000000000"},
     {"x", "time"},
     "30000000000"},
    {SHMRPCI_INI_MAX_STREAMS, {"3", "3"}, {"65", "of 1 to 64"}, "absent"},
    {SHMRPCI_INI_STREAM_STALL,
     {"300ms", "300000000"},
     {"0", "of 1ms to 86400s"},
     "60000000000"},
    {SHMRPCI_INI_STREAM_DRAIN,
     {"2s", "2000000000"},
     {"0", "of 1ms to 86400s"},
     "30000000000"},
    {SHMRPCI_INI_MAX_STREAM_AGE,
     {"8h", "28800000000000"},
     {"0", "1ms or more"},
     "absent"},
    {SHMRPCI_INI_CLIENT_CALLS, {"4", "4"}, {"65", "of 1 to 64"}, "absent"},
    {SHMRPCI_INI_CLIENT_RATE,
     {"100", "100"},
     {"0", "of 1 to 1000000000"},
     "absent"},
    {SHMRPCI_INI_SHED_AFTER,
     {"50ms", "50000000"},
     {"0", "of 1us to 3600s"},
     "absent"},
    {SHMRPCI_INI_STOP_INT_SECS,
     {"0", "0", "2.5", "2500000000"},
     {"-1", "of 0s to 3600s"},
     "5000000000"},
    {SHMRPCI_INI_STOP_TERM_SECS,
     {"1", "1000000000"},
     {"", "time"},
     "5000000000"},
    {SHMRPCI_INI_PROFILE,
     {"latency", "1", "power", "2"},
     {"Power", "did you mean `power`?"},
     "0"},
    {SHMRPCI_INI_MAX_MESSAGE_BYTES,
     {"1G", "1073741824"},
     {"2G", "of 4K to 1G"},
     "67108864"},
    {SHMRPCI_INI_MAX_CONNECTIONS_PER_USER,
     {"7", "7"},
     {"0", "1 to 65536"},
     "1024"},
    {SHMRPCI_INI_MAX_BYTES_PER_USER,
     {"1T", "1099511627776"},
     {"1", "64K or more"},
     "1073741824"},
    {SHMRPCI_INI_ALLOWED_USERS,
     {"www-data, root", "www-data|root"},
     {",", "words"},
     "absent"},
    {SHMRPCI_INI_ALLOWED_GROUPS, {"audio", "audio"}, {"", "words"}, "absent"},
    {SHMRPCI_INI_WEB_HOST, {"0.0.0.0", "0.0.0.0"}, {"", "a text"}, "127.0.0.1"},
    {SHMRPCI_INI_WEB_PORT,
     {"0", "0", "65535", "65535"},
     {"65536", "0 to 65535"},
     "5155"},
    {SHMRPCI_INI_WEB_READ_ONLY,
     {"yes", "true"},
     {"y", "true or false"},
     "false"},
    {SHMRPCI_INI_WEB_PASSWORD_FILE,
     {"pw", "/etc/pw"},
     {"", "a path"},
     "absent"},
};

/* Writes a file with `name = value` in a section of this kind. A is the service
 * under test. */
static void write_file(char *out, size_t size, unsigned where, const char *name,
                       const char *value)
{
    bool is_program =
        strcmp(name, "exec") == 0 || strcmp(name, "import_from") == 0;
    const char *rest = "[B]\nexec=b\n[C]\nexec=c\n";
    if (where == SHMRPCI_INI_IN_SERVICE) {
        (void)snprintf(out, size, "[A]\n%s%s = %s\n%s",
                       is_program ? "" : "exec=/bin/true\n", name, value, rest);
    } else {
        (void)snprintf(out, size, "[%s]\n%s = %s\n[A]\nexec=/bin/true\n%s",
                       where == SHMRPCI_INI_IN_WEB ? "web monitor" : "defaults",
                       name, value, rest);
    }
}

static void check_value(unsigned where, const char *name, shmrpci_ini_key key,
                        const char *written, const char *expected)
{
    char text[512];
    char got[256];
    loaded l;
    write_file(text, sizeof text, where, name, written);
    load_good(&l, text);
    print_value(key,
                where == SHMRPCI_INI_IN_WEB ? &l.ini->web[key]
                                            : &l.ini->services[0].values[key],
                got, sizeof got);
    if (strcmp(got, expected) != 0) {
        fail_msg("%s\ngives %s, expected %s", text, got, expected);
    }
    unload(&l);
}

static void expect_refusal(unsigned where, const char *name,
                           const char *written, const char *expected)
{
    char text[512];
    write_file(text, sizeof text, where, name, written);
    expect_says(text, expected);
}

static void each_key_has_its_values(void **state)
{
    (void)state;
    static const unsigned sections[] = {
        SHMRPCI_INI_IN_SERVICE, SHMRPCI_INI_IN_DEFAULTS, SHMRPCI_INI_IN_WEB};
    for (int key = 0; key < SHMRPCI_INI_KEYS; key++) {
        const shmrpci_ini_row *row = &shmrpci_ini_rows[key];
        assert_int_equal(rows[key].key, key);
        for (size_t s = 0; s < 3; s++) {
            if ((row->where & sections[s]) == 0) {
                expect_refusal(sections[s], row->name, "1", "belongs in");
                continue;
            }
            for (size_t i = 0; i < 8 && rows[key].good[i] != NULL; i += 2) {
                check_value(sections[s], row->name, (shmrpci_ini_key)key,
                            rows[key].good[i], rows[key].good[i + 1]);
            }
            for (size_t i = 0; i < 8 && rows[key].bad[i] != NULL; i += 2) {
                expect_refusal(sections[s], row->name, rows[key].bad[i],
                               rows[key].bad[i + 1]);
            }
        }
    }
}

static void each_key_has_its_default(void **state)
{
    (void)state;
    loaded l;
    load_good(&l, "[A]\nexec=/bin/true\n");
    for (int key = 0; key < SHMRPCI_INI_KEYS; key++) {
        char got[256];
        bool is_web = (shmrpci_ini_rows[key].where & SHMRPCI_INI_IN_WEB) != 0;
        const shmrpci_ini_value *value =
            is_web ? &l.ini->web[key] : &l.ini->services[0].values[key];
        print_value((shmrpci_ini_key)key, value, got, sizeof got);
        assert_string_equal(got, rows[key].fallback);
        assert_true(key == SHMRPCI_INI_EXEC || value->place.file == NULL);
    }
    assert_false(l.ini->has_web);
    unload(&l);
}

static void other_spellings(void **state)
{
    (void)state;
    check_value(SHMRPCI_INI_IN_DEFAULTS, "bind_tcp", SHMRPCI_INI_TCP_BIND,
                "0.0.0.0", "0.0.0.0");
    check_value(SHMRPCI_INI_IN_SERVICE, "force_insecure_serialisation",
                SHMRPCI_INI_TCP_ALLOW_INSECURE, "True", "true");
    expect_messages("[A]\nexec=a\ntcp_bind=h\nbind_tcp=h\n",
                    "/etc/s.ini:4:1: error: `tcp_bind` is given twice\n"
                    "    4 | bind_tcp=h\n"
                    "      | ^~~~~~~~\n"
                    "/etc/s.ini:3:1: note: it was given here first\n"
                    "    3 | tcp_bind=h\n"
                    "      | ^~~~~~~~\n");
}

/* ---- sections ------------------------------------------------------------ */

static void sections_override_defaults(void **state)
{
    (void)state;
    loaded l;
    load_good(&l,
              "[A]\nexec=a\nmax_proc_num=3\n[B]\nexec=b\n"
              "[defaults]\nmax_proc_num=5\n");
    assert_int_equal(l.ini->service_count, 2);
    assert_string_equal(l.ini->services[0].name, "A");
    assert_int_equal(
        l.ini->services[0].values[SHMRPCI_INI_MAX_PROC_NUM].u.number, 3);
    assert_int_equal(
        l.ini->services[1].values[SHMRPCI_INI_MAX_PROC_NUM].u.number, 5);
    unload(&l);
}

static void services_share_a_body(void **state)
{
    (void)state;
    loaded l;
    load_good(&l, "[ A , B,C ]\nexec = x\nthreads = 2\n");
    assert_int_equal(l.ini->service_count, 3);
    for (size_t i = 0; i < 3; i++) {
        const shmrpci_ini_service *service = &l.ini->services[i];
        const char name[] = {(char)('A' + i), '\0'};
        assert_string_equal(service->name, name);
        assert_int_equal(service->values[SHMRPCI_INI_THREADS].u.number, 2);
        assert_string_equal(service->values[SHMRPCI_INI_EXEC].u.list.items[0],
                            "x");
    }
    unload(&l);
}

static void sections_that_can_not_be(void **state)
{
    (void)state;
    expect_messages("[A]\nexec=a\n[A]\nexec=b\n",
                    "/etc/s.ini:3:2: error: there is a section [A] already\n"
                    "    3 | [A]\n      |  ^\n"
                    "/etc/s.ini:1:2: note: it is here\n"
                    "    1 | [A]\n      |  ^\n");
    expect_messages("[default]\nlog_dir=/x\n[A]\nexec=a\n",
                    "/etc/s.ini:1:2: error: unknown section [default]; did you "
                    "mean [defaults]?\n"
                    "    1 | [default]\n      |  ^~~~~~~\n");
    expect_says("[web-monitor]\nport=1\n", "did you mean [web monitor]?");
    expect_says("[defaults]\n[A]\nexec=a\n[defaults]\n",
                "such a section already");
    expect_says("[A, ,B]\nexec=a\n", "`` is not a service name");
    expect_says("[A b]\nexec=a\n", "`A b` is not a service name");
    expect_says("[]\nexec=a\n", "`` is not a service name");
    expect_says("[A\nexec=a\n", "has no end (expected `]`)");
    expect_says("[A] # no\nexec=a\n",
                "unexpected text after the name of a section");
    expect_says("exec=a\n", "a key before any section (expected [NAME])");
    expect_says("", "there are no services");
    expect_says("[A]\n", "[A] does not say what to start");
    expect_says("[A]\nexec=a\nimport_from=a.so\n",
                "both `exec` and `import_from`");
}

static void lines_are_lenient_with_blanks(void **state)
{
    (void)state;
    loaded l;
    load_good(&l,
              "# comment\r\n; another\n\n  [A]  \r\n\t exec\t=  a  b \t\r\n"
              "threads:3\n \t\n   # indented");
    const shmrpci_ini_value *values = l.ini->services[0].values;
    assert_int_equal(values[SHMRPCI_INI_EXEC].u.list.count, 2);
    assert_int_equal(values[SHMRPCI_INI_THREADS].u.number, 3);
    unload(&l);
    expect_says("[A]\nexec=a\nwhat is this\n",
                "3:1: error: this is neither a section nor a key");
    expect_says("[A]\nexec=a\n=5\n", "neither a section nor a key");
}

/* ---- keys ---------------------------------------------------------------- */

static void unknown_keys_get_a_suggestion(void **state)
{
    (void)state;
    expect_messages("[A]\nexec=a\nmax_prco_num=3\nfrobnicate=1\n",
                    "/etc/s.ini:3:1: error: unknown key `max_prco_num`; did "
                    "you mean `max_proc_num`?\n"
                    "    3 | max_prco_num=3\n      | ^~~~~~~~~~~~\n"
                    "/etc/s.ini:4:1: error: unknown key `frobnicate`\n"
                    "    4 | frobnicate=1\n      | ^~~~~~~~~~\n");
    expect_says("[A]\nexec=a\nbind_tpc=h\n", "did you mean `bind_tcp`?");
    expect_says("[A]\nEXEC=a\n", "did you mean `exec`?");
    expect_messages("[A]\nexec=a\nport=1\n",
                    "/etc/s.ini:3:1: error: `port` belongs in [web monitor]\n  "
                    "  3 | port=1\n      | ^~~~\n");
    expect_says("[web monitor]\nexec=a\n",
                "`exec` belongs in the section of a service");
    expect_says("[web monitor]\nthreads=2\n",
                "belongs in [defaults] or the section of a service");
}

static void numbers_agree(void **state)
{
    (void)state;
    expect_messages(
        "[A]\nexec=a\nmin_proc_num=4\nmax_proc_num=2\n",
        "/etc/s.ini:3:1: error: [A]: `min_proc_num` is 4, above "
        "`max_proc_num`, which is 2\n    3 | min_proc_num=4\n      | "
        "^~~~~~~~~~~~\n/etc/s.ini:4:1: note: `max_proc_num` is given here\n    "
        "4 | max_proc_num=2\n      | ^~~~~~~~~~~~\n");
}

/* A name has at most 59 characters plus the gateway's suffix. */
static void gateways_have_room_for_a_name(void **state)
{
    (void)state;
    char text[128];
    loaded l;
    char name[61];
    memset(name, 'a', sizeof name);
    (void)snprintf(text, sizeof text, "[%.59s]\nexec=a\ntcp_bind=h\n", name);
    load_good(&l, text);
    unload(&l);
    (void)snprintf(text, sizeof text, "[%.60s]\nexec=a\ntcp_bind=h\n", name);
    expect_says(text, "too long for one with `tcp_bind`");
    expect_says("[A]\nexec=a\ntcp_bind=h\ntcp_tls_client_ca=ca.pem\n",
                "`tcp_tls_client_ca` without `tcp_tls_cert`");
    expect_says("[A]\nexec=a\ntcp_tls_cert=a\ntcp_tls_client_ca=b,c\n",
                "a path for `tcp_tls_client_ca` can't have a comma");
    expect_messages("[shmrpcd]\nexec=a\n",
                    "/etc/s.ini:1:2: error: [shmrpcd] is the manager's own "
                    "name (expected another one)\n"
                    "    1 | [shmrpcd]\n"
                    "      |  ^~~~~~~\n");
    /* A value that is already invalid has no path to check. */
    expect_says("[A]\nexec=a\ntcp_tls_cert=${NO\n", "this is not a variable");
}

/* ---- the gateway to NATS ------------------------------------------------- */

/* Expects the addresses of section [A] in a valid file. */
static void expect_servers(const char *keys, const char *wanted)
{
    char text[512];
    loaded l;
    shmrpci_buf got;
    (void)snprintf(text, sizeof text, "[A]\nexec=a\nnats_bind=yes\n%s", keys);
    load_good(&l, text);
    shmrpci_buf_init_heap(&got);
    assert_true(shmrpci_ini_is_announced(&l.ini->services[0]));
    shmrpci_ini_append_nats(l.ini->services[0].values, &got);
    assert_string_equal(shmrpci_buf_text(&got), wanted);
    shmrpci_buf_fini(&got);
    unload(&l);
}

static void servers_of_nats_have_their_files(void **state)
{
    (void)state;
    expect_servers("", "nats://127.0.0.1");
    expect_servers("nats=a, nats://[::1]:4223\nnats_creds=c\nnats_zone=east\n",
                   "nats://a?creds=/etc/c&zone=east,"
                   "nats://[::1]:4223?creds=/etc/c&zone=east");
    expect_servers("nats=a\nnats_nkey=n\nnats_tls_ca=ca\nnats_tls_cert=ce\n",
                   "nats://a?nkey=/etc/n&ca=/etc/ca&cert=/etc/ce");
}

static void wrong_servers_of_nats_are_named(void **state)
{
    (void)state;
    expect_messages("[A]\nexec=a\nnats_bind=yes\nnats=a,tcp://b\n",
                    "/etc/s.ini:4:1: error: `tcp://b` for `nats` (expected "
                    "nats://HOST or nats://HOST:PORT; files and zone have keys "
                    "of their own)\n"
                    "    4 | nats=a,tcp://b\n"
                    "      | ^~~~\n");
    expect_messages("[A]\nexec=a\nnats_bind=yes\nnats_creds=c\nnats_nkey=n\n",
                    "/etc/s.ini:5:1: error: [A] has both `nats_creds` and "
                    "`nats_nkey`\n"
                    "    5 | nats_nkey=n\n"
                    "      | ^~~~~~~~~\n"
                    "/etc/s.ini:4:1: note: the other is here\n"
                    "    4 | nats_creds=c\n"
                    "      | ^~~~~~~~~~\n");
    expect_says("[A]\nexec=a\n[web monitor]\nnats=nats://a/b\n",
                "`nats://a/b` for `nats`");
    static const struct {
        const char *keys;
        const char *said;
    } wrong[] = {
        {"nats=nats://a?creds=b", "`nats://a?creds=b` for `nats`"},
        {"nats=nats://a/echo", "`nats://a/echo` for `nats`"},
        {"nats=nats://", "`nats://` for `nats`"},
        {"nats=a:99999", "\"99999\" is not a port"},
        {"nats=a b", "`a b` for `nats`"},
        {"nats_creds=a&b", "a path for `nats_creds` can't have a comma"},
        {"nats_tls_ca=a?b", "a path for `nats_tls_ca` can't have a comma"},
        {"nats_zone=a,b", "`a,b` for `nats_zone`"},
        {"listen=tcp://", "`nats_bind`, but no shm:// address"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char text[256];
        (void)snprintf(text, sizeof text, "[A]\nexec=a\nnats_bind=yes\n%s\n",
                       wrong[i].keys);
        expect_says(text, wrong[i].said);
    }
}

/* One gateway announces all sections with one set of options. */
static void sections_agree_about_nats(void **state)
{
    (void)state;
    char text[2048];
    size_t used = 0;
    expect_messages(
        "[A]\nexec=a\nnats=a\nnats_bind=yes\n"
        "[B]\nexec=b\nnats=b\n"
        "[C]\nexec=c\nnats_bind=yes\nnats=c\n",
        "/etc/s.ini:11:1: error: [A] and [C] differ in `nats`, but "
        "one gateway announces both: write it into [defaults]\n"
        "   11 | nats=c\n"
        "      | ^~~~\n"
        "/etc/s.ini:3:1: note: the other is here\n"
        "    3 | nats=a\n"
        "      | ^~~~\n");
    expect_says(
        "[defaults]\nnats_bind=yes\n[A]\nexec=a\n"
        "[B]\nexec=b\ntcp_allow_insecure_serialisation=yes\n",
        "differ in `tcp_allow_insecure_serialisation`");
    used += (size_t)snprintf(text, sizeof text, "[defaults]\nnats_bind=yes\n");
    for (int i = 0; i <= SHMRPCI_INI_NATS_MAX; i++) {
        used += (size_t)snprintf(text + used, sizeof text - used,
                                 "[S%d]\nexec=a\n", i);
    }
    expect_says(text, "more than 16 sections have `nats_bind`");
}

static void order_has_no_cycle(void **state)
{
    (void)state;
    loaded l;
    load_good(&l,
              "[A]\nexec=a\nafter=B\n[B]\nexec=b\nafter=C\n[C]\nexec=c\n"
              "[D]\nexec=d\n");
    static const size_t order[] = {2, 1, 0, 3};
    assert_memory_equal(l.ini->order, order, sizeof order);
    unload(&l);
    expect_says("[A]\nexec=a\nafter=A\n", "[A] waits for itself");
    expect_says("[A]\nexec=a\nafter=B\n[B]\nexec=b\nafter=A\n",
                "3:1: error: [A] waits for itself");
    expect_says("[Echo]\nexec=a\n[B]\nexec=b\nafter=Ehco\n",
                "there is no service [Ehco]; did you mean `Echo`?");
}

/* ---- variables ----------------------------------------------------------- */

static void variables_are_filled_in(void **state)
{
    (void)state;
    loaded l;
    load_good(&l,
              "[A]\nexec=a ${PORT} ${NONE:-x y} ${EMPTY:-z} $$ $5 ${EMPTY}\n");
    const shmrpci_ini_list *list =
        &l.ini->services[0].values[SHMRPCI_INI_EXEC].u.list;
    static const char *const expected[] = {"a", "5000", "x", "y",
                                           "z", "$",    "$5"};
    assert_int_equal(list->count, 7);
    for (size_t i = 0; i < 7; i++) {
        assert_string_equal(list->items[i], expected[i]);
    }
    unload(&l);
    expect_messages(
        "[A]\nexec=a ${NONE}\n",
        "/etc/s.ini:2:8: error: the environment has no `NONE` (${NONE:-value} "
        "sets a default)\n    2 | exec=a ${NONE}\n      |        ^~~~~~~\n");
    expect_says("[A]\nexec=a ${NO\n", "2:8: error: this is not a variable");
    expect_says("[A]\nexec=a ${}\n", "this is not a variable");
    expect_says("[A]\nexec=a ${A-b}\n", "this is not a variable");
}

/* ---- includes ------------------------------------------------------------ */

static void includes_come_where_they_stand(void **state)
{
    (void)state;
    loaded l;
    const file files[] = {
        {"/etc/s.ini", "include = more/a.ini\ninclude=/b.ini\n[Z]\nexec=z\n"},
        {"/etc/more/a.ini", "include = c.ini\n[A]\nexec=./a\n"},
        {"/etc/more/c.ini", "[defaults]\nthreads=7\n"},
        {"/b.ini", "[B]\nexec=b\n"},
        {NULL, NULL}};
    load_files(&l, files);
    assert_int_equal(l.status, SHMRPC_OK);
    assert_int_equal(l.ini->service_count, 3);
    assert_string_equal(l.ini->services[0].name, "A");
    assert_string_equal(
        l.ini->services[0].values[SHMRPCI_INI_EXEC].u.list.items[0],
        "/etc/more/./a");
    assert_string_equal(l.ini->services[2].name, "Z");
    assert_int_equal(l.ini->services[2].values[SHMRPCI_INI_THREADS].u.number,
                     7);
    unload(&l);
}

static void includes_that_can_not_be(void **state)
{
    (void)state;
    expect_messages("include = none.ini\n[A]\nexec=a\n",
                    "/etc/s.ini:1:1: error: /etc/none.ini: can't be read\n"
                    "    1 | include = none.ini\n"
                    "      | ^~~~~~~~~~~~~~~~~~\n");
    expect_says("include = s.ini\n[A]\nexec=a\n", "/etc/s.ini includes itself");
    expect_says("[A]\nexec=a\ninclude=b.ini\n",
                "`include` must come before the first section");
    expect_says("include=\n[A]\nexec=a\n", "`include` without a path");
    loaded l;
    const file none[] = {{"/etc/none.ini", ""}, {NULL, NULL}};
    world w = {none + 1};
    const shmrpci_ini_opts opts = {.read = read_file, .user = &w};
    shmrpci_arena_init(&l.arena, 0);
    shmrpci_buf_init_heap(&l.messages);
    assert_int_equal(
        shmrpci_ini_load(&opts, "gone.ini", &l.arena, &l.ini, &l.messages),
        SHMRPC_E_INVALID);
    assert_string_equal(shmrpci_buf_text(&l.messages),
                        "error: gone.ini: can't be read\n");
    unload(&l);
}

/* ---- limits -------------------------------------------------------------- */

static void errors_end_somewhere(void **state)
{
    (void)state;
    char text[8192] = "[A]\nexec=a\n";
    for (int i = 0; i < 300; i++) {
        (void)snprintf(text + strlen(text), sizeof text - strlen(text),
                       "x%d=1\n", i);
    }
    loaded l;
    load(&l, text);
    const char *said = shmrpci_buf_text(&l.messages);
    assert_non_null(strstr(said, "`x99`"));
    assert_null(strstr(said, "`x100`"));
    assert_non_null(strstr(said, "error: there are more errors\n"));
    unload(&l);
}

static void text_must_be_text(void **state)
{
    (void)state;
    expect_says("[A]\nexec=a\xff\n", "2:7: error: not text from here on");
}

/* Memory runs out at each allocation in turn. */
static void out_of_memory(void **state)
{
    (void)state;
    static const char text[] =
        "[defaults]\nlog_dir=x\n[A,B]\nexec=a b c\ntcp_bind=h,i\n"
        "after=C\n[C]\nexec=\"c ${PORT}\"\nfrobnicate=1\n";
    const file files[] = {{"/etc/s.ini", text}, {NULL, NULL}};
    world w = {files};
    const shmrpci_ini_opts opts = {
        .read = read_file, .variable = variable, .user = &w};
    bool ended = false;
    for (size_t limit = 64; !ended; limit += 64) {
        shmrpci_arena arena;
        shmrpci_buf messages;
        const shmrpci_ini *ini = NULL;
        shmrpci_arena_init(&arena, limit);
        shmrpci_buf_init_heap(&messages);
        shmrpc_status status =
            shmrpci_ini_load(&opts, "/etc/s.ini", &arena, &ini, &messages);
        ended = status == SHMRPC_E_INVALID;
        assert_true(ended || status == SHMRPC_E_NO_MEMORY);
        shmrpci_buf_fini(&messages);
        shmrpci_arena_fini(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_key_has_its_values),
        cmocka_unit_test(each_key_has_its_default),
        cmocka_unit_test(other_spellings),
        cmocka_unit_test(sections_override_defaults),
        cmocka_unit_test(services_share_a_body),
        cmocka_unit_test(sections_that_can_not_be),
        cmocka_unit_test(lines_are_lenient_with_blanks),
        cmocka_unit_test(unknown_keys_get_a_suggestion),
        cmocka_unit_test(numbers_agree),
        cmocka_unit_test(gateways_have_room_for_a_name),
        cmocka_unit_test(servers_of_nats_have_their_files),
        cmocka_unit_test(wrong_servers_of_nats_are_named),
        cmocka_unit_test(sections_agree_about_nats),
        cmocka_unit_test(order_has_no_cycle),
        cmocka_unit_test(variables_are_filled_in),
        cmocka_unit_test(includes_come_where_they_stand),
        cmocka_unit_test(includes_that_can_not_be),
        cmocka_unit_test(errors_end_somewhere),
        cmocka_unit_test(text_must_be_text),
        cmocka_unit_test(out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
