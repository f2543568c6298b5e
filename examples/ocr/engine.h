/*
 * The part of Tesseract that is needed here. Knows nothing of services: the
 * server uses it, and so does a program that reads on its own (alone.c).
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
    ENGINE_TOO_LARGE, /* more than ENGINE_MAX_PIXELS */
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

/* The callbacks of engine_read. */
typedef struct engine_caller {
    /* Whether to give up; called for each word. */
    bool (*is_gone)(void *user);
    /* A line, from top to bottom; false ends the reading. */
    bool (*take)(void *user, const engine_line *line);
    void *user;
} engine_caller;

typedef struct engine engine;

/* To be called first in main: keeps Tesseract from starting threads while it
 * reads. Restarts the program if necessary. */
void engine_without_threads(char **argv);

/* Loads the data of languages such as "eng" or "deu+eng", and reads an empty
 * page with it, so that nothing remains to be loaded.  NULL: there is none. */
engine *engine_load(const char *languages);
void engine_free(engine *e);

/* Reads an image, which may be any bytes. */
engine_result engine_read(engine *e, const void *image, size_t size,
                          const engine_caller *caller);

#endif
