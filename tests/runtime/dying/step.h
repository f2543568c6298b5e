/*
 * Processes that are run instruction by instruction, and killed, or stopped
 * while others go on, after any chosen instruction.
 *
 * The first process is single-stepped, and its addresses are recorded. Later
 * ones run at full speed to a breakpoint at the recorded address if the
 * processor type is supported, otherwise step by step. If one takes another
 * path, it runs to the end or stops elsewhere; either is acceptable.
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
    bool is_over; /* it ran to the end */
} step_victim;

/* What it does: `prepare` at full speed, then `act` as far as it is allowed to;
 * both return whether all went well. */
typedef bool step_part(void *user);

/* Starts a process, which runs `prepare`. Fails the test if that went wrong. */
void step_begin(step_victim *out, step_part *prepare, step_part *act,
                void *user);
/* Lets it execute one more instruction. False: it ran to the end before. */
bool step_once(step_victim *of);
/* Lets it run to the end; fails the test unless all went well. */
void step_finish(step_victim *of);
void step_kill(step_victim *of);

/* The victim's address before each of its instructions. */
typedef struct step_trace {
    unsigned long count;
    uintptr_t *at; /* 0: unknown */
} step_trace;

/* Lets a victim run to the end. */
void step_record(step_victim *of, step_trace *out);
void step_forget(step_trace *of);
/* Lets a victim execute that many instructions, fewer than it has. False: it
 * ran to the end. */
bool step_to(step_victim *of, const step_trace *trace, unsigned long steps);

/* Called for each chosen number of instructions. */
typedef void step_visit(const void *user, const step_trace *trace,
                        unsigned long steps);

/* Calls it for all numbers with SHMRPC_TEST_LONG, otherwise for twelve, which
 * differ each time; `name` is for people. */
void step_through(const char *name, const step_trace *trace, step_visit *visit,
                  const void *user);

#endif
