/* Options of shared objects. */
#include "idl/option.h"

#include <inttypes.h>
#include <string.h>

#include "idl/canonical.h"
#include "idl/check.h"
#include "idl/limits.h"

enum {
    QUEUE = 1u << IDL_SHARED_QUEUE,
    TOPIC = 1u << IDL_SHARED_TOPIC,
    PIPE = 1u << IDL_SHARED_PIPE,
    DICT = 1u << IDL_SHARED_DICT,
    VALUE = 1u << IDL_SHARED_VALUE
};

static const idl_option_word queue_overflows[] = {
    {"block", IDL_OVERFLOW_BLOCK},
    {"fail", IDL_OVERFLOW_FAIL},
    {"drop_oldest", IDL_OVERFLOW_DROP_OLDEST},
    {"drop_newest", IDL_OVERFLOW_DROP_NEWEST},
    {NULL, 0},
};

static const idl_option_word topic_overflows[] = {
    {"overwrite", IDL_OVERFLOW_OVERWRITE},
    {"drop", IDL_OVERFLOW_DROP_NEWEST},
    {"block", IDL_OVERFLOW_BLOCK},
    {NULL, 0},
};

static const idl_option_word orders[] = {
    {"producer", IDL_ORDER_PRODUCER}, {"total", IDL_ORDER_TOTAL}, {NULL, 0}};

static const idl_option_word deliveries[] = {
    {"once", IDL_DELIVERY_ONCE}, {"acked", IDL_DELIVERY_ACKED}, {NULL, 0}};

static const idl_option_word encodings[] = {
#define IDL_X(name, word) {word, IDL_ENCODING_##name},
    IDL_ENCODING_LIST(IDL_X)
#undef IDL_X
        {NULL, 0},
};

static const idl_option_word lifetimes[] = {
    {"file", IDL_LIFETIME_FILE},
    {"last_close", IDL_LIFETIME_LAST_CLOSE},
    {"creator", IDL_LIFETIME_CREATOR},
    {NULL, 0},
};

static const idl_option_word writers[] = {
    {"server", IDL_WRITERS_SERVER}, {"all", IDL_WRITERS_ALL}, {NULL, 0}};

#define SECOND INT64_C(1000000000)

/* clang-format off */
#define COUNT(min, max, usual) IDL_OPTION_IS_COUNT, (min), (max), (usual), NULL
#define TIME(min, max, usual) IDL_OPTION_IS_DURATION, (min), (max), (usual), NULL
#define WORD(words, usual) IDL_OPTION_IS_WORD, 0, 0, (usual), (words)

static const idl_option_row rows[] = {
    {IDL_OPTION_CAPACITY, "capacity", QUEUE, COUNT(1, UINT32_MAX, 1024)},
    {IDL_OPTION_CAPACITY, "capacity", PIPE,
     COUNT(1, IDL_MAX_SHARED_BYTES, 64 << 10)},
    {IDL_OPTION_CAPACITY, "capacity", DICT, COUNT(1, UINT32_MAX, 0)},
    {IDL_OPTION_MAX_BYTES, "max_bytes", QUEUE | TOPIC | PIPE,
     COUNT(IDL_MIN_SHARED_BYTES, IDL_MAX_SHARED_BYTES, 0)},
    {IDL_OPTION_MAX_BYTES, "max_bytes", DICT | VALUE,
     COUNT(IDL_MIN_SHARED_BYTES, IDL_MAX_SHARED_BYTES, 1 << 30)},
    {IDL_OPTION_OVERFLOW, "overflow", QUEUE,
     WORD(queue_overflows, IDL_OVERFLOW_BLOCK)},
    {IDL_OPTION_OVERFLOW, "overflow", TOPIC,
     WORD(topic_overflows, IDL_OVERFLOW_OVERWRITE)},
    {IDL_OPTION_MAX_STALL, "max_stall", TOPIC,
     TIME(SECOND / 1000, 3600 * SECOND, SECOND / 10)},
    {IDL_OPTION_ORDER, "order", QUEUE, WORD(orders, IDL_ORDER_PRODUCER)},
    {IDL_OPTION_DELIVERY, "delivery", QUEUE,
     WORD(deliveries, IDL_DELIVERY_ONCE)},
    {IDL_OPTION_HISTORY, "history", TOPIC, COUNT(0, IDL_MAX_HISTORY, 0)},
    {IDL_OPTION_LOG, "log", DICT | VALUE, COUNT(1, IDL_MAX_LOG, 1024)},
    {IDL_OPTION_ENCODING, "encoding", QUEUE | TOPIC | DICT | VALUE,
     WORD(encodings, IDL_ENCODING_NATIVE)},
    {IDL_OPTION_LIFETIME, "lifetime", QUEUE | TOPIC | PIPE | DICT | VALUE,
     WORD(lifetimes, IDL_LIFETIME_FILE)},
    {IDL_OPTION_WRITERS, "writers", TOPIC | DICT | VALUE,
     WORD(writers, IDL_WRITERS_ALL)},
    {IDL_OPTION_MODE, "mode", QUEUE | TOPIC | PIPE | DICT | VALUE,
     IDL_OPTION_IS_MODE, 1, 0777, 0600, NULL},
    {IDL_OPTION_SNAPSHOT, "snapshot", DICT | VALUE,
     TIME(SECOND, IDL_MAX_TIMEOUT_NS, 0)},
};
/* clang-format on */

const idl_option_row *idl_option_rows(size_t *count)
{
    *count = sizeof rows / sizeof rows[0];
    return rows;
}

const idl_option_row *idl_option_find(idl_shared_kind kind, const char *name)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if ((rows[i].kinds & 1u << kind) != 0 &&
            strcmp(rows[i].name, name) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

const idl_option_row *idl_option_of(idl_shared_kind kind, idl_option option)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if ((rows[i].kinds & 1u << kind) != 0 && rows[i].option == option) {
            return &rows[i];
        }
    }
    return NULL;
}

int64_t idl_option_default(const idl_shared *shared, const idl_option_row *row)
{
    if (row->option == IDL_OPTION_ENCODING) {
        bool any =
            idl_type_has_any(shared->element) || idl_type_has_any(shared->key);
        /* Lists that are changed item by item are encoded as msgpack. */
        bool is_list = shared->kind == IDL_SHARED_VALUE &&
                       shared->element->kind == IDL_LIST;
        return any || is_list ? IDL_ENCODING_MSGPACK : IDL_ENCODING_NATIVE;
    }
    if (row->option == IDL_OPTION_WRITERS && shared->service != NULL) {
        return IDL_WRITERS_SERVER;
    }
    return row->usual;
}

bool idl_option_is_special(const idl_shared *shared, const idl_option_row *row)
{
    return shared->options[row->option] != idl_option_default(shared, row);
}

bool idl_only_server_writes(const idl_shared *shared)
{
    return idl_option_of(shared->kind, IDL_OPTION_WRITERS) != NULL &&
           shared->service != NULL &&
           shared->options[IDL_OPTION_WRITERS] == IDL_WRITERS_SERVER;
}

void idl_option_append(const idl_option_row *row, int64_t value,
                       shmrpci_buf *out)
{
    if (row->form != IDL_OPTION_IS_WORD && value < row->min) {
        shmrpci_buf_append_text(out, "none");
        return;
    }
    idl_value duration = {.kind = IDL_VALUE_DURATION, .u.i = value};
    switch (row->form) {
    case IDL_OPTION_IS_COUNT:
        shmrpci_buf_printf(out, "%" PRId64, value);
        break;
    case IDL_OPTION_IS_DURATION:
        idl_canonical_value(&duration, IDL_I64, out);
        break;
    case IDL_OPTION_IS_WORD:
        for (const idl_option_word *at = row->words; at->word != NULL; at++) {
            shmrpci_buf_append_text(out, at->value == value ? at->word : "");
        }
        break;
    case IDL_OPTION_IS_MODE:
        shmrpci_buf_printf(out, "\"%04" PRIo64 "\"", (uint64_t)value);
        break;
    }
}
