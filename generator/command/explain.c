/* The command explain: prints the meaning of the code of a diagnostic. The
 * texts are built into the program, so that they always match its version and
 * need no network. */
#include <stdio.h>

#include "generator/command/command.h"
#include "generator/explain.h"

/* There are no other options: the arguments are the codes to explain. */
static const struct option long_options[] = {
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static void print_help(void)
{
    fputs(
        "usage: shmrpcgen explain [CODE...]\n"
        "\n"
        "Says what a diagnostic means, with a wrong and a right example.\n"
        "Without a code it lists all of them.\n"
        "\n"
        "  -h, --help  print this\n"
        "\n"
        "Exit status: 0 done, 2 wrong usage or an unknown code.\n",
        stdout);
}

/* Prints one line per code. */
static void list_all(void)
{
    for (size_t i = 0; i < gen_explain_count(); i++) {
        idl_code code = gen_explain_code(i);
        printf("S%04d  %-7s  %s\n", (int)code,
               gen_explain_severity(code) == IDL_ERROR ? "error" : "warning",
               gen_explain_title(code));
    }
}

/* Explains several codes, separated by empty lines. An unknown code ends the
 * command. */
static gen_exit explain_all(int argc, char **argv, shmrpci_buf *message)
{
    for (int i = optind; i < argc; i++) {
        idl_code code;
        size_t len;
        if (!gen_explain_parse(argv[i], &code)) {
            shmrpci_buf_printf(
                message,
                "unknown code `%s` (`shmrpcgen explain` lists all codes)",
                argv[i]);
            return gen_cli_fail(GEN_EXIT_USAGE, message);
        }
        const char *text = gen_explain(code, &len);
        fwrite(text, 1, len, stdout);
        fputs(i + 1 < argc ? "\n" : "", stdout);
    }
    return GEN_EXIT_OK;
}

gen_exit gen_command_explain(int argc, char **argv)
{
    shmrpci_buf message;
    shmrpci_buf_init_heap(&message);
    gen_exit result = GEN_EXIT_OK;
    int option = shmrpci_options_next(argc, argv, "h", long_options, &message);
    if (option == 'h') {
        print_help();
    } else if (option != SHMRPCI_OPTIONS_END) {
        result = gen_cli_fail(GEN_EXIT_USAGE, &message);
    } else if (optind == argc) {
        list_all();
    } else {
        result = explain_all(argc, argv, &message);
    }
    shmrpci_buf_fini(&message);
    return result;
}
