/* Reads and writes `traceparent`: 00-<32 hex digits>-<16 hex digits>-<2 hex
 * digits>. */
#include "tools/shmrpc-web/trace.h"

#include <stdio.h>
#include <string.h>

#include "tools/shmrpc-web/token.h"

enum {
    ID_AT = 3,
    ID_LEN = 32,
    PARENT_AT = 36,
    PARENT_LEN = 16,
    FLAGS_AT = 53,
    WHOLE_LEN = 55
};

/* Accepts lower case only. Returns -1 if it is not a digit. */
static int digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                  : -1;
}

/* Whether these are hex digits, and not all 0. */
static bool is_id(const char *at, size_t len)
{
    bool is_zero = true;
    for (size_t i = 0; i < len; i++) {
        if (digit(at[i]) < 0) {
            return false;
        }
        is_zero &= at[i] == '0';
    }
    return !is_zero;
}

/* Later versions may append fields to those of version 00. */
static bool is_version(const char *at, size_t len)
{
    if (digit(at[0]) < 0 || digit(at[1]) < 0 || memcmp(at, "ff", 2) == 0) {
        return false;
    }
    return memcmp(at, "00", 2) == 0 ? len == WHOLE_LEN
                                    : len == WHOLE_LEN || at[WHOLE_LEN] == '-';
}

web_trace web_trace_read(const web_head *head)
{
    web_trace trace = {.id = ""};
    const web_field *field = web_head_find(head, "traceparent");
    if (field == NULL || field->value_len < WHOLE_LEN) {
        return trace;
    }
    const char *at = field->value;
    if (is_version(at, field->value_len) && at[ID_AT - 1] == '-' &&
        is_id(at + ID_AT, ID_LEN) && at[PARENT_AT - 1] == '-' &&
        is_id(at + PARENT_AT, PARENT_LEN) && at[FLAGS_AT - 1] == '-' &&
        digit(at[FLAGS_AT]) >= 0 && digit(at[FLAGS_AT + 1]) >= 0) {
        memcpy(trace.id, at + ID_AT, ID_LEN);
        trace.is_sampled = (digit(at[FLAGS_AT + 1]) & 1) != 0;
    }
    return trace;
}

const char *web_trace_own(web_trace *trace)
{
    web_secret part;
    if (trace->id[0] == '\0') {
        return NULL;
    }
    if (trace->own[0] == '\0') {
        if (!web_secret_make(&part)) {
            return NULL;
        }
        (void)snprintf(trace->own, sizeof trace->own, "00-%s-%.16s-%02x",
                       trace->id, part.text, trace->is_sampled ? 1u : 0u);
    }
    return trace->own;
}
