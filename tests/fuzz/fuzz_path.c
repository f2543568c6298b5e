/*
 * Paths into trees, as `shmrpc dict get NAME STEP...` and programs give them: a
 * dict and a tree in private memory get the same changes, and must stay equal.
 *
 * The input consists of lines. The first line is the tree, in JSON. Each other
 * line is an operation: a letter {g: get, p: put, n: put if absent, d: delete,
 * i: insert, a: append, l: length}, then steps and, for p, n, i and a, a value,
 * all separated by blanks. Steps and values are JSON, or else text.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/utf8.h"
#include "codec/codec.h"
#include "objects/tree.h"
#include "shmrpc/dict.h"

enum { MOST_STEPS = 12, MOST_LINES = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool good)
{
    if (!good) {
        abort();
    }
}

/* ---- the dict ------------------------------------------------------------ */

static char folder[64];

static void clear_away(void)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/objects/tree.dict", folder);
    (void)unlink(path);
    (void)snprintf(path, sizeof path, "%s/objects", folder);
    (void)rmdir(path);
    (void)rmdir(folder);
}

/* Returns one dict for all inputs, emptied for each. */
static shmrpc_dict *the_dict(void)
{
    static shmrpc_dict *dict;
    const shmrpc_dict_opts opts = {.shared = {.max_bytes = 64 << 20}};
    if (dict == NULL) {
        (void)snprintf(folder, sizeof folder, "/dev/shm/fuzz-path-XXXXXX");
        need(mkdtemp(folder) != NULL);
        (void)atexit(clear_away);
        need(setenv("SHMRPC_DIR", folder, 1) == 0);
        need(shmrpc_dict_open("tree", &opts, &dict, NULL) == SHMRPC_OK);
        /* Removes the files however this process ends. */
        clear_away();
    }
    need(shmrpc_dict_clear(dict, NULL) == SHMRPC_OK);
    return dict;
}

/* ---- words --------------------------------------------------------------- */

static bool read_word(shmrpci_arena *arena, const char *word, size_t len,
                      shmrpc_any *out)
{
    const shmrpci_codec *json = shmrpci_codec_of(SHMRPC_ENCODING_JSON);
    const char *copy = shmrpci_arena_strndup(arena, word, len);
    if (copy == NULL) {
        return false;
    }
    memset(out, 0, sizeof *out);
    if (json->decode(&shmrpc_type_any, (const uint8_t *)copy, len, "value",
                     arena, out, NULL) == SHMRPC_OK) {
        return true;
    }
    *out = shmrpc_any_str(copy);
    return strlen(copy) == len && shmrpci_utf8_valid_prefix(copy, len) == len;
}

/* Puts the whole tree. Returns false if it is not a valid tree: a map has equal
 * keys, or keys that msgpack can't express. */
static bool put_whole(shmrpc_dict *dict, const shmrpc_any *tree)
{
    shmrpc_any key = shmrpc_any_str("t");
    const shmrpc_path path = shmrpc_path_of(&key, 1);
    return shmrpc_dict_put(dict, &path, tree, NULL) == SHMRPC_OK;
}

typedef struct pair {
    shmrpc_dict *dict;
    shmrpci_arena arena;
    shmrpc_any tree;
} pair;

static void compare(const pair *of)
{
    shmrpc_any key = shmrpc_any_str("t");
    const shmrpc_path path = shmrpc_path_of(&key, 1);
    const shmrpc_any *whole;
    need(shmrpc_dict_get(of->dict, &path, &whole, NULL, NULL) == SHMRPC_OK);
    need(shmrpc_any_equal(whole, &of->tree));
    shmrpc_dict_release(of->dict, whole);
}

/* ---- operations ---------------------------------------------------------- */

static int change_dict(const pair *of, char what, const shmrpc_path *path,
                       const shmrpc_any *value)
{
    switch (what) {
    case 'p':
        return shmrpc_dict_put(of->dict, path, value, NULL);
    case 'n':
        return shmrpc_dict_put_new(of->dict, path, value, NULL);
    case 'd':
        return shmrpc_dict_del(of->dict, path, NULL);
    case 'i':
        return shmrpc_dict_insert(of->dict, path, value, NULL);
    default:
        return shmrpc_dict_append(of->dict, path, value, NULL);
    }
}

static shmrpci_tree_op op_of(char what)
{
    static const char letters[] = "pndi";
    static const shmrpci_tree_op ops[] = {
        SHMRPCI_TREE_PUT, SHMRPCI_TREE_PUT_NEW, SHMRPCI_TREE_DEL,
        SHMRPCI_TREE_INSERT, SHMRPCI_TREE_APPEND};
    const char *at = strchr(letters, what);
    return ops[at != NULL ? (size_t)(at - letters) : 4];
}

static void change(pair *of, char what, const shmrpc_path *path,
                   const shmrpc_any *value)
{
    shmrpc_any changed;
    int status = change_dict(of, what, path, value);
    int expected =
        shmrpci_tree_change(&of->arena, &of->tree, path->ptr, 1, path->len,
                            op_of(what), value, &changed, NULL, NULL);
    /* Both must succeed or both must fail. If an operation has several errors,
     * the two may report different ones. */
    need((status == SHMRPC_OK) == (expected == SHMRPC_OK));
    if (status == SHMRPC_OK) {
        of->tree = changed;
    }
    compare(of);
}

static void look(const pair *of, const shmrpc_path *path)
{
    const shmrpc_any *there;
    const shmrpc_any *expected;
    uint64_t len;
    int status = shmrpc_dict_get(of->dict, path, &there, NULL, NULL);
    need(status == (int)shmrpci_tree_get(&of->tree, path->ptr, 1, path->len,
                                         &expected, NULL));
    if (status != SHMRPC_OK) {
        return;
    }
    need(shmrpc_any_equal(there, expected));
    int has_len = shmrpc_dict_len(of->dict, path, &len, NULL);
    if (expected->kind == SHMRPC_ANY_LIST) {
        need(has_len == SHMRPC_OK && len == expected->u.list.len);
    } else if (expected->kind == SHMRPC_ANY_MAP) {
        need(has_len == SHMRPC_OK && len == expected->u.map.len);
    } else {
        need(has_len != SHMRPC_OK);
    }
    shmrpc_dict_release(of->dict, there);
}

static void run_line(pair *of, const char *line, size_t len)
{
    shmrpc_any words[MOST_STEPS + 2];
    size_t count = 1;
    const char *end = line + len;
    words[0] = shmrpc_any_str("t");
    for (const char *at = line + 1; at < end && count < MOST_STEPS + 2;) {
        const char *blank = memchr(at, ' ', (size_t)(end - at));
        const char *stop = blank != NULL ? blank : end;
        if (stop > at) {
            if (!read_word(&of->arena, at, (size_t)(stop - at),
                           &words[count])) {
                return;
            }
            count++;
        }
        at = stop + 1;
    }
    bool has_value = strchr("pnia", line[0]) != NULL;
    if (strchr("gpndial", line[0]) == NULL || (has_value && count < 2)) {
        return;
    }
    size_t steps = has_value ? count - 1 : count;
    const shmrpc_path path = shmrpc_path_of(words, steps);
    if (line[0] == 'g' || line[0] == 'l') {
        look(of, &path);
    } else if (steps > 1 || line[0] == 'a') {
        change(of, line[0], &path, &words[count - 1]);
    }
}

static size_t line_len(const uint8_t *data, size_t size)
{
    const uint8_t *end = memchr(data, '\n', size);
    return end != NULL ? (size_t)(end - data) : size;
}

static void run(pair *of, const uint8_t *data, size_t size)
{
    size_t len = line_len(data, size);
    if (!read_word(&of->arena, (const char *)data, len, &of->tree) ||
        !put_whole(of->dict, &of->tree)) {
        return;
    }
    compare(of);
    for (int i = 0; i < MOST_LINES && len < size; i++) {
        data += len + 1;
        size -= len + 1;
        len = size > 0 ? line_len(data, size) : 0;
        if (len > 0 && data[0] != '\0') {
            run_line(of, (const char *)data, len);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    pair of = {.dict = the_dict()};
    shmrpci_arena_init(&of.arena, (size_t)64 << 20);
    if (size > 0) {
        run(&of, data, size);
    }
    shmrpci_arena_fini(&of.arena);
    return 0;
}
