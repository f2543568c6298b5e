/* CRC-32C by the processor's instruction, or by a table of 16 entries. */
#include "base/crc32c.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

/* Remainders of all 4-bit values for the reflected polynomial 0x82F63B78. */
static const uint32_t nibbles[16] = {
    0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
    0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
    0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
};

uint32_t shmrpci_crc32c_portable(uint32_t crc, const void *data, size_t len)
{
    const uint8_t *bytes = data;
    crc = ~crc;
    for (size_t i = 0; i < len; i++) {
        crc ^= bytes[i];
        crc = crc >> 4 ^ nibbles[crc & 15];
        crc = crc >> 4 ^ nibbles[crc & 15];
    }
    return ~crc;
}

#if defined __x86_64__ && defined __GNUC__
/* The answer is cached, because in a virtual machine the query takes a
 * microsecond. __builtin_cpu_supports is not used, because gold can't link it
 * with link-time optimisation. */
static bool has_instruction(void)
{
    enum { UNKNOWN, NO, YES };
    static _Atomic int answer = UNKNOWN;
    /* Relaxed: concurrent callers compute the same answer. */
    int known = atomic_load_explicit(&answer, memory_order_relaxed);
    if (known == UNKNOWN) {
        uint32_t a = 1;
        uint32_t b;
        uint32_t c = 0;
        uint32_t d;
        __asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
        known = (c & UINT32_C(1) << 20) != 0 ? YES : NO; /* SSE4.2 */
        atomic_store_explicit(&answer, known, memory_order_relaxed);
    }
    return known == YES;
}

__attribute__((target("sse4.2"))) static uint32_t
by_instruction(uint32_t crc, const uint8_t *bytes, size_t len)
{
    uint64_t sum = ~crc;
    for (; len >= sizeof sum; len -= sizeof sum, bytes += sizeof sum) {
        uint64_t word;
        memcpy(&word, bytes, sizeof word);
        sum = __builtin_ia32_crc32di(sum, word);
    }
    for (; len > 0; len--, bytes++) {
        sum = __builtin_ia32_crc32qi((uint32_t)sum, *bytes);
    }
    return ~(uint32_t)sum;
}
#else
static bool has_instruction(void)
{
    return false;
}

static uint32_t by_instruction(uint32_t crc, const uint8_t *bytes, size_t len)
{
    return shmrpci_crc32c_portable(crc, bytes, len);
}
#endif

uint32_t shmrpci_crc32c(uint32_t crc, const void *data, size_t len)
{
    return has_instruction() ? by_instruction(crc, data, len)
                             : shmrpci_crc32c_portable(crc, data, len);
}
