/*
 * ocr-alone: does what ocr-client does, but without a service: it loads
 * Tesseract and its data itself.
 */
#include <stdio.h>

#include "engine.h"
#include "images.h"

static bool print_line(void *user, const engine_line *line)
{
    (void)user;
    printf("%.*s\n", (int)line->length, line->text);
    return true;
}

static bool read_image(void *user, const char *name, const void *data,
                       size_t size)
{
    const engine_caller caller = {NULL, print_line, NULL};
    if (engine_read(user, data, size, &caller) != ENGINE_OK) {
        fprintf(stderr, "%s: can't be read\n", name);
        return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    (void)argc;
    engine_without_threads(argv);
    engine *const e = engine_load("eng");
    if (e == NULL) {
        fputs("ocr-alone: no data (tesseract-ocr-eng)\n", stderr);
        return 1;
    }
    const bool ok = each_image(argv + 1, read_image, e);
    engine_free(e);
    return ok ? 0 : 1;
}
