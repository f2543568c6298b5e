/* The conformance suite over shm. */
#include "suite.h"

int main(void)
{
    return suite_main("shm");
}
