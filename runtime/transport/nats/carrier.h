/*
 * The functions of libnats that we need, as a table. carrier.c implements the
 * table in a library of its own (libshmrpc-nats), which is loaded when the
 * first nats:// address is used (load.h). Programs that don't use NATS never
 * load it.
 *
 * The carrier has no thread that reads: the owner of a connection polls its
 * descriptor and calls read and write, because passing messages from thread to
 * thread takes more than twice as long.
 *
 * libshmrpc-nats contains no other code of ours, so this header is plain C.
 *
 * Threading: open, close, read, write, take and drop are called by one thread
 * at a time; the other functions by any thread.
 */
#ifndef SHMRPCI_TRANSPORT_NATS_CARRIER_H
#define SHMRPCI_TRANSPORT_NATS_CARRIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The ABI version: increase it when any declaration below changes. */
#define NATS_CARRIER_ABI 4u

/* The symbol that libshmrpc-nats exports: a const nats_carrier_ops. */
#define NATS_CARRIER_SYMBOL "shmrpc_nats_carrier"

#define NATS_CARRIER_WHY_BYTES 200u

typedef struct nats_carrier nats_carrier; /* a connection to a cluster */
typedef struct nats_inbox nats_inbox;     /* a subscription */

/* The result of an operation. */
typedef enum nats_result {
    NATS_DONE = 0,
    NATS_NOTHING,      /* there is no message */
    NATS_NOBODY,       /* NATS found no subscriber for a message of ours that
                        * had a reply subject (503) */
    NATS_DROPPED,      /* messages were dropped here because too many waited */
    NATS_AWAY,         /* there is no connection at the moment */
    NATS_TOO_LONG,     /* longer than the servers accept */
    NATS_REFUSED,      /* the server refused our credentials or permissions */
    NATS_WRONG,        /* an address or a file is unusable */
    NATS_OUT_OF_MEMORY /* out of memory, threads or descriptors */
} nats_result;

typedef struct nats_opts {
    const char *servers;    /* "host:port,host:port"; all strings are copied */
    const char *name;       /* the client's name, shown by NATS's tools */
    const char *creds_file; /* "": none; likewise for the next three */
    const char *nkey_file;  /* file with a seed */
    const char *ca_file;    /* TLS is used if one of these two is set */
    const char *cert_file;  /* certificate and private key */
    int64_t timeout_ms;     /* for one attempt to connect */
    bool keeps_trying;      /* open succeeds even if no server is there */
    void (*on_change)(void *user); /* fd or wants_write has changed; called by
                                    * any thread */
    void *user;
} nats_opts;

typedef struct nats_message {
    const char *subject;
    const char *reply; /* reply subject; NULL: none */
    const uint8_t *data;
    size_t len;
    void *own; /* private to the carrier */
} nats_message;

typedef struct nats_header {
    const char *name;
    const char *value;
} nats_header;

/* The visible state of a connection. */
typedef struct nats_view {
    int fd;             /* -1: not connected */
    uint32_t connects;  /* number of connections so far */
    bool wants_write;   /* call write; if it is still set afterwards, wait until
                         * the socket has room */
    bool is_closed;     /* will not reconnect: refused, or closed by us */
    size_t max_payload; /* limit of the servers; 0: not known yet */
} nats_view;

typedef struct nats_carrier_ops {
    uint32_t abi; /* NATS_CARRIER_ABI */
    /* Connects. Returns AWAY if no server answered in time, REFUSED, or
     * WRONG. */
    nats_result (*open)(const nats_opts *opts, nats_carrier **out,
                        char why[NATS_CARRIER_WHY_BYTES]);
    void (*close)(nats_carrier *c);
    void (*view)(nats_carrier *c, nats_view *out);
    /* Makes a unique subject: "_INBOX.....". */
    nats_result (*new_subject)(char *out, size_t size);
    /* Subscribes; the subscription survives reconnections. */
    nats_result (*subscribe)(nats_carrier *c, const char *subject,
                             const char *queue, nats_inbox **out);
    void (*unsubscribe)(nats_inbox *inbox);
    /* Queues a message for write. `reply` may be NULL. */
    nats_result (*publish)(nats_carrier *c, const char *subject,
                           const char *reply, const void *data, size_t len);
    /* Like publish, with headers. Control characters in header values become
     * blanks. */
    nats_result (*publish_with)(nats_carrier *c, const char *subject,
                                const char *reply, const nats_header *headers,
                                size_t header_count, const void *data,
                                size_t len);
    /* Calls `each` for every header of a message; the strings live as long as
     * the message. Returns false if the headers are malformed. */
    bool (*headers)(const nats_message *message,
                    void (*each)(void *user, const nats_header *header),
                    void *user);
    /* Reads once whatever has arrived, without waiting. */
    void (*read)(nats_carrier *c);
    /* Sends as much as fits, without waiting. */
    void (*write)(nats_carrier *c);
    /* Gets the next message that was read. Returns DONE (the caller must drop
     * the message), NOTHING, NOBODY or DROPPED. */
    nats_result (*take)(nats_inbox *inbox, nats_message *out);
    void (*drop)(nats_message *message);
    /* Returns the status in the headers of a message (JetStream sends these);
     * 0: none. */
    int (*status)(const nats_message *message);
    /* Copies the value of a header. Returns false if it is missing or too
     * long. */
    bool (*header)(const nats_message *message, const char *name, char *out,
                   size_t size);
} nats_carrier_ops;

#endif
