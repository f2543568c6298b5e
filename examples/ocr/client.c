/*
 * ocr-client: reads images and prints the text in them. It needs neither
 * Tesseract nor Tesseract's data; memory.sh shows what that saves.
 */
#include "ocr_client.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "images.h"

static const char usage[] =
    "usage: ocr-client [--at ADDRESS] [--boxes] [IMAGE...]\n\nPrints the text "
    "in the IMAGEs, or in images named on standard input.\n  --boxes   print "
    "the position and the confidence of each line\n";

typedef struct client {
    ocr_reader *reader;
    bool shows_boxes;
} client;

static void print_line(const client *c, const ocr_line *line)
{
    if (c->shows_boxes) {
        printf("%4" PRIu32 ",%-4" PRIu32 " %4" PRIu32 "x%-4" PRIu32
               " %3.0f%%  ",
               line->box.left, line->box.top, line->box.width, line->box.height,
               (double)line->confidence);
    }
    printf("%s\n", line->text.ptr);
}

static void complain(const char *what, const shmrpc_error *error)
{
    char text[SHMRPC_ERROR_TEXT_BYTES];
    fprintf(stderr, "%s: %s\n", what,
            shmrpc_error_text(error, text, sizeof text));
}

static bool read_image(void *user, const char *name, const void *data,
                       size_t size)
{
    const client *const c = user;
    const ocr_reader_read_reply *reply;
    shmrpc_error error;
    if (ocr_reader_read(c->reader, shmrpc_bytes_of(data, size), NULL, &reply,
                        &error) != SHMRPC_OK) {
        complain(name, &error);
        return false;
    }
    for (size_t i = 0; i < reply->value.lines.len; i++) {
        print_line(c, &reply->value.lines.ptr[i]);
    }
    ocr_reader_read_release(reply);
    return true;
}

int main(int argc, char **argv)
{
    const char *where = "shm://";
    client c = {NULL, false};
    shmrpc_error error;
    int first = 1;
    for (; first < argc && strncmp(argv[first], "--", 2) == 0; first++) {
        if (strcmp(argv[first], "--boxes") == 0) {
            c.shows_boxes = true;
        } else if (strcmp(argv[first], "--at") == 0 && first + 1 < argc) {
            where = argv[++first];
        } else {
            fputs(usage, stderr);
            return 2;
        }
    }
    if (ocr_reader_connect(where, NULL, &c.reader, &error) != SHMRPC_OK) {
        complain("ocr-client", &error);
        return 1;
    }
    const bool ok = each_image(argv + first, read_image, &c);
    ocr_reader_close(c.reader);
    return ok ? 0 : 1;
}
