/* Network input of shmrpc-web: heads of requests, and queries. */
#include <stdlib.h>
#include <string.h>

#include "codec/codec.h"
#include "tools/shmrpc-web/head.h"
#include "tools/shmrpc-web/query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Returns the text up to the next newline, in a block of its own, so that a
 * sanitizer sees a read beyond it. */
static char *next_line(const uint8_t **data, size_t *size, size_t *len)
{
    const uint8_t *end = *size > 0 ? memchr(*data, '\n', *size) : NULL;
    *len = end != NULL ? (size_t)(end - *data) : *size;
    char *line = malloc(*len + 1);
    if (line == NULL) {
        abort();
    }
    if (*len > 0) {
        memcpy(line, *data, *len);
    }
    line[*len] = '\0';
    size_t taken = *len + (end != NULL);
    *data += *size > 0 ? taken : 0;
    *size -= taken;
    return line;
}

/* Whether a segment of the path begins with two dots; the query may have such
 * segments. */
static bool leaves_its_folder(const char *target)
{
    const char *dots = strstr(target, "/..");
    return dots != NULL && dots < target + strcspn(target, "?");
}

/* Parses lines: verb, target, version, then names and values in turn. */
static void try_head(const uint8_t *data, size_t size)
{
    web_field fields[WEB_MAX_FIELDS + 1];
    char *lines[3 + 2 * (WEB_MAX_FIELDS + 1)];
    size_t count = 0;
    size_t len;
    web_head head = {.fields = fields};
    web_hosts hosts = {.count = 0};
    web_refusal refusal;
    if (!web_hosts_add(&hosts, "127.0.0.1:5155")) {
        abort();
    }
    head.verb = lines[count++] = next_line(&data, &size, &len);
    head.target = lines[count++] = next_line(&data, &size, &len);
    head.version = lines[count++] = next_line(&data, &size, &len);
    while (size > 0 && head.field_count <= WEB_MAX_FIELDS) {
        web_field *field = &fields[head.field_count++];
        field->name = lines[count++] =
            next_line(&data, &size, &field->name_len);
        field->value = lines[count++] =
            next_line(&data, &size, &field->value_len);
    }
    if (web_head_check(&head, &hosts, WEB_MAX_BODY_BYTES, &refusal)) {
        const web_field *host = web_head_find(&head, "hOST");
        if (host == NULL || !web_field_is(host, "127.0.0.1:5155") ||
            leaves_its_folder(head.target) ||
            (web_head_find(&head, "Content-Length") != NULL &&
             web_head_find(&head, "Transfer-Encoding") != NULL)) {
            abort();
        }
    } else if (refusal.status < 400 || refusal.why == NULL) {
        abort();
    }
    while (count > 0) {
        free(lines[--count]);
    }
}

/* Any query must become JSON. */
static void try_query(const uint8_t *data, size_t size)
{
    static const shmrpc_field fields[] = {
        {"a", &shmrpc_type_i64, 1, 0, 0, SHMRPC_NO_OFFSET, NULL, NULL},
        {"b", &shmrpc_type_string, 2, 0, 8, SHMRPC_NO_OFFSET, NULL, NULL},
        {"c", &shmrpc_type_any, 3, 0, 24, SHMRPC_NO_OFFSET, NULL, NULL},
        {"d", &shmrpc_type_bool, 4, 0, 48, SHMRPC_NO_OFFSET, NULL, NULL}};
    const shmrpc_type params = {
        .kind = SHMRPC_KIND_STRUCT, .count = 4, .fields = fields};
    const shmrpci_codec *json = shmrpci_codec_of(SHMRPC_ENCODING_JSON);
    shmrpci_arena arena;
    shmrpci_buf out;
    shmrpc_error error;
    shmrpc_any value;
    size_t len;
    char *query = next_line(&data, &size, &len);
    shmrpci_arena_init(&arena, (size_t)64 << 20);
    shmrpci_buf_init_heap(&out);
    shmrpci_buf_append_char(&out, '{');
    if (web_query_append(&params, query, &arena, &out, &error) == SHMRPC_OK) {
        shmrpci_buf_append_char(&out, '}');
        int status = json->decode(&shmrpc_type_any, out.data, out.len, "",
                                  &arena, &value, &error);
        /* The JSON parser may refuse numbers such as 1e, and duplicate names,
         * but the query must never become a different object. */
        if (status == SHMRPC_OK &&
            (value.kind != SHMRPC_ANY_MAP || value.u.map.len > 4)) {
            abort();
        }
    }
    shmrpci_buf_fini(&out);
    shmrpci_arena_fini(&arena);
    free(query);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0 && data[0] == '?') {
        try_query(data + 1, size - 1);
    } else {
        try_head(data, size);
    }
    return 0;
}
