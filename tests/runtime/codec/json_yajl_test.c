/*
 * Our JSON against yajl: both must accept or refuse the same random texts, half
 * of them damaged, and give the same values; and yajl must read what we write.
 *
 * yajl is less strict: it accepts duplicate keys, unpaired surrogates and some
 * bytes that are not UTF-8, and leaves the range of numbers to its caller.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <yajl/yajl_parse.h>

#include "codec/codec.h"
#include "random_json.h"

#define TEXTS 15000

/* The values of both sides as one flat text, such as `{s1:as2:hi}`, for
 * comparison. */
typedef shmrpci_buf flat;

static void flat_text(flat *out, const void *text, size_t len)
{
    shmrpci_buf_printf(out, "s%zu:", len);
    shmrpci_buf_append(out, text, len);
}

static void flat_any(flat *out, const shmrpc_any *value)
{
    switch (value->kind) {
    case SHMRPC_ANY_NULL:
        shmrpci_buf_append_text(out, "null ");
        break;
    case SHMRPC_ANY_BOOL:
        shmrpci_buf_append_text(out, value->u.b ? "true " : "false ");
        break;
    case SHMRPC_ANY_I64:
        shmrpci_buf_printf(out, "%lld ", (long long)value->u.i64);
        break;
    case SHMRPC_ANY_U64:
        shmrpci_buf_printf(out, "%llu ", (unsigned long long)value->u.u64);
        break;
    case SHMRPC_ANY_F64:
        shmrpci_buf_printf(out, "%a ", value->u.f64);
        break;
    case SHMRPC_ANY_STR:
        flat_text(out, value->u.str.ptr, value->u.str.len);
        break;
    case SHMRPC_ANY_LIST:
        shmrpci_buf_append_char(out, '[');
        for (size_t i = 0; i < value->u.list.len; i++) {
            flat_any(out, &value->u.list.ptr[i]);
        }
        shmrpci_buf_append_char(out, ']');
        break;
    case SHMRPC_ANY_MAP:
        shmrpci_buf_append_char(out, '{');
        for (size_t i = 0; i < value->u.map.len; i++) {
            flat_any(out, &value->u.map.ptr[i].key);
            flat_any(out, &value->u.map.ptr[i].value);
        }
        shmrpci_buf_append_char(out, '}');
        break;
    case SHMRPC_ANY_F32:
    case SHMRPC_ANY_BYTES:
    case SHMRPC_ANY_EXT:
        fail_msg("a value of a kind that JSON does not have");
    }
}

static int on_null(void *out)
{
    shmrpci_buf_append_text(out, "null ");
    return 1;
}

static int on_boolean(void *out, int truth)
{
    shmrpci_buf_append_text(out, truth != 0 ? "true " : "false ");
    return 1;
}

/* Keeps integers of 64 bits exact, everything else as a double. */
static int on_number(void *out, const char *text, size_t len)
{
    char copy[1100];
    char wanted[32];
    assert_true(len < sizeof copy);
    memcpy(copy, text, len);
    copy[len] = '\0';
    snprintf(wanted, sizeof wanted, "%lld", strtoll(copy, NULL, 10));
    if (strcmp(wanted, copy) != 0) {
        snprintf(wanted, sizeof wanted, "%llu", strtoull(copy, NULL, 10));
    }
    if (strcmp(wanted, copy) == 0) {
        shmrpci_buf_printf(out, "%s ", copy);
    } else if (strcmp(copy, "-0") == 0) {
        shmrpci_buf_append_text(out, "0 ");
    } else {
        shmrpci_buf_printf(out, "%a ", strtod(copy, NULL));
    }
    return 1;
}

static int on_string(void *out, const unsigned char *text, size_t len)
{
    flat_text(out, text, len);
    return 1;
}

static int on_map(void *out)
{
    shmrpci_buf_append_char(out, '{');
    return 1;
}

static int on_map_end(void *out)
{
    shmrpci_buf_append_char(out, '}');
    return 1;
}

static int on_list(void *out)
{
    shmrpci_buf_append_char(out, '[');
    return 1;
}

static int on_list_end(void *out)
{
    shmrpci_buf_append_char(out, ']');
    return 1;
}

static bool yajl_reads(const shmrpci_buf *text, flat *out)
{
    static const yajl_callbacks callbacks = {
        .yajl_null = on_null,
        .yajl_boolean = on_boolean,
        .yajl_number = on_number,
        .yajl_string = on_string,
        .yajl_start_map = on_map,
        .yajl_map_key = on_string,
        .yajl_end_map = on_map_end,
        .yajl_start_array = on_list,
        .yajl_end_array = on_list_end,
    };
    shmrpci_buf_reset(out);
    yajl_handle handle = yajl_alloc(&callbacks, NULL, out);
    assert_non_null(handle);
    bool ok = yajl_parse(handle, text->data, text->len) == yajl_status_ok &&
              yajl_complete_parse(handle) == yajl_status_ok;
    yajl_free(handle);
    return ok;
}

static bool is_stricter(const char *message)
{
    static const char *const starts[] = {"duplicate key", "unpaired surrogate",
                                         "not UTF-8", "number out of range",
                                         "unterminated string"};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        if (strncmp(message, starts[i], strlen(starts[i])) == 0) {
            return true;
        }
    }
    return false;
}

static void check_same(int number, const char *what, const flat *ours,
                       const flat *theirs)
{
    if (ours->len != theirs->len ||
        memcmp(ours->data, theirs->data, ours->len) != 0) {
        fail_msg("text %d, %s\nours: %.*s\nyajl: %.*s", number, what,
                 (int)ours->len, (const char *)ours->data, (int)theirs->len,
                 (const char *)theirs->data);
    }
}

/* What we have read and written again must read the same in yajl. */
static void check_written(int number, const shmrpc_any *value, const flat *ours,
                          flat *theirs)
{
    shmrpci_buf text;
    shmrpci_buf_init_heap(&text);
    assert_int_equal(shmrpci_codec_of(SHMRPC_ENCODING_JSON)
                         ->encode(&shmrpc_type_any, value, "", &text, NULL),
                     SHMRPC_OK);
    assert_true(yajl_reads(&text, theirs));
    check_same(number, "written", ours, theirs);
    shmrpci_buf_fini(&text);
}

static bool check_text(int number, const shmrpci_buf *text, flat *ours,
                       flat *theirs)
{
    shmrpc_any value;
    shmrpc_error error = {.message = "accepted"};
    shmrpci_arena arena;
    shmrpci_arena_init(&arena, 0);
    bool ok = shmrpci_codec_of(SHMRPC_ENCODING_JSON)
                  ->decode(&shmrpc_type_any, text->data, text->len, "", &arena,
                           &value, &error) == SHMRPC_OK;
    bool their_ok = yajl_reads(text, theirs);
    if (ok != their_ok && !(their_ok && is_stricter(error.message))) {
        fail_msg("text %d: %.*s\nours: %s\nyajl: %s", number, (int)text->len,
                 (const char *)text->data, error.message,
                 their_ok ? "accepted" : "refused");
    }
    if (ok) {
        shmrpci_buf_reset(ours);
        flat_any(ours, &value);
        check_same(number, "read", ours, theirs);
        check_written(number, &value, ours, theirs);
    }
    shmrpci_arena_fini(&arena);
    return ok;
}

static void texts(void **state)
{
    (void)state;
    uint64_t seed = 17;
    int accepted = 0;
    shmrpci_buf text;
    flat ours;
    flat theirs;
    shmrpci_buf_init_heap(&text);
    shmrpci_buf_init_heap(&ours);
    shmrpci_buf_init_heap(&theirs);
    for (int i = 0; i < TEXTS; i++) {
        shmrpci_buf_reset(&text);
        random_json(&text, &seed, 4);
        if (i % 2 == 1) {
            damage_json(&text, &seed);
        }
        accepted += check_text(i, &text, &ours, &theirs);
    }
    print_message("%d texts, %d accepted\n", TEXTS, accepted);
    assert_true(accepted > TEXTS / 3 && accepted < TEXTS);
    shmrpci_buf_fini(&text);
    shmrpci_buf_fini(&ours);
    shmrpci_buf_fini(&theirs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(texts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
