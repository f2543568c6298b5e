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
    char **inputs; /* paths of files and folders */
    size_t input_count;
    const char *out_dir;   /* default: "." */
    const char *depfile;   /* NULL: no depfile */
    const char *stamp;     /* NULL: no stamp */
    const char *templates; /* NULL: only the built-in templates */
    const char *prefix;    /* NULL: the prefix follows from the package */
    const gen_lang *lang;  /* `skeleton` if --skeleton is given */
    gen_lang skeleton;     /* storage for `lang` */
    bool once;             /* refuse to overwrite any existing file */
    bool force;            /* overwrite existing files even if shmrpcgen did not
                            * write them, and even if `once` is set */
    gen_dump dump;
    gen_report_form form; /* form of diagnostics */
    bool werror;          /* warnings make the run fail, as errors do */
    bool async;           /* also generate calls that do not block */
    bool client;          /* from --kinds */
    bool server;
    const char *import_dirs[GEN_MAX_IMPORT_DIRS];
    size_t import_dir_count;
} gen_options;

/* Reads the command line; the strings in `out` point into `argv`. If something
 * is wrong, returns INVALID and sets `message` to one line of text without a
 * newline. */
shmrpc_status gen_options_parse(int argc, char **argv, gen_options *out,
                                shmrpci_buf *message);

#endif
