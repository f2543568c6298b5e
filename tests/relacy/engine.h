/*
 * The machine on which the real source runs. Relacy simulates its weakly
 * ordered memory, and switches threads at every atomic access.
 *
 * The source is compiled unchanged, with -fsanitize=thread, so that the
 * compiler itself calls the engine at every memory access. Relacy handles
 * atomic accesses; plain ones are checked for races only at registered
 * addresses (engine_watch).
 *
 * Threading: the threads are relacy's fibers, one of which runs at a time. Only
 * the calls below that say so switch threads.
 */
#ifndef TESTS_RELACY_ENGINE_H
#define TESTS_RELACY_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a program explores. `before` and `after` run alone in each run. */
typedef struct engine_case {
    const char *name;
    unsigned threads; /* 3 or 4; threads that have nothing to do return */
    void (*before)(void);
    void (*thread)(unsigned index);
    void (*after)(void);
} engine_case;

/* The program's cases; the last one has no name. */
extern const engine_case engine_cases[];

/* Sets the source position of the next access, for traces and mutations. */
void engine_at(const char *file, int line, const char *function,
               const char *operation, const char *what);

/* Returns whether the mutation omits the call that is made here. */
bool engine_omits(void);

/* Checks plain accesses to this memory for races. */
void engine_watch(const void *at, size_t bytes);
/* Treats atomic accesses to this memory as plain ones. Used for memory that
 * holds only statistics and estimates. */
void engine_ignore(const void *at, size_t bytes);
/* Reports any further access to this memory, which was unmapped. */
void engine_forbid(const void *at, size_t bytes);
/* Forbids access to memory that the source frees. The memory is kept until the
 * run is over, since the engine identifies memory by its address. */
void engine_free(void *at);
/* Reports an access to the engine, which checks it for races. Called for
 * accesses that the compiler does not report, such as those of memcpy. */
void engine_access(const void *at, size_t bytes, bool is_write);

/* Makes engine_copy copy these bytes as relaxed atomic words, because the
 * source may copy bytes while others overwrite them, and then discards the
 * copy. */
void engine_share(const void *at, size_t bytes);
/* Like memcpy. If either side is memory passed to engine_share, it must consist
 * of aligned words of 8 bytes. */
void *engine_copy(void *to, const void *from, size_t bytes);
/* Like memset, also over atomics. */
void *engine_fill(void *to, int byte, size_t bytes);

void engine_check(bool is_true, const char *what, const char *file, int line);
#define ENGINE_CHECK(what) engine_check((what), #what, __FILE__, __LINE__)

/* Returns a number from 0 to count - 1, chosen by the scheduler. */
unsigned engine_random(unsigned count);
unsigned engine_thread(void);

/* A point where threads may be switched. */
void engine_step(void);
/* Sleeps until another thread wakes this one, and returns false. If `is_timed`,
 * the sleep may also time out, at any moment; then the function returns true.
 * Threads are not switched between the call and the sleep. */
bool engine_park(bool is_timed);
void engine_unpark(unsigned thread);

/* The kernel's read of a word on which a thread wants to sleep. It sees what
 * was stored before an earlier full barrier, but the caller acquires nothing by
 * it. May switch threads before it reads. */
uint32_t engine_kernel_load(const void *word);

/* Makes a full fence in every thread, wherever it is (membarrier). */
void engine_barrier(void);

/* Makes the calling thread die at one of its next `steps` atomic accesses; 0
 * means that it does not. Dying jumps to where setjmp filled `to`. */
void engine_die(void *to, unsigned steps);
/* Stops the calling thread at one of its next `steps` atomic accesses, until
 * engine_go_on; 0 means that it is not stopped. If engine_go_on finds it still
 * running, it is not stopped any more. */
void engine_stop(unsigned steps);
void engine_go_on(unsigned thread);
bool engine_is_stopped(unsigned thread);
/* From a call with `true` until one with `false` the calling thread does not
 * die. */
void engine_spare(bool is_spared);

#ifdef __cplusplus
}
#endif

#endif
