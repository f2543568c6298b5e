/* Canonical texts and hashes. Each text is built in scratch memory, which the
 * next one reuses. */
#include "idl/seal.h"

#include <stdint.h>

#include "idl/canonical.h"

/* Scratch buffer for one text; its final copy is in the schema's memory. */
typedef struct sealer {
    idl_memory scratch;
    shmrpci_arena *schema;
} sealer;

static void start(sealer *s, shmrpci_buf *text)
{
    shmrpci_arena_reset(s->scratch.arena);
    idl_buf_init(text, &s->scratch);
}

static const char *keep(sealer *s, shmrpci_buf *text)
{
    const char *copy =
        shmrpci_arena_strndup(s->schema, (const char *)text->data, text->len);
    if (copy == NULL) {
        longjmp(s->scratch.exhausted, 1);
    }
    return copy;
}

static void seal_method(sealer *s, idl_method *method)
{
    shmrpci_buf text;
    start(s, &text);
    idl_canonical_signature(method, &s->scratch, &text);
    method->signature = keep(s, &text);
    start(s, &text);
    idl_canonical_method(method, &s->scratch, &text);
    method->hash = idl_canonical_hash((const char *)text.data, text.len);
}

/* Fills in the methods in place. idl_resolve allocated them writable and only
 * their readers see them as const, hence the cast. */
static void seal_service(sealer *s, idl_service *service)
{
    idl_method *methods = (idl_method *)(uintptr_t)service->methods;
    for (size_t i = 0; i < service->method_count; i++) {
        seal_method(s, &methods[i]);
    }
    shmrpci_buf text;
    start(s, &text);
    idl_canonical_service(service, 0, &s->scratch, &text);
    service->text = keep(s, &text);
    service->hash = idl_canonical_hash(service->text, text.len);
}

static void seal_shared(sealer *s, idl_shared *shared)
{
    shmrpci_buf text;
    start(s, &text);
    idl_canonical_shared_type(shared, &text);
    shared->signature = keep(s, &text);
    start(s, &text);
    idl_canonical_shared_contract(shared, &s->scratch, &text);
    shared->hash = idl_canonical_hash((const char *)text.data, text.len);
}

void idl_seal(const idl_resolved *resolved, idl_memory *memory)
{
    shmrpci_arena arena;
    shmrpci_arena_init(&arena, 0);
    sealer s = {.scratch = {.arena = &arena}, .schema = memory->arena};
    if (setjmp(s.scratch.exhausted) != 0) {
        shmrpci_arena_fini(&arena);
        longjmp(memory->exhausted, 1);
    }
    for (size_t i = 0; i < resolved->symbol_count; i++) {
        if (resolved->symbols[i]->kind == IDL_SYMBOL_SERVICE) {
            seal_service(&s, resolved->symbols[i]->u.service);
        } else if (resolved->symbols[i]->kind == IDL_SYMBOL_SHARED) {
            seal_shared(&s, resolved->symbols[i]->u.shared);
        }
    }
    shmrpci_arena_fini(&arena);
}
