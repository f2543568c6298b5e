/*
 * Processes that are run instruction by instruction. A test can kill one after
 * any chosen instruction, or stop it there while others continue.
 *
 * The first process is single-stepped, and its addresses are recorded. Later
 * processes run at full speed to a breakpoint at a recorded address if the
 * processor type is supported, otherwise step by step. A process that takes
 * another path runs to the end or stops elsewhere; either is acceptable.
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
    bool is_over; /* the victim ran to the end */
} step_victim;

/* What the victim does: it runs `prepare` at full speed, then `act` as far as
 * it is allowed to. Both return whether all went well. */
typedef bool step_part(void *user);

/* Starts a victim, which runs `prepare`. Fails the test if that went wrong. */
void step_begin(step_victim *out, step_part *prepare, step_part *act,
                void *user);
/* Lets the victim execute one more instruction. Returns false if it had run to
 * the end before. */
bool step_once(step_victim *of);
/* Lets the victim run to the end; fails the test unless all went well. */
void step_finish(step_victim *of);
void step_kill(step_victim *of);

/* The victim's address before each of its instructions. */
typedef struct step_trace {
    unsigned long count;
    uintptr_t *at; /* 0: the address is unknown */
} step_trace;

/* Lets a victim run to the end, and records its trace. */
void step_record(step_victim *of, step_trace *out);
void step_forget(step_trace *of);
/* Lets a victim execute that many instructions, fewer than it has. Returns
 * false if it ran to the end. */
bool step_to(step_victim *of, const step_trace *trace, unsigned long steps);

/* Called for each chosen number of instructions. */
typedef void step_visit(const void *user, const step_trace *trace,
                        unsigned long steps);

/* Calls `visit` for all numbers of instructions with SHMRPC_TEST_LONG,
 * otherwise for twelve random ones; `name` is printed. */
void step_through(const char *name, const step_trace *trace, step_visit *visit,
                  const void *user);

#endif
