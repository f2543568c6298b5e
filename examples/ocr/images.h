/* Files, one after the other. */
#ifndef OCR_IMAGES_H
#define OCR_IMAGES_H

#include <stdbool.h>
#include <stddef.h>

/* Reads an image and prints what it says; false when that failed. */
typedef bool image_reader(void *user, const char *name, const void *data,
                          size_t size);

/* Has `read` read each of the files (NULL ends the list), or, if there are
 * none, those that are named on standard input, a line for each; then an empty
 * line follows what was printed for it.  Returns whether all succeeded. */
bool each_image(char **files, image_reader *read, void *user);

#endif
