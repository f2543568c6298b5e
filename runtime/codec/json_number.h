/*
 * Numbers as JSON text: exact in both directions, whatever the program's
 * locale. Threading: pure functions.
 */
#ifndef SHMRPCI_CODEC_JSON_NUMBER_H
#define SHMRPCI_CODEC_JSON_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/limits.h"
#include "codec/value.h"

/* Room for any number that these functions write. */
#define SHMRPCI_NUMBER_TEXT_BYTES 40

/* Writes the decimal text of an integer; returns its length, writes no NUL. */
size_t shmrpci_int_to_text(shmrpci_int number,
                           char out[SHMRPCI_NUMBER_TEXT_BYTES]);

/* Write the shortest text that reads back as the same finite number; return its
 * length, write no NUL. */
size_t shmrpci_f64_to_text(double number, char out[SHMRPCI_NUMBER_TEXT_BYTES]);
size_t shmrpci_f32_to_text(float number, char out[SHMRPCI_NUMBER_TEXT_BYTES]);

/* Reads a text that matches the grammar of a JSON integer; returns false if it
 * needs more than 64 bits. */
bool shmrpci_text_to_int(const char *text, size_t len, shmrpci_int *out);

/* Read a text that matches the grammar of a JSON number and has at most
 * SHMRPCI_JSON_MAX_NUMBER_BYTES. The result is rounded to the nearest value of
 * its type; it is infinite if the number is out of range. */
double shmrpci_text_to_f64(const char *text, size_t len);
float shmrpci_text_to_f32(const char *text, size_t len);

/* Reads an integer written with a fraction or exponent, as in 1.0 or 1e3,
 * exactly; returns false if it is not an integer, or needs more than 64
 * bits. */
bool shmrpci_text_to_int_from_real(const char *text, size_t len,
                                   shmrpci_int *out);

/* Whether the whole text is a JSON integer, as map keys and the strings of
 * 64-bit numbers must be. */
bool shmrpci_text_is_int(const char *text, size_t len);

#endif
