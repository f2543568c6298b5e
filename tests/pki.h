/*
 * New certificates for tests of TLS, in a folder: of each the PEM with
 * certificate and private key.
 *
 *     ca.pem         the authority of server, client, expired and elsewhere
 *     other.pem      another one, of stranger
 *     server.pem     for localhost, 127.0.0.1 and ::1, as are those of
 *     stranger.pem, expired.pem
 *     elsewhere.pem  for example.org
 *     client.pem
 *
 * Threading: one thread.
 */
#ifndef SHMRPCI_TESTS_PKI_H
#define SHMRPCI_TESTS_PKI_H

/* Ends the program when it can't. */
void pki_make(const char *folder);

#endif
