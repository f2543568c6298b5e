/*
 * Processes that are run instruction by instruction, and killed, or stopped
 * while others go on, behind any of them.
 *
 * A first one is run step by step, and where it was is written down. Those that
 * follow run at full speed to a breakpoint there, where the processor is one
 * that this knows; else step by step. Where they go another way they come
 * through, or stop elsewhere: both are as good.
 *
 * Threading: one thread.
 */
#ifndef SHMRPC_TESTS_STEP_H
#define SHMRPC_TESTS_STEP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct step_victim {
    pid_t pid;
    bool is_over; /* it came through */
} step_victim;

/* What it does: `prepare` at full speed, then `act` as far as it is let; both
 * return whether all went well. */
typedef bool step_part(void *user);

/* Starts one, which has done `prepare`. Fails the test if that went wrong. */
void step_begin(step_victim *out, step_part *prepare, step_part *act,
                void *user);
/* Lets it do one more instruction. False: it came through before. */
bool step_once(step_victim *of);
/* Lets it come through; fails the test unless all went well. */
void step_finish(step_victim *of);
void step_kill(step_victim *of);

/* Where a victim was before each of its instructions. */
typedef struct step_trace {
    unsigned long count;
    uintptr_t *at; /* 0: unknown */
} step_trace;

/* Lets one come through. */
void step_record(step_victim *of, step_trace *out);
void step_forget(step_trace *of);
/* Lets one come behind so many instructions, less than there are. False: it
 * came through. */
bool step_to(step_victim *of, const step_trace *trace, unsigned long steps);

/* Called for a number of instructions. */
typedef void step_visit(const void *user, const step_trace *trace,
                        unsigned long steps);

/* Calls it for all numbers with SHMRPC_TEST_LONG, else for twelve, other
 * ones each time; `name` is for people. */
void step_through(const char *name, const step_trace *trace, step_visit *visit,
                  const void *user);

#endif
