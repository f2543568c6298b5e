/* The command completion: what a shell is to be told of ours. */
#include <stdio.h>
#include <string.h>

#include "tools/shmrpc/command.h"

const struct option cli_completion_options[] = {
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

static void print_help(void *user)
{
    (void)user;
    fputs(
        "usage: shmrpc completion bash\n"
        "\n"
        "Prints the completion of commands, options, services, methods,\n"
        "fields and enumerators for bash. To have it:\n"
        "\n"
        "  source <(shmrpc completion bash)\n"
        "\n"
        "  -h, --help     print this\n"
        "      --version  print the version\n",
        stdout);
}

/* bash cuts words at = and :, and inserts only what is behind the cut. Words
 * are cut at blanks, so that a quoted one counts as several: nothing is
 * offered then. */
static const char bash[] =
    "_shmrpc() {\n"
    "    local line=${COMP_LINE:0:COMP_POINT} words cur\n"
    "    read -ra words <<<\"$line\"\n"
    "    [[ $line != *[[:space:]] ]] || words+=(\"\")\n"
    "    cur=${words[-1]}\n"
    "    mapfile -t COMPREPLY < <(\"${words[0]}\" complete \\\n"
    "        \"${words[@]:1}\" 2>/dev/null)\n"
    "    [[ ${COMPREPLY[0]-} != *[=.:] ]] || compopt -o nospace\n"
    "    local cut=${cur%\"${cur##*[=:]}\"}\n"
    "    COMPREPLY=(\"${COMPREPLY[@]#\"$cut\"}\")\n"
    "}\n"
    "complete -F _shmrpc shmrpc\n";

static cli_exit run(void *user, const cli_line *line, shmrpci_buf *message)
{
    (void)user;
    if (line->count != 1 || strcmp(line->argv[1], "bash") != 0) {
        shmrpci_buf_append_text(message,
                                "which shell? (expected `completion bash`)");
        return CLI_USAGE;
    }
    fputs(bash, stdout);
    return CLI_OK;
}

cli_exit cli_completion(int argc, char **argv)
{
    const cli_syntax syntax = {cli_completion_options, false, print_help, NULL,
                               run};
    return cli_run(argc, argv, &syntax, NULL);
}
