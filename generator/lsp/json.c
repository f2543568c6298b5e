/* Access to members of a JSON message. */
#include "generator/lsp/json.h"

#include <string.h>

const gen_value *lsp_get(const gen_value *value, const char *path)
{
    while (value != NULL && *path != '\0') {
        size_t len = strcspn(path, ".");
        value = gen_get(value, path, len);
        path += len;
        path += *path == '.';
    }
    return value;
}

const char *lsp_get_text(const gen_value *value, const char *path)
{
    const gen_value *found = lsp_get(value, path);
    bool is_text = found != NULL && found->kind == GEN_KIND_STRING &&
                   strlen(found->text) == found->len;
    return is_text ? found->text : NULL;
}

/* Like lsp_get, for a whole number from 0 to UINT32_MAX; greater numbers become
 * UINT32_MAX. Returns false for any other value. */
static bool get_number(const gen_value *value, const char *path, uint32_t *out)
{
    const gen_value *found = lsp_get(value, path);
    if (found == NULL || found->kind != GEN_KIND_NUMBER) {
        return false;
    }
    uint64_t number = 0;
    for (const char *at = found->text; *at != '\0'; at++) {
        if (*at < '0' || *at > '9') {
            return false;
        }
        number = number * 10 + (uint64_t)(*at - '0');
        number = number < UINT32_MAX ? number : UINT32_MAX;
    }
    *out = (uint32_t)number;
    return true;
}

bool lsp_get_position(const gen_value *value, const char *path,
                      lsp_position *out)
{
    const gen_value *found = lsp_get(value, path);
    return get_number(found, "line", &out->line) &&
           get_number(found, "character", &out->character);
}

gen_value *lsp_position_value(gen_tree *tree, lsp_position position)
{
    gen_value *value = gen_object(tree);
    gen_set(value, "line", gen_uint(tree, position.line));
    gen_set(value, "character", gen_uint(tree, position.character));
    return value;
}
