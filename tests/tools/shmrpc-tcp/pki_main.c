/* pki FOLDER: makes certificates for the tests that are not written in C. */
#include <stdlib.h>

#include "pki.h"

int main(int argc, char **argv)
{
    if (argc != 2) {
        return EXIT_FAILURE;
    }
    pki_make(argv[1]);
    return EXIT_SUCCESS;
}
