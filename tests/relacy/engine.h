/*
 * The machine on which the real text runs: memory that is weakly ordered, by
 * relacy, and threads that are switched at every atomic access.
 *
 * The text is compiled as it is, with -fsanitize=thread, so that the compiler
 * itself calls the engine at every access to memory. Atomic ones are relacy's
 * from then on; of the others only those in places that were named
 * (engine_watch) are looked at, for races.
 *
 * Threading: the threads are relacy's fibers, one of which runs at a time;
 * none is switched but in the calls that say so.
 */
#ifndef TESTS_RELACY_ENGINE_H
#define TESTS_RELACY_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a program explores; before and after run alone, each time. */
typedef struct engine_case {
    const char *name;
    unsigned threads; /* 3 or 4; those that have nothing to do return */
    void (*before)(void);
    void (*thread)(unsigned index);
    void (*after)(void);
} engine_case;

/* The program's, to be ended by one without a name. */
extern const engine_case engine_cases[];

/* Where the next access stands, for traces and mutations. */
void engine_at(const char *file, int line, const char *function,
               const char *operation, const char *what);

/* Whether a mutation leaves out the call that is made here. */
bool engine_omits(void);

/* Plain accesses there are looked at for races. */
void engine_watch(const void *at, size_t bytes);
/* Atomic accesses there are plain: statistics, estimates. */
void engine_ignore(const void *at, size_t bytes);
/* Nobody may look there any more: it is unmapped. */
void engine_forbid(const void *at, size_t bytes);
/* What the text frees: forbidden, and kept until the run is over, as the engine
 * knows memory by its address. */
void engine_free(void *at);
/* Looks at one for races that the compiler does not show. */
void engine_access(const void *at, size_t bytes, bool is_write);

/* Bytes there are copied (engine_copy) as relaxed atomic words, since the text
 * copies what others may overwrite, and throws it away then. */
void engine_share(const void *at, size_t bytes);
/* As memcpy. What is shared consists of aligned words of 8 bytes. */
void *engine_copy(void *to, const void *from, size_t bytes);
/* As memset, whatever atomics lie there. */
void *engine_fill(void *to, int byte, size_t bytes);

void engine_check(bool is_true, const char *what, const char *file, int line);
#define ENGINE_CHECK(what) engine_check((what), #what, __FILE__, __LINE__)

/* One of 0 to count - 1, by the scheduler. */
unsigned engine_random(unsigned count);
unsigned engine_thread(void);

/* A point where threads may be switched. */
void engine_step(void);
/* Sleeps until another thread wakes this one, or, if timed, the time is up at
 * any moment (true). No thread is switched before. */
bool engine_park(bool is_timed);
void engine_unpark(unsigned thread);

/* What the kernel reads of a word that somebody wants to sleep on: after a full
 * barrier, but publishing nothing to the caller. May switch threads, before it
 * reads. */
uint32_t engine_kernel_load(const void *word);

/* A full fence in every thread, wherever it is (membarrier). */
void engine_barrier(void);

/* The calling thread dies at one of its next `steps` atomic accesses; 0: it
 * does not. Dying is a jump to where setjmp filled `to`. */
void engine_die(void *to, unsigned steps);
/* The calling thread is stopped at one of its next `steps` atomic accesses,
 * until another one lets it go on, if it has come so far; 0: it is not. */
void engine_stop(unsigned steps);
void engine_go_on(unsigned thread);
bool engine_is_stopped(unsigned thread);
/* It does not die meanwhile: between true and false. */
void engine_spare(bool is_spared);

#ifdef __cplusplus
}
#endif

#endif
