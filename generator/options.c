/* Parses the options of generating. */
#include "generator/options.h"

#include <ctype.h>
#include <string.h>

#include "base/nearest.h"
#include "generator/c/lang_skeleton.h"

enum {
    OPT_OUT_DIR = 256,
    OPT_DUMP,
    OPT_DEPFILE,
    OPT_STAMP,
    OPT_KINDS,
    OPT_TEMPLATES,
    OPT_PREFIX,
    OPT_LANG,
    OPT_SKELETON,
    OPT_FORCE,
    OPT_ASYNC,
    OPT_VERSION,
    OPT_WERROR,
    OPT_DIAGNOSTICS
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
    {"diagnostics", required_argument, NULL, OPT_DIAGNOSTICS},
    {"skeleton", no_argument, NULL, OPT_SKELETON},
    {"async", no_argument, NULL, OPT_ASYNC},
    {"force", no_argument, NULL, OPT_FORCE},
    {"werror", no_argument, NULL, OPT_WERROR},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, OPT_VERSION},
    {NULL, 0, NULL, 0},
};

static const char *const dumps[] = {"tokens", "ast", "schema", "model"};
static const char *const kinds[] = {"client", "server"};

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
    shmrpci_nearest_suggest(message, name, dumps,
                            sizeof dumps / sizeof dumps[0], "");
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
            shmrpci_nearest_suggest(message, name, kinds,
                                    sizeof kinds / sizeof kinds[0], "");
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
    shmrpci_nearest_suggest(message, name, names, count, "");
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
    case OPT_SKELETON:
        gen_lang_make_skeleton(&out->skeleton);
        out->lang = &out->skeleton;
        out->once = true;
        return SHMRPC_OK;
    case OPT_ASYNC:
        out->async = true;
        return SHMRPC_OK;
    case OPT_FORCE:
        out->force = true;
        return SHMRPC_OK;
    case OPT_WERROR:
        out->werror = true;
        return SHMRPC_OK;
    case OPT_DIAGNOSTICS:
        return gen_cli_report_form(optarg, &out->form, message);
    case 'I':
        return gen_cli_add_import_dir(out->import_dirs, &out->import_dir_count,
                                      optarg, message);
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

static shmrpc_status set_inputs(int argc, char **argv, gen_options *out,
                                shmrpci_buf *message)
{
    if (optind == argc) {
        shmrpci_buf_append_text(message, "no .svc file given");
        return SHMRPC_E_INVALID;
    }
    if (out->dump != GEN_DUMP_NONE && out->form != GEN_REPORT_HUMAN) {
        shmrpci_buf_append_text(message,
                                "--dump and --diagnostics both want "
                                "standard output");
        return SHMRPC_E_INVALID;
    }
    out->inputs = argv + optind;
    out->input_count = (size_t)(argc - optind);
    return SHMRPC_OK;
}

shmrpc_status gen_options_parse(int argc, char **argv, gen_options *out,
                                shmrpci_buf *message)
{
    *out = (gen_options){
        .out_dir = ".", .lang = &gen_lang_c, .client = true, .server = true};
    int option;
    while ((option = shmrpci_options_next(argc, argv, "I:h", long_options,
                                          message)) != SHMRPCI_OPTIONS_END) {
        shmrpc_status status = option == SHMRPCI_OPTIONS_BAD
                                   ? SHMRPC_E_INVALID
                                   : set_option(option, out, message);
        if (status != SHMRPC_OK || out->action != GEN_ACTION_GENERATE) {
            return status;
        }
    }
    return set_inputs(argc, argv, out, message);
}
