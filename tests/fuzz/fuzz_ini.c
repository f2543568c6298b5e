/*
 * service.ini: any bytes give services, each with a program to start and values
 * of the right type, or error messages with their places in the text.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "supervise/ini.h"

#define ARENA_BYTES ((size_t)256 << 20)

typedef struct input {
    const uint8_t *data;
    size_t size;
} input;

/* Gives the input, or the same small file for every include. */
static shmrpc_status read_file(void *user, const char *path,
                               shmrpci_arena *arena, const char **text,
                               size_t *len)
{
    static const char part[] = "include=c\n[P]\nexec=p ${HOME}\n";
    const input *in = user;
    bool is_main = strcmp(path, "/f/main.ini") == 0;
    *len = is_main ? in->size : sizeof part - 1;
    *text = shmrpci_arena_strndup(
        arena, is_main ? (const char *)in->data : part, *len);
    return *text != NULL ? SHMRPC_OK : SHMRPC_E_NO_MEMORY;
}

static const char *variable(void *user, const char *name)
{
    (void)user;
    return name[0] == 'H' ? "home" : NULL;
}

static void require(bool holds, const char *what)
{
    if (!holds) {
        (void)fprintf(stderr, "%s\n", what);
        abort();
    }
}

static void check_value(const shmrpci_ini_row *row,
                        const shmrpci_ini_value *value)
{
    size_t count = value->u.list.count;
    switch (row->type) {
    case SHMRPCI_INI_COUNT:
    case SHMRPCI_INI_BYTES:
    case SHMRPCI_INI_PERCENT:
    case SHMRPCI_INI_WHOLE:
    case SHMRPCI_INI_OCTAL:
    case SHMRPCI_INI_TIME:
        require(value->u.number >= row->least && value->u.number <= row->most,
                "a number out of range");
        break;
    case SHMRPCI_INI_CHOICE:
        require(value->u.number < 8, "a choice that is none");
        break;
    case SHMRPCI_INI_BOOL:
        break;
    case SHMRPCI_INI_TEXT:
    case SHMRPCI_INI_PATH:
    case SHMRPCI_INI_LIBRARY:
    case SHMRPCI_INI_CPU_LIST:
        require(value->u.text[0] != '\0', "an empty text");
        break;
    case SHMRPCI_INI_COMMAND:
    case SHMRPCI_INI_VARIABLES:
    case SHMRPCI_INI_WORDS:
    case SHMRPCI_INI_SERVICES:
        require(count > 0 && value->u.list.items[count] == NULL &&
                    value->u.list.items[0][0] != '\0',
                "an empty list");
        break;
    }
}

static void check_service(const shmrpci_ini_service *service)
{
    require(service->values[SHMRPCI_INI_EXEC].present !=
                service->values[SHMRPCI_INI_IMPORT_FROM].present,
            "nothing to start, or two things");
    for (int i = 0; i < SHMRPCI_INI_KEYS; i++) {
        const shmrpci_ini_value *value = &service->values[i];
        if (value->present) {
            check_value(&shmrpci_ini_rows[i], value);
        }
        if (value->place.file != NULL) {
            require(value->place.begin < value->place.end &&
                        value->place.end <= value->place.file->len,
                    "a place outside of its file");
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    input in = {data, size};
    const shmrpci_ini_opts opts = {
        .read = read_file, .variable = variable, .user = &in};
    shmrpci_arena arena;
    shmrpci_buf messages;
    const shmrpci_ini *ini = NULL;
    shmrpci_arena_init(&arena, ARENA_BYTES);
    shmrpci_buf_init_heap(&messages);
    shmrpc_status status =
        shmrpci_ini_load(&opts, "/f/main.ini", &arena, &ini, &messages);
    require((status == SHMRPC_OK) == (messages.len == 0),
            "messages do not fit the status");
    for (size_t i = 0; status == SHMRPC_OK && i < ini->service_count; i++) {
        check_service(&ini->services[i]);
    }
    shmrpci_buf_fini(&messages);
    shmrpci_arena_fini(&arena);
    return 0;
}
