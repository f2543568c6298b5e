/*
 * The words that editors colour are those of the language: its keywords from
 * the lexer's table, its types and encodings from the schema's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "generator/output.h"
#include "generator/value.h"
#include "grammar.h"
#include "idl/schema.h"
#include "idl/syntax/svcparse.h"
#include "idl/syntax/token.h"

typedef enum group { KEYWORDS, ENCODINGS, TYPES, CONSTANTS } group;

static const char *const group_names[] = {"keywords", "encodings", "types",
                                          "constants"};

static bool is_type(int kind)
{
    return kind == TK_LIST || kind == TK_MAP;
}

static group group_of(int kind)
{
    return kind == TK_TRUE || kind == TK_FALSE ? CONSTANTS
           : kind == TK_RAW || kind == TK_JSON || kind == TK_MSGPACK ||
                   kind == TK_NATIVE
               ? ENCODINGS
           : is_type(kind) ? TYPES
                           : KEYWORDS;
}

static size_t count_words(const char *words)
{
    size_t count = 0;
    for (const char *at = words; *at != '\0';) {
        at += strspn(at, " ");
        size_t len = strcspn(at, " ");
        count += len > 0;
        at += len;
    }
    return count;
}

static void require_word(const char *words, const char *word, group g)
{
    char mark[64];
    (void)snprintf(mark, sizeof mark, " %s ", word);
    if (strstr(words, mark) == NULL) {
        (void)printf("`%s` is missing in the %s:%s\n", word, group_names[g],
                     words);
        fail();
    }
}

/* Checks that `words`, such as " word word ", has all words of the group and no
 * others. */
static void check_group(group g, const char *words)
{
    size_t count = 0;
    for (int kind = 1; kind < svc_parse_kind_count(); kind++) {
        const char *word = idl_token_word(kind);
        if (word != NULL && group_of(kind) == g) {
            require_word(words, word, g);
            count++;
        }
    }
    for (int kind = IDL_BOOL; g == TYPES && kind <= IDL_ANY; kind++) {
        require_word(words, idl_kind_name((idl_kind)kind), g);
        count++;
    }
    if (count_words(words) != count) {
        (void)printf("the %s have words that the language hasn't:%s\n",
                     group_names[g], words);
    }
    assert_int_equal(count_words(words), count);
}

static const char *read_file(const char *path, shmrpci_buf *out)
{
    shmrpci_buf_init_heap(out);
    assert_int_equal(gen_output_read(path, out, NULL), SHMRPC_OK);
    return shmrpci_buf_text(out);
}

/* let s:keywords = "package import ..." */
static void vim_has_all_words(void **state)
{
    (void)state;
    shmrpci_buf file;
    const char *text = read_file(EDITORS "/vim/syntax/svc.vim", &file);
    for (int g = KEYWORDS; g <= CONSTANTS; g++) {
        char begin[64];
        char words[512];
        (void)snprintf(begin, sizeof begin, "\nlet s:%s = \"", group_names[g]);
        const char *at = strstr(text, begin);
        assert_non_null(at);
        at += strlen(begin);
        (void)snprintf(words, sizeof words, " %.*s ", (int)strcspn(at, "\""),
                       at);
        check_group((group)g, words);
    }
    shmrpci_buf_fini(&file);
}

/* "match": "\\b(package|import|...)\\b..." */
static void words_of_pattern(const char *pattern, char *words, size_t size)
{
    const char *open = strchr(pattern, '(');
    assert_non_null(open);
    (void)snprintf(words, size, " %.*s ", (int)strcspn(open + 1, ")"),
                   open + 1);
    for (char *at = words; *at != '\0'; at++) {
        *at = (char)(*at == '|' ? ' ' : *at);
    }
}

static const gen_value *get(const gen_value *object, const char *key)
{
    const gen_value *found = gen_get(object, key, strlen(key));
    assert_non_null(found);
    return found;
}

static void textmate_has_all_words(void **state)
{
    (void)state;
    shmrpci_buf file;
    gen_tree tree;
    gen_value *root = NULL;
    size_t bad = 0;
    (void)read_file(EDITORS "/textmate/svc.tmLanguage.json", &file);
    gen_tree_init(&tree);
    assert_int_equal(
        gen_read_json(&tree, (const char *)file.data, file.len, &root, &bad),
        SHMRPC_OK);
    const gen_value *repository = get(root, "repository");
    for (int g = KEYWORDS; g <= CONSTANTS; g++) {
        char words[512];
        const gen_value *entry = get(repository, group_names[g]);
        words_of_pattern(get(entry, "match")->text, words, sizeof words);
        check_group((group)g, words);
    }
    char methods[512];
    words_of_pattern(get(get(repository, "method"), "match")->text, methods,
                     sizeof methods);
    check_group(ENCODINGS, methods);
    gen_tree_fini(&tree);
    shmrpci_buf_fini(&file);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(vim_has_all_words),
        cmocka_unit_test(textmate_has_all_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
