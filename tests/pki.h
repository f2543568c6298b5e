/*
 * Makes new certificates for tests of TLS, in a folder. Each PEM file has a
 * certificate and its private key.
 *
 *     ca.pem         the authority that signs server, client, expired and
 *                    elsewhere
 *     other.pem      another authority, which signs stranger
 *     server.pem     for localhost, 127.0.0.1 and ::1
 *     stranger.pem   for the same names
 *     expired.pem    for the same names
 *     elsewhere.pem  for example.org
 *     client.pem
 *
 * Threading: one thread.
 */
#ifndef SHMRPCI_TESTS_PKI_H
#define SHMRPCI_TESTS_PKI_H

/* Makes all of these files. Ends the program if that fails. */
void pki_make(const char *folder);

#endif
