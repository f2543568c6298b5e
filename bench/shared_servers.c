/*
 * Maps in other processes: Redis over a unix socket, one request at a time; a
 * plain dict of Python in its own process; and a dict of
 * multiprocessing.Manager, which several processes share. The operations are
 * those of shared_maps.c: get and put of 10,000 values of 64 bytes by random
 * keys of 11 bytes.
 *
 * ./dev unpacks Redis without installing it; the Redis server is killed when
 * the process that started it ends. One message tells Python to run all
 * operations of a "call", so a "call" of 10,000 operations includes only one
 * round trip to Python, of 5 to 10 us.
 */
#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "case.h"

enum {
    KEY_LEN = 11,
    VALUE_LEN = 64,
    ENTRIES = 10000,
    REDIS_OPS = 16,
    DICT_OPS = 10000,
    MANAGER_OPS = 16,
    START_MS = 5000
};

typedef struct served {
    const bench_case *what;
    char folder[BENCH_FOLDER_BYTES];
    uint32_t seed;
    int to;
    int from;
} served;

/* Lets this process run on all CPUs: on the client's CPU it would wait for the
 * client. */
static void leave_our_cpu(void)
{
    cpu_set_t all;
    memset(&all, 0xFF, sizeof all);
    (void)sched_setaffinity(0, sizeof all, &all);
}

static void send_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        const ssize_t n = write(fd, data, len);
        if (n <= 0) {
            bench_fail("write: %s", strerror(errno));
        }
        data += n;
        len -= (size_t)n;
    }
}

/* Receives exactly `len` bytes. */
static void receive(int fd, char *data, size_t len)
{
    while (len > 0) {
        const ssize_t n = read(fd, data, len);
        if (n <= 0) {
            bench_fail("read: %s", n == 0 ? "it has ended" : strerror(errno));
        }
        data += n;
        len -= (size_t)n;
    }
}

static void *setup(const bench_case *self)
{
    served *const of = bench_alloc(sizeof *of);
    *of = (served){.what = self, .seed = 1, .to = -1, .from = -1};
    bench_folder_make(of->folder);
    return of;
}

static void teardown(void *state)
{
    served *const of = state;
    bench_folder_remove(of->folder);
    free(of);
}

/* ---- Redis --------------------------------------------------------------- */

static const char redis_program[] = BENCH_REDIS "/usr/bin/redis-server";
static const char redis_libraries[] = BENCH_REDIS "/usr/lib/" BENCH_TRIPLET;

static void become_redis(const char *path)
{
    leave_our_cpu();
    if (freopen("/dev/null", "w", stdout) == NULL) {
        _exit(127);
    }
    (void)setenv("LD_LIBRARY_PATH", redis_libraries, 1);
    execl(redis_program, "redis-server", "--port", "0", "--unixsocket", path,
          "--save", "", "--appendonly", "no", "--daemonize", "no",
          (char *)NULL);
    _exit(127);
}

/* Retries to connect until Redis listens. */
static int dial_redis(const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    const struct timespec ms = {0, 1000000};
    snprintf(at.sun_path, sizeof at.sun_path, "%s", path);
    for (int i = 0; i < START_MS; i++) {
        const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof at) == 0) {
            return fd;
        }
        close(fd);
        nanosleep(&ms, NULL);
    }
    bench_fail("redis-server does not listen");
}

static void redis_set(int fd, uint32_t key)
{
    char text[256];
    char value[VALUE_LEN + 1];
    memset(value, 'v', VALUE_LEN);
    value[VALUE_LEN] = '\0';
    const int len = snprintf(text, sizeof text,
                             "*3\r\n$3\r\nSET\r\n$%d\r\nkey%08u\r\n$%d\r\n%s"
                             "\r\n",
                             KEY_LEN, key, VALUE_LEN, value);
    send_all(fd, text, (size_t)len);
}

static void redis_expect_ok(int fd)
{
    char reply[5];
    receive(fd, reply, sizeof reply);
    if (memcmp(reply, "+OK\r\n", sizeof reply) != 0) {
        bench_fail("SET was refused");
    }
}

static void redis_get(int fd, uint32_t key)
{
    char text[64];
    char reply[5 + VALUE_LEN + 2];
    const int len =
        snprintf(text, sizeof text, "*2\r\n$3\r\nGET\r\n$%d\r\nkey%08u\r\n",
                 KEY_LEN, key);
    send_all(fd, text, (size_t)len);
    receive(fd, reply, sizeof reply);
    if (memcmp(reply, "$64\r\n", 5) != 0) {
        bench_fail("GET was refused");
    }
}

static void redis_dial(void *state)
{
    enum { PIECE = 100 }; /* number of commands sent before reading answers */
    served *const of = state;
    char path[BENCH_FOLDER_BYTES + 8];
    if (access(redis_program, X_OK) != 0) {
        bench_fail(BENCH_NOT_INSTALLED "redis-server, which ./dev unpacks");
    }
    snprintf(path, sizeof path, "%s/redis", of->folder);
    if (bench_fork() == 0) {
        become_redis(path);
    }
    of->to = dial_redis(path);
    for (uint32_t i = 0; i < ENTRIES; i += PIECE) {
        for (uint32_t j = i; j < i + PIECE; j++) {
            redis_set(of->to, j);
        }
        for (uint32_t j = i; j < i + PIECE; j++) {
            redis_expect_ok(of->to);
        }
    }
}

static void redis_call(void *state)
{
    served *const of = state;
    for (int i = 0; i < REDIS_OPS; i++) {
        of->seed = of->seed * 1664525u + 1013904223u;
        const uint32_t key = (uint32_t)((uint64_t)of->seed * ENTRIES >> 32);
        if (of->what->with != NULL) {
            redis_set(of->to, key);
            redis_expect_ok(of->to);
        } else {
            redis_get(of->to, key);
        }
    }
}

/* ---- Python -------------------------------------------------------------- */

/* Reads a byte, makes the operations that it stands for, and writes a byte. The
 * values are checked, so that no get can be skipped. The manager's process ends
 * with this one. */
static const char script[] =
    "import sys, os, ctypes, random\n"
    "def die_too():\n"
    "    ctypes.CDLL(None).prctl(1, 9)\n"
    "if __name__ == '__main__':\n"
    "    who, what, count, ops = (sys.argv[1], sys.argv[2],\n"
    "                             int(sys.argv[3]), int(sys.argv[4]))\n"
    "    keys = ['key%08d' % i for i in range(count)]\n"
    "    entries = {k: bytes(64) for k in keys}\n"
    "    if who == 'manager':\n"
    "        from multiprocessing.managers import SyncManager\n"
    "        manager = SyncManager()\n"
    "        manager.start(die_too)\n"
    "        d = manager.dict(entries)\n"
    "    else:\n"
    "        d = entries\n"
    "    random.seed(1)\n"
    "    picks = random.choices(keys, k=ops)\n"
    "    value = bytes(64)\n"
    "    os.write(1, b'.')\n"
    "    while os.read(0, 1):\n"
    "        if what == 'get':\n"
    "            for k in picks:\n"
    "                v = d[k]\n"
    "            assert len(v) == 64\n"
    "        else:\n"
    "            for k in picks:\n"
    "                d[k] = value\n"
    "        os.write(1, b'.')\n";

static void become_python(const served *of, const int in[2], const int out[2])
{
    char entries[16];
    char ops[16];
    leave_our_cpu();
    dup2(in[0], 0);
    dup2(out[1], 1);
    close(in[1]);
    close(out[0]);
    snprintf(entries, sizeof entries, "%d", (int)ENTRIES);
    snprintf(ops, sizeof ops, "%u", of->what->calls);
    execlp("python3", "python3", "-c", script,
           of->what->calls == MANAGER_OPS ? "manager" : "dict",
           of->what->with != NULL ? "put" : "get", entries, ops, (char *)NULL);
    _exit(127);
}

static void python_dial(void *state)
{
    served *const of = state;
    int in[2];
    int out[2];
    char ready;
    if (pipe(in) != 0 || pipe(out) != 0) {
        bench_fail("no pipe: %s", strerror(errno));
    }
    if (bench_fork() == 0) {
        become_python(of, in, out);
    }
    close(in[0]);
    close(out[1]);
    of->to = in[1];
    of->from = out[0];
    if (read(of->from, &ready, 1) != 1) {
        bench_fail(BENCH_NOT_INSTALLED "python3, or it has failed");
    }
}

static void python_call(void *state)
{
    served *const of = state;
    char byte = '.';
    send_all(of->to, &byte, 1);
    receive(of->from, &byte, 1);
}

/* `is_put` is NULL for a get, anything else for a put. */
#define CASE(id, text, who, verb, is_put, ops, connect, run)                \
    {                                                                       \
        .name = id "." verb, .about = text, .payload = VALUE_LEN,           \
        .places = BENCH_IN_ALONE, .floor = BENCH_FLOOR_NONE,                \
        .contest = "map " verb ", 64 B", .contestant = who, .calls = (ops), \
        .with = (is_put), .setup = setup, .dial = (connect), .call = (run), \
        .teardown = teardown                                                \
    }
#define CASES(id, text, who, ops, connect, run)          \
    CASE(id, text, who, "get", NULL, ops, connect, run), \
        CASE(id, text, who, "put", "put", ops, connect, run)

static const bench_case cases[] = {
    CASES("shared.redis", "Redis over a unix socket", "Redis", REDIS_OPS,
          redis_dial, redis_call),
    CASES("shared.python", "dict of one Python process", "Python dict",
          DICT_OPS, python_dial, python_call),
    CASES("shared.manager", "dict of multiprocessing.Manager", "Manager",
          MANAGER_OPS, python_dial, python_call),
};

const bench_suite shared_servers = {cases, sizeof cases / sizeof *cases};
