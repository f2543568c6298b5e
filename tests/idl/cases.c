/* Reads folders and files, and prints differences of texts. */
#include "cases.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool ends_with(const char *name, const char *suffix)
{
    size_t len = strlen(name);
    size_t tail = strlen(suffix);
    return len > tail && strcmp(name + len - tail, suffix) == 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static char *copy(const char *text)
{
    size_t size = strlen(text) + 1;
    char *out = malloc(size);
    return out != NULL ? memcpy(out, text, size) : NULL;
}

char **cases_list(const char *folder, const char *suffix, size_t *count)
{
    DIR *dir = opendir(folder);
    char **names = NULL;
    *count = 0;
    if (dir == NULL) {
        return NULL;
    }
    for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
        if (ends_with(e->d_name, suffix)) {
            names = realloc(names, (*count + 1) * sizeof *names);
            names[(*count)++] = copy(e->d_name);
        }
    }
    (void)closedir(dir);
    if (names != NULL) {
        qsort(names, *count, sizeof *names, by_name);
    }
    return names;
}

void cases_free(char **names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(names[i]);
    }
    free(names);
}

char *cases_read(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *text = NULL;
    size_t len = 0;
    if (file == NULL) {
        return NULL;
    }
    for (size_t got = 1; got > 0; len += got) {
        text = realloc(text, len + 4096 + 1);
        got = fread(text + len, 1, 4096, file);
    }
    text[len] = '\0';
    (void)fclose(file);
    return text;
}

bool cases_write(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");
    bool good = file != NULL && fputs(text, file) >= 0;
    return file != NULL && fclose(file) == 0 && good;
}

/* The length of the common beginning, rounded down to whole lines. */
static size_t common_lines(const char *a, const char *b)
{
    size_t lines = 0;
    for (size_t i = 0; a[i] != '\0' && a[i] == b[i]; i++) {
        lines = a[i] == '\n' ? i + 1 : lines;
    }
    return lines;
}

/* The length of the common end, rounded down to whole lines. */
static size_t common_tail(const char *a, size_t a_len, const char *b,
                          size_t b_len)
{
    size_t tail = 0;
    for (size_t i = 1; i <= a_len && i <= b_len && a[a_len - i] == b[b_len - i];
         i++) {
        bool line_start = i < a_len && i < b_len && a[a_len - i - 1] == '\n' &&
                          b[b_len - i - 1] == '\n';
        tail = line_start ? i : tail;
    }
    return tail;
}

static void print_lines(char mark, const char *text, size_t len)
{
    for (size_t i = 0; i < len;) {
        size_t line = strcspn(text + i, "\n");
        line = line < len - i ? line : len - i;
        (void)printf("%c %.*s\n", mark, (int)line, text + i);
        i += line + 1;
    }
}

void cases_print_diff(const char *expected, const char *got)
{
    size_t head = common_lines(expected, got);
    size_t expected_len = strlen(expected) - head;
    size_t got_len = strlen(got) - head;
    size_t tail =
        common_tail(expected + head, expected_len, got + head, got_len);
    print_lines('-', expected + head, expected_len - tail);
    print_lines('+', got + head, got_len - tail);
}
