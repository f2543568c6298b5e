/* Reads image files one after another. */
#ifndef OCR_IMAGES_H
#define OCR_IMAGES_H

#include <stdbool.h>
#include <stddef.h>

/* Reads an image and prints its text; returns false on failure. */
typedef bool image_reader(void *user, const char *name, const void *data,
                          size_t size);

/* Calls `read` for each of the files (NULL ends the list). If there are none,
 * calls it for each file named on standard input, one per line, and prints an
 * empty line after the output of each. Returns whether all succeeded. */
bool each_image(char **files, image_reader *read, void *user);

#endif
