/* oneway_client ADDRESS: sends a thousand notes in each encoding and exits
 * without closing. */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "oneway_client.h"

int main(int argc, char **argv)
{
    static const uint8_t byte = 1;
    static const uint32_t more[] = {2, 3};
    oneway_notes *client = NULL;
    shmrpc_error error;
    if (argc != 2 ||
        oneway_notes_connect(argv[1], NULL, &client, &error) != 0) {
        return 1;
    }
    for (int i = 0; i < 1000; i++) {
        const shmrpc_u32_list list = {more, 2};
        if (oneway_notes_by_json(client, 1, NULL, NULL, &error) != 0 ||
            oneway_notes_by_msgpack(client, 1, list, NULL, &error) != 0 ||
            oneway_notes_by_native(client, 1, NULL, &error) != 0 ||
            oneway_notes_by_raw(client, shmrpc_bytes_of(&byte, 1), NULL,
                                &error) != 0) {
            (void)fprintf(stderr, "%s: %s\n", error.name, error.message);
            return 2;
        }
    }
    return kill(getpid(), SIGKILL);
}
