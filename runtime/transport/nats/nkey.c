/* nkeys: derives the public key of a seed. */
#include "transport/nats/nkey.h"

#include <openssl/evp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define KEY_BYTES 32u
#define CRC_BYTES 2u
/* The first two bytes of a seed encode that it is a seed, and the kind of its
 * key. */
#define SEED_BYTES   (2u + KEY_BYTES + CRC_BYTES)
#define PUBLIC_BYTES (1u + KEY_BYTES + CRC_BYTES)

/* The upper five bits of the first byte encode the first letter of the text. */
#define KIND_SEED (18u << 3) /* S */
#define KIND_USER (20u << 3) /* U */

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/* CRC-16/XMODEM; it is stored low byte first. */
static uint16_t crc16(const uint8_t *data, size_t len)
{
    uint32_t crc = 0;
    for (size_t i = 0; i < len; i++) {
        crc ^= (uint32_t)data[i] << 8;
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc & 0x8000u) != 0 ? crc << 1 ^ 0x1021u : crc << 1;
        }
    }
    return (uint16_t)crc;
}

/* Decodes base 32 (RFC 4648) without padding. Returns false if a letter is
 * invalid or the length differs from `len`. */
static bool decode(const char *text, uint8_t *out, size_t len)
{
    uint32_t bits = 0;
    uint32_t count = 0;
    size_t at = 0;
    if (strlen(text) != (len * 8 + 4) / 5) {
        return false;
    }
    for (; *text != '\0'; text++) {
        const char *letter = strchr(letters, *text);
        if (letter == NULL) {
            return false;
        }
        bits = bits << 5 | (uint32_t)(letter - letters);
        count += 5;
        if (count >= 8 && at < len) {
            count -= 8;
            out[at++] = (uint8_t)(bits >> count);
        }
    }
    return at == len;
}

static void encode(const uint8_t *data, size_t len, char *out)
{
    uint32_t bits = 0;
    uint32_t count = 0;
    for (size_t i = 0; i < len; i++) {
        bits = bits << 8 | data[i];
        count += 8;
        while (count >= 5) {
            count -= 5;
            *out++ = letters[bits >> count & 31];
        }
    }
    if (count > 0) {
        *out++ = letters[bits << (5 - count) & 31];
    }
    *out = '\0';
}

/* Returns the key of a seed; NULL if the text is not a seed. */
static EVP_PKEY *key_of(const char *seed)
{
    uint8_t in[SEED_BYTES];
    size_t body = SEED_BYTES - CRC_BYTES;
    EVP_PKEY *key = NULL;
    if (decode(seed, in, sizeof in) &&
        crc16(in, body) == (in[body] | in[body + 1] << 8) &&
        (in[0] & 0xF8u) == KIND_SEED &&
        ((in[0] & 7u) << 5 | in[1] >> 3) == KIND_USER) {
        key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, in + 2,
                                           KEY_BYTES);
    }
    explicit_bzero(in, sizeof in);
    return key;
}

bool nats_nkey_public(const char *seed, char out[NATS_NKEY_BYTES])
{
    uint8_t public[PUBLIC_BYTES] = {KIND_USER};
    size_t len = KEY_BYTES;
    EVP_PKEY *key = key_of(seed);
    bool good =
        key != NULL && EVP_PKEY_get_raw_public_key(key, public + 1, &len) == 1;
    EVP_PKEY_free(key);
    uint16_t crc = crc16(public, 1 + KEY_BYTES);
    public[1 + KEY_BYTES] = (uint8_t)crc;
    public[2 + KEY_BYTES] = (uint8_t)(crc >> 8);
    if (good) {
        encode(public, sizeof public, out);
    }
    return good;
}

bool nats_nkey_sign(const char *seed, const char *text,
                    unsigned char out[NATS_SIGNATURE_BYTES])
{
    size_t len = NATS_SIGNATURE_BYTES;
    EVP_PKEY *key = key_of(seed);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good = key != NULL && ctx != NULL &&
                EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) == 1 &&
                EVP_DigestSign(ctx, out, &len, (const unsigned char *)text,
                               strlen(text)) == 1;
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
    return good;
}
