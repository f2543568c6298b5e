/* The conformance suite over inproc. */
#include "suite.h"

int main(void)
{
    return suite_main("inproc");
}
