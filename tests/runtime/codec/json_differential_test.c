/*
 * Our JSON reader against jansson: both must accept or refuse the same random
 * texts, half of them damaged, and give the same values. Known differences:
 * jansson refuses integers above 64 bits, which `any` takes as floats, and
 * allows deeper nesting.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "codec/codec.h"
#include "random_json.h"

#define TEXTS 15000

static bool same(const shmrpc_any *ours, const json_t *theirs);

static bool same_map(const shmrpc_any *ours, const json_t *theirs)
{
    bool equal = json_object_size(theirs) == ours->u.map.len;
    for (size_t i = 0; equal && i < ours->u.map.len; i++) {
        const shmrpc_any_entry *entry = &ours->u.map.ptr[i];
        /* jansson looks up keys as C strings; it refuses keys with NULs. */
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
    case SHMRPC_ANY_F32:
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
        random_json(&text, &seed, 4);
        if (i % 2 == 1) {
            damage_json(&text, &seed);
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
