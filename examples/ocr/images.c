#include "images.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool load(FILE *file, void **data, size_t *size)
{
    const long end = fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
    if (end < 0 || fseek(file, 0, SEEK_SET) != 0) {
        return false;
    }
    *data = malloc((size_t)end + 1);
    *size = *data != NULL ? fread(*data, 1, (size_t)end, file) : 0;
    if (*data != NULL && ferror(file) != 0) {
        free(*data);
        return false;
    }
    return *data != NULL;
}

static bool one_image(const char *name, image_reader *read, void *user)
{
    void *data;
    size_t size;
    bool ok = false;
    FILE *const file = fopen(name, "rb");
    if (file == NULL || !load(file, &data, &size)) {
        fprintf(stderr, "%s: %s\n", name, strerror(errno));
    } else {
        ok = read(user, name, data, size);
        free(data);
    }
    if (file != NULL) {
        fclose(file);
    }
    return ok;
}

static bool named_images(image_reader *read, void *user)
{
    char name[4096];
    bool ok = true;
    while (fgets(name, sizeof name, stdin) != NULL) {
        name[strcspn(name, "\n")] = '\0';
        ok = one_image(name, read, user) && ok;
        putchar('\n');
        fflush(stdout);
    }
    return ok;
}

bool each_image(char **files, image_reader *read, void *user)
{
    bool ok = true;
    if (*files == NULL) {
        return named_images(read, user);
    }
    for (; *files != NULL; files++) {
        ok = one_image(*files, read, user) && ok;
    }
    return ok;
}
