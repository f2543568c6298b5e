/*
 * Blocking sockets: any error fails the case.
 *
 * Threading: any thread, one at a time for a socket and direction.
 */
#ifndef BENCH_SOCKETS_H
#define BENCH_SOCKETS_H

#include <stddef.h>

/* Both ends of a new connection over loopback, without delay (TCP_NODELAY):
 * for a client, and for a server. */
void bench_tcp_pair(int ends[2]);

/* A connection to a port of 127.0.0.1, without delay. */
int bench_tcp_connect(unsigned port);

/* Sends or receives all of it. */
void bench_put(int fd, const void *bytes, size_t size);
void bench_get(int fd, void *bytes, size_t size);

#endif
