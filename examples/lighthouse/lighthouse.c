/*
 * The lighthouse: sleeps until the configuration changes, and applies it. It
 * needs neither a restart nor a signal.
 */
#include "light.h"

#include <stdio.h>

static int failed(const shmrpc_error *error)
{
    char text[SHMRPC_ERROR_TEXT_BYTES];
    fprintf(stderr, "lighthouse: %s\n",
            shmrpc_error_text(error, text, sizeof text));
    return 1;
}

static void show(const light_beam *beam)
{
    printf("lighthouse:");
    for (int i = 0; i < beam->flashes; i++) {
        printf("%*s", beam->gap + 1, "*");
    }
    printf("%s\n", beam->flashes == 0 ? " out" : "");
}

int main(void)
{
    light_wanted_value *wanted = NULL;
    light_shown_value *shown = NULL;
    light_wanted_watch *watch = NULL;
    const light_wanted_event *event;
    const shmrpc_opts for_ever = {.timeout_ns = INT64_MAX};
    light_beam beam = LIGHT_BEAM_DEFAULTS;
    shmrpc_error error;
    (void)setvbuf(stdout, NULL, _IOLBF, 0); /* shows each line at once, even
                                             * if the output is a file */
    if (light_wanted_open(NULL, NULL, &wanted, &error) != SHMRPC_OK ||
        light_shown_open(NULL, NULL, &shown, &error) != SHMRPC_OK ||
        light_wanted_watch_open(wanted, SHMRPC_WATCH_SNAPSHOT, &watch,
                                &error) != SHMRPC_OK) {
        return failed(&error);
    }
    while (beam.flashes > 0) {
        if (light_wanted_watch_next(watch, &event, &for_ever, &error) !=
            SHMRPC_OK) {
            return failed(&error);
        }
        if (event->kind != SHMRPC_EVENT_PUT) {
            continue; /* after a RESYNC the present value follows */
        }
        beam = *event->value;
        show(&beam);
        if (light_shown_put(shown, &beam, &error) != SHMRPC_OK) {
            return failed(&error);
        }
    }
    light_wanted_watch_close(watch);
    light_shown_close(shown);
    light_wanted_close(wanted);
    return 0;
}
