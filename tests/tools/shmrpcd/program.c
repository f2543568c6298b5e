/*
 * A program for the manager to run, which carries out its arguments in order:
 *
 *     ready            reports that it is ready
 *     wait=FILE        waits until the file exists
 *     out=TEXT         prints TEXT unchanged to standard output
 *     err=TEXT         prints TEXT unchanged to standard error
 *     say=TEXT, cry=TEXT   the same as out and err, with a newline
 *     log=LEVEL:TEXT   logs TEXT at a level, given by its number; without
 *                      TEXT, logs two lines
 *     line=BYTES       prints a line of this many bytes
 *     lines=COUNT      prints this many numbered lines
 *     env=NAME         prints an environment variable
 *     touch=FILE       creates a file with the pid in it
 *     ignore           ignores SIGINT
 *     stubborn         ignores SIGTERM, too
 *     child=FILE       leaves a child in its process group that ignores
 *                      signals; writes the child's pid to the file
 *     orphan=FILE      the same, but the child doesn't ignore signals
 *     exit=STATUS, kill=SIGNAL
 *
 * and then waits for a signal.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "os/notify.h"
#include "shmrpc/log.h"

static void await(const char *path)
{
    const struct timespec pause = {0, 5000000};
    while (access(path, F_OK) != 0) {
        (void)nanosleep(&pause, NULL);
    }
}

static void write_pid(const char *path, pid_t pid)
{
    char temporary[4096];
    (void)snprintf(temporary, sizeof temporary, "%s.new", path);
    FILE *file = fopen(temporary, "w");
    if (file != NULL) {
        (void)fprintf(file, "%d\n", (int)pid);
        (void)fclose(file);
        (void)rename(temporary, path);
    }
}

/* Leaves a child that keeps our output open. */
static void leave_child(const char *path, void (*on_signal)(int))
{
    pid_t pid = fork();
    if (pid == 0) {
        (void)signal(SIGINT, on_signal);
        (void)signal(SIGTERM, on_signal);
        for (;;) {
            (void)pause();
        }
    }
    write_pid(path, pid);
}

static void print_bytes(size_t count)
{
    static char block[65536];
    memset(block, 'x', sizeof block);
    while (count > 0) {
        size_t part = count < sizeof block ? count : sizeof block;
        (void)fwrite(block, 1, part, stdout);
        count -= part;
    }
    (void)putchar('\n');
}

static void print_lines(unsigned long count)
{
    for (unsigned long i = 0; i < count; i++) {
        (void)printf("line %lu\n", i);
    }
}

static void act(const char *word, const char *value)
{
    if (strcmp(word, "ready") == 0) {
        (void)!shmrpci_notify_send("READY=1");
    } else if (strcmp(word, "wait") == 0) {
        await(value);
    } else if (strcmp(word, "out") == 0) {
        (void)fputs(value, stdout);
    } else if (strcmp(word, "err") == 0) {
        (void)fputs(value, stderr);
    } else if (strcmp(word, "say") == 0) {
        (void)puts(value);
    } else if (strcmp(word, "cry") == 0) {
        (void)fprintf(stderr, "%s\n", value);
    } else if (strcmp(word, "log") == 0) {
        const char *text = strchr(value, ':');
        shmrpc_log((shmrpc_log_level)atoi(value), "%s",
                   text != NULL && text[1] != '\0' ? text + 1 : "two\nlines");
    } else if (strcmp(word, "line") == 0) {
        print_bytes(strtoul(value, NULL, 10));
    } else if (strcmp(word, "lines") == 0) {
        print_lines(strtoul(value, NULL, 10));
    } else if (strcmp(word, "env") == 0) {
        const char *text = getenv(value);
        (void)puts(text != NULL ? text : "(not set)");
    } else if (strcmp(word, "touch") == 0) {
        write_pid(value, getpid());
    } else if (strcmp(word, "ignore") == 0) {
        (void)signal(SIGINT, SIG_IGN);
    } else if (strcmp(word, "stubborn") == 0) {
        (void)signal(SIGINT, SIG_IGN);
        (void)signal(SIGTERM, SIG_IGN);
    } else if (strcmp(word, "child") == 0) {
        leave_child(value, SIG_IGN);
    } else if (strcmp(word, "orphan") == 0) {
        leave_child(value, SIG_DFL);
    } else if (strcmp(word, "exit") == 0) {
        exit(atoi(value));
    } else if (strcmp(word, "kill") == 0) {
        (void)raise(atoi(value));
    }
    (void)fflush(stdout);
}

int main(int argc, char **argv)
{
    /* Write whole lines: after a while half a line would count as a line. */
    (void)setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    for (int i = 1; i < argc; i++) {
        char *value = strchr(argv[i], '=');
        if (value != NULL) {
            *value++ = '\0';
        }
        act(argv[i], value != NULL ? value : "");
    }
    for (;;) {
        (void)pause();
    }
}
