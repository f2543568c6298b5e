/*
 * The case files of the language: reading folders and files, and saying where
 * two texts differ.
 */
#ifndef TESTS_IDL_CASES_H
#define TESTS_IDL_CASES_H

#include <stdbool.h>
#include <stddef.h>

/* The names in `folder` that end in `suffix`, sorted; each is malloc'ed, as is
 * the list.  NULL when the folder can't be read. */
char **cases_list(const char *folder, const char *suffix, size_t *count);
void cases_free(char **names, size_t count);

/* The file as a malloc'ed string; NULL when it can't be read. */
char *cases_read(const char *path);

/* Writes the file; false when it can't be. */
bool cases_write(const char *path, const char *text);

/* Prints the lines between the common beginning and the common end of the
 * texts, `-` before those of `expected`, `+` before those of `got`. */
void cases_print_diff(const char *expected, const char *got);

#endif
