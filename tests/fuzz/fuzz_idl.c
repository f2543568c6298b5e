/*
 * The language: any bytes are a schema or diagnostics, and a schema's services
 * survive the round trip through their canonical text.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "idl/canonical.h"
#include "idl/idl.h"

/* More than the schemas of the corpus take; keeps a find from being "out of
 * memory". */
#define ARENA_BYTES ((size_t)256 << 20)

/* A file that is imported is always the same small one. */
static shmrpc_status read_part(shmrpci_arena *arena, const char *path,
                               const idl_source **out, size_t *bad_offset,
                               void *user)
{
    static const char part[] = "package part; struct Part { u8 x; }";
    (void)user;
    return idl_source_from_text(arena, path, part, sizeof part - 1, out,
                                bad_offset);
}

/* The shown line and the caret under each place, as far as they go. */
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    idl_options options = {.read = read_part};
    shmrpci_arena arena;
    idl_diags diags;
    const idl_schema *schema = NULL;
    shmrpci_arena_init(&arena, ARENA_BYTES);
    idl_diags_init(&diags);
    shmrpc_status status =
        idl_load_text(&options, "fuzz.svc", (const char *)data, size, &arena,
                      &diags, &schema);
    if (status != SHMRPC_E_NO_MEMORY) {
        render(&diags);
    }
    for (size_t i = 0; status == SHMRPC_OK && i < schema->service_count; i++) {
        check_round_trip(schema->services[i]);
    }
    shmrpci_arena_fini(&arena);
    return 0;
}
