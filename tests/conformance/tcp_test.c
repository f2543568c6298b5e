/* The conformance suite over tcp. */
#include "suite.h"

int main(void)
{
    return suite_main("tcp");
}
