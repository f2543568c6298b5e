/*
 * The verbs load, snapshot and dump --salvage of dicts and values, which move
 * all entries at once.
 *
 * Loading is one change: other processes see all entries or none. So all lines
 * are read and checked first, and must fit into our memory.
 */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "objects/handle.h"
#include "objects/salvage.h"
#include "objects/snapshot_file.h"
#include "objects/snapshot_place.h"
#include "os/memory.h"
#include "shmrpc/shared_stub.h"
#include "tools/shmrpc/command.h"
#include "tools/shmrpc/dict.h"

/* ---- lines ------------------------------------------------------------- */

/* The entries that were read so far, as shmrpc_stub_dict_merge takes them: an
 * array in which each entry has `step` bytes. The key is at its beginning, the
 * value `value_at` bytes further. */
typedef struct loading {
    cli_shared *shared; /* the dict's command line */
    size_t value_at;    /* offset of the value in an entry */
    size_t step;        /* bytes from one entry to the next */
    size_t count;       /* entries so far */
    size_t room;        /* allocated number of entries */
    uint8_t *entries;   /* keys and values, copied */
} loading;

/* The line was parsed as `any`. Its parts are written as JSON again and read as
 * the declared type, which checks them. */
static cli_exit read_part(loading *of, const shmrpc_any *line, const char *name,
                          const shmrpc_type *type, void *out)
{
    shmrpci_buf json;
    const void *value;
    const shmrpc_any *part = shmrpc_any_find(line, name);
    if (part == NULL) {
        shmrpc_error error;
        return cli_shared_fail(
            shmrpc_error_set(&error, SHMRPC_E_INVALID,
                             "entry %zu has no \"%s\": expected "
                             "{\"key\":...,\"value\":...}",
                             of->count + 1, name),
            &error);
    }
    shmrpci_buf_init_heap(&json);
    cli_exit result = cli_shared_append(&shmrpc_type_any, part, &json);
    const char *text = result == CLI_OK ? shmrpci_buf_text(&json) : NULL;
    if (result == CLI_OK) {
        result = text != NULL ? cli_shared_read(of->shared, type, text, &value)
                              : CLI_TROUBLE;
    }
    if (result == CLI_OK) {
        memcpy(out, value, type->size);
    }
    shmrpci_buf_fini(&json);
    return result;
}

/* Doubles the room. Entries may move, since they only point into the arena. */
static bool grow(loading *of)
{
    if (of->count < of->room) {
        return true;
    }
    size_t room = of->room == 0 ? 64 : of->room * 2;
    uint8_t *entries = realloc(of->entries, room * of->step);
    if (entries == NULL) {
        return false;
    }
    of->entries = entries;
    of->room = room;
    return true;
}

/* Returns TROUBLE without a message if memory runs out. */
static cli_exit read_line(loading *of, const char *text)
{
    const shmrpc_shared *row = &of->shared->row;
    const void *line;
    cli_exit result =
        cli_shared_read(of->shared, &shmrpc_type_any, text, &line);
    if (result != CLI_OK || !grow(of)) {
        return result != CLI_OK ? result : CLI_TROUBLE;
    }
    uint8_t *entry = of->entries + of->count * of->step;
    result = read_part(of, line, "key", row->key, entry);
    if (result == CLI_OK) {
        result =
            read_part(of, line, "value", row->element, entry + of->value_at);
    }
    of->count++;
    return result;
}

/* Skips empty lines, and stops at the first bad one. */
static cli_exit read_lines(loading *of, FILE *from)
{
    char *text = NULL;
    size_t room = 0;
    cli_exit result = CLI_OK;
    ssize_t len;
    while (result == CLI_OK && (len = getline(&text, &room, from)) >= 0) {
        if (len > 0 && text[len - 1] == '\n') {
            text[len - 1] = '\0';
        }
        if (text[0] != '\0') {
            result = read_line(of, text);
        }
    }
    free(text);
    return result;
}

/* Reads everything before it changes anything: either all entries go in as one
 * change, or none does. */
static cli_exit load_lines(cli_shared *shared, FILE *from)
{
    shmrpc_dict *dict;
    shmrpc_error error;
    size_t key = (shared->row.key->size + 15u) / 16 * 16;
    loading of = {.shared = shared,
                  .value_at = key,
                  .step = key + (shared->row.element->size + 15u) / 16 * 16};
    cli_exit result = cli_dict_open(shared, false, &dict);
    if (result != CLI_OK) {
        return result;
    }
    result = read_lines(&of, from);
    if (result == CLI_OK && of.count > 0) {
        int status =
            shmrpc_stub_dict_merge(dict, of.entries, of.entries + of.value_at,
                                   of.step, of.count, &error);
        result = status == SHMRPC_OK ? CLI_OK : cli_shared_fail(status, &error);
    }
    free(of.entries);
    shmrpc_dict_close(dict);
    return result;
}

/* ---- snapshots ----------------------------------------------------------- */

/* Takes type, encoding and limits of the new object from the snapshot, so that
 * --create restores what was saved. */
static cli_exit take_head(cli_shared *shared, const char *path)
{
    shmrpci_snapshot_reader reader;
    shmrpc_error error;
    cli_exit result = CLI_OK;
    shmrpc_status status = shmrpci_snapshot_open(path, &reader, &error);
    if (status != SHMRPC_OK) {
        return cli_shared_fail(status, &error);
    }
    if (reader.text[0] != '\0') {
        result = cli_shared_read_type(shared, reader.text);
    }
    shared->row.encoding = (shmrpc_encoding)reader.head.encoding;
    shared->row.capacity = reader.head.capacity;
    shared->row.max_bytes = reader.head.max_bytes;
    shared->row.log = reader.head.log;
    shmrpci_snapshot_close(&reader);
    return result;
}

/* Creates the object from the snapshot if --create is given and it doesn't
 * exist. If it does exist, sets `*out_exists`: the snapshot must still be
 * loaded into it. */
static cli_exit make_of(cli_shared *shared, const char *path, bool *out_exists)
{
    shmrpc_dict *dict;
    cli_shared made = *shared;
    *out_exists = shared->is_there;
    if (shared->is_there || !shared->opts->create) {
        return CLI_OK;
    }
    cli_exit result = take_head(&made, path);
    if (result == CLI_OK) {
        made.open.snapshot = path;
        result = cli_dict_open(&made, false, &dict);
    }
    if (result == CLI_OK) {
        shmrpc_dict_close(dict);
    }
    return result;
}

/* A new object gets its contents before others can find it. An existing object
 * gets them as one change. */
static cli_exit load_snapshot(cli_shared *shared, const char *path)
{
    bool is_there;
    shmrpc_dict *dict;
    shmrpc_error error;
    cli_exit result = make_of(shared, path, &is_there);
    if (result != CLI_OK || !is_there) {
        return result;
    }
    result = cli_dict_open(shared, false, &dict);
    if (result == CLI_OK) {
        shmrpc_status status = shmrpc_dict_load(dict, path, &error);
        result = status == SHMRPC_OK ? CLI_OK : cli_shared_fail(status, &error);
        shmrpc_dict_close(dict);
    }
    return result;
}

/* Snapshots are recognised by their first bytes, so that no option is
 * needed. */
static cli_exit load_file(cli_shared *shared, const char *path)
{
    bool is_snapshot = true;
    shmrpc_error error;
    shmrpc_status status = shmrpci_snapshot_is_one(path, &is_snapshot, &error);
    if (status != SHMRPC_OK) {
        return cli_shared_fail(status, &error);
    }
    /* A value can't be loaded from lines. */
    if (is_snapshot || shared->row.key == NULL) {
        return load_snapshot(shared, path);
    }
    FILE *from = fopen(path, "r");
    if (from == NULL) {
        (void)shmrpc_error_set(&error, SHMRPC_E_DENIED, "%.128s: %s", path,
                               strerror(errno));
        return cli_shared_fail(SHMRPC_E_DENIED, &error);
    }
    cli_exit result = load_lines(shared, from);
    (void)fclose(from);
    return result;
}

/* Whether standard input is a snapshot, whose first byte can't begin UTF-8
 * text. The byte is put back. */
static bool is_snapshot(FILE *from)
{
    int first = getc(from);
    (void)ungetc(first, from);
    return first == (int)(SHMRPCI_SNAPSHOT_MAGIC & 0xFF);
}

/* Snapshots are opened by path, so they can't be read from standard input. */
cli_exit cli_dict_load(cli_shared *shared)
{
    shmrpc_error error;
    if (shared->operand_count > 0) {
        return load_file(shared, shared->operands[0]);
    }
    if (is_snapshot(stdin)) {
        return cli_shared_fail(
            shmrpc_error_set(&error, SHMRPC_E_INVALID,
                             "standard input is a snapshot, which can only be "
                             "loaded from a file: give its name"),
            &error);
    }
    return load_lines(shared, stdin);
}

/* Without a file name the snapshot goes to the default place (shmrpc/shared.h).
 * If a later open fails, it finds the snapshot there, and mentions it in its
 * error. */
cli_exit cli_dict_snapshot(cli_shared *shared)
{
    const char *path = shared->operand_count > 0 ? shared->operands[0] : NULL;
    shmrpc_dict *dict;
    shmrpc_error error;
    /* Open the object for writing, so that it records the time of the snapshot.
     * If a service allows only reading, the handle is read-only. */
    cli_exit result = cli_dict_open(shared, false, &dict);
    if (result != CLI_OK) {
        return result;
    }
    shmrpc_status status = shmrpc_dict_snapshot(dict, path, NULL, &error);
    if (status != SHMRPC_OK) {
        result = cli_shared_fail(status, &error);
    }
    shmrpc_dict_close(dict);
    return result;
}

/* ---- salvage ------------------------------------------------------------- */

/* Number of losses that are listed: more would hide the entries that were
 * saved. */
#define TOLD 10u

/* State of the callbacks of a salvage. */
typedef struct salvaging {
    cli_shared *shared;
    uint64_t saved;  /* entries printed */
    uint64_t told;   /* losses seen so far */
    cli_exit result; /* of the last entry that could not be printed */
} salvaging;

/* Prints each entry at once, because more damage may follow. The last failure
 * is kept. */
static void print_saved(void *user, const void *key, const void *value)
{
    salvaging *of = user;
    shmrpci_buf line;
    shmrpci_buf_init_heap(&line);
    cli_exit result =
        cli_dict_append_entry(of->shared, key, value, true, &line);
    if (result == CLI_OK) {
        cli_print_line(&line);
        of->saved++;
    } else {
        of->result = result;
    }
    shmrpci_buf_fini(&line);
}

/* Prints to standard error, so that standard output can be loaded again. */
static void print_lost(void *user, uint64_t offset, const char *what)
{
    salvaging *of = user;
    if (of->told++ < TOLD) {
        fprintf(stderr, "shmrpc: lost: at %llu: %s\n",
                (unsigned long long)offset, what);
    }
}

/* Finds the type of a damaged object. An object that declares none is read as
 * `any`. One whose declared type can't be read is refused, because its bytes
 * would be misread. */
static cli_exit find_type(cli_shared *shared, int fd)
{
    shmrpci_glance glance;
    char *text;
    shmrpc_error error;
    shmrpc_status status = shmrpci_label_salvage(fd, &glance, &text, &error);
    if (status != SHMRPC_OK) {
        return cli_shared_fail(status, &error);
    }
    cli_exit result = CLI_OK;
    shared->row.encoding = (shmrpc_encoding)glance.facts.encoding;
    if (text != NULL && text[0] != '\0') {
        const char *copy =
            shmrpci_arena_strndup(&shared->arena, text, strlen(text));
        result =
            copy != NULL ? cli_shared_read_type(shared, copy) : CLI_TROUBLE;
    } else if (glance.facts.type_hash != 0) {
        result = cli_shared_fail(
            shmrpc_error_set(&error, SHMRPC_E_DATA_LOSS,
                             "the description of its type is damaged"),
            &error);
    }
    free(text);
    return result;
}

/* Reads the file itself, since a damaged object can't be opened as an object.
 * REFUSED tells a script that the output is incomplete. */
cli_exit cli_dict_salvage(cli_shared *shared)
{
    salvaging of = {.shared = shared, .result = CLI_OK};
    uint64_t lost = 0;
    shmrpc_error error;
    int fd;
    shmrpc_status status = shmrpci_kind_open_file(
        shared->kind,
        shared->opts->all_users ? SHMRPC_SCOPE_ALL_USERS : SHMRPC_SCOPE_USER,
        shared->name, &fd, &error);
    if (status != SHMRPC_OK) {
        return cli_shared_fail(status, &error);
    }
    cli_exit result = find_type(shared, fd);
    if (result == CLI_OK) {
        status = shmrpci_salvage(fd, &shared->row, print_saved, print_lost, &of,
                                 &lost, &error);
        result =
            status == SHMRPC_OK ? of.result : cli_shared_fail(status, &error);
    }
    shmrpci_fd_close(&fd);
    if (result == CLI_OK && lost > 0) {
        fprintf(stderr,
                "shmrpc: %llu saved, %llu lost, as far as can be told\n",
                (unsigned long long)of.saved, (unsigned long long)lost);
        return CLI_REFUSED;
    }
    return result;
}
