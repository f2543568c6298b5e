/*
 * The server: one handler, and the hook that loads the data before workers are
 * forked. Workers share the data, and none of them waits for another.
 *
 * With OCR_LANGUAGES=deu+eng it reads other languages than English.
 */
#include "ocr_server.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"

typedef struct service {
    engine *engine;
    /* Needed for --threads above 1, since there is only one engine. */
    pthread_mutex_t in_use;
} service;

/* A call whose lines are being collected. */
typedef struct reading {
    shmrpc_ctx *ctx;
    ocr_line *lines; /* room for OCR_MAX_LINES */
    size_t count;
    bool is_short; /* whether memory ran out */
} reading;

static bool is_gone(void *user)
{
    const reading *const r = user;
    return shmrpc_ctx_cancelled(r->ctx);
}

/* Copies the line: the engine's text is freed when this returns, but the call's
 * memory stays until the reply has been sent. */
static bool take(void *user, const engine_line *line)
{
    reading *const r = user;
    shmrpc_str text;
    if (shmrpc_ctx_copy(r->ctx, &text, line->text, line->length) != SHMRPC_OK) {
        r->is_short = true;
        return false;
    }
    r->lines[r->count] = (ocr_line){
        .text = text,
        .box = {(uint32_t)line->left, (uint32_t)line->top,
                (uint32_t)(line->right - line->left),
                (uint32_t)(line->bottom - line->top)},
        .confidence = line->confidence,
    };
    r->count++;
    return r->count < OCR_MAX_LINES;
}

static int answer(shmrpc_ctx *ctx, engine_result result)
{
    switch (result) {
    case ENGINE_OK:
        return SHMRPC_OK;
    case ENGINE_NOT_AN_IMAGE:
        return shmrpc_ctx_fail(ctx, OCR_ERR_NOT_AN_IMAGE,
                               "not an image that can be read");
    case ENGINE_TOO_LARGE:
        return shmrpc_ctx_fail(ctx, OCR_ERR_TOO_LARGE,
                               "more than %d million pixels",
                               ENGINE_MAX_PIXELS / 1000000);
    case ENGINE_GIVEN_UP:
        return SHMRPC_E_CANCELLED;
    case ENGINE_FAILED:
        break;
    }
    return SHMRPC_E_INTERNAL;
}

static int read_image(shmrpc_ctx *ctx, void *user, shmrpc_bytes image,
                      ocr_page *ret)
{
    service *const s = user;
    reading r = {.ctx = ctx};
    const engine_caller caller = {is_gone, take, &r};
    r.lines = shmrpc_ctx_alloc(ctx, OCR_MAX_LINES * sizeof *r.lines,
                               _Alignof(ocr_line));
    if (r.lines == NULL) {
        return SHMRPC_E_NO_MEMORY;
    }
    pthread_mutex_lock(&s->in_use);
    const engine_result result =
        engine_read(s->engine, image.ptr, image.len, &caller);
    pthread_mutex_unlock(&s->in_use);
    ret->lines.ptr = r.lines;
    ret->lines.len = r.count;
    return r.is_short ? SHMRPC_E_NO_MEMORY : answer(ctx, result);
}

static int load(void *user, shmrpc_error *error)
{
    service *const s = user;
    const char *const chosen = getenv("OCR_LANGUAGES");
    const char *const languages = chosen != NULL ? chosen : "eng";
    s->engine = engine_load(languages);
    return s->engine != NULL
               ? SHMRPC_OK
               : shmrpc_error_set(error, SHMRPC_E_NOT_FOUND,
                                  "no data for %s; Debian has it in packages "
                                  "such as tesseract-ocr-eng",
                                  languages);
}

int main(int argc, char **argv)
{
    service s = {.in_use = PTHREAD_MUTEX_INITIALIZER};
    ocr_reader_impl impl = OCR_READER_IMPL_INIT;
    shmrpc_hooks hooks = SHMRPC_HOOKS_INIT;
    engine_without_threads(argv);
    impl.read = read_image;
    hooks.preload = load;
    shmrpc_main_set_hooks(&hooks);
    const int status = ocr_reader_main(argc, argv, &impl, &s);
    engine_free(s.engine);
    return status;
}
