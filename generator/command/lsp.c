/* The command lsp: moves bytes between standard input and output and the
 * language server, which does no input or output itself. It has one thread and
 * handles one request after the other, so cancelling has no effect. */
#include <stdio.h>
#include <unistd.h>

#include "generator/command/command.h"
#include "generator/lsp/server.h"

/* Editors pass --stdio to servers that support several transports. */
static const struct option long_options[] = {
    {"import-dir", required_argument, NULL, 'I'},
    {"stdio", no_argument, NULL, 's'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static void print_help(void)
{
    fputs(
        "usage: shmrpcgen lsp [options]\n"
        "\n"
        "A language server for .svc files: diagnostics, hover, go to\n"
        "definition, references, outline, completion and quick fixes.  "
        "Editors\n"
        "start it; it speaks the Language Server Protocol 3.17 on standard\n"
        "input and output until they end it.\n"
        "\n"
        "  -I, --import-dir DIR\n"
        "              where to look for imported files, after the folder of\n"
        "              the importing one; may be repeated.  The editor's\n"
        "              workspace folders are searched too\n"
        "      --stdio accepted because some editors pass it; there is no\n"
        "              other way\n"
        "  -h, --help  print this\n"
        "\n"
        "Exit status: 0 the client ended it as the protocol says, 1 it did\n"
        "not, or sent something else than messages, 2 wrong usage, 3 no "
        "memory.\n",
        stdout);
}

/* Sends and empties the buffer. Flushes at once, because the editor waits for
 * the answer. */
static bool send_all(shmrpci_buf *out)
{
    bool sent = fwrite(out->data, 1, out->len, stdout) == out->len &&
                fflush(stdout) == 0;
    shmrpci_buf_reset(out);
    return sent;
}

/* Runs until the client sends exit, closes the pipe, or sends a malformed
 * message. Reads whatever bytes are available: the server assembles
 * messages. */
static gen_exit serve(lsp_server *server, shmrpci_buf *out)
{
    /* Static: too large for a stack that may be small. */
    static char bytes[65536];
    ssize_t count;
    while (!lsp_server_is_ended(server) &&
           (count = read(STDIN_FILENO, bytes, sizeof bytes)) > 0) {
        shmrpc_status status =
            lsp_server_feed(server, bytes, (size_t)count, out);
        /* The documents may be incomplete now: exiting is better than giving
         * wrong answers. */
        if (status == SHMRPC_E_NO_MEMORY) {
            return GEN_EXIT_IO;
        }
        /* The output is sent even if the server failed; only then does the
         * failure end the loop. */
        if ((out->len > 0 && !send_all(out)) || status != SHMRPC_OK) {
            return GEN_EXIT_ERRORS;
        }
    }
    return lsp_server_ended_well(server) ? GEN_EXIT_OK : GEN_EXIT_ERRORS;
}

/* Parses options, then serves. `buf` first holds a message, then the server's
 * output. */
static gen_exit run(int argc, char **argv, lsp_server *server)
{
    shmrpci_buf buf;
    shmrpci_buf_init_heap(&buf);
    int option;
    gen_exit result = GEN_EXIT_OK;
    while ((option = shmrpci_options_next(argc, argv, "I:h", long_options,
                                          &buf)) != SHMRPCI_OPTIONS_END) {
        if (option == 'I') {
            lsp_server_import_dir(server, optarg);
        } else if (option != 's') {
            break;
        }
    }
    if (option == 'h') {
        print_help();
    } else if (option == SHMRPCI_OPTIONS_BAD) {
        result = gen_cli_fail(GEN_EXIT_USAGE, &buf);
    } else if (optind < argc) {
        shmrpci_buf_printf(&buf, "`lsp` takes no file, but there is `%s`",
                           argv[optind]);
        result = gen_cli_fail(GEN_EXIT_USAGE, &buf);
    } else {
        result = serve(server, &buf);
    }
    shmrpci_buf_fini(&buf);
    return result;
}

/* The server is created before the options are read, because -I is passed to
 * it. */
gen_exit gen_command_lsp(int argc, char **argv)
{
    lsp_server *server = lsp_server_create(0);
    if (server == NULL) {
        return GEN_EXIT_IO;
    }
    gen_exit result = run(argc, argv, server);
    lsp_server_destroy(server);
    return result;
}
