/*
 * The command completion: prints a script for a shell.
 *
 * The scripts know nothing of commands and services: they call `shmrpc
 * complete` with the words so far, so that they never go out of date.
 */
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
        "usage: shmrpc completion bash|zsh|fish\n"
        "\n"
        "Prints the completion of commands, options, services, methods,\n"
        "fields and enumerators for a shell. An installed shmrpc needs "
        "nothing\n"
        "else; otherwise:\n"
        "\n"
        "  source <(shmrpc completion bash)    also in zsh\n"
        "  shmrpc completion fish | source\n"
        "\n"
        "  -h, --help     print this\n"
        "      --version  print the version\n",
        stdout);
}

/* bash splits words at = and :, and inserts only the part after the split. The
 * script splits the line at blanks, so a quoted word counts as several; nothing
 * is offered then. */
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

/* Works both as a file that zsh loads on demand and as a sourced one.
 * Candidates that need more text get no blank appended. */
static const char zsh[] =
    "#compdef shmrpc\n"
    "_shmrpc() {\n"
    "    local -a found open whole\n"
    "    found=(\"${(@f)$(\"${words[1]}\" complete \\\n"
    "        \"${(@)words[2,CURRENT]}\" 2>/dev/null)}\")\n"
    "    open=(${(M)found:#*[=.:]})\n"
    "    whole=(${found:#*[=.:]})\n"
    "    (( ! $#open )) || compadd -Q -S '' -- $open\n"
    "    (( ! $#whole )) || compadd -Q -- $whole\n"
    "}\n"
    "if [[ $zsh_eval_context[-1] == loadautofunc ]]; then\n"
    "    _shmrpc \"$@\"\n"
    "else\n"
    "    compdef _shmrpc shmrpc\n"
    "fi\n";

/* fish splits words itself, and appends no blank after `=`. */
static const char fish[] =
    "function __shmrpc_complete\n"
    "    set -l words (commandline -opc)\n"
    "    set -l last (commandline -ct)\n"
    "    command $words[1] complete $words[2..-1] \"$last\" 2>/dev/null\n"
    "end\n"
    "complete -c shmrpc -f -a '(__shmrpc_complete)'\n";

/* Returns NULL for a shell without a script. */
static const char *script_of(const char *shell)
{
    static const struct {
        const char *shell;
        const char *script;
    } scripts[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        if (strcmp(shell, scripts[i].shell) == 0) {
            return scripts[i].script;
        }
    }
    return NULL;
}

static cli_exit run(void *user, const cli_line *line, shmrpci_buf *message)
{
    (void)user;
    const char *script = line->count == 1 ? script_of(line->argv[1]) : NULL;
    if (script == NULL) {
        shmrpci_buf_append_text(
            message, "which shell? (expected `completion bash`, zsh or fish)");
        return CLI_USAGE;
    }
    fputs(script, stdout);
    return CLI_OK;
}

cli_exit cli_completion(int argc, char **argv)
{
    const cli_syntax syntax = {cli_completion_options, false, print_help, NULL,
                               run};
    return cli_run(argc, argv, &syntax, NULL);
}
