/*
 * A method of a service that is not known when this program is built, with its
 * parameters: what `call` and `bench` have in common.
 *
 * Threading: open and close: main thread; an open one may be called by any
 * number of threads.
 */
#ifndef SHMRPC_TOOLS_INVOCATION_H
#define SHMRPC_TOOLS_INVOCATION_H

#include "shmrpc/beside.h"
#include "tools/shmrpc/service.h"

typedef struct cli_invocation_opts {
    const char *service;
    const char *method;
    char *const *words; /* behind the method */
    size_t word_count;  /* of `words` */
    const char *at;     /* --at, or NULL */
    int64_t timeout_ns; /* --deadline, or 0 */
    bool takes_streams; /* methods with one are not refused */
    /* --meta; ended by an entry without a key. */
    shmrpc_metadata meta[SHMRPC_METADATA_MAX_ENTRIES + 1];
    size_t meta_count; /* entries in `meta` */
} cli_invocation_opts;

typedef struct cli_invocation {
    cli_service service;
    const shmrpc_method *method;
    uint32_t index;     /* of the method in the service's table */
    const void *params; /* without the last `-` that stands for a stream */
    shmrpc_opts opts;   /* of each call */
    shmrpc_reply_metadata back; /* metadata of the last reply */
} cli_invocation;

/* Takes the operands, SERVICE METHOD [ARGUMENT...]; USAGE. */
cli_exit cli_invocation_read(const cli_line *line, cli_invocation_opts *out,
                             shmrpci_buf *message);

/* Adds `text`, KEY=VALUE, which is modified, as an entry of metadata. USAGE: it
 * is malformed, or there are too many. */
cli_exit cli_invocation_meta(cli_invocation_opts *out, char *text,
                             shmrpci_buf *message);

/* Whether it is called by streamed.h. */
bool cli_invocation_has_streams(const cli_invocation *in);

/* Finds the service, reads the arguments and connects; prints errors. Close it
 * in any case.
 */
cli_exit cli_invocation_open(cli_invocation *in,
                             const cli_invocation_opts *opts);

/* Calls once. `*reply` must be released as that of shmrpc_stub_call_reply, also
 * after a declared error or a fault; NULL: there is none. */
int cli_invocation_call(cli_invocation *in, const void **reply,
                        shmrpc_error *error);

void cli_invocation_close(cli_invocation *in);

#endif
