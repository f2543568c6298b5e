/* Text as a Python literal: an accepted value is written again, and must read
 * back the same. */
#include <stdio.h>
#include <stdlib.h>

#include "codec/any_ext.h"
#include "codec/python_text.h"

static void fail(const char *what, const shmrpc_error *error)
{
    fprintf(stderr, "%s: %s\n", what, error->message);
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    shmrpci_arena arena;
    shmrpci_buf buf;
    shmrpc_any value;
    shmrpc_any again;
    shmrpc_error error = {0};
    shmrpci_arena_init(&arena, 0);
    shmrpci_buf_init_heap(&buf);
    if (shmrpci_python_read((const char *)data, size, &arena, &value, &error) ==
        SHMRPC_OK) {
        bool is_sound = shmrpc_any_check(&value, &error) == SHMRPC_OK;
        bool is_written =
            shmrpci_python_write(&value, &buf, &error) == SHMRPC_OK;
        if (is_sound && !is_written) {
            fail("sound, but can't be written", &error);
        }
        if (is_written &&
            shmrpci_python_read((const char *)buf.data, buf.len, &arena, &again,
                                &error) != SHMRPC_OK) {
            fail("written, but can't be read", &error);
        }
        if (is_written && !shmrpc_any_equal(&value, &again)) {
            fail("a different value came back", &error);
        }
    }
    shmrpci_buf_fini(&buf);
    shmrpci_arena_fini(&arena);
    return 0;
}
