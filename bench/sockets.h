/*
 * Blocking sockets: any error fails the case.
 *
 * Threading: any thread, but only one at a time for a socket and direction.
 */
#ifndef BENCH_SOCKETS_H
#define BENCH_SOCKETS_H

#include <stddef.h>

/* Makes a connection over loopback with TCP_NODELAY: ends[0] is for a client,
 * ends[1] for a server. */
void bench_tcp_pair(int ends[2]);

/* Connects to a port of 127.0.0.1 with TCP_NODELAY. */
int bench_tcp_connect(unsigned port);

/* Sends or receives exactly `size` bytes. */
void bench_put(int fd, const void *bytes, size_t size);
void bench_get(int fd, void *bytes, size_t size);

#endif
