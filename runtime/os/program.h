/*
 * Other programs: started in sessions of their own, read from, and ended.
 *
 * For a process whose children are programs, and which does little else. Each
 * program leads a session and a process group, whose number is its pid; its
 * children stay in the group unless they make one of their own.
 *
 * Threading: one thread, which must outlive all others: a program is killed
 * when the thread that started it ends.
 */
#ifndef SHMRPCI_OS_PROGRAM_H
#define SHMRPCI_OS_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "os/child.h"
#include "os/setup.h"

/* A program that was started. */
typedef struct shmrpci_program {
    int32_t pid;
    int out_fd; /* its output; reading doesn't block */
    int err_fd;
    int order_fd; /* to send orders to the program */
} shmrpci_program;

/* The environment line that gives a program the number of the descriptor from
 * which it reads orders, if it understands orders. */
#define SHMRPCI_PROGRAM_ORDERS_LINE "SHMRPC_ORDERS=3"

/*
 * Starts argv[0], from PATH if there is no slash in it, with the environment
 * `env`; both arrays end in NULL. The program has no input and default signal
 * handlers, and is killed when we die. Waits until the program is loaded.
 * Returns NOT_FOUND, DENIED or EXHAUSTED; `failed` is the step of the setup
 * that failed, or loading.
 */
shmrpc_status shmrpci_program_start(char *const *argv, char *const *env,
                                    const shmrpci_setup *setup,
                                    shmrpci_program *out,
                                    shmrpci_setup_step *failed);

/* Reads what is there. Returns BUSY if there is nothing to read, or UNAVAILABLE
 * if the output is closed. */
shmrpc_status shmrpci_program_read(int fd, void *data, size_t size,
                                   size_t *out_len);

/* Sends a line, with its newline, to a program. Returns false if the program
 * has ended or doesn't read, or if the line is too long. */
bool shmrpci_program_order(int order_fd, const char *line);

/* For use in such a program: returns the descriptor of its orders, to be read
 * like a program's output, line by line; -1 if there is none. May be called
 * once. */
int shmrpci_program_take_orders(void);

/* Makes orphaned descendants our children. */
void shmrpci_program_adopt_orphans(void);

/* Reaps a child that has ended, also an adopted one; returns false if there are
 * no more. */
bool shmrpci_program_reap(int32_t *out_pid, shmrpci_child_end *out);

/* Gives a child that a signal has stopped or continued since the last call;
 * returns false if there are no more. SIGCHLD reports both. */
bool shmrpci_program_paused(int32_t *out_pid, bool *out_is_stopped);

/* Sends a signal to a process that was not reaped yet, or to a whole group. */
void shmrpci_program_signal(int32_t pid, int signal);
void shmrpci_program_signal_group(int32_t group, int signal);
/* Returns the signal's name for people, as "Killed". */
const char *shmrpci_program_signal_name(int signal);
/* Whether a group has any processes. */
bool shmrpci_program_group_lives(int32_t group);
/* Returns the group of a process, or 0 if it has gone. */
int32_t shmrpci_program_group_of(int32_t pid);

/* Calls `found` for every other process whose environment held the line
 * "NAME=value" when its program was loaded, as far as we are allowed to see
 * it. */
typedef void shmrpci_program_found(void *user, int32_t pid);
void shmrpci_program_find(const char *line, shmrpci_program_found *found,
                          void *user);

/* Calls `member` for every process of the system, with its session. */
typedef void shmrpci_program_member(void *user, int32_t pid, int32_t session);
void shmrpci_program_each(shmrpci_program_member *member, void *user);

/* Gives the path of the program that this process runs; false if unknown. */
bool shmrpci_program_own_path(char *out, size_t size);

/* The environment that a program inherits by default; ends in NULL. */
char *const *shmrpci_program_environment(void);

#endif
