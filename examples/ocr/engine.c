/* An image's header is checked before its pixels are unpacked: a file of a few
 * bytes can claim gigabytes. */
#include "engine.h"

#include <leptonica/allheaders.h>
#include <stdlib.h>
#include <string.h>
#include <tesseract/capi.h>
#include <unistd.h>

struct engine {
    TessBaseAPI *tesseract;
};

/* Each engine reads one page at a time, and there is an engine for each
 * processor, so more threads would only compete. OpenMP reads this variable
 * before main, hence the restart. */
void engine_without_threads(char **argv)
{
    if (getenv("OMP_THREAD_LIMIT") == NULL &&
        setenv("OMP_THREAD_LIMIT", "1", 1) == 0) {
        execv("/proc/self/exe", argv);
    }
}

/* ---- reading ------------------------------------------------------------- */

static engine_result unpack(const void *image, size_t size, PIX **out)
{
    l_int32 format, width, height;
    if (pixReadHeaderMem(image, size, &format, &width, &height, NULL, NULL,
                         NULL) != 0 ||
        width < 1 || height < 1) {
        return ENGINE_NOT_AN_IMAGE;
    }
    if (width > ENGINE_MAX_PIXELS / height) {
        return ENGINE_TOO_LARGE;
    }
    *out = pixReadMem(image, size);
    return *out != NULL ? ENGINE_OK : ENGINE_NOT_AN_IMAGE;
}

static bool is_gone(const engine_caller *caller)
{
    return caller->is_gone != NULL && caller->is_gone(caller->user);
}

static bool after_word(void *user, int words)
{
    (void)words;
    return is_gone(user);
}

static bool take_line(TessResultIterator *at, const engine_caller *caller)
{
    engine_line line;
    char *const text = TessResultIteratorGetUTF8Text(at, RIL_TEXTLINE);
    if (text == NULL) {
        return true;
    }
    line.text = text;
    line.length = strcspn(text, "\n");
    line.confidence = TessResultIteratorConfidence(at, RIL_TEXTLINE);
    const bool placed = TessPageIteratorBoundingBox(
        TessResultIteratorGetPageIterator(at), RIL_TEXTLINE, &line.left,
        &line.top, &line.right, &line.bottom);
    const bool more = !placed || caller->take(caller->user, &line);
    TessDeleteText(text);
    return more;
}

static void take_lines(engine *e, const engine_caller *caller)
{
    TessResultIterator *const at = TessBaseAPIGetIterator(e->tesseract);
    if (at != NULL) { /* NULL for an empty page */
        while (take_line(at, caller) &&
               TessResultIteratorNext(at, RIL_TEXTLINE)) {
        }
        TessResultIteratorDelete(at);
    }
}

static engine_result recognise(engine *e, PIX *page,
                               const engine_caller *caller)
{
    engine_caller asked = *caller; /* a copy that can be passed as void * */
    ETEXT_DESC *const monitor = TessMonitorCreate();
    TessMonitorSetCancelFunc(monitor, after_word);
    TessMonitorSetCancelThis(monitor, &asked);
    TessBaseAPISetImage2(e->tesseract, page);
    const bool failed = TessBaseAPIRecognize(e->tesseract, monitor) != 0;
    TessMonitorDelete(monitor);
    if (is_gone(caller)) {
        return ENGINE_GIVEN_UP;
    }
    if (!failed) {
        take_lines(e, caller);
    }
    return failed ? ENGINE_FAILED : ENGINE_OK;
}

engine_result engine_read(engine *e, const void *image, size_t size,
                          const engine_caller *caller)
{
    PIX *page = NULL;
    engine_result result = unpack(image, size, &page);
    if (result == ENGINE_OK) {
        result = recognise(e, page, caller);
        TessBaseAPIClear(e->tesseract);
    }
    pixDestroy(&page);
    return result;
}

/* ---- loading ------------------------------------------------------------- */

static void read_empty_page(engine *e)
{
    const engine_caller nobody = {NULL, NULL, NULL};
    PIX *page = pixCreate(640, 480, 1);
    if (page != NULL) {
        (void)recognise(e, page, &nobody);
        TessBaseAPIClear(e->tesseract);
    }
    pixDestroy(&page);
}

engine *engine_load(const char *languages)
{
    engine *const e = calloc(1, sizeof *e);
    if (e == NULL) {
        return NULL;
    }
    setMsgSeverity(L_SEVERITY_NONE);
    e->tesseract = TessBaseAPICreate();
    if (TessBaseAPIInit3(e->tesseract, NULL, languages) != 0) {
        engine_free(e);
        return NULL;
    }
    TessBaseAPISetVariable(e->tesseract, "debug_file", "/dev/null");
    TessBaseAPISetPageSegMode(e->tesseract, PSM_AUTO);
    read_empty_page(e);
    return e;
}

void engine_free(engine *e)
{
    if (e != NULL) {
        TessBaseAPIDelete(e->tesseract);
        free(e);
    }
}
