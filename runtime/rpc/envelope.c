/* Reading and writing of hello, welcome and error details. */
#include "rpc/envelope.h"

#include <string.h>

#include "base/utf8.h"

#define MAGIC        0x31637072u /* "rpc1" */
#define HEADER_BYTES 16

#define DETAIL_HEAD_BYTES 8

/* Flags of a detail. */
#define DETAIL_NOT_RUN     1u
#define DETAIL_RETRY_AFTER 2u

/* The longest retry-after that is accepted from a server. */
#define RETRY_AFTER_MAX_NS (INT64_C(24) * 3600 * 1000000000)

static void put(shmrpci_buf *out, uint64_t value, size_t bytes)
{
    uint8_t *at = shmrpci_buf_extend(out, bytes);
    for (size_t i = 0; at != NULL && i < bytes; i++) {
        at[i] = (uint8_t)(value >> (8 * i));
    }
}

static uint64_t get(const uint8_t *at, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++) {
        value |= (uint64_t)at[i] << (8 * i);
    }
    return value;
}

static void put_header(shmrpci_buf *out, uint64_t hash)
{
    put(out, MAGIC, 4);
    put(out, SHMRPCI_RPC_MAJOR, 2);
    put(out, SHMRPCI_RPC_MINOR, 2);
    put(out, hash, 8);
}

static int get_header(const uint8_t *data, size_t len, const char *who,
                      uint64_t *hash, shmrpc_error *error)
{
    if (len < HEADER_BYTES || get(data, 4) != MAGIC) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "the %s does not speak shmrpc's protocol", who);
    }
    unsigned major = (unsigned)get(data + 4, 2);
    if (major != SHMRPCI_RPC_MAJOR) {
        return shmrpc_error_set(
            error, SHMRPC_E_CONTRACT,
            "the %s speaks version %u of shmrpc's protocol, this side %u", who,
            major, SHMRPCI_RPC_MAJOR);
    }
    *hash = get(data + 8, 8);
    return SHMRPC_OK;
}

void shmrpci_hello_write(uint64_t hash, const char *id, shmrpci_buf *out)
{
    size_t len = strlen(id);
    len = len < UINT8_MAX ? len : UINT8_MAX;
    put_header(out, hash);
    put(out, len, 1);
    shmrpci_buf_append(out, id, len);
}

int shmrpci_hello_read(const uint8_t *data, size_t len, shmrpci_hello *out,
                       shmrpc_error *error)
{
    uint64_t hash = 0;
    int status = get_header(data, len, "client", &hash, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    size_t id_len = len > HEADER_BYTES ? data[HEADER_BYTES] : 0;
    const char *id = (const char *)data + HEADER_BYTES + 1;
    if (len < HEADER_BYTES + 1 + id_len ||
        shmrpci_utf8_valid_prefix(id, id_len) != id_len) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "the client's hello is malformed");
    }
    size_t cut = shmrpci_utf8_cut(id, id_len, sizeof out->id - 1);
    out->hash = hash;
    memcpy(out->id, id, cut);
    out->id[cut] = '\0';
    out->block = data + HEADER_BYTES + 1 + id_len;
    out->block_len = len - (HEADER_BYTES + 1 + id_len);
    return SHMRPC_OK;
}

void shmrpci_welcome_write(uint64_t hash, const uint8_t *contract, size_t len,
                           shmrpci_buf *out)
{
    put_header(out, hash);
    shmrpci_buf_append(out, contract, len);
}

int shmrpci_welcome_read(const uint8_t *data, size_t len, shmrpci_welcome *out,
                         shmrpc_error *error)
{
    uint64_t hash = 0;
    int status = get_header(data, len, "server", &hash, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    *out = (shmrpci_welcome){
        .hash = hash,
        .minor = (uint32_t)get(data + 6, 2),
        .contract = data + HEADER_BYTES,
        .contract_len = len - HEADER_BYTES,
    };
    return SHMRPC_OK;
}

/* Returns the length of a text in an array of `size` bytes, without an
 * incomplete character at the end. */
static size_t text_len(const char *text, size_t size)
{
    const char *end = memchr(text, '\0', size);
    size_t len = end != NULL ? (size_t)(end - text) : size - 1;
    return shmrpci_utf8_valid_prefix(text, len);
}

void shmrpci_detail_write(const shmrpc_error *error, shmrpci_buf *out)
{
    size_t path_len = text_len(error->path, sizeof error->path);
    size_t message_len = text_len(error->message, sizeof error->message);
    size_t name_len = text_len(error->name, sizeof error->name);
    put(out, path_len, 1);
    put(out, message_len, 1);
    put(out, name_len, 1);
    bool has_hint = error->retry_after_ns > 0;
    put(out,
        (error->may_have_run ? 0u : DETAIL_NOT_RUN) |
            (has_hint ? DETAIL_RETRY_AFTER : 0u),
        1);
    put(out, (uint32_t)error->pid, 4);
    shmrpci_buf_append(out, error->path, path_len);
    shmrpci_buf_append(out, error->message, message_len);
    shmrpci_buf_append(out, error->name, name_len);
    if (has_hint) {
        put(out, (uint64_t)error->retry_after_ns, 8);
    }
}

/* Copies text that will be shown to people: control characters, which could
 * move a terminal's cursor, become spaces. */
static void copy_clean(char *to, const uint8_t *from, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        to[i] = from[i] < 0x20 || from[i] == 0x7f ? ' ' : (char)from[i];
    }
    to[len] = '\0';
}

static int64_t bounded_hint(uint64_t ns)
{
    return ns < (uint64_t)RETRY_AFTER_MAX_NS ? (int64_t)ns : RETRY_AFTER_MAX_NS;
}

static bool is_text(const uint8_t *text, size_t len)
{
    return shmrpci_utf8_valid_prefix(text, len) == len;
}

size_t shmrpci_detail_read(const uint8_t *data, size_t len, shmrpc_error *error)
{
    if (len < DETAIL_HEAD_BYTES) {
        return 0;
    }
    size_t path_len = data[0];
    size_t message_len = data[1];
    size_t name_len = data[2];
    const uint8_t *path = data + DETAIL_HEAD_BYTES;
    const uint8_t *message = path + path_len;
    const uint8_t *name = message + message_len;
    size_t texts = DETAIL_HEAD_BYTES + path_len + message_len + name_len;
    bool has_hint = (data[3] & DETAIL_RETRY_AFTER) != 0;
    size_t taken = texts + (has_hint ? 8 : 0);
    if (path_len >= sizeof error->path ||
        message_len >= sizeof error->message ||
        name_len >= sizeof error->name || len < taken ||
        !is_text(path, path_len) || !is_text(message, message_len) ||
        !is_text(name, name_len)) {
        return 0;
    }
    error->may_have_run = (data[3] & DETAIL_NOT_RUN) == 0;
    error->pid = (int32_t)get(data + 4, 4);
    error->retry_after_ns = has_hint ? bounded_hint(get(data + texts, 8)) : 0;
    copy_clean(error->path, path, path_len);
    copy_clean(error->message, message, message_len);
    copy_clean(error->name, name, name_len);
    return taken;
}

const shmrpci_codec *shmrpci_detail_codec(const shmrpc_method *method)
{
    return shmrpci_codec_of(method->encoding == SHMRPC_ENCODING_RAW
                                ? (uint32_t)SHMRPC_ENCODING_MSGPACK
                                : (uint32_t)method->encoding);
}
