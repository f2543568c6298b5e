/*
 * The language: any bytes give a schema or diagnostics. A schema's services
 * must survive the round trip through their canonical text. Whatever can be
 * read can be formatted; formatting must not change the meaning, and formatting
 * twice must change nothing more.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "idl/canonical.h"
#include "idl/idl.h"
#include "idl/syntax/format.h"

/* More than the schemas of the corpus need, so that a finding is not "out of
 * memory". */
#define ARENA_BYTES ((size_t)256 << 20)

/* Gives the same small file for every import. */
static shmrpc_status read_part(shmrpci_arena *arena, const char *path,
                               const idl_source **out, size_t *bad_offset,
                               void *user)
{
    static const char part[] = "package part; struct Part { u8 x; }";
    (void)user;
    return idl_source_from_text(arena, path, part, sizeof part - 1, out,
                                bad_offset);
}

/* Renders the source line and the caret of each diagnostic, if it has any. */
static void render(const idl_diags *diags)
{
    shmrpci_buf out;
    shmrpci_buf_init_heap(&out);
    idl_diags_render(diags, &out);
    shmrpci_buf_fini(&out);
}

static void require(bool holds, const char *what, const char *text)
{
    if (!holds) {
        (void)fprintf(stderr, "%s:\n%s\n", what, text);
        abort();
    }
}

static void check_round_trip(const idl_service *service)
{
    idl_options options = {.flags = IDL_ANY_C_NAMES};
    shmrpci_arena arena;
    idl_diags diags;
    const idl_schema *schema = NULL;
    shmrpci_arena_init(&arena, ARENA_BYTES);
    idl_diags_init(&diags);
    shmrpc_status status =
        idl_load_text(&options, "canonical.svc", service->text,
                      strlen(service->text), &arena, &diags, &schema);
    require(status == SHMRPC_OK, "canonical text is refused", service->text);
    require(schema->service_count == 1, "not one service", service->text);
    require(strcmp(schema->services[0]->text, service->text) == 0,
            "canonical text changes", service->text);
    require(schema->services[0]->hash == service->hash, "hash changes",
            service->text);
    shmrpci_arena_fini(&arena);
}

/* Formats the text; returns whether that was possible. */
static bool format(const char *text, size_t len, shmrpci_buf *out)
{
    shmrpci_arena arena;
    idl_diags diags;
    shmrpci_arena_init(&arena, ARENA_BYTES);
    idl_diags_init(&diags);
    shmrpc_status status =
        idl_format("fuzz.svc", text, len, &arena, &diags, out);
    shmrpci_arena_fini(&arena);
    require(status == SHMRPC_OK || status == SHMRPC_E_INVALID, "not formatted",
            text);
    require(status == SHMRPC_OK || out->len == 0, "half formatted", text);
    return status == SHMRPC_OK;
}

static const idl_schema *load(const char *text, size_t len,
                              shmrpci_arena *arena, idl_diags *diags)
{
    idl_options options = {.read = read_part};
    const idl_schema *schema = NULL;
    shmrpci_arena_init(arena, ARENA_BYTES);
    idl_diags_init(diags);
    shmrpc_status status =
        idl_load_text(&options, "fuzz.svc", text, len, arena, diags, &schema);
    if (status != SHMRPC_E_NO_MEMORY) {
        render(diags);
    }
    return status == SHMRPC_OK ? schema : NULL;
}

/* Checks the formatted text. `schema` is the meaning of the text before
 * formatting; NULL if it had errors. */
static void check_formatted(const idl_schema *schema, const shmrpci_buf *once)
{
    const char *text = once->len > 0 ? (const char *)once->data : "";
    shmrpci_buf twice;
    shmrpci_buf_init_heap(&twice);
    require(format(text, once->len, &twice), "formatted text is refused", text);
    require(twice.len == once->len &&
                (twice.len == 0 || memcmp(twice.data, text, twice.len) == 0),
            "formatting again changes it", text);
    shmrpci_buf_fini(&twice);
    if (schema == NULL) {
        return;
    }
    shmrpci_arena arena;
    idl_diags diags;
    const idl_schema *after = load(text, once->len, &arena, &diags);
    require(after != NULL && after->service_count == schema->service_count,
            "formatted text means something else", text);
    for (size_t i = 0; i < schema->service_count; i++) {
        require(after->services[i]->hash == schema->services[i]->hash,
                "formatting changes a hash", text);
    }
    shmrpci_arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    shmrpci_arena arena;
    idl_diags diags;
    shmrpci_buf formatted;
    const char *text = (const char *)data;
    const idl_schema *schema = load(text, size, &arena, &diags);
    for (size_t i = 0; schema != NULL && i < schema->service_count; i++) {
        check_round_trip(schema->services[i]);
    }
    shmrpci_buf_init_heap(&formatted);
    if (format(text, size, &formatted)) {
        check_formatted(schema, &formatted);
    } else {
        require(schema == NULL, "a schema can't be formatted", "");
    }
    shmrpci_buf_fini(&formatted);
    shmrpci_arena_fini(&arena);
    return 0;
}
