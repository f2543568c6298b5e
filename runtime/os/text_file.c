/* Small files as text. */
#include "os/text_file.h"

#include <fcntl.h>
#include <unistd.h>

bool shmrpci_text_file_read(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    ssize_t got = read(fd, text, size - 1);
    (void)close(fd);
    if (got <= 0) {
        return false;
    }
    text[got] = '\0';
    return true;
}
