/*
 * The command line of a generated server's main function.
 *
 * Numeric options that are also keys of service.ini have the same names (with
 * hyphens), syntax, ranges and defaults as there.
 *
 * Threading: one thread, before any other is started.
 */
#ifndef SHMRPCI_SUPERVISE_ARGUMENTS_H
#define SHMRPCI_SUPERVISE_ARGUMENTS_H

#include "shmrpc/stub.h"
#include "supervise/supervisor.h"

/* The most methods with access lists on a command line. */
#define SHMRPCI_ACCESS_MAX 64

typedef struct shmrpci_arguments {
    shmrpc_server_opts server;
    shmrpc_method_access access[SHMRPCI_ACCESS_MAX];
    bool has_workers;
    uint32_t min_workers; /* processes; 0 for both: threads instead */
    uint32_t max_workers;
    uint32_t threads; /* 0: not given */
    shmrpci_scale_rules scale;
    uint64_t max_memory_bytes; /* 0: no limit */
    uint64_t max_calls;
    bool takes_over;
    int64_t hang_ns;
    int64_t stop_ns;
} shmrpci_arguments;

/* Returned by shmrpci_arguments_read if the program should continue. */
#define SHMRPCI_ARGUMENTS_GO_ON (-1)

/* Reads the arguments. If they only ask for output such as --help, or are
 * wrong, prints and returns the program's exit status. Strings live as long as
 * argv; fini frees the rest. */
int shmrpci_arguments_read(int argc, char **argv, const shmrpc_service *service,
                           shmrpci_arguments *out);
void shmrpci_arguments_fini(shmrpci_arguments *arguments);

/* Reads "none", "snappy" or "zlib". Returns false for another word. */
bool shmrpci_arguments_compression(const char *text, shmrpc_compression *out);

#endif
