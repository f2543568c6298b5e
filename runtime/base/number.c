/* Reads decimal integers, digit by digit. */
#include "base/number.h"

bool shmrpci_number_read(const char *text, uint64_t least, uint64_t most,
                         uint64_t *out)
{
    uint64_t value = 0;
    if (*text == '\0') {
        return false;
    }
    for (; *text != '\0'; text++) {
        uint64_t digit = (uint64_t)(unsigned char)*text - '0';
        if (digit > 9 || value > (UINT64_MAX - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    if (value < least || value > most) {
        return false;
    }
    *out = value;
    return true;
}
