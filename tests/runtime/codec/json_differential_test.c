/*
 * Our JSON reader against jansson: random texts, half of them damaged, are
 * accepted or refused alike and give the same values. Known differences:
 * jansson refuses integers above 64 bits, which `any` takes as floats, and
 * nests deeper.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "codec/codec.h"
#include "random.h"

#define TEXTS 15000

static void put_value(shmrpci_buf *out, uint64_t *seed, int depth);

static void put_space(shmrpci_buf *out, uint64_t *seed)
{
    static const char *const spaces[] = {"", "", "", "", " ", "\n", "\t\r "};
    shmrpci_buf_append_text(out, spaces[random_below(seed, 7)]);
}

static void put_string(shmrpci_buf *out, uint64_t *seed)
{
    static const char *const pieces[] = {"a",
                                         "key",
                                         "\\n",
                                         "\\\"",
                                         "\\u00e9",
                                         "\xc3\xa9",
                                         "\\ud83d\\ude00",
                                         "\xf0\x9f\x98\x80",
                                         "\\u0000",
                                         "\\\\",
                                         "\\/",
                                         " ",
                                         "12345678",
                                         "\xe2\x82\xac",
                                         "\\uFFFF"};
    shmrpci_buf_append_char(out, '"');
    for (unsigned i = random_below(seed, 5); i > 0; i--) {
        shmrpci_buf_append_text(
            out, pieces[random_below(seed, sizeof pieces / sizeof *pieces)]);
    }
    shmrpci_buf_append_char(out, '"');
}

static void put_number(shmrpci_buf *out, uint64_t *seed)
{
    uint64_t bits = random_bits(seed);
    double number;
    memcpy(&number, &bits, sizeof number);
    switch (random_below(seed, 6)) {
    case 0:
        shmrpci_buf_printf(out, "%u", random_below(seed, 1000));
        break;
    case 1:
        shmrpci_buf_printf(out, "%lld", (long long)bits);
        break;
    case 2:
        if (number - number == 0) {
            shmrpci_buf_printf(out, "%.17g", number);
        } else {
            shmrpci_buf_append_text(out, "-0.0");
        }
        break;
    case 3:
        shmrpci_buf_printf(out, "%u.%u", random_below(seed, 100),
                           random_below(seed, 1000000));
        break;
    case 4:
        shmrpci_buf_printf(out, "-%uE+%u", random_below(seed, 100),
                           random_below(seed, 320));
        break;
    default:
        shmrpci_buf_printf(out, "%llue-%u", (unsigned long long)bits,
                           random_below(seed, 340));
        break;
    }
}

static void put_container(shmrpci_buf *out, uint64_t *seed, int depth)
{
    bool is_object = random_below(seed, 2) == 0;
    unsigned count = random_below(seed, 12);
    shmrpci_buf_append_char(out, is_object ? '{' : '[');
    for (unsigned i = 0; i < count; i++) {
        put_space(out, seed);
        if (is_object) {
            put_string(out, seed);
            put_space(out, seed);
            shmrpci_buf_append_char(out, ':');
        }
        put_value(out, seed, depth - 1);
        if (i + 1 < count) {
            shmrpci_buf_append_char(out, ',');
        }
    }
    put_space(out, seed);
    shmrpci_buf_append_char(out, is_object ? '}' : ']');
}

static void put_value(shmrpci_buf *out, uint64_t *seed, int depth)
{
    static const char *const words[] = {"null", "true", "false"};
    put_space(out, seed);
    unsigned choice = random_below(seed, depth > 0 ? 6 : 3);
    if (choice == 0) {
        shmrpci_buf_append_text(out, words[random_below(seed, 3)]);
    } else if (choice == 1) {
        put_string(out, seed);
    } else if (choice == 2) {
        put_number(out, seed);
    } else {
        put_container(out, seed, depth);
    }
    put_space(out, seed);
}

/* One or two bytes become others that mean something in JSON. */
static void damage(shmrpci_buf *text, uint64_t *seed)
{
    static const char bytes[] = "{}[]\",:\\0123456789eE+-.tnfu \n\x01\x80\xff";
    for (unsigned i = random_below(seed, 2) + 1; i > 0 && text->len > 0; i--) {
        size_t at = random_bits(seed) % text->len;
        text->data[at] = (uint8_t)bytes[random_below(seed, sizeof bytes - 1)];
    }
}

static bool same(const shmrpc_any *ours, const json_t *theirs);

static bool same_map(const shmrpc_any *ours, const json_t *theirs)
{
    bool equal = json_object_size(theirs) == ours->u.map.len;
    for (size_t i = 0; equal && i < ours->u.map.len; i++) {
        const shmrpc_any_entry *entry = &ours->u.map.ptr[i];
        /* jansson finds keys by C string; keys with NULs it refuses. */
        const json_t *value = json_object_get(theirs, entry->key.u.str.ptr);
        equal = value != NULL && same(&entry->value, value);
    }
    return equal;
}

static bool same(const shmrpc_any *ours, const json_t *theirs)
{
    switch (ours->kind) {
    case SHMRPC_ANY_NULL:
        return json_is_null(theirs);
    case SHMRPC_ANY_BOOL:
        return json_is_boolean(theirs) && ours->u.b == json_is_true(theirs);
    case SHMRPC_ANY_I64:
        return json_is_integer(theirs) &&
               ours->u.i64 == json_integer_value(theirs);
    case SHMRPC_ANY_F64: {
        double number = json_real_value(theirs);
        return json_is_real(theirs) &&
               memcmp(&number, &ours->u.f64, sizeof number) == 0;
    }
    case SHMRPC_ANY_STR:
        return json_is_string(theirs) &&
               json_string_length(theirs) == ours->u.str.len &&
               memcmp(json_string_value(theirs), ours->u.str.ptr,
                      ours->u.str.len) == 0;
    case SHMRPC_ANY_LIST: {
        bool equal = json_array_size(theirs) == ours->u.list.len;
        for (size_t i = 0; equal && i < ours->u.list.len; i++) {
            equal = same(&ours->u.list.ptr[i], json_array_get(theirs, i));
        }
        return equal && json_is_array(theirs);
    }
    case SHMRPC_ANY_MAP:
        return json_is_object(theirs) && same_map(ours, theirs);
    case SHMRPC_ANY_U64:
    case SHMRPC_ANY_BYTES:
    case SHMRPC_ANY_EXT:
        break;
    }
    return false;
}

static bool is_known_difference(const json_error_t *error)
{
    return strstr(error->text, "too big") != NULL ||
           strstr(error->text, "NUL byte in object key") != NULL;
}

static void texts(void **state)
{
    (void)state;
    uint64_t seed = 7;
    int accepted = 0;
    shmrpci_buf text;
    shmrpci_buf_init_heap(&text);
    for (int i = 0; i < TEXTS; i++) {
        shmrpci_buf_reset(&text);
        put_value(&text, &seed, 4);
        if (i % 2 == 1) {
            damage(&text, &seed);
        }
        json_error_t their_error;
        json_t *theirs = json_loadb((const char *)text.data, text.len,
                                    JSON_REJECT_DUPLICATES | JSON_DECODE_ANY |
                                        JSON_ALLOW_NUL,
                                    &their_error);
        shmrpc_any ours;
        shmrpc_error error = {.message = "accepted"};
        shmrpci_arena arena;
        shmrpci_arena_init(&arena, 0);
        bool ok = shmrpci_codec_of(SHMRPC_ENCODING_JSON)
                      ->decode(&shmrpc_type_any, text.data, text.len, "",
                               &arena, &ours, &error) == SHMRPC_OK;
        if (theirs != NULL ? !ok || !same(&ours, theirs)
                           : ok && !is_known_difference(&their_error)) {
            fail_msg("text %d: %.*s\nours: %s\njansson: %s", i, (int)text.len,
                     (const char *)text.data, error.message,
                     theirs != NULL ? "accepted" : their_error.text);
        }
        accepted += ok;
        json_decref(theirs);
        shmrpci_arena_fini(&arena);
    }
    print_message("%d texts, %d accepted\n", TEXTS, accepted);
    assert_true(accepted > TEXTS / 3 && accepted < TEXTS);
    shmrpci_buf_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(texts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
