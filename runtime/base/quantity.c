/* Numbers with units. */
#include "base/quantity.h"

#include <string.h>

static const shmrpci_unit time_units[] = {
    {"", 1000000000},
    {"s", 1000000000},
    {"ms", 1000000},
    {"us", 1000},
    {"ns", 1},
    {"m", UINT64_C(60000000000)},
    {"h", UINT64_C(3600000000000)},
};

enum { TIME_UNITS = sizeof time_units / sizeof *time_units };

/* Reads the fraction after a decimal point and multiplies it by `scale`, which
 * is at most 2^42; digits after the sixth are ignored. */
static uint64_t read_fraction(const char **at, uint64_t scale)
{
    uint64_t digits = 0;
    uint64_t whole = 1;
    for (; **at >= '0' && **at <= '9'; (*at)++) {
        if (whole < 1000000) {
            digits = digits * 10 + (uint64_t)(**at - '0');
            whole *= 10;
        }
    }
    return digits * scale / whole;
}

/* Reads a number with or without a fraction, times `scale`; moves `*at` behind
 * it. Returns false if there is no number, or if it is above UINT64_MAX. */
static bool read_decimal(const char **at, uint64_t scale, uint64_t *out)
{
    uint64_t whole = 0;
    uint64_t fraction = 0;
    if (**at < '0' || **at > '9') {
        return false;
    }
    for (; **at >= '0' && **at <= '9'; (*at)++) {
        uint64_t digit = (uint64_t)(**at - '0');
        if (whole > (UINT64_MAX - digit) / 10) {
            return false;
        }
        whole = whole * 10 + digit;
    }
    if (**at == '.' && (*at)[1] >= '0' && (*at)[1] <= '9') {
        (*at)++;
        fraction = read_fraction(at, scale);
    }
    if (whole > (UINT64_MAX - fraction) / scale) {
        return false;
    }
    *out = whole * scale + fraction;
    return true;
}

bool shmrpci_quantity_read(const char *text, const shmrpci_unit *units,
                           size_t count, uint64_t *out)
{
    size_t digits = strspn(text, "0123456789.");
    for (size_t i = 0; i < count; i++) {
        const char *at = text;
        if (strcmp(text + digits, units[i].name) == 0 &&
            read_decimal(&at, units[i].scale, out) && at == text + digits) {
            return true;
        }
    }
    return false;
}

bool shmrpci_duration_read(const char *text, uint64_t *out_ns)
{
    return shmrpci_quantity_read(text, time_units, TIME_UNITS, out_ns);
}

uint64_t shmrpci_duration_unit(const char *name, size_t len)
{
    for (size_t i = 0; i < TIME_UNITS; i++) {
        if (strlen(time_units[i].name) == len &&
            memcmp(time_units[i].name, name, len) == 0) {
            return time_units[i].scale;
        }
    }
    return 0;
}
