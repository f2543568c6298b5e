/*
 * Access to the case files of the language: reads folders and files, and shows
 * where two texts differ.
 */
#ifndef TESTS_IDL_CASES_H
#define TESTS_IDL_CASES_H

#include <stdbool.h>
#include <stddef.h>

/* The names in `folder` that end in `suffix`, sorted. The list and each name
 * are allocated by malloc. NULL if the folder can't be read. */
char **cases_list(const char *folder, const char *suffix, size_t *count);
void cases_free(char **names, size_t count);

/* The contents of the file, allocated by malloc; NULL if it can't be read. */
char *cases_read(const char *path);

/* Writes the file; false on failure. */
bool cases_write(const char *path, const char *text);

/* Prints the lines between the common beginning and the common end of the
 * texts, `-` before those of `expected`, `+` before those of `got`. */
void cases_print_diff(const char *expected, const char *got);

#endif
