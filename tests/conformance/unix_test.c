/* The conformance suite over unix. */
#include "suite.h"

int main(void)
{
    return suite_main("unix");
}
