/* std::unordered_map, as C++ programs would use it. */
#include "shared_map.h"

#include <cstring>
#include <string>
#include <unordered_map>

static std::unordered_map<std::string, std::string> *map;

void bench_std_map_create(void)
{
    map = new std::unordered_map<std::string, std::string>;
}

void bench_std_map_put(const char *key, size_t key_len, const void *value,
                       size_t len)
{
    (*map)[std::string(key, key_len)].assign(static_cast<const char *>(value),
                                             len);
}

size_t bench_std_map_get(const char *key, size_t key_len, void *value)
{
    auto found = map->find(std::string(key, key_len));
    if (found == map->end()) {
        return 0;
    }
    std::memcpy(value, found->second.data(), found->second.size());
    return found->second.size();
}

void bench_std_map_destroy(void)
{
    delete map;
    map = nullptr;
}
