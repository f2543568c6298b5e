/* Reads images one after the other. */
#ifndef OCR_IMAGES_H
#define OCR_IMAGES_H

#include <stdbool.h>
#include <stddef.h>

/* Reads an image and prints its text; false: it failed. */
typedef bool image_reader(void *user, const char *name, const void *data,
                          size_t size);

/* Calls `read` for each of the files (NULL ends the list), or, if there are
 * none, for those named on standard input, one per line; then an empty line
 * follows the output of each. Returns whether all succeeded. */
bool each_image(char **files, image_reader *read, void *user);

#endif
