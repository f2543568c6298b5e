/*
 * Small text files of the kernel: /proc, control groups.
 *
 * Threading: any thread.
 */
#ifndef SHMRPCI_OS_TEXT_FILE_H
#define SHMRPCI_OS_TEXT_FILE_H

#include <stdbool.h>
#include <stddef.h>

/* Reads at most `size` - 1 bytes of a file and adds a NUL; returns false if
 * that fails, or the file is empty. */
bool shmrpci_text_file_read(const char *path, char *text, size_t size);

#endif
