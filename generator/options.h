/*
 * Options: the command line of shmrpcgen when it generates.
 * Threading: main thread; uses getopt, which has state of its own.
 */
#ifndef SHMRPC_GENERATOR_OPTIONS_H
#define SHMRPC_GENERATOR_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "generator/command/cli.h"
#include "generator/lang.h"
#include "generator/report.h"
#include "shmrpc/status.h"

typedef enum gen_dump {
    GEN_DUMP_NONE,
    GEN_DUMP_TOKENS,
    GEN_DUMP_AST,
    GEN_DUMP_SCHEMA,
    GEN_DUMP_MODEL
} gen_dump;

typedef enum gen_action {
    GEN_ACTION_GENERATE,
    GEN_ACTION_HELP,
    GEN_ACTION_VERSION
} gen_action;

typedef struct gen_options {
    gen_action action;
    char **inputs; /* files and folders */
    size_t input_count;
    const char *out_dir;   /* "." */
    const char *depfile;   /* NULL: none */
    const char *stamp;     /* NULL: none */
    const char *templates; /* NULL: only those that are built in */
    const char *prefix;    /* NULL: by the package */
    const gen_lang *lang;  /* `skeleton` with --skeleton */
    gen_lang skeleton;     /* storage */
    bool once;             /* no file that is written may exist */
    bool force;            /* ... but then, no matter by whom it was written */
    gen_dump dump;
    gen_report_form form; /* of diagnostics */
    bool werror;          /* warnings end the run as errors do */
    bool async;           /* calls that do not block, too */
    bool client;          /* --kinds */
    bool server;
    const char *import_dirs[GEN_MAX_IMPORT_DIRS];
    size_t import_dir_count;
} gen_options;

/* Reads the command line; strings remain those of `argv`. INVALID: `message`
 * says what is wrong, in one line without a newline. */
shmrpc_status gen_options_parse(int argc, char **argv, gen_options *out,
                                shmrpci_buf *message);

#endif
