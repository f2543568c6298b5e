/* Reads standard input in lines and pieces. */
#include "tools/shmrpc/input.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/memory.h"
#include "os/poll.h"

int cli_input_open(cli_input *input, int fd)
{
    *input = (cli_input){.fd = fd, .stop = -1};
    shmrpci_buf_init_heap(&input->data);
    return (int)shmrpci_event_create(&input->stop);
}

void cli_input_close(cli_input *input)
{
    shmrpci_fd_close(&input->stop);
    shmrpci_buf_fini(&input->data);
}

void cli_input_stop(cli_input *input)
{
    shmrpci_event_set(input->stop);
}

/* Drops the data that the last call returned, and moves the rest to the
 * front. */
static void drop_used(cli_input *input)
{
    shmrpci_buf *data = &input->data;
    if (input->at > 0 && data->len > 0) {
        memmove(data->data, data->data + input->at, data->len - input->at);
        data->len -= input->at;
    }
    input->at = 0;
}

/* Reads once more. Returns MORE, or OK at the end of the input. */
static int fill(cli_input *input)
{
    char part[CLI_INPUT_BYTES];
    shmrpci_poll_entry entries[2] = {{.fd = input->stop, .read = true},
                                     {.fd = input->fd, .read = true}};
    if (input->is_over) {
        return SHMRPC_OK;
    }
    (void)shmrpci_poll_entries(entries, 2, SHMRPCI_NEVER_NS);
    ssize_t len = 0;
    if (!entries[0].is_ready) {
        do {
            len = read(input->fd, part, sizeof part);
        } while (len < 0 && errno == EINTR);
    }
    if (len < 0) {
        /* It was readable, but another process that shares it read first. */
        return errno == EAGAIN ? SHMRPC_MORE : SHMRPC_E_NOT_FOUND;
    }
    input->is_over = len == 0;
    shmrpci_buf_append(&input->data, part, (size_t)len);
    return input->data.status != SHMRPC_OK ? (int)input->data.status
           : input->is_over                ? SHMRPC_OK
                                           : SHMRPC_MORE;
}

/* Waits until there is a whole line, or the input ends. Returns OK, or the
 * reason why there is neither. */
static int fill_line(cli_input *input, size_t *len)
{
    size_t seen = 0;
    for (;;) {
        size_t left = input->data.len - input->at;
        /* Before the first read `data` is NULL. */
        const char *text =
            left > 0 ? (const char *)input->data.data + input->at : "";
        const char *end =
            left > seen ? memchr(text + seen, '\n', left - seen) : NULL;
        if (end != NULL || input->is_over) {
            *len = end != NULL ? (size_t)(end - text) : left;
            return SHMRPC_OK;
        }
        if (left > CLI_INPUT_MAX_LINE) {
            return SHMRPC_E_TOO_LARGE;
        }
        seen = left;
        drop_used(input);
        int status = fill(input);
        if (status != SHMRPC_MORE && status != SHMRPC_OK) {
            return status;
        }
    }
}

int cli_input_line(cli_input *input, const char **text, size_t *len)
{
    for (;;) {
        size_t count;
        int status = fill_line(input, &count);
        if (status != SHMRPC_OK) {
            return status;
        }
        bool is_last = input->at + count == input->data.len;
        if (is_last && count == 0) {
            return SHMRPC_OK;
        }
        const char *line = (const char *)input->data.data + input->at;
        input->at += count + (is_last ? 0 : 1);
        input->line++;
        size_t blank = 0;
        while (blank < count && strchr(" \t\r", line[blank]) != NULL &&
               line[blank] != '\0') {
            blank++;
        }
        if (blank < count) {
            *text = line;
            *len = count;
            return SHMRPC_MORE;
        }
    }
}

int cli_input_piece(cli_input *input, const uint8_t **data, size_t *len)
{
    int status;
    do {
        shmrpci_buf_reset(&input->data);
        status = fill(input);
    } while (status == SHMRPC_MORE && input->data.len == 0);
    *data = input->data.data;
    *len = input->data.len;
    return status;
}
