/*
 * The machine on which the real source runs: weakly ordered memory, by relacy,
 * and threads that are switched at every atomic access.
 *
 * The source is compiled unchanged, with -fsanitize=thread, so that the
 * compiler itself calls the engine at every memory access. Relacy handles
 * atomic accesses; plain ones are checked for races only at registered
 * addresses (engine_watch).
 *
 * Threading: the threads are relacy's fibers, one of which runs at a time;
 * threads are switched only in the calls that say so.
 */
#ifndef TESTS_RELACY_ENGINE_H
#define TESTS_RELACY_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a program explores; before and after run alone each time. */
typedef struct engine_case {
    const char *name;
    unsigned threads; /* 3 or 4; threads that have nothing to do return */
    void (*before)(void);
    void (*thread)(unsigned index);
    void (*after)(void);
} engine_case;

/* The program's cases; the last one has no name. */
extern const engine_case engine_cases[];

/* The source position of the next access, for traces and mutations. */
void engine_at(const char *file, int line, const char *function,
               const char *operation, const char *what);

/* Whether a mutation omits the call that is made here. */
bool engine_omits(void);

/* Plain accesses to this memory are checked for races. */
void engine_watch(const void *at, size_t bytes);
/* Atomic accesses to this memory are treated as plain: statistics,
 * estimates. */
void engine_ignore(const void *at, size_t bytes);
/* Nobody may access this memory any more: it is unmapped. */
void engine_forbid(const void *at, size_t bytes);
/* Memory that the source frees: forbidden, and kept until the run is over,
 * since the engine identifies memory by its address. */
void engine_free(void *at);
/* Checks an access for races that the compiler does not report. */
void engine_access(const void *at, size_t bytes, bool is_write);

/* Bytes there are copied (engine_copy) as relaxed atomic words, because the
 * source copies bytes that others may overwrite, and then discards them. */
void engine_share(const void *at, size_t bytes);
/* As memcpy. What is shared consists of aligned words of 8 bytes. */
void *engine_copy(void *to, const void *from, size_t bytes);
/* As memset, whatever atomics lie there. */
void *engine_fill(void *to, int byte, size_t bytes);

void engine_check(bool is_true, const char *what, const char *file, int line);
#define ENGINE_CHECK(what) engine_check((what), #what, __FILE__, __LINE__)

/* A number from 0 to count - 1, chosen by the scheduler. */
unsigned engine_random(unsigned count);
unsigned engine_thread(void);

/* A point where threads may be switched. */
void engine_step(void);
/* Sleeps until another thread wakes this one or, if `timed`, until the time is
 * up, which may happen at any moment (true). No thread is switched before. */
bool engine_park(bool is_timed);
void engine_unpark(unsigned thread);

/* The kernel's read of a word that a thread wants to sleep on: after a full
 * barrier, but publishing nothing to the caller. May switch threads before it
 * reads. */
uint32_t engine_kernel_load(const void *word);

/* A full fence in every thread, wherever it is (membarrier). */
void engine_barrier(void);

/* The calling thread dies at one of its next `steps` atomic accesses; 0: it
 * does not. Dying jumps to where setjmp filled `to`. */
void engine_die(void *to, unsigned steps);
/* The calling thread is stopped at one of its next `steps` atomic accesses,
 * until another one lets it continue, if it has got that far; 0: it is not. */
void engine_stop(unsigned steps);
void engine_go_on(unsigned thread);
bool engine_is_stopped(unsigned thread);
/* From `true` until `false` the calling thread does not die. */
void engine_spare(bool is_spared);

#ifdef __cplusplus
}
#endif

#endif
