/*
 * The part of Tesseract that is needed here. It knows nothing of services: the
 * server uses it, and so does a program that reads images itself (alone.c).
 *
 * Threading: an engine belongs to one thread at a time.
 */
#ifndef OCR_ENGINE_H
#define OCR_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ENGINE_MAX_PIXELS = 50 * 1000 * 1000 };

typedef enum engine_result {
    ENGINE_OK,
    ENGINE_NOT_AN_IMAGE,
    ENGINE_TOO_LARGE, /* it has more than ENGINE_MAX_PIXELS */
    ENGINE_GIVEN_UP,
    ENGINE_FAILED
} engine_result;

/* A line of text in the image; `text` lives until the callback returns. */
typedef struct engine_line {
    const char *text; /* UTF-8, without a line end */
    size_t length;
    int left, top, right, bottom; /* pixels; right and bottom are exclusive */
    float confidence;             /* 0 to 100 */
} engine_line;

/* Callbacks of engine_read(). */
typedef struct engine_caller {
    /* Called for each word; returns true to stop reading. */
    bool (*is_gone)(void *user);
    /* Gets the lines, from top to bottom; returns false to stop reading. */
    bool (*take)(void *user, const engine_line *line);
    void *user;
} engine_caller;

typedef struct engine engine;

/* Must be called first in main: keeps Tesseract from starting threads while it
 * reads. Restarts the program if necessary. */
void engine_without_threads(char **argv);

/* Loads the data of languages such as "eng" or "deu+eng", and reads an empty
 * page with it, so that nothing remains to be loaded. Returns NULL if there is
 * no such data. */
engine *engine_load(const char *languages);
void engine_free(engine *e);

/* Reads an image; its bytes need not be valid. */
engine_result engine_read(engine *e, const void *image, size_t size,
                          const engine_caller *caller);

#endif
