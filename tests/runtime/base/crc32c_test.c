/* CRC-32C against the vectors of RFC 3720, section B.4. */
#include "base/crc32c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include <cmocka.h>

static void known_vectors(void **state)
{
    (void)state;
    uint8_t bytes[32];
    memset(bytes, 0, sizeof bytes);
    assert_int_equal(shmrpci_crc32c(0, bytes, sizeof bytes), 0x8a9136aa);
    memset(bytes, 0xFF, sizeof bytes);
    assert_int_equal(shmrpci_crc32c(0, bytes, sizeof bytes), 0x62a8ab43);
    for (uint8_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = i;
    }
    assert_int_equal(shmrpci_crc32c(0, bytes, sizeof bytes), 0x46dd794e);
    assert_int_equal(shmrpci_crc32c(0, "123456789", 9), 0xe3069283);
    assert_int_equal(shmrpci_crc32c(0, NULL, 0), 0);
}

static void goes_on_where_it_ended(void **state)
{
    (void)state;
    uint32_t first = shmrpci_crc32c(0, "12345", 5);
    assert_int_equal(shmrpci_crc32c(first, "6789", 4), 0xe3069283);
}

static void the_instruction_says_the_same(void **state)
{
    (void)state;
    uint8_t bytes[300];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(i * 167 + 13);
    }
    for (size_t from = 0; from < 9; from++) {
        for (size_t len = 0; len <= sizeof bytes - from; len++) {
            assert_int_equal(shmrpci_crc32c(7, bytes + from, len),
                             shmrpci_crc32c_portable(7, bytes + from, len));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_vectors),
        cmocka_unit_test(goes_on_where_it_ended),
        cmocka_unit_test(the_instruction_says_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
