/*
 * The commands dict and value: shared maps and values (shmrpc/dict.h).
 *
 * A value is a dict with one entry and no key, so that both commands share
 * their verbs: `row.key` is NULL for a value.  Objects of any shape are
 * addressed by paths, objects of a declared type by their keys only.
 */
#include <stdio.h>
#include <string.h>

#include "objects/handle.h"
#include "os/clock.h"
#include "shmrpc/shared_stub.h"
#include "tools/shmrpc/command.h"
#include "tools/shmrpc/dict.h"

const struct option cli_dict_options[] = {CLI_SHARED_OPTIONS};
const struct option cli_value_options[] = {CLI_SHARED_OPTIONS};

static const char dict_help[] =
    "usage: shmrpc dict get NAME KEY [STEP...]\n"
    "       shmrpc dict set NAME KEY [STEP...] VALUE\n"
    "       shmrpc dict del NAME KEY [STEP...]\n"
    "       shmrpc dict keys NAME\n"
    "       shmrpc dict dump [--salvage] NAME\n"
    "       shmrpc dict load NAME [FILE]\n"
    "       shmrpc dict snapshot NAME [FILE]\n"
    "       shmrpc dict watch NAME\n"
    "       shmrpc dict stat NAME\n"
    "       shmrpc dict check NAME\n"
    "\n"
    "Shows or changes a shared dict. STEPs lead into a value: keys of\n"
    "maps, positions of lists. dump prints all entries as of one moment, each\n"
    "as a line with an object of key and value; with --salvage it prints what\n"
    "is left in a damaged dict. load reads such lines, or a snapshot, and "
    "puts\n"
    "all entries in one change. snapshot writes all entries to a file on "
    "disk.\n"
    "watch prints all entries, then each change (--count: how many lines).\n"
    "check looks for damage; nobody may change the dict meanwhile.\n"
    "\n"
    "NAME may be nats://HOST/NAME, a dict of many machines. It can't be\n"
    "checked, load makes many changes, and dump and watch show this machine's\n"
    "copy, which may be behind.\n"
    "\n";

static const char value_help[] =
    "usage: shmrpc value get NAME [STEP...]\n"
    "       shmrpc value set NAME [STEP...] VALUE\n"
    "       shmrpc value dump [--salvage] NAME\n"
    "       shmrpc value load NAME FILE\n"
    "       shmrpc value snapshot NAME [FILE]\n"
    "       shmrpc value watch NAME\n"
    "       shmrpc value stat NAME\n"
    "       shmrpc value check NAME\n"
    "\n"
    "Shows or changes a shared value. STEPs lead into it: keys of\n"
    "maps, positions of lists. dump prints the whole value, or what is left\n"
    "of a damaged one (--salvage). snapshot writes it to a file on disk, and\n"
    "load reads such a file. watch prints the value, and again whenever it\n"
    "changes (--count: how many times). check looks for damage; nobody may\n"
    "change the value meanwhile.\n"
    "\n"
    "NAME may be nats://HOST/NAME, a value of many machines, for which there\n"
    "is no load and no check.\n"
    "\n";

/* ---- opening ------------------------------------------------------------- */

/* With `reads` the object is opened read-only, except in NATS, whose accounts
 * decide what we may do. A value has an open function of its own, but its
 * handle is a dict's, and is used like one from then on. */

cli_exit cli_dict_open(cli_shared *shared, bool reads, shmrpc_dict **out)
{
    shmrpc_error error;
    shmrpc_shared_opts opts = shared->open;
    opts.flags |= reads && !shmrpci_remote_is(shared->name)
                      ? (uint32_t)SHMRPC_SHARED_READ_ONLY
                      : 0;
    int status;
    if (shared->row.kind == SHMRPC_SHARED_VALUE) {
        shmrpc_value *value;
        status = shmrpc_stub_value_open(&shared->row, shared->name, &opts,
                                        &value, &error);
        *out = status == SHMRPC_OK ? (shmrpc_dict *)(void *)value : NULL;
    } else {
        status = shmrpc_stub_dict_open(&shared->row, shared->name, &opts, out,
                                       &error);
    }
    return status == SHMRPC_OK ? CLI_OK : cli_shared_fail(status, &error);
}

/* Whether the object holds values of any shape, into which paths lead.
 * Otherwise it has a declared type, and only its keys can be named. */
static bool is_any(const cli_shared *shared)
{
    const shmrpc_shared *row = &shared->row;
    return row->element->kind == SHMRPC_KIND_ANY &&
           (row->key == NULL || row->key->kind == SHMRPC_KIND_ANY);
}

/* Reads the first `count` operands as steps of a path: JSON, or text if they
 * are not JSON, so that keys need no quotes. The steps live in the arena. */
static cli_exit read_path(cli_shared *shared, int count, shmrpc_path *out)
{
    shmrpc_any *steps = shmrpci_arena_calloc(&shared->arena, (size_t)count + 1,
                                             sizeof *steps, 16);
    if (steps == NULL) {
        return CLI_TROUBLE;
    }
    for (int i = 0; i < count; i++) {
        const void *step;
        cli_exit result = cli_shared_read(shared, &shmrpc_type_any,
                                          shared->operands[i], &step);
        if (result != CLI_OK) {
            return result;
        }
        memcpy(&steps[i], step, sizeof *steps);
    }
    *out = shmrpc_path_of(steps, (size_t)count);
    return CLI_OK;
}

/* Reads the key of an object of a declared type; NULL for a value, which has no
 * keys. Further operands are refused, because no path leads into a value of a
 * declared type. */
static cli_exit read_key(cli_shared *shared, int count, const void **out)
{
    int keys = shared->row.key != NULL ? 1 : 0;
    *out = NULL;
    if (count > keys) {
        shmrpc_error error;
        return cli_shared_fail(
            shmrpc_error_set(&error, SHMRPC_E_INVALID,
                             "a path needs an object whose keys and values are "
                             "any, but this is %.64s",
                             shared->row.signature),
            &error);
    }
    return keys == 0 ? CLI_OK
                     : cli_shared_read(shared, shared->row.key,
                                       shared->operands[0], out);
}

/* ---- one value ----------------------------------------------------------- */

/* Looks up the item that the operands name, and returns the status of the
 * lookup. If an operand could not be read, the error has been printed and
 * `*result` is not OK; then the returned status means nothing. */
static int get_item(cli_shared *shared, shmrpc_dict *dict, const void **out,
                    cli_exit *result, shmrpc_error *error)
{
    shmrpc_path path;
    const void *key;
    const shmrpc_any *tree;
    int count = shared->operand_count;
    if (!is_any(shared)) {
        *result = read_key(shared, count, &key);
        return *result == CLI_OK
                   ? shmrpc_stub_dict_get_item(dict, key, out, error)
                   : SHMRPC_E_INVALID;
    }
    *result = read_path(shared, count, &path);
    if (*result != CLI_OK) {
        return SHMRPC_E_INVALID;
    }
    int status = shmrpc_dict_get(dict, &path, &tree, NULL, error);
    if (status == SHMRPC_OK) {
        *out = tree;
    }
    return status;
}

/* The status of the lookup and the result of reading the operands are kept
 * apart, so that each failure is printed once. */
static cli_exit run_get(cli_shared *shared)
{
    shmrpc_dict *dict;
    shmrpc_error error;
    const void *item;
    cli_exit result = cli_dict_open(shared, true, &dict);
    if (result != CLI_OK) {
        return result;
    }
    int status = get_item(shared, dict, &item, &result, &error);
    if (status == SHMRPC_OK) {
        result = cli_shared_print(shared, shared->row.element, item);
        shmrpc_stub_dict_release(dict, item);
    } else if (result == CLI_OK) {
        result = cli_shared_fail(status, &error);
    }
    shmrpc_dict_close(dict);
    return result;
}

/* The last operand is the value, those before it are the key or path. If an
 * operand could not be read, the error has been printed: `status` stays OK, so
 * that only `result` is returned. */
static cli_exit set_item(cli_shared *shared, shmrpc_dict *dict)
{
    int count = shared->operand_count - 1;
    const void *value;
    const void *key;
    shmrpc_path path;
    shmrpc_error error;
    int status;
    cli_exit result = cli_shared_read(shared, shared->row.element,
                                      shared->operands[count], &value);
    if (result != CLI_OK) {
        return result;
    }
    if (is_any(shared)) {
        result = read_path(shared, count, &path);
        status = result == CLI_OK ? shmrpc_dict_put(dict, &path, value, &error)
                                  : SHMRPC_OK;
    } else {
        result = read_key(shared, count, &key);
        status = result == CLI_OK
                     ? shmrpc_stub_dict_put(dict, key, value, &error)
                     : SHMRPC_OK;
    }
    return status == SHMRPC_OK ? result : cli_shared_fail(status, &error);
}

/* With --create the object is made first, and stays even if the value is
 * refused. */
static cli_exit run_set(cli_shared *shared)
{
    shmrpc_dict *dict;
    cli_exit result = cli_dict_open(shared, false, &dict);
    if (result == CLI_OK) {
        result = set_item(shared, dict);
        shmrpc_dict_close(dict);
    }
    return result;
}

/* NOT_FOUND is a failure, as in rm(1). */
static cli_exit run_del(cli_shared *shared)
{
    shmrpc_dict *dict;
    shmrpc_path path;
    const void *key;
    shmrpc_error error;
    int status = SHMRPC_OK;
    cli_exit result = cli_dict_open(shared, false, &dict);
    if (result != CLI_OK) {
        return result;
    }
    if (is_any(shared)) {
        result = read_path(shared, shared->operand_count, &path);
        status =
            result == CLI_OK ? shmrpc_dict_del(dict, &path, &error) : SHMRPC_OK;
    } else {
        result = read_key(shared, shared->operand_count, &key);
        status = result == CLI_OK ? shmrpc_stub_dict_del(dict, key, &error)
                                  : SHMRPC_OK;
    }
    shmrpc_dict_close(dict);
    return status == SHMRPC_OK ? result : cli_shared_fail(status, &error);
}

/* ---- all entries --------------------------------------------------------- */

/* Writes lines that `dict load` accepts. */
cli_exit cli_dict_append_entry(const cli_shared *shared, const void *key,
                               const void *value, bool with_value,
                               shmrpci_buf *out)
{
    cli_exit result = CLI_OK;
    if (shared->row.key == NULL) {
        return cli_shared_append_as(shared, shared->row.element, value, out);
    }
    if (!with_value) {
        return cli_shared_append_as(shared, shared->row.key, key, out);
    }
    shmrpci_buf_append_text(out, "{\"key\":");
    result = cli_shared_append(shared->row.key, key, out);
    if (result == CLI_OK) {
        shmrpci_buf_append_text(out, ",\"value\":");
        result = cli_shared_append(shared->row.element, value, out);
        shmrpci_buf_append_char(out, '}');
    }
    return result;
}

/* Reads one view, so that the lines are the dict as of one instant while others
 * change it. Entries are printed one by one, because a dict may be larger than
 * our memory. */
static cli_exit print_all(cli_shared *shared, bool with_values)
{
    shmrpc_dict *dict;
    shmrpc_view *view = NULL;
    shmrpc_error error;
    const void *key;
    const void *value;
    cli_exit result = cli_dict_open(shared, true, &dict);
    if (result != CLI_OK) {
        return result;
    }
    int status = shmrpc_dict_view_open(dict, &view, &error);
    while (status == SHMRPC_OK && result == CLI_OK) {
        shmrpci_buf line;
        status = shmrpc_stub_view_next(view, &key, &value, &error);
        if (status != SHMRPC_OK) {
            break;
        }
        shmrpci_buf_init_heap(&line);
        result = cli_dict_append_entry(shared, key, value, with_values, &line);
        if (result == CLI_OK) {
            cli_print_line(&line);
        }
        shmrpci_buf_fini(&line);
    }
    if (status != SHMRPC_OK && status != SHMRPC_E_NOT_FOUND) {
        result = cli_shared_fail(status, &error);
    }
    shmrpc_view_close(view);
    shmrpc_dict_close(dict);
    return result;
}

/* Prints one key per line, in insertion order. */
static cli_exit run_keys(cli_shared *shared)
{
    return print_all(shared, false);
}

/* --salvage reads the file itself, because a damaged dict can't be opened. */
static cli_exit run_dump(cli_shared *shared)
{
    return shared->opts->salvages ? cli_dict_salvage(shared)
                                  : print_all(shared, true);
}

/* ---- watching ------------------------------------------------------------ */

/* Appends one JSON object for an event of a dict, or just the new value for a
 * value. `names` is in the order of shmrpc_event_kind. */
static cli_exit append_event(const cli_shared *shared,
                             const shmrpc_stub_event *event, shmrpci_buf *out)
{
    static const char *const names[] = {"?", "put", "del", "clear", "resync"};
    cli_exit result = CLI_OK;
    if (shared->row.key == NULL && event->value != NULL) {
        return cli_shared_append(shared->row.element, event->value, out);
    }
    shmrpci_buf_printf(out, "{\"event\":\"%s\"", names[event->kind]);
    if (event->key != NULL) {
        shmrpci_buf_append_text(out, ",\"key\":");
        result = cli_shared_append(shared->row.key, event->key, out);
    }
    if (event->value != NULL && result == CLI_OK) {
        shmrpci_buf_append_text(out, ",\"value\":");
        result = cli_shared_append(shared->row.element, event->value, out);
    }
    shmrpci_buf_append_char(out, '}');
    return result;
}

/* For a value, only events with a new value are shown: a resync is followed by
 * the value, and adds nothing to it. */
static bool is_shown(const cli_shared *shared, const shmrpc_stub_event *event)
{
    return shared->row.key != NULL || event->kind != SHMRPC_EVENT_RESYNC;
}

/* Flushes each line, because the reader may be another program that waits for
 * it. */
static cli_exit watch_all(cli_shared *shared, shmrpc_watch *watch)
{
    /* Wait forever, unless a timeout was given. */
    const shmrpc_opts wait = {.timeout_ns = shared->opts->has_deadline
                                                ? shared->opts->deadline_ns
                                                : INT64_MAX};
    uint64_t most = shared->opts->count != 0 ? shared->opts->count : UINT64_MAX;
    cli_exit result = CLI_OK;
    for (uint64_t i = 0; i < most && result == CLI_OK;) {
        const void *event;
        shmrpc_error error;
        shmrpci_buf line;
        int status = shmrpc_stub_watch_next(watch, &event, &wait, &error);
        if (status != SHMRPC_OK) {
            return cli_shared_fail(status, &error);
        }
        if (!is_shown(shared, event)) {
            continue;
        }
        shmrpci_buf_init_heap(&line);
        result = append_event(shared, event, &line);
        if (result == CLI_OK) {
            cli_print_line(&line);
            (void)fflush(stdout);
        }
        shmrpci_buf_fini(&line);
        i++;
    }
    return result;
}

/* Begins with all present entries. A reader that listed them by a second
 * command could miss changes between the two. */
static cli_exit run_watch(cli_shared *shared)
{
    const shmrpc_watch_opts opts = {.flags = SHMRPC_WATCH_SNAPSHOT};
    shmrpc_dict *dict;
    shmrpc_watch *watch;
    shmrpc_error error;
    cli_exit result = cli_dict_open(shared, false, &dict);
    if (result != CLI_OK) {
        return result;
    }
    int status = shmrpc_dict_watch_open(dict, &opts, &watch, &error);
    if (status == SHMRPC_OK) {
        result = watch_all(shared, watch);
        shmrpc_watch_close(watch);
    } else {
        result = cli_shared_fail(status, &error);
    }
    shmrpc_dict_close(dict);
    return result;
}

/* ---- figures and damage -------------------------------------------------- */

/* If the clock was set back, the age is 0. */
static uint64_t age_s(int64_t wall_ns)
{
    int64_t age_ns = shmrpci_wall_ns() - wall_ns;
    return age_ns > 0 ? (uint64_t)(age_ns / SHMRPCI_NS_PER_S) : 0;
}

/* Opens the object read-only, so that we are not counted among the users that
 * may write. */
static cli_exit run_stat(cli_shared *shared)
{
    shmrpc_dict *dict;
    shmrpc_dict_stat stat;
    cli_exit result = cli_dict_open(shared, true, &dict);
    if (result != CLI_OK) {
        return result;
    }
    if (shmrpc_dict_stat_read(dict, &stat) == SHMRPC_OK) {
        const cli_figure figures[] = {
            {"entry_count", "entries", stat.entry_count},
            {"change_count", "changes", stat.change_count},
            {"helped_count", "completed by others", stat.helped_count},
            {"memory_bytes", "memory", stat.memory_bytes},
            {"max_bytes", "memory limit", stat.max_bytes},
            {"view_age", "oldest view", stat.view_age},
            {"open_count", "open", stat.open_count},
            {"lock_count", "locks held", stat.lock_count},
            {"snapshot_failure_count", "failed snapshots",
             stat.snapshot_failure_count},
            {"snapshot_age_s", "snapshot's age, s", age_s(stat.snapshot_ns)},
        };
        /* The last figure is printed only if there is a snapshot. */
        cli_shared_print_figures(shared, figures,
                                 sizeof figures / sizeof *figures -
                                     (stat.snapshot_ns == 0 ? 1 : 0));
    }
    shmrpc_dict_close(dict);
    return CLI_OK;
}

/* The numbers are the minimum and maximum number of operands after NAME. */
static const cli_verb dict_verbs[] = {
    {"get", "KEY [STEP...]", 1, -1, false, run_get},
    {"set", "KEY [STEP...] VALUE", 2, -1, true, run_set},
    {"del", "KEY [STEP...]", 1, -1, false, run_del},
    {"keys", "", 0, 0, false, run_keys},
    {"dump", "", 0, 0, false, run_dump},
    {"load", "[FILE]", 0, 1, true, cli_dict_load},
    {"snapshot", "[FILE]", 0, 1, false, cli_dict_snapshot},
    {"watch", "", 0, 0, true, run_watch},
    {"stat", "", 0, 0, false, run_stat},
    {"check", "", 0, 0, false, cli_shared_check},
    {NULL, NULL, 0, 0, false, NULL},
};

/* --create makes a dict of any keys and values, encoded as msgpack. */
cli_exit cli_dict(int argc, char **argv)
{
    const cli_shared_command command = {
        .kind = &shmrpci_kind_dict,
        .row = shmrpci_handle_any_row(SHMRPC_SHARED_DICT, 0),
        .verbs = dict_verbs,
        .help = dict_help,
        .options = cli_dict_options};
    return cli_shared_run(argc, argv, &command);
}

/* A value has no keys, so it has fewer verbs, and none of them takes a key. */
static const cli_verb value_verbs[] = {
    {"get", "[STEP...]", 0, -1, false, run_get},
    {"set", "[STEP...] VALUE", 1, -1, true, run_set},
    {"dump", "", 0, 0, false, run_dump},
    {"load", "FILE", 1, 1, true, cli_dict_load},
    {"snapshot", "[FILE]", 0, 1, false, cli_dict_snapshot},
    {"watch", "", 0, 0, true, run_watch},
    {"stat", "", 0, 0, false, run_stat},
    {"check", "", 0, 0, false, cli_shared_check},
    {NULL, NULL, 0, 0, false, NULL},
};

cli_exit cli_value(int argc, char **argv)
{
    const cli_shared_command command = {
        .kind = &shmrpci_kind_value,
        .row = shmrpci_handle_any_row(SHMRPC_SHARED_VALUE, 0),
        .verbs = value_verbs,
        .help = value_help,
        .options = cli_value_options};
    return cli_shared_run(argc, argv, &command);
}
