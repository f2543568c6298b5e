/* Runs a fuzz harness over the files of a folder (or single files), as
 * libFuzzer does with a corpus, for compilers without libFuzzer. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Allocates exactly as many bytes as the file has, so that a sanitizer sees a
 * read past the end. */
static int run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        return 1;
    }
    (void)fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    uint8_t *data = malloc(size > 0 ? (size_t)size : 1);
    size_t got =
        data != NULL && size > 0 ? fread(data, 1, (size_t)size, file) : 0;
    (void)fclose(file);
    if (data == NULL || size < 0 || got != (size_t)size) {
        fprintf(stderr, "%s: can't be read\n", path);
        free(data);
        return 1;
    }
    uint8_t *exact = realloc(data, got > 0 ? got : 1);
    (void)LLVMFuzzerTestOneInput(exact != NULL ? exact : data, got);
    free(exact != NULL ? exact : data);
    return 0;
}

static int run_folder(const char *path, int *count)
{
    int failures = 0;
    DIR *folder = opendir(path);
    if (folder == NULL) {
        perror(path);
        return 1;
    }
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char name[4096];
        int len = snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        struct stat info;
        if (len > 0 && (size_t)len < sizeof name && stat(name, &info) == 0 &&
            S_ISREG(info.st_mode)) {
            failures += run_file(name);
            (*count)++;
        }
    }
    (void)closedir(folder);
    return failures;
}

int main(int argc, char **argv)
{
    int failures = 0;
    int count = 0;
    for (int i = 1; i < argc; i++) {
        struct stat info;
        if (stat(argv[i], &info) == 0 && S_ISDIR(info.st_mode)) {
            failures += run_folder(argv[i], &count);
        } else {
            failures += run_file(argv[i]);
            count++;
        }
    }
    printf("%d inputs replayed\n", count);
    if (count == 0) {
        fprintf(stderr, "no inputs: the corpus is missing\n");
        return 1;
    }
    return failures > 0 ? 1 : 0;
}
