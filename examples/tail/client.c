/*
 * Uses streams of each kind:
 *
 *   tail-client append             adds the lines of standard input
 *   tail-client follow FROM COUNT  prints COUNT lines, beginning with line FROM
 *   tail-client grep WORD          prints lines of standard input with WORD
 *   tail-client dump               prints the whole log
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tail_client.h"

static int failed(const char *what, const shmrpc_error *error)
{
    char text[SHMRPC_ERROR_TEXT_BYTES];
    fprintf(stderr, "%s: %s\n", what,
            shmrpc_error_text(error, text, sizeof text));
    return 1;
}

/* Reads the next line of standard input. */
static bool read_line(char *buffer, int size, shmrpc_str *out)
{
    if (fgets(buffer, size, stdin) == NULL) {
        return false;
    }
    *out = (shmrpc_str){buffer, strcspn(buffer, "\n")};
    buffer[out->len] = '\0';
    return true;
}

/* `send` waits while the window is full; `finish` ends the items and waits for
 * the result. */
static int append(tail *client)
{
    tail_append_stream *stream;
    shmrpc_error error;
    shmrpc_str text;
    char buffer[200];
    uint64_t count;
    int status = tail_append(client, NULL, &stream, &error);
    if (status != SHMRPC_OK) {
        return failed("append", &error);
    }
    while (status == SHMRPC_OK && read_line(buffer, sizeof buffer, &text)) {
        status = tail_append_send(stream, &text, &error);
    }
    /* If `send` has failed, `finish` reports why. */
    if (tail_append_finish(stream, &count, &error) != SHMRPC_OK) {
        return failed("append", &error);
    }
    printf("%u lines\n", (unsigned)count);
    return 0;
}

/* An item lives until the next call on its stream. Closing a stream before its
 * end cancels the call: the handler's next `send` fails. */
static int follow(tail *client, uint64_t from, uint64_t most)
{
    tail_follow_stream *stream;
    shmrpc_error error;
    const tail_line *line;
    int status = tail_follow(client, from, NULL, &stream, &error);
    if (status != SHMRPC_OK) {
        return failed("follow", &error);
    }
    for (uint64_t i = 0; i < most; i++) {
        status = tail_follow_next(stream, &line, &error);
        if (status != SHMRPC_MORE) {
            break;
        }
        printf("%u: %s\n", (unsigned)line->number, line->text.ptr);
    }
    const tail_no_line *detail = tail_follow_no_line(stream);
    if (detail != NULL) {
        printf("the last line is %u\n", (unsigned)detail->last);
    } else if (status != SHMRPC_MORE) {
        (void)failed("follow", &error);
    }
    tail_follow_close(stream);
    return 0;
}

/* Streams in both directions: a line is sent, and perhaps one comes back. A
 * client that sends much must read in another thread meanwhile: if both ends
 * only send, `send` fails with ABORTED. */
static int grep(tail *client, const char *word)
{
    tail_grep_stream *stream;
    shmrpc_error error;
    shmrpc_str text;
    char buffer[200];
    const tail_line *line;
    int status = tail_grep(client, shmrpc_str_of(word), NULL, &stream, &error);
    if (status != SHMRPC_OK) {
        return failed("grep", &error);
    }
    while (status == SHMRPC_OK && read_line(buffer, sizeof buffer, &text)) {
        status = tail_grep_send(stream, &text, &error);
    }
    if (status == SHMRPC_OK) {
        status = tail_grep_end(stream, &error); /* this side sends no more
                                                 * items */
    }
    while (status == SHMRPC_OK &&
           (status = tail_grep_next(stream, &line, &error)) == SHMRPC_MORE) {
        printf("%u: %s\n", (unsigned)line->number, line->text.ptr);
        status = SHMRPC_OK;
    }
    tail_grep_close(stream);
    return 0;
}

static int dump(tail *client)
{
    tail_dump_stream *stream;
    shmrpc_error error;
    const shmrpc_bytes *piece;
    int status = tail_dump(client, NULL, &stream, &error);
    if (status != SHMRPC_OK) {
        return failed("dump", &error);
    }
    while ((status = tail_dump_next(stream, &piece, &error)) == SHMRPC_MORE) {
        (void)fwrite(piece->ptr, 1, piece->len, stdout);
    }
    tail_dump_close(stream);
    return status == SHMRPC_OK ? 0 : failed("dump", &error);
}

static int run(tail *client, int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "append") == 0) {
        return append(client);
    }
    if (strcmp(what, "follow") == 0 && argc == 4) {
        return follow(client, strtoull(argv[2], NULL, 10),
                      strtoull(argv[3], NULL, 10));
    }
    if (strcmp(what, "grep") == 0 && argc == 3) {
        return grep(client, argv[2]);
    }
    if (strcmp(what, "dump") == 0) {
        return dump(client);
    }
    fputs("usage: tail-client append | follow FROM COUNT | grep WORD | dump\n",
          stderr);
    return 2;
}

int main(int argc, char **argv)
{
    tail *client;
    shmrpc_error error;
    if (tail_connect(NULL, NULL, &client, &error) != SHMRPC_OK) {
        return failed("tail", &error);
    }
    int status = run(client, argc, argv);
    tail_close(client);
    return status;
}
