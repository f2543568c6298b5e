/* Serves errors.svc. */
#include "errors_service.h"

int main(int argc, char **argv)
{
    errors_errors_impl impl = errors_service();
    return errors_errors_main(argc, argv, &impl, NULL);
}
