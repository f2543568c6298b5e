/* Serves a service that has the port of life.svc and another interface. It
 * implements none of its methods. */
#include "old_server.h"

int main(int argc, char **argv)
{
    old_shop_impl impl = OLD_SHOP_IMPL_INIT;
    return old_shop_main(argc, argv, &impl, NULL);
}
