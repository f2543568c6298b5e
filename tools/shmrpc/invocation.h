/*
 * A method, with its parameters, of a service that is not known when this
 * program is built: shared by `call` and `bench`.
 *
 * Threading: open and close: main thread; an open invocation may be called by
 * any number of threads.
 */
#ifndef SHMRPC_TOOLS_INVOCATION_H
#define SHMRPC_TOOLS_INVOCATION_H

#include "shmrpc/beside.h"
#include "tools/shmrpc/service.h"

typedef struct cli_invocation_opts {
    const char *service;
    const char *method;
    char *const *words; /* the words after METHOD */
    size_t word_count;  /* number of `words` */
    const char *at;     /* value of --at, or NULL */
    int64_t timeout_ns; /* value of --deadline, or 0 */
    bool takes_streams; /* methods with a stream are allowed */
    /* --meta; ended by an entry without a key. */
    shmrpc_metadata meta[SHMRPC_METADATA_MAX_ENTRIES + 1];
    size_t meta_count; /* entries in `meta` */
} cli_invocation_opts;

typedef struct cli_invocation {
    cli_service service;
    const shmrpc_method *method;
    uint32_t index;     /* index of the method in the service's table */
    const void *params; /* parameters; the last `-`, which stands for a stream,
                         * is not among them */
    shmrpc_opts opts;   /* options of each call */
    shmrpc_reply_metadata back; /* metadata of the last reply */
} cli_invocation;

/* Takes the operands, SERVICE METHOD [ARGUMENT...]. Returns USAGE if one is
 * missing. */
cli_exit cli_invocation_read(const cli_line *line, cli_invocation_opts *out,
                             shmrpci_buf *message);

/* Adds the KEY=VALUE in `text` as an entry of metadata, and modifies `text`.
 * Returns USAGE if it is malformed, or if there are too many entries. */
cli_exit cli_invocation_meta(cli_invocation_opts *out, char *text,
                             shmrpci_buf *message);

/* Whether the method has a stream, and so must be called with streamed.h. */
bool cli_invocation_has_streams(const cli_invocation *in);

/* Finds the service, reads the arguments and connects; prints errors. Must be
 * closed even after a failure. */
cli_exit cli_invocation_open(cli_invocation *in,
                             const cli_invocation_opts *opts);

/* Calls once. `*reply` must be released like the reply of
 * shmrpc_stub_call_reply, also after a declared error or a fault; it is NULL if
 * there is none. */
int cli_invocation_call(cli_invocation *in, const void **reply,
                        shmrpc_error *error);

void cli_invocation_close(cli_invocation *in);

#endif
