/*
 * A case: something whose calls can be timed.
 *
 * A suite is one file: a table of cases and the functions they name.  The
 * registry (made by CMakeLists.txt from its list of suites) is the only place
 * that knows them all; to add one, write the file and add a line there.
 *
 * A case with `serve` runs in two processes, forked from one parent:
 *
 *   parent   setup ---------- fork, fork ---------------- teardown
 *   server                    serve: listen, bench_ready(), answer for ever
 *   client                    (ready) dial, call, call, call, ...
 *
 * A case without it runs in one process: setup, dial, calls, teardown.
 * setup's result is handed to the others; memory that both sides need comes
 * from bench_shared().  The server is ended by SIGTERM.
 *
 * Every call checks its reply and ends its process with bench_fail() when it
 * is wrong; the run goes on with the next case.
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
    BENCH_PLACE_APART,    /* pinned to two cores */
    BENCH_PLACE_TOGETHER, /* pinned to one and the same */
    BENCH_PLACE_FREE,     /* as the scheduler likes */
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

/* The floor that a case's ratio refers to: the least that it could cost
 * (README.md). */
typedef enum bench_floor {
    BENCH_FLOOR_SELF,    /* it is a floor itself */
    BENCH_FLOOR_SIGNAL,  /* one ping-pong */
    BENCH_FLOOR_COPY,    /* and two copies of the payload */
    BENCH_FLOOR_CONNECT, /* an AF_UNIX connection and one exchange over it */
    BENCH_FLOOR_NONE     /* it is compared within its contest instead */
} bench_floor;

typedef struct bench_case bench_case;
struct bench_case {
    const char *name;  /* such as "shmrpc.null" */
    const char *about; /* one line for --list */
    size_t payload;    /* bytes, each way */
    unsigned places;   /* BENCH_IN_... */
    bench_floor floor;
    const char *contest;    /* shared by cases that do the same in different
                             * ways */
    const char *contestant; /* the way of this case; NULL without a contest */
    int is_ours;            /* our case, with which the others of its contest
                             * are compared */
    /* 0, or how many calls one `call` stands for (possibly a multiple, see
     * bench_counts_as), by any process: figures are for one of them, and
     * contests are decided by calls/s. */
    unsigned calls;
    const void *with; /* private data of the suite */
    void *(*setup)(const bench_case *self);
    void (*serve)(void *state); /* or NULL: one process only */
    void (*dial)(void *state);  /* or NULL */
    void (*call)(void *state);
    void (*teardown)(void *state); /* or NULL */
    /* In BENCH_IN_FREE the result depends on which CPUs the case gets: it runs
     * for a while before it is measured. */
    int spins;
};

typedef struct bench_suite {
    const bench_case *cases;
    size_t count;
} bench_suite;

/* All suites, in the order of the report. */
extern const bench_suite *const bench_suites[];
extern const size_t bench_suite_count;

/* The case of that name with a payload of at least `payload` bytes, or NULL. */
const bench_case *bench_find_case(const char *name, size_t payload);

/* "apart", "together", "free", "alone". */
const char *bench_place_name(bench_place place);

/* Zeroed memory shared with processes forked later; never NULL (ends the
 * process instead). bench_unshare() frees it. */
void *bench_shared(size_t size);
void bench_unshare(void *memory, size_t size);

/* As malloc, but ends the process instead of returning NULL. */
void *bench_alloc(size_t size);

/* A child that dies with this process: its pid, or 0 in it; never fails (ends
 * the process instead). */
pid_t bench_fork(void);

/* A new folder in /tmp for sockets and the like; remove deletes it with its
 * files. */
enum { BENCH_FOLDER_BYTES = 40 };
void bench_folder_make(char path[BENCH_FOLDER_BYTES]);
void bench_folder_remove(const char *path);

/* A port of 127.0.0.1 that was free a moment ago. */
unsigned bench_free_port(void);

/* Called by serve: clients may dial now. */
void bench_ready(void);

/* Called by `call`: this call counts as `times` calls, since other processes
 * may have made more calls than needed before it noticed. */
void bench_counts_as(double times);

/* Called by `call`: sets the time of this call, instead of the measured one. */
void bench_took(double ns);

/* Beginning of the message of a case that can't be run here, but has not
 * failed. */
#define BENCH_NOT_INSTALLED "not installed: "

/* Ends this process; the report shows the message in place of figures. */
__attribute__((noreturn, format(printf, 1, 2))) void
bench_fail(const char *format, ...);

#ifdef __cplusplus
}
#endif

#endif
