/* The values that all rivals encode; every run uses the same values. */
#include <stdio.h>
#include <string.h>

#include "case.h"
#include "rival.h"

enum { TAGS = 5, POSITIONS = 12, TEXT_BYTES = 540 };

static const char *const words[] = {
    "shared", "memory", "worker", "caf\xc3\xa9", "queue", "\"quoted\"",
    "lock",   "index",  "search", "document",    "page",  "offset",
};

static uint64_t next_random(void)
{
    static uint64_t state = 88172645463325252U;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static const char *random_word(void)
{
    return words[next_random() % (sizeof words / sizeof *words)];
}

/* Makes a text of words with about `len` bytes. */
static shmrpc_str make_text(size_t len)
{
    char *const text = bench_alloc(len + 16);
    size_t at = 0;
    while (at < len) {
        at += (size_t)snprintf(text + at, len + 16 - at, "%s%s",
                               at > 0 ? " " : "", random_word());
        if (at + 10 > len) {
            break;
        }
    }
    return shmrpc_str_of(text);
}

static shmrpc_str make_name(const char *format, unsigned number)
{
    char *const text = bench_alloc(80);
    snprintf(text, 80, format, number);
    return shmrpc_str_of(text);
}

static rec_record make_record(unsigned number)
{
    shmrpc_str *const tags = bench_alloc(TAGS * sizeof *tags);
    uint32_t *const positions = bench_alloc(POSITIONS * sizeof *positions);
    for (int i = 0; i < TAGS; i++) {
        tags[i] = shmrpc_str_of(random_word());
    }
    for (int i = 0; i < POSITIONS; i++) {
        positions[i] = (uint32_t)(next_random() % 100000);
    }
    rec_record record;
    memset(&record, 0, sizeof record);
    record.id = UINT64_C(900000000000) + number;
    record.title = make_text(50);
    record.url =
        make_name("https://example.org/documents/2024/%06u.html", number);
    record.text = make_text(TEXT_BYTES);
    /* A score has all 17 digits, like a measured value; a price has two
     * decimals. */
    record.score = (double)(next_random() >> 11) / 9007199254740992.0;
    record.price = (double)(next_random() % 100000) / 100;
    record.created = INT64_C(1700000000000000) + number * 977;
    record.modified = record.created + 12345678;
    record.published = number % 3 != 0;
    record.tags.ptr = tags;
    record.tags.len = TAGS;
    record.positions.ptr = positions;
    record.positions.len = POSITIONS;
    record.author.id = 4000 + number;
    record.author.name = make_name("Author Number %u", number);
    record.author.email = make_name("author.%u@example.org", number);
    return record;
}

const void *rival_value(rival_record record)
{
    static rec_small small;
    static rec_record many[RIVAL_MANY_COUNT];
    static rec_records list;
    if (list.records.len == 0) {
        for (unsigned i = 0; i < RIVAL_MANY_COUNT; i++) {
            many[i] = make_record(i);
        }
        list.records.ptr = many;
        list.records.len = RIVAL_MANY_COUNT;
        small.sequence = 123456;
        small.operation = shmrpc_str_of("get");
        small.key = shmrpc_str_of("user/000042");
        small.limit = 100;
        small.exact = true;
    }
    switch (record) {
    case RIVAL_SMALL:
        return &small;
    case RIVAL_ONE:
        return &many[0];
    case RIVAL_MANY:
        break;
    }
    return &list;
}
