/*
 * The shortest decimal that reads back as the same float: Schubfach, by
 * Raffaello Giulietti (2020, "The Schubfach way to render doubles").
 * Threading: pure functions.
 */
#ifndef SHMRPCI_CODEC_JSON_SHORTEST_H
#define SHMRPCI_CODEC_JSON_SHORTEST_H

#include <stdint.h>

/* A decimal number, digits * 10^exponent; the digits may end with zeros. */
typedef struct shmrpci_shortest {
    uint64_t digits;
    int exponent;
} shmrpci_shortest;

/* Return the shortest decimal of a finite number above 0. Of all decimals with
 * the fewest digits it is the nearest. */
shmrpci_shortest shmrpci_shortest_f64(double number);
shmrpci_shortest shmrpci_shortest_f32(float number);

#endif
