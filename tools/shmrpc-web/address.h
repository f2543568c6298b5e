/*
 * A numeric internet address in the system's form.
 *
 * Threading: pure functions.
 */
#ifndef SHMRPC_WEB_ADDRESS_H
#define SHMRPC_WEB_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct web_address {
    _Alignas(8) unsigned char native[32]; /* a struct sockaddr */
    bool is_v6;
    bool is_loopback; /* can be reached from this machine only */
} web_address;

/* Reads "127.0.0.1", "::1" or "[::1]". Returns false if it is not an
 * address. */
bool web_address_read(const char *text, uint16_t port, web_address *out);

/* Writes the address of a struct sockaddr, without the port; "-" if `native` is
 * NULL or of another address family. */
void web_address_text(const void *native, char *out, size_t size);

#endif
