/*
 * Tests our msgpack with kawanet/msgpack-test-suite: msgpack_suite FILE, where
 * FILE is the suite's dist/msgpack-test-suite.json. Every form of a value must
 * decode to the value, and what we write must be one of the forms. The exit
 * status is 0 if nothing is wrong.
 *
 * The suite is not part of this project: tests/runtime/codec/README.md says
 * where to get it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/codec.h"

typedef struct suite {
    shmrpci_arena arena;
    const char *group;
    int decoded;
    int encoded;
    int wrong;
} suite;

/* Converts "c4-01-ff" to bytes. */
static shmrpc_bytes unhex(suite *s, shmrpc_str text)
{
    uint8_t *bytes = shmrpci_arena_alloc(&s->arena, text.len / 2 + 1, 1);
    size_t len = 0;
    for (size_t i = 0; bytes != NULL && i + 1 < text.len; i += 3) {
        char digits[3] = {text.ptr[i], text.ptr[i + 1], '\0'};
        bytes[len++] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return (shmrpc_bytes){bytes, len};
}

static const shmrpc_any *find(const shmrpc_any *map, const char *key)
{
    for (size_t i = 0; i < map->u.map.len; i++) {
        if (shmrpc_str_equal(map->u.map.ptr[i].key.u.str, shmrpc_str_of(key))) {
            return &map->u.map.ptr[i].value;
        }
    }
    return NULL;
}

static shmrpc_any ext(int8_t ext_type, shmrpc_bytes bytes)
{
    shmrpc_any value = shmrpc_any_bytes(bytes.ptr, bytes.len);
    value.kind = SHMRPC_ANY_EXT;
    value.ext_type = ext_type;
    return value;
}

/* Takes the bytes of a timestamp extension from its first form. */
static shmrpc_any timestamp(suite *s, const shmrpc_any *entry)
{
    shmrpc_bytes form = unhex(s, find(entry, "msgpack")->u.list.ptr[0].u.str);
    size_t head = form.len == 15 ? 3 : 2;
    return ext(-1, (shmrpc_bytes){form.ptr + head, form.len - head});
}

static bool wanted(suite *s, const shmrpc_any *entry, shmrpc_any *out)
{
    static const char *const plain[] = {"nil",    "bool",  "number",
                                        "string", "array", "map"};
    const shmrpc_any *value;
    for (size_t i = 0; i < SHMRPC_COUNT(plain); i++) {
        if ((value = find(entry, plain[i])) != NULL) {
            *out = *value;
            return true;
        }
    }
    if ((value = find(entry, "bignum")) != NULL) {
        return shmrpci_codec_of(SHMRPC_ENCODING_JSON)
                   ->decode(&shmrpc_type_any, (const uint8_t *)value->u.str.ptr,
                            value->u.str.len, "", &s->arena, out,
                            NULL) == SHMRPC_OK;
    }
    if ((value = find(entry, "binary")) != NULL) {
        shmrpc_bytes bytes = unhex(s, value->u.str);
        *out = shmrpc_any_bytes(bytes.ptr, bytes.len);
        return true;
    }
    if ((value = find(entry, "ext")) != NULL) {
        *out = ext((int8_t)value->u.list.ptr[0].u.i64,
                   unhex(s, value->u.list.ptr[1].u.str));
        return true;
    }
    if (find(entry, "timestamp") != NULL) {
        *out = timestamp(s, entry);
        return true;
    }
    return false;
}

static double as_double(const shmrpc_any *value)
{
    return value->kind == SHMRPC_ANY_F64   ? value->u.f64
           : value->kind == SHMRPC_ANY_F32 ? (double)value->u.f32
           : value->kind == SHMRPC_ANY_I64 ? (double)value->u.i64
                                           : (double)value->u.u64;
}

static bool is_float(const shmrpc_any *value)
{
    return value->kind == SHMRPC_ANY_F64 || value->kind == SHMRPC_ANY_F32;
}

static bool is_number(const shmrpc_any *value)
{
    return is_float(value) || value->kind == SHMRPC_ANY_I64 ||
           value->kind == SHMRPC_ANY_U64;
}

/* Floats equal integers here, because the suite lists floats as forms of
 * integers. */
static bool same(const shmrpc_any *a, const shmrpc_any *b)
{
    if (is_number(a) && is_number(b) && (is_float(a) || is_float(b))) {
        double left = as_double(a);
        double right = as_double(b);
        return left >= right && left <= right;
    }
    return shmrpc_any_equal(a, b);
}

static void wrong(suite *s, const char *what, shmrpc_str form)
{
    s->wrong++;
    printf("WRONG %s: %s: %.*s\n", s->group, what, (int)form.len, form.ptr);
}

static void judge_entry(suite *s, const shmrpc_any *entry)
{
    const shmrpci_codec *msgpack = shmrpci_codec_of(SHMRPC_ENCODING_MSGPACK);
    const shmrpc_any *forms = find(entry, "msgpack");
    shmrpc_any value;
    shmrpc_any read;
    if (forms == NULL || !wanted(s, entry, &value)) {
        wrong(s, "unknown entry", shmrpc_str_of(""));
        return;
    }
    shmrpci_buf written;
    shmrpci_buf_init_heap(&written);
    (void)msgpack->encode(&shmrpc_type_any, &value, "", &written, NULL);
    bool is_form = false;
    for (size_t i = 0; i < forms->u.list.len; i++) {
        shmrpc_str form = forms->u.list.ptr[i].u.str;
        shmrpc_bytes bytes = unhex(s, form);
        is_form = is_form || (bytes.len == written.len &&
                              memcmp(bytes.ptr, written.data, bytes.len) == 0);
        shmrpc_error error;
        if (msgpack->decode(&shmrpc_type_any, bytes.ptr, bytes.len, "",
                            &s->arena, &read, &error) != SHMRPC_OK) {
            wrong(s, error.message, form);
        } else if (!same(&value, &read)) {
            wrong(s, "another value", form);
        } else {
            s->decoded++;
        }
    }
    if (is_form) {
        s->encoded++;
    } else {
        wrong(s, "written in no known form", forms->u.list.ptr[0].u.str);
    }
    shmrpci_buf_fini(&written);
}

static bool load(suite *s, const char *path, shmrpc_any *out)
{
    FILE *file = path != NULL ? fopen(path, "rb") : NULL;
    if (file == NULL) {
        return false;
    }
    shmrpci_buf text;
    uint8_t chunk[4096];
    shmrpci_buf_init_heap(&text);
    for (size_t got; (got = fread(chunk, 1, sizeof chunk, file)) > 0;) {
        shmrpci_buf_append(&text, chunk, got);
    }
    (void)fclose(file);
    int status = shmrpci_codec_of(SHMRPC_ENCODING_JSON)
                     ->decode(&shmrpc_type_any, text.data, text.len, "",
                              &s->arena, out, NULL);
    shmrpci_buf_fini(&text);
    return status == SHMRPC_OK && out->kind == SHMRPC_ANY_MAP;
}

int main(int argc, char **argv)
{
    suite s = {.decoded = 0};
    shmrpc_any root;
    shmrpci_arena_init(&s.arena, 0);
    if (!load(&s, argc == 2 ? argv[1] : NULL, &root)) {
        fprintf(stderr,
                "usage: msgpack_suite FILE, dist/"
                "msgpack-test-suite.json of kawanet/"
                "msgpack-test-suite: NOT RUN\n");
        shmrpci_arena_fini(&s.arena);
        return 2;
    }
    for (size_t g = 0; g < root.u.map.len; g++) {
        const shmrpc_any *entries = &root.u.map.ptr[g].value;
        s.group = root.u.map.ptr[g].key.u.str.ptr;
        for (size_t i = 0; i < entries->u.list.len; i++) {
            judge_entry(&s, &entries->u.list.ptr[i]);
        }
    }
    printf("%d forms decoded, %d values encoded, %d wrong\n", s.decoded,
           s.encoded, s.wrong);
    shmrpci_arena_fini(&s.arena);
    return s.wrong == 0 && s.decoded > 0 ? 0 : 1;
}
