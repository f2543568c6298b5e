/*
 * The command check: what breaks between two versions of a .svc.
 *
 * The old version is a file, a folder, a revision of git or a lock; these
 * differ only in how the old version is found: gen_check compares two schemas.
 * Each file has a `run` with an arena of its own, so that a folder of any size
 * takes the memory of one file. Findings for people are printed file by file;
 * those for programs are collected, because a report is one document.
 *
 * The exit status is the worst of all files; after a file that can't be read
 * the others are still checked.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/nearest.h"
#include "generator/check/check.h"
#include "generator/check/git.h"
#include "generator/check/lock.h"
#include "generator/check/old_version.h"
#include "generator/command/command.h"
#include "generator/command/inputs.h"
#include "generator/import_path.h"
#include "generator/judge.h"
#include "generator/output.h"
#include "generator/report.h"
#include "idl/idl.h"

/* Options without a short form; their values are above those of all
 * characters. */
enum {
    OPT_AGAINST = 256,
    OPT_ALLOW,
    OPT_LOCK,
    OPT_UPDATE_LOCK,
    OPT_FORCE,
    OPT_DIAGNOSTICS
};

/* The PATH of the lock options is optional. So getopt accepts only
 * `--lock=PATH`, not `--lock PATH`. */
static const struct option long_options[] = {
    {"against", required_argument, NULL, OPT_AGAINST},
    {"allow", required_argument, NULL, OPT_ALLOW},
    {"lock", optional_argument, NULL, OPT_LOCK},
    {"update-lock", optional_argument, NULL, OPT_UPDATE_LOCK},
    {"force", no_argument, NULL, OPT_FORCE},
    {"import-dir", required_argument, NULL, 'I'},
    {"diagnostics", required_argument, NULL, OPT_DIAGNOSTICS},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

typedef struct check {
    const char *against;   /* NULL: no --against */
    const char *lock_path; /* NULL: FILE.lock */
    /* Whether --lock and --update-lock were given; each may be combined with
     * --against. */
    bool lock;
    bool update_lock;
    bool force;
    bool help;
    /* Breaks that are allowed, and folders for imports. */
    gen_check_allow allow;
    const char *import_dirs[GEN_MAX_IMPORT_DIRS];
    size_t import_dir_count;
    gen_report_form form;
    gen_reporter reporter; /* for report forms that programs read */
    /* Number of breaks in all files, for the last line. */
    gen_check_result total;
    gen_exit result; /* the worst so far */
} check;

/* State of the check of one file. Everything that it loads is in its arena. */
typedef struct run {
    check *options;
    const char *path;
    const char *root; /* the folder argument in which it was found, or NULL */
    /* In a folder: the new version no longer has the file. */
    bool is_gone;
    shmrpci_arena arena;
    /* For diagnostics created while comparing; they quote both versions. */
    idl_memory memory;
    const idl_schema *schema;
} run;

/* ---- help: prints to standard output and succeeds ------------------------ */
static void print_help(void)
{
    fputs(
        "usage: shmrpcgen check --against FILE|FOLDER|REVISION [options] "
        "FILE.svc|FOLDER...\n"
        "       shmrpcgen check --lock|--update-lock [options] "
        "FILE.svc|FOLDER...\n"
        "\n"
        "Compares each FILE.svc, and each file that a FOLDER has or had, with "
        "its\n"
        "old version, and reports what breaks:\n"
        "\n"
        "  wire      programs built from one version can't talk with those\n"
        "            built from the other, in either direction\n"
        "  source    C that uses the generated code no longer compiles, or\n"
        "            means something else\n"
        "  layout    compiled C finds members or handlers elsewhere\n"
        "  reserve   a number or name that was removed could be used again\n"
        "\n"
        "  --against WHAT      the old version: a file, a folder with a file\n"
        "                      of the same path or name, or a revision of the\n"
        "                      git repository of FILE.svc\n"
        "  --lock[=PATH]       the old version is in the lock (default:\n"
        "                      FILE.svc.lock); changes that break nothing but\n"
        "                      aren't in the lock yet fail too\n"
        "  --update-lock[=PATH]\n"
        "                      write the lock, unless something breaks\n"
        "  --force             ... even then\n"
        "  --allow LIST        report these as warnings only: kinds (wire,\n"
        "                      source, layout, reserve), codes (S1109), and\n"
        "                      new-client: breaks that only affect new "
        "clients\n"
        "                      of an old server; may be repeated\n"
        "  -I, --import-dir DIR\n"
        "                      where to look for imported files, after the\n"
        "                      folder of the importing one; may be repeated\n"
        "  --diagnostics=FORM  human: to standard error (default); json or\n"
        "                      sarif: to standard output, for programs\n"
        "  -h, --help          print this\n"
        "\n"
        "docs/evolution.md has the rules.\n"
        "\n"
        "Exit status: 0 compatible, 1 breaks or errors found, 2 wrong usage,\n"
        "3 a file or revision can't be read, or a lock not written.\n",
        stdout);
}

/* ---- options ---- */

/* Reads a kind, a code, or "new-client". Other names get a suggestion, as they
 * are probably misspelt. */
static shmrpc_status allow_one(check *c, const char *name, shmrpci_buf *message)
{
    static const char *const names[] = {"wire", "source", "layout", "reserve",
                                        "new-client"};
    if (strcmp(name, "new-client") == 0) {
        c->allow.new_clients = true;
        return SHMRPC_OK;
    }
    for (int kind = 0; kind < GEN_BREAK_COUNT; kind++) {
        if (strcmp(name, gen_break_name((gen_break)kind)) == 0) {
            c->allow.kinds[kind] = true;
            return SHMRPC_OK;
        }
    }
    bool is_code = name[0] == 'S' && strlen(name) == 5 &&
                   strspn(name + 1, "0123456789") == 4;
    const gen_check_rule *rule =
        is_code ? gen_check_rule_find((unsigned)strtoul(name + 1, NULL, 10))
                : NULL;
    if (rule != NULL) {
        c->allow.codes[gen_check_index(rule)] = true;
        return SHMRPC_OK;
    }
    shmrpci_buf_printf(message, "can't allow `%s`", name);
    shmrpci_nearest_suggest(message, name, names,
                            sizeof names / sizeof names[0], "");
    return SHMRPC_E_INVALID;
}

/* Reads a list separated by commas. A name is cut to 31 bytes; one that long is
 * unknown and refused in any case. */
static shmrpc_status allow(check *c, const char *list, shmrpci_buf *message)
{
    shmrpc_status status = SHMRPC_OK;
    while (status == SHMRPC_OK && *list != '\0') {
        char name[32] = "";
        size_t len = strcspn(list, ",");
        memcpy(name, list, len < sizeof name ? len : sizeof name - 1);
        status = allow_one(c, name, message);
        list += len + (list[len] == ',');
    }
    return status;
}

/* If --lock and --update-lock both have a path, the last one is used. */
static shmrpc_status set_option(int option, check *c, shmrpci_buf *message)
{
    switch (option) {
    case OPT_AGAINST:
        c->against = optarg;
        return SHMRPC_OK;
    case OPT_ALLOW:
        return allow(c, optarg, message);
    case OPT_LOCK:
        c->lock = true;
        c->lock_path = optarg != NULL ? optarg : c->lock_path;
        return SHMRPC_OK;
    case OPT_UPDATE_LOCK:
        c->update_lock = true;
        c->lock_path = optarg != NULL ? optarg : c->lock_path;
        return SHMRPC_OK;
    case OPT_FORCE:
        c->force = true;
        return SHMRPC_OK;
    case OPT_DIAGNOSTICS:
        return gen_cli_report_form(optarg, &c->form, message);
    case 'I':
        return gen_cli_add_import_dir(c->import_dirs, &c->import_dir_count,
                                      optarg, message);
    case 'h':
        c->help = true;
        return SHMRPC_OK;
    default:
        return SHMRPC_E_INTERNAL;
    }
}

/* The error in the combination of options, or NULL. Checked after all options
 * are read, since their order has no meaning. */
static const char *contradiction(const check *c, int files)
{
    if (c->against == NULL && !c->lock && !c->update_lock) {
        return "nothing to compare with (expected --against, --lock or "
               "--update-lock)";
    }
    /* git would read it as an option. */
    if (c->against != NULL && c->against[0] == '-') {
        return "the revision begins with a dash";
    }
    if (c->force && !c->update_lock) {
        return "--force is for --update-lock";
    }
    if (files == 0) {
        return "no .svc file given";
    }
    /* A lock or an old file belongs to a single file. */
    bool one = c->lock_path != NULL ||
               (c->against != NULL && gen_output_is_file(c->against));
    return one && files > 1
               ? "one old version can't be compared with several .svc files"
               : NULL;
}

/* Usage errors end the command before any file is read. */
static shmrpc_status parse(int argc, char **argv, check *c,
                           shmrpci_buf *message)
{
    int option;
    while ((option = shmrpci_options_next(argc, argv, "I:h", long_options,
                                          message)) != SHMRPCI_OPTIONS_END) {
        shmrpc_status status = option == SHMRPCI_OPTIONS_BAD
                                   ? SHMRPC_E_INVALID
                                   : set_option(option, c, message);
        if (status != SHMRPC_OK || c->help) {
            return status;
        }
    }
    const char *wrong = contradiction(c, argc - optind);
    if (wrong != NULL) {
        shmrpci_buf_append_text(message, wrong);
        return SHMRPC_E_INVALID;
    }
    return SHMRPC_OK;
}

/* ---- output ---- */

/* Keeps the worst status: statuses are ordered by severity. */
static void note_result(check *c, gen_exit result)
{
    c->result = result > c->result ? result : c->result;
}

/* Prints findings for people at once; those for programs go into one report at
 * the end. */
static void print_diags(run *r, const idl_diags *diags)
{
    if (r->options->form != GEN_REPORT_HUMAN) {
        gen_reporter_add(&r->options->reporter, r->path, diags);
        return;
    }
    shmrpci_buf text;
    shmrpci_buf_init_heap(&text);
    gen_report(diags,
               isatty(STDERR_FILENO) ? GEN_COLOUR_ALWAYS : GEN_COLOUR_NEVER,
               &text);
    if (text.len > 0) {
        fwrite(text.data, 1, text.len, stderr);
    }
    shmrpci_buf_fini(&text);
}

/* Reports an error outside of the two versions, with `message` or the text of
 * the status. */
static void fail(run *r, shmrpc_status status, shmrpci_buf *message)
{
    const char *text = shmrpci_buf_text(message);
    fprintf(stderr, "shmrpcgen: %s\n",
            text != NULL && *text != '\0' ? text : shmrpc_status_text(status));
    note_result(r->options,
                status == SHMRPC_E_INVALID ? GEN_EXIT_ERRORS : GEN_EXIT_IO);
}

/* Whether any break is not allowed; allowed ones are only warnings. */
static bool has_breaks(const gen_check_result *result)
{
    size_t sum = 0;
    for (size_t i = 0; i < GEN_BREAK_COUNT; i++) {
        sum += result->breaks[i];
    }
    return sum > 0;
}

/* Prints the findings of one comparison and adds them to the total. */
static void finish(run *r, const idl_diags *diags,
                   const gen_check_result *result)
{
    print_diags(r, diags);
    for (size_t i = 0; i < GEN_BREAK_COUNT; i++) {
        r->options->total.breaks[i] += result->breaks[i];
    }
    if (has_breaks(result)) {
        note_result(r->options, GEN_EXIT_ERRORS);
    }
}

/* Prints one line after everything else, so that the last line of a CI log says
 * what broke. */
static void print_total(const check *c)
{
    if (!has_breaks(&c->total)) {
        return;
    }
    for (int kind = 0; kind < GEN_BREAK_COUNT; kind++) {
        fprintf(stderr, "%s%s %zu", kind == 0 ? "breaks: " : ", ",
                gen_break_name((gen_break)kind), c->total.breaks[kind]);
    }
    fputc('\n', stderr);
}

/* ---- against an old version ---- */

/* Treats a removed file as one that declares nothing: a schema with only the
 * old package's name, so that all its services are reported as removed. False
 * if out of memory. */
static bool load_gone(run *r, const idl_schema *old_schema)
{
    if (!r->is_gone) {
        return true;
    }
    idl_diags diags;
    idl_diags_init(&diags);
    const char *text =
        shmrpci_arena_printf(&r->arena, "package %s; // this file is gone\n",
                             old_schema->package->name);
    if (text == NULL ||
        idl_load_text(NULL, r->path, text, strlen(text), &r->arena, &diags,
                      &r->schema) != SHMRPC_OK) {
        fprintf(stderr, "shmrpcgen: %s\n",
                shmrpc_status_text(SHMRPC_E_NO_MEMORY));
        note_result(r->options, GEN_EXIT_IO);
        return false;
    }
    return true;
}

/* Compares with an old version. `diags` is used twice: first for errors of the
 * old version itself, then for breaks. */
static void check_against(run *r)
{
    check *c = r->options;
    gen_old_version old = {.against = c->against,
                           .root = r->root,
                           .import_dirs = c->import_dirs,
                           .import_dir_count = c->import_dir_count};
    const idl_schema *old_schema = NULL;
    gen_check_result result = {.breaks = {0}};
    idl_diags diags;
    shmrpci_buf message;
    idl_diags_init(&diags);
    shmrpci_buf_init_heap(&message);
    shmrpc_status status = gen_old_version_load(&old, r->path, &r->arena,
                                                &diags, &old_schema, &message);
    /* Errors in the old version are shown; nothing can be compared with it. */
    if (status == SHMRPC_E_INVALID) {
        print_diags(r, &diags);
        fprintf(stderr, "shmrpcgen: the old version of %s has errors\n",
                r->path);
        note_result(c, GEN_EXIT_ERRORS);
    } else if (status == SHMRPC_OK && load_gone(r, old_schema)) {
        idl_diags_init(&diags);
        diags.memory = &r->memory;
        status =
            gen_check(old_schema, r->schema, &c->allow, 0, &diags, &result);
        finish(r, &diags, &result);
    }
    if (status != SHMRPC_OK && status != SHMRPC_E_INVALID) {
        fail(r, status, &message);
    }
    shmrpci_buf_fini(&message);
}

/* ---- the lock ---- */

/* Prints `what` and a line of a lock, or "(nothing)" if this side lacks the
 * line. */
static void print_part(const char *what, gen_lock_line line)
{
    static const char none[] = "(nothing)";
    fprintf(stderr, "  %-7s %.*s\n", what,
            line.text != NULL ? (int)line.len : (int)strlen(none),
            line.text != NULL ? line.text : none);
}

/* Prints the first line that differs between the lock and an up-to-date one,
 * with its section. The message begins with a location, so that editors can
 * jump to it. */
static void print_stale(const char *path, const char *locked, const char *now)
{
    gen_lock_change change = gen_lock_difference(locked, now);
    fprintf(stderr,
            "%s:%zu: error: the lock isn't up to date; nothing breaks, so "
            "approve the\nchange with `shmrpcgen check --update-lock`\n",
            path, change.line);
    if (change.in.text != NULL) {
        print_part("in:", change.in);
    }
    print_part("locked:", change.locked);
    print_part("now:", change.now);
}

/* Writes the file only if it changes: a new time would make other programs
 * rebuild. */
static void write_lock(run *r, const char *path, const shmrpci_buf *text)
{
    shmrpc_error error = {.code = 0};
    bool changed = false;
    if (gen_output_write(path, text->data, text->len, &changed, &error) !=
        SHMRPC_OK) {
        fprintf(stderr, "shmrpcgen: %s\n", error.message);
        note_result(r->options, GEN_EXIT_IO);
    }
}

/* Compares the lock's text with an up-to-date one. Breaks are reported first. A
 * lock that is only out of date fails too, since every change of a contract
 * needs approval. Both texts end with NUL. */
static void compare_lock(run *r, const char *path, const shmrpci_buf *locked,
                         const shmrpci_buf *now)
{
    check *c = r->options;
    gen_check_result result = {.breaks = {0}};
    idl_diags diags;
    idl_diags_init(&diags);
    diags.memory = &r->memory;
    const char *text = (const char *)locked->data;
    shmrpc_status status =
        gen_lock_check(path, text, locked->len, r->schema, &c->allow, &r->arena,
                       &diags, &result);
    /* --force also overwrites a lock that can't be parsed. */
    bool force = c->update_lock && c->force;
    if (status == SHMRPC_E_INVALID && !force) {
        print_diags(r, &diags);
        fprintf(stderr, "shmrpcgen: %s is not a lock\n", path);
        note_result(c, GEN_EXIT_ERRORS);
    } else if (status != SHMRPC_OK && status != SHMRPC_E_INVALID) {
        fprintf(stderr, "shmrpcgen: %s\n", shmrpc_status_text(status));
        note_result(c, GEN_EXIT_IO);
    } else if (c->update_lock && (force || !has_breaks(&result))) {
        /* Breaks are written to the lock only with --force: the next check
         * would no longer find them. */
        write_lock(r, path, now);
    } else {
        finish(r, &diags, &result);
        if (!has_breaks(&result) &&
            (locked->len != now->len ||
             memcmp(locked->data, now->data, now->len) != 0)) {
            print_stale(path, text, (const char *)now->data);
            note_result(c, GEN_EXIT_ERRORS);
        }
    }
}

/* If there is no lock, --update-lock writes one; --lock alone fails, and its
 * message names --update-lock. */
static void check_lock(run *r)
{
    check *c = r->options;
    const char *path =
        c->lock_path != NULL
            ? c->lock_path
            : shmrpci_arena_printf(&r->arena, "%s.lock", r->path);
    shmrpci_buf locked;
    shmrpci_buf now;
    shmrpci_buf message;
    shmrpc_error error = {.code = 0};
    shmrpci_buf_init_heap(&locked);
    shmrpci_buf_init_heap(&now);
    shmrpci_buf_init_heap(&message);
    shmrpc_status status = path == NULL
                               ? SHMRPC_E_NO_MEMORY
                               : gen_lock_text(r->schema, &r->arena, &now);
    if (status == SHMRPC_E_INVALID) {
        shmrpci_buf_printf(&message,
                           "%s has no service and no shared object to lock",
                           r->path);
    }
    bool is_first =
        status == SHMRPC_OK && c->update_lock && !gen_output_is_file(path);
    if (status == SHMRPC_OK && !is_first) {
        status = gen_output_read(path, &locked, &error);
        shmrpci_buf_printf(&message, "%s (`--update-lock` makes a lock)",
                           error.message);
    }
    /* shmrpci_buf_text appends the NULs. */
    bool has_texts =
        shmrpci_buf_text(&locked) != NULL && shmrpci_buf_text(&now) != NULL;
    if (status == SHMRPC_OK && !has_texts) {
        status = SHMRPC_E_NO_MEMORY;
    }
    if (status != SHMRPC_OK) {
        fail(r, status, &message);
    } else if (is_first) {
        write_lock(r, path, &now);
    } else {
        compare_lock(r, path, &locked, &now);
    }
    shmrpci_buf_fini(&message);
    shmrpci_buf_fini(&now);
    shmrpci_buf_fini(&locked);
}

/* ---- files ---- */

/* Loads the new version and compares it as requested. A deleted file can only
 * be compared with an old version: it has no contents to compare with its
 * lock. */
static void check_file(check *c, const char *path, const char *root)
{
    run r = {.options = c, .path = path, .root = root};
    r.is_gone = c->against != NULL && !gen_output_exists(path);
    if (!r.is_gone && !gen_cli_can_read(path)) {
        note_result(c, GEN_EXIT_IO);
        return;
    }
    idl_options options = {.import_dirs = c->import_dirs,
                           .import_dir_count = c->import_dir_count};
    idl_diags diags;
    idl_diags_init(&diags);
    shmrpci_arena_init(&r.arena, 0);
    r.memory.arena = &r.arena;
    shmrpc_status status =
        r.is_gone ? SHMRPC_OK
                  : idl_load(&options, path, &r.arena, &diags, &r.schema);
    if (status == SHMRPC_OK && !r.is_gone) {
        status = gen_judge_names(&options, r.schema, &r.arena, &diags);
    }
    if (status != SHMRPC_OK) {
        print_diags(&r, &diags);
        note_result(c, gen_cli_exit(status));
    }
    if (status == SHMRPC_OK && c->against != NULL) {
        check_against(&r);
    }
    if (status == SHMRPC_OK && (c->lock || c->update_lock) && !r.is_gone) {
        check_lock(&r);
    }
    shmrpci_arena_fini(&r.arena);
}

/* ---- folders ---- */

/* git lists all files of the folder, not only .svc files. */
static bool ends_with_svc(const char *path)
{
    size_t len = strlen(path);
    return len > 4 && strcmp(path + len - 4, ".svc") == 0;
}

/* Adds the .svc files of the old version as paths in the new folder, including
 * those that were removed. */
static bool list_old(const check *c, const char *folder, gen_inputs *old)
{
    /* The old version is a folder: lists its files, relative to it. */
    if (gen_output_is_folder(c->against)) {
        gen_inputs found;
        gen_tree tree;
        gen_inputs_init(&found);
        gen_tree_init(&tree);
        bool ok = gen_inputs_add(&found, c->against);
        for (size_t i = 0; ok && i < found.count; i++) {
            const char *below =
                gen_path_below(&tree, c->against, found.paths[i]);
            ok = gen_inputs_add_below(old, folder, below);
        }
        gen_tree_fini(&tree);
        gen_inputs_fini(&found);
        return ok;
    }
    shmrpci_buf names;
    shmrpci_buf message;
    shmrpci_buf_init_heap(&names);
    shmrpci_buf_init_heap(&message);
    shmrpc_status status = gen_git_list(c->against, folder, &names, &message);
    bool ok = status == SHMRPC_OK && shmrpci_buf_text(&names) != NULL;
    if (!ok) {
        gen_cli_fail(GEN_EXIT_IO, &message);
    }
    const char *at = ok ? (const char *)names.data : NULL;
    /* The list has one name after the other, each followed by a NUL. */
    for (; ok && at < (const char *)names.data + names.len;
         at += strlen(at) + 1) {
        ok = !ends_with_svc(at) || gen_inputs_add_below(old, folder, at);
    }
    shmrpci_buf_fini(&message);
    shmrpci_buf_fini(&names);
    return ok;
}

/* Checks every file that the old version of the folder has; new files have
 * nothing to break. With a lock, checks every file that the folder has now. */
static void check_folder(check *c, const char *folder)
{
    gen_inputs inputs;
    gen_inputs_init(&inputs);
    bool ok = c->against != NULL ? list_old(c, folder, &inputs)
                                 : gen_inputs_add(&inputs, folder);
    if (!ok) {
        note_result(c, GEN_EXIT_IO);
    }
    /* If --against names a folder, the old version of a file has the same path
     * below that folder as the file has below `folder`. So `folder` is the
     * root. A revision of git needs no root: git finds a file by its own
     * path. */
    const char *root =
        c->against != NULL && gen_output_is_folder(c->against) ? folder : NULL;
    for (size_t i = 0; ok && i < inputs.count; i++) {
        check_file(c, inputs.paths[i], root);
    }
    gen_inputs_fini(&inputs);
}

/* Handles each argument separately, since files and folders may be mixed. */
static void check_all(check *c, char **paths, int count)
{
    for (int i = 0; i < count; i++) {
        if (gen_output_is_folder(paths[i])) {
            check_folder(c, paths[i]);
        } else {
            check_file(c, paths[i], NULL);
        }
    }
}

gen_exit gen_command_check(int argc, char **argv)
{
    check c = {.result = GEN_EXIT_OK};
    shmrpci_buf message;
    shmrpci_buf_init_heap(&message);
    if (parse(argc, argv, &c, &message) != SHMRPC_OK) {
        c.result = gen_cli_fail(GEN_EXIT_USAGE, &message);
    } else if (c.help) {
        print_help();
    } else {
        gen_cli_reporter_init(&c.reporter, c.form);
        check_all(&c, argv + optind, argc - optind);
        gen_cli_report(&c.reporter);
        print_total(&c);
    }
    shmrpci_buf_fini(&message);
    return c.result;
}
