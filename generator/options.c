/* Options: parsing, and suggestions for what was misspelt. */
#include "generator/options.h"

#include <ctype.h>
#include <getopt.h>
#include <string.h>

#include "idl/names.h"

enum {
    OPT_OUT_DIR = 256,
    OPT_DUMP,
    OPT_DEPFILE,
    OPT_STAMP,
    OPT_KINDS,
    OPT_TEMPLATES,
    OPT_PREFIX,
    OPT_LANG,
    OPT_VERSION,
    OPT_WERROR
};

static const struct option long_options[] = {
    {"out-dir", required_argument, NULL, OPT_OUT_DIR},
    {"dump", required_argument, NULL, OPT_DUMP},
    {"depfile", required_argument, NULL, OPT_DEPFILE},
    {"stamp", required_argument, NULL, OPT_STAMP},
    {"kinds", required_argument, NULL, OPT_KINDS},
    {"templates", required_argument, NULL, OPT_TEMPLATES},
    {"import-dir", required_argument, NULL, 'I'},
    {"prefix", required_argument, NULL, OPT_PREFIX},
    {"lang", required_argument, NULL, OPT_LANG},
    {"werror", no_argument, NULL, OPT_WERROR},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, OPT_VERSION},
    {NULL, 0, NULL, 0},
};

static const char *const dumps[] = {"tokens", "ast", "schema", "model"};
static const char *const kinds[] = {"client", "server"};

const char *gen_options_help(void)
{
    return "usage: shmrpcgen [options] FILE.svc\n"
           "\n"
           "Makes the C of a service description: FILE.h and FILE.c (types "
           "and\n"
           "tables), FILE_client.h/.c and FILE_server.h/.c.\n"
           "\n"
           "  --out-dir DIR     where to write (default: here); is created\n"
           "  --kinds LIST      client, server or both, separated by commas\n"
           "                    (default: both)\n"
           "  -I, --import-dir DIR\n"
           "                    where to look for imported files, after the\n"
           "                    folder of the importing one; may be repeated\n"
           "  --prefix NAME     prefix of C names (default: from the package)\n"
           "  --lang NAME       target language: c\n"
           "  --templates DIR   files of this folder replace built-in "
           "templates\n"
           "                    of the same name\n"
           "  --depfile FILE    write what was read, as a rule for Make\n"
           "  --stamp FILE      write an empty file last, every time; the "
           "depfile\n"
           "                    then speaks of it\n"
           "  --dump=STAGE      print tokens, ast, schema or model; write "
           "nothing\n"
           "  --werror          generate nothing when there are warnings\n"
           "  -h, --help        print this\n"
           "  --version         print the version\n"
           "\n"
           "Exit status: 0 done, 1 errors in the .svc or a template, 2 wrong\n"
           "usage, 3 a file can't be read or written.\n";
}

static void suggest(shmrpci_buf *message, const char *wanted,
                    const char *const *names, size_t count, const char *before)
{
    const char *best = idl_nearest_of(wanted, names, count);
    if (best != NULL) {
        shmrpci_buf_printf(message, "; did you mean `%s%s`?", before, best);
        return;
    }
    for (size_t i = 0; i < count && *before == '\0'; i++) {
        const char *lead = i == 0           ? " (expected "
                           : i + 1 == count ? " or "
                                            : ", ";
        shmrpci_buf_printf(message, "%s%s", lead, names[i]);
    }
    shmrpci_buf_append_text(message, *before == '\0' ? ")" : "");
}

/* `argument` as it stands on the command line: "--out-dri=x". */
static shmrpc_status unknown_option(const char *argument, shmrpci_buf *message)
{
    const char *names[sizeof long_options / sizeof long_options[0]];
    size_t count = 0;
    for (const struct option *at = long_options; at->name != NULL; at++) {
        names[count++] = at->name;
    }
    size_t len = strcspn(argument, "=");
    shmrpci_buf_printf(message, "unknown option `%.*s`", (int)len, argument);
    char name[32] = "";
    if (strncmp(argument, "--", 2) == 0 && len - 2 < sizeof name) {
        memcpy(name, argument + 2, len - 2);
        name[len - 2] = '\0';
        suggest(message, name, names, count, "--");
    }
    return SHMRPC_E_INVALID;
}

static shmrpc_status set_dump(const char *name, gen_options *out,
                              shmrpci_buf *message)
{
    for (size_t i = 0; i < sizeof dumps / sizeof dumps[0]; i++) {
        if (strcmp(name, dumps[i]) == 0) {
            out->dump = (gen_dump)(GEN_DUMP_TOKENS + (int)i);
            return SHMRPC_OK;
        }
    }
    shmrpci_buf_printf(message, "unknown stage `%s` for --dump", name);
    suggest(message, name, dumps, sizeof dumps / sizeof dumps[0], "");
    return SHMRPC_E_INVALID;
}

static shmrpc_status set_kinds(const char *list, gen_options *out,
                               shmrpci_buf *message)
{
    out->client = false;
    out->server = false;
    while (true) {
        char name[16] = "";
        size_t len = strcspn(list, ",");
        size_t kept = len < sizeof name ? len : sizeof name - 1;
        memcpy(name, list, kept);
        if (strcmp(name, "client") == 0) {
            out->client = true;
        } else if (strcmp(name, "server") == 0) {
            out->server = true;
        } else {
            shmrpci_buf_printf(message, "unknown kind `%.*s`", (int)len, list);
            suggest(message, name, kinds, sizeof kinds / sizeof kinds[0], "");
            return SHMRPC_E_INVALID;
        }
        if (list[len] == '\0') {
            return SHMRPC_OK;
        }
        list += len + 1;
    }
}

static shmrpc_status set_lang(const char *name, gen_options *out,
                              shmrpci_buf *message)
{
    out->lang = gen_lang_find(name);
    if (out->lang != NULL) {
        return SHMRPC_OK;
    }
    const char *const *names = gen_lang_names();
    size_t count = 0;
    while (names[count] != NULL) {
        count++;
    }
    shmrpci_buf_printf(message, "unknown language `%s`", name);
    suggest(message, name, names, count, "");
    return SHMRPC_E_INVALID;
}

static shmrpc_status set_prefix(const char *prefix, gen_options *out,
                                shmrpci_buf *message)
{
    bool good = islower((unsigned char)*prefix) != 0;
    for (const char *at = prefix; *at != '\0'; at++) {
        good = good &&
               (islower((unsigned char)*at) || isdigit((unsigned char)*at) ||
                (*at == '_' && at[1] != '_' && at[1] != '\0'));
    }
    if (!good) {
        shmrpci_buf_printf(message,
                           "bad prefix `%s` (expected lower case letters, "
                           "digits and single underscores)",
                           prefix);
        return SHMRPC_E_INVALID;
    }
    out->prefix = prefix;
    return SHMRPC_OK;
}

static shmrpc_status add_import_dir(const char *dir, gen_options *out,
                                    shmrpci_buf *message)
{
    if (out->import_dir_count == GEN_MAX_IMPORT_DIRS) {
        shmrpci_buf_printf(message, "more than %d import folders",
                           GEN_MAX_IMPORT_DIRS);
        return SHMRPC_E_INVALID;
    }
    out->import_dirs[out->import_dir_count++] = dir;
    return SHMRPC_OK;
}

static shmrpc_status set_option(int option, gen_options *out,
                                shmrpci_buf *message)
{
    switch (option) {
    case OPT_OUT_DIR:
        out->out_dir = optarg;
        return SHMRPC_OK;
    case OPT_DEPFILE:
        out->depfile = optarg;
        return SHMRPC_OK;
    case OPT_STAMP:
        out->stamp = optarg;
        return SHMRPC_OK;
    case OPT_TEMPLATES:
        out->templates = optarg;
        return SHMRPC_OK;
    case OPT_DUMP:
        return set_dump(optarg, out, message);
    case OPT_KINDS:
        return set_kinds(optarg, out, message);
    case OPT_PREFIX:
        return set_prefix(optarg, out, message);
    case OPT_LANG:
        return set_lang(optarg, out, message);
    case OPT_WERROR:
        out->werror = true;
        return SHMRPC_OK;
    case 'I':
        return add_import_dir(optarg, out, message);
    case 'h':
        out->action = GEN_ACTION_HELP;
        return SHMRPC_OK;
    case OPT_VERSION:
        out->action = GEN_ACTION_VERSION;
        return SHMRPC_OK;
    default:
        return SHMRPC_E_INTERNAL;
    }
}

static shmrpc_status set_input(int argc, char **argv, gen_options *out,
                               shmrpci_buf *message)
{
    if (optind == argc) {
        shmrpci_buf_append_text(message, "no .svc file given");
        return SHMRPC_E_INVALID;
    }
    if (optind + 1 < argc) {
        shmrpci_buf_printf(message,
                           "one .svc file at a time, but there is "
                           "also `%s`",
                           argv[optind + 1]);
        return SHMRPC_E_INVALID;
    }
    out->input = argv[optind];
    return SHMRPC_OK;
}

shmrpc_status gen_options_parse(int argc, char **argv, gen_options *out,
                                shmrpci_buf *message)
{
    *out = (gen_options){
        .out_dir = ".", .lang = &gen_lang_c, .client = true, .server = true};
    opterr = 0;
    int option;
    /* The colon tells a missing argument from an unknown option. */
    while ((option = getopt_long(argc, argv, ":I:h", long_options, NULL)) !=
           -1) {
        shmrpc_status status;
        if (option == '?') {
            status = unknown_option(argv[optind - 1], message);
        } else if (option == ':') {
            shmrpci_buf_printf(message, "option `%s` needs an argument",
                               argv[optind - 1]);
            status = SHMRPC_E_INVALID;
        } else {
            status = set_option(option, out, message);
        }
        if (status != SHMRPC_OK || out->action != GEN_ACTION_GENERATE) {
            return status;
        }
    }
    return set_input(argc, argv, out, message);
}
