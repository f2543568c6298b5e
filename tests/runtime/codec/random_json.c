/* Random JSON texts. */
#include "random_json.h"

#include <stdbool.h>
#include <string.h>

#include "random.h"

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
        random_json(out, seed, depth - 1);
        if (i + 1 < count) {
            shmrpci_buf_append_char(out, ',');
        }
    }
    put_space(out, seed);
    shmrpci_buf_append_char(out, is_object ? '}' : ']');
}

void random_json(shmrpci_buf *out, uint64_t *seed, int depth)
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

void damage_json(shmrpci_buf *text, uint64_t *seed)
{
    static const char bytes[] = "{}[]\",:\\0123456789eE+-.tnfu \n\x01\x80\xff";
    for (unsigned i = random_below(seed, 2) + 1; i > 0 && text->len > 0; i--) {
        size_t at = random_bits(seed) % text->len;
        text->data[at] = (uint8_t)bytes[random_below(seed, sizeof bytes - 1)];
    }
}
