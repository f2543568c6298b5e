/*
 * A case: something whose calls can be timed.
 *
 * A suite is one file: a table of cases and the functions that they name. The
 * registry is the only place that knows all suites; CMakeLists.txt makes it
 * from its list of suites. To add a suite, write the file and add it to that
 * list.
 *
 * A case with `serve` runs in two processes, forked from one parent:
 *
 *   parent   setup ---------- fork, fork ---------------- teardown
 *   server                    serve: listen, bench_ready(), answer for ever
 *   client                    (ready) dial, call, call, call, ...
 *
 * A case without `serve` runs in one process: setup, dial, calls, teardown. The
 * pointer that setup returns is passed to all other functions; memory that both
 * sides need comes from bench_shared(). The server is ended by SIGTERM.
 *
 * Every call checks its reply and, if the reply is wrong, ends its process with
 * bench_fail(); the run goes on with the next case.
 *
 * Threading: one thread in each process, unless a suite makes more.
 */
#ifndef BENCH_CASE_H
#define BENCH_CASE_H

#include <stddef.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" { /* some peers are C++ */
#endif

/* Where the two processes run. */
typedef enum bench_place {
    BENCH_PLACE_APART,    /* each process is pinned to a core of its own */
    BENCH_PLACE_TOGETHER, /* both processes are pinned to one CPU */
    BENCH_PLACE_FREE,     /* the scheduler chooses the CPUs */
    BENCH_PLACE_ALONE     /* there is only one process */
} bench_place;

enum { BENCH_PLACE_COUNT = BENCH_PLACE_ALONE + 1 };

enum {
    BENCH_IN_APART = 1u << BENCH_PLACE_APART,
    BENCH_IN_TOGETHER = 1u << BENCH_PLACE_TOGETHER,
    BENCH_IN_FREE = 1u << BENCH_PLACE_FREE,
    BENCH_IN_ALONE = 1u << BENCH_PLACE_ALONE,
    BENCH_IN_ALL = BENCH_IN_APART | BENCH_IN_TOGETHER | BENCH_IN_FREE
};

/* The floor that a case's ratio refers to: the minimum cost of such a call
 * (README.md). */
typedef enum bench_floor {
    BENCH_FLOOR_SELF,    /* it is a floor itself */
    BENCH_FLOOR_SIGNAL,  /* one ping-pong */
    BENCH_FLOOR_COPY,    /* one ping-pong and two copies of the payload */
    BENCH_FLOOR_CONNECT, /* an AF_UNIX connection and one exchange over it */
    BENCH_FLOOR_NONE     /* no floor: it is compared within its contest */
} bench_floor;

typedef struct bench_case bench_case;
struct bench_case {
    const char *name;  /* such as "shmrpc.null" */
    const char *about; /* one line for --list */
    size_t payload;    /* bytes in each direction */
    unsigned places;   /* BENCH_IN_... */
    bench_floor floor;
    const char *contest;    /* NULL, or a name shared by cases that do the
                             * same thing in different ways */
    const char *contestant; /* the name of this way; NULL without a contest */
    int is_ours;            /* whether this is our case, with which the others
                             * of its contest are compared */
    /* One `call` stands for this many calls, which any of the processes may
     * have made; bench_counts_as() may multiply this number. Reported times are
     * for one of these calls, and contests compare calls/s. 0: one `call` is
     * one call, and contests compare times. */
    unsigned calls;
    const void *with; /* private data of the suite */
    void *(*setup)(const bench_case *self);
    void (*serve)(void *state); /* or NULL: the case runs in one process */
    void (*dial)(void *state);  /* or NULL */
    void (*call)(void *state);
    void (*teardown)(void *state); /* or NULL */
    /* Whether the case spins: in BENCH_IN_FREE its result depends on which CPUs
     * it gets, so it runs for a while before it is measured. */
    int spins;
};

typedef struct bench_suite {
    const bench_case *cases;
    size_t count;
} bench_suite;

/* All suites, in the order of the report. */
extern const bench_suite *const bench_suites[];
extern const size_t bench_suite_count;

/* Returns the case of that name with a payload of at least `payload` bytes, or
 * NULL. */
const bench_case *bench_find_case(const char *name, size_t payload);

/* "apart", "together", "free", "alone". */
const char *bench_place_name(bench_place place);

/* Returns zeroed memory shared with processes forked later. Never returns NULL:
 * ends the process instead. bench_unshare() frees the memory. */
void *bench_shared(size_t size);
void bench_unshare(void *memory, size_t size);

/* Like malloc, but ends the process instead of returning NULL. */
void *bench_alloc(size_t size);

/* Forks a child that dies with this process. Returns the child's pid, or 0 in
 * the child; if fork fails, ends this process. */
pid_t bench_fork(void);

/* Creates a new folder in /tmp, for sockets and other files;
 * bench_folder_remove() deletes it with its files. */
enum { BENCH_FOLDER_BYTES = 40 };
void bench_folder_make(char path[BENCH_FOLDER_BYTES]);
void bench_folder_remove(const char *path);

/* Returns a port of 127.0.0.1 that was free a moment ago. */
unsigned bench_free_port(void);

/* Called by serve: clients may dial now. */
void bench_ready(void);

/* Called by `call`: this `call` stands for `times` times as many calls as
 * bench_case.calls says. Other processes may have made more calls than
 * required before the timed process notices that there are enough; then `times`
 * is more than 1. */
void bench_counts_as(double times);

/* Called by `call`: replaces the measured time of this call by `ns`. */
void bench_took(double ns);

/* Beginning of the message of a case that can't run on this machine; the report
 * does not count such a case as failed. */
#define BENCH_NOT_INSTALLED "not installed: "

/* Ends this process; the report shows the message in place of figures. */
__attribute__((noreturn, format(printf, 1, 2))) void
bench_fail(const char *format, ...);

#ifdef __cplusplus
}
#endif

#endif
