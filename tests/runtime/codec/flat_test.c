/* Values copied without the codec give the same bytes as the codec, in both
 * directions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "codec/flat.h"
#include "sample.h"

typedef struct point_params {
    const sample_point *point;
} point_params;

static const shmrpc_field point_fields[] = {
    SHMRPC_FIELD_INIT(1, "point", &sample_point_type, point_params, point,
                      SHMRPC_FIELD_POINTER, NULL, NULL),
};
static const shmrpc_type point_params_type = SHMRPC_TYPE_STRUCT_INIT(
    point_params, SHMRPC_TYPE_PARAMS, 8, 4, NULL, NULL, point_fields);

static const shmrpc_type longest_type =
    SHMRPC_TYPE_ARRAY_INIT(uint64_t, SHMRPC_TYPE_FLAT | SHMRPC_TYPE_FIXED, 120,
                           8, 15, &shmrpc_type_u64);
static const shmrpc_type too_long_type =
    SHMRPC_TYPE_ARRAY_INIT(uint64_t, SHMRPC_TYPE_FLAT | SHMRPC_TYPE_FIXED, 128,
                           8, 16, &shmrpc_type_u64);

static const shmrpci_codec *native(void)
{
    return shmrpci_codec_of(SHMRPC_ENCODING_NATIVE);
}

static void is_refused(const shmrpci_flat *flat, const shmrpc_type *type,
                       const uint8_t *image, size_t len)
{
    uint8_t value[SHMRPCI_FLAT_MAX_BYTES];
    shmrpc_error error;
    shmrpci_arena arena;
    shmrpci_arena_init(&arena, 0);
    assert_false(shmrpci_flat_fits(flat, image, len));
    assert_int_equal(
        native()->decode(type, image, len, "v", &arena, value, &error),
        SHMRPC_E_INVALID);
    shmrpci_arena_fini(&arena);
}

static void write_image(const shmrpci_flat *flat, const void *params,
                        uint8_t *image)
{
    uint64_t header = shmrpci_flat_header(flat);
    memcpy(image, &header, flat->start);
    memcpy(image + flat->start, shmrpci_flat_value(flat, params),
           flat->bytes - flat->start);
}

/* Checks a value of `size` bytes. `params` is a pointer to it, or is the value
 * itself. */
static void is_copied(const shmrpc_type *type, const void *params,
                      const void *value, size_t size)
{
    /* The guard bytes show that nothing beyond an image is written or read. */
    uint8_t image[SHMRPCI_FLAT_MAX_BYTES + 1];
    uint8_t copy[SHMRPCI_FLAT_MAX_BYTES];
    shmrpci_buf bytes;
    shmrpci_flat flat = shmrpci_flat_of(native(), type);
    assert_true(flat.is_pointed || type->size == size);
    assert_int_equal(flat.is_pointed, params != value);
    assert_int_equal(flat.bytes, flat.start + size);
    memset(image, 0xA5, sizeof image);
    write_image(&flat, params, image);
    assert_int_equal(image[flat.bytes], 0xA5);
    shmrpci_buf_init_heap(&bytes);
    assert_int_equal(native()->encode(type, params, "v", &bytes, NULL), 0);
    assert_int_equal(bytes.len, flat.bytes);
    assert_memory_equal(bytes.data, image, bytes.len);
    assert_true(shmrpci_flat_fits(&flat, bytes.data, bytes.len));
    shmrpci_flat_read(&flat, bytes.data, copy);
    assert_memory_equal(copy, value, size);

    is_refused(&flat, type, bytes.data, bytes.len - 1);
    is_refused(&flat, type, bytes.data, 3);
    is_refused(&flat, type, bytes.data, 0);
    for (int i = 0; i < 4; i++) {
        bytes.data[i] ^= 1;
        is_refused(&flat, type, bytes.data, bytes.len);
        bytes.data[i] ^= 1;
    }
    image[0]++;
    is_refused(&flat, type, image, bytes.len);
    shmrpci_buf_fini(&bytes);
}

static void numbers_and_structs_are_copied(void **state)
{
    (void)state;
    const uint8_t small = 200;
    const int16_t even = -2;
    const uint32_t word = UINT32_MAX;
    const double real = -0.5;
    const sample_point point = {.x = 1, .y = -2};
    const sample_sum sum = {INT64_MIN, INT64_MAX};
    const uint16_t triple[3] = {1, 2, 65535};
    const uint8_t nothing = 0;
    uint64_t longest[15];
    memset(longest, 0x5A, sizeof longest);
    is_copied(&shmrpc_type_u8, &small, &small, sizeof small);
    is_copied(&shmrpc_type_i16, &even, &even, sizeof even);
    is_copied(&shmrpc_type_u32, &word, &word, sizeof word);
    is_copied(&shmrpc_type_f64, &real, &real, sizeof real);
    is_copied(&sample_point_type, &point, &point, sizeof point);
    is_copied(&sample_sum_type, &sum, &sum, sizeof sum);
    is_copied(&sample_triple_type, triple, triple, sizeof triple);
    is_copied(&shmrpc_type_no_params, &nothing, &nothing, sizeof nothing);
    is_copied(&longest_type, longest, longest, sizeof longest);
}

static void a_pointer_to_a_struct_is_followed(void **state)
{
    (void)state;
    const sample_point point = {.x = 3, .y = 4};
    const point_params params = {&point};
    is_copied(&point_params_type, &params, &point, sizeof point);
}

static void all_else_is_the_codec_s(void **state)
{
    (void)state;
    static const shmrpc_type *const others[] = {
        NULL,
        &shmrpc_type_bool,
        &shmrpc_type_string,
        &shmrpc_type_any,
        &too_long_type,
        &sample_params_type,
        &sample_colour_type,
        &sample_i32_list_type,
        &sample_level_type,
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        shmrpci_flat flat = shmrpci_flat_of(native(), others[i]);
        assert_int_equal(flat.bytes, 0);
        assert_false(shmrpci_flat_fits(&flat, (const uint8_t *)"", 0));
    }
    for (uint32_t i = SHMRPC_ENCODING_RAW; i < SHMRPC_ENCODING_NATIVE; i++) {
        shmrpci_flat flat =
            shmrpci_flat_of(shmrpci_codec_of(i), &sample_sum_type);
        assert_int_equal(flat.bytes, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_and_structs_are_copied),
        cmocka_unit_test(a_pointer_to_a_struct_is_followed),
        cmocka_unit_test(all_else_is_the_codec_s),
    };
    sample_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
