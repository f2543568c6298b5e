/*
 * A keeper: sets how the light should flash, and waits until it does.
 *
 *     keeper FLASHES [GAP]
 */
#include "light.h"

#include <stdio.h>
#include <stdlib.h>

static int failed(const shmrpc_error *error)
{
    char text[SHMRPC_ERROR_TEXT_BYTES];
    fprintf(stderr, "keeper: %s\n",
            shmrpc_error_text(error, text, sizeof text));
    return 1;
}

/* Waits until the lighthouse shows `wanted`. The lighthouse reports what it
 * shows in a second shared value, which `watch` watches. */
static int wait_for(light_shown_watch *watch, const light_beam *wanted,
                    shmrpc_error *error)
{
    const shmrpc_opts patience = {.timeout_ns = INT64_C(30000000000)};
    const light_shown_event *event;
    int status;
    do {
        status = light_shown_watch_next(watch, &event, &patience, error);
    } while (status == SHMRPC_OK && (event->kind != SHMRPC_EVENT_PUT ||
                                     event->value->flashes != wanted->flashes ||
                                     event->value->gap != wanted->gap));
    return status;
}

int main(int argc, char **argv)
{
    light_beam beam = LIGHT_BEAM_DEFAULTS;
    light_wanted_value *wanted = NULL;
    light_shown_value *shown = NULL;
    light_shown_watch *watch = NULL;
    shmrpc_error error;
    if (argc < 2 || argc > 3) {
        fprintf(stderr, "usage: keeper FLASHES [GAP]\n");
        return 2;
    }
    beam.flashes = (uint8_t)atoi(argv[1]); /* put checks the bounds */
    beam.gap = argc == 3 ? (uint8_t)atoi(argv[2]) : beam.gap;
    if (light_wanted_open(NULL, NULL, &wanted, &error) != SHMRPC_OK ||
        light_shown_open(NULL, NULL, &shown, &error) != SHMRPC_OK ||
        light_shown_watch_open(shown, SHMRPC_WATCH_SNAPSHOT, &watch, &error) !=
            SHMRPC_OK ||
        light_wanted_put(wanted, &beam, &error) != SHMRPC_OK ||
        wait_for(watch, &beam, &error) != SHMRPC_OK) {
        return failed(&error);
    }
    light_shown_watch_close(watch);
    light_shown_close(shown);
    light_wanted_close(wanted);
    return 0;
}
