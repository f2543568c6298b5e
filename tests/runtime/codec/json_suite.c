/*
 * Tests our JSON reader with nst/JSONTestSuite: json_suite FOLDER, where FOLDER
 * is the suite's test_parsing. Files y_* must be accepted, n_* refused; i_* may
 * be either and are listed. We refuse duplicate keys on purpose, although the
 * suite allows them. The exit status is 0 if nothing is wrong.
 *
 * The suite is not part of this project: tests/runtime/codec/README.md says
 * where to get it.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/codec.h"

static bool read_file(const char *path, shmrpci_buf *out)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return false;
    }
    uint8_t chunk[4096];
    for (size_t got; (got = fread(chunk, 1, sizeof chunk, file)) > 0;) {
        shmrpci_buf_append(out, chunk, got);
    }
    bool ok = ferror(file) == 0 && out->status == SHMRPC_OK;
    (void)fclose(file);
    return ok;
}

/* Whether we accept a file; `message` is the reason for a refusal. */
static bool accepts(const shmrpci_buf *text, shmrpc_error *error)
{
    shmrpci_arena arena;
    shmrpc_any value;
    shmrpci_arena_init(&arena, 0);
    int status = shmrpci_codec_of(SHMRPC_ENCODING_JSON)
                     ->decode(&shmrpc_type_any, text->data, text->len, "",
                              &arena, &value, error);
    shmrpci_arena_fini(&arena);
    return status == SHMRPC_OK;
}

typedef struct figures {
    int accepted;
    int refused;
    int open;
    int wrong;
} figures;

static void judge(const char *name, const shmrpci_buf *text, figures *all)
{
    shmrpc_error error = {.message = "accepted"};
    bool ok = accepts(text, &error);
    bool must_accept = name[0] == 'y' && strstr(name, "duplicated_key") == NULL;
    if (name[0] == 'i') {
        all->open++;
        printf("%-50s %s\n", name, error.message);
    } else if (ok != must_accept) {
        all->wrong++;
        printf("WRONG %s: %s\n", name, error.message);
    } else if (ok) {
        all->accepted++;
    } else {
        all->refused++;
    }
}

int main(int argc, char **argv)
{
    DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
    if (folder == NULL) {
        fprintf(stderr,
                "usage: json_suite FOLDER, the test_parsing of "
                "nst/JSONTestSuite: NOT RUN\n");
        return 2;
    }
    figures all = {0};
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char path[4096];
        int len = snprintf(path, sizeof path, "%s/%s", argv[1], entry->d_name);
        shmrpci_buf text;
        shmrpci_buf_init_heap(&text);
        if (len > 0 && (size_t)len < sizeof path &&
            strstr(entry->d_name, ".json") != NULL && read_file(path, &text)) {
            judge(entry->d_name, &text, &all);
        }
        shmrpci_buf_fini(&text);
    }
    (void)closedir(folder);
    printf("%d accepted, %d refused, %d left open by the suite, %d wrong\n",
           all.accepted, all.refused, all.open, all.wrong);
    return all.wrong == 0 && all.accepted > 0 && all.refused > 0 ? 0 : 1;
}
