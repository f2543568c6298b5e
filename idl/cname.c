/* Names in C. */
#include "idl/cname.h"

#include <stdlib.h>
#include <string.h>

/* Sorted, because bsearch looks names up here. Keywords of C11, C23 and C++20,
 * types that generated code uses, words that are macros in headers of the C
 * library, and names that compilers predefine. */
/* clang-format off */
static const char *const taken[] = {
    "EOF", "FILE", "NULL", "alignas", "alignof", "and", "and_eq", "asm",
    "assert", "atomic", "auto", "bitand", "bitor", "bool", "break", "case",
    "catch", "char", "char16_t", "char32_t", "char8_t", "class", "co_await",
    "co_return", "co_yield", "compl", "complex", "concept", "const",
    "const_cast", "consteval", "constexpr", "constinit", "continue",
    "decltype", "default", "delete", "do", "double", "dynamic_cast", "else",
    "enum", "errno", "explicit", "export", "extern", "false", "float", "for",
    "friend", "goto", "h_addr", "h_errno", "i386", "if", "imaginary", "inline",
    "int", "int16_t", "int32_t", "int64_t", "int8_t", "intptr_t", "linux",
    "long", "mutable", "namespace", "new", "noexcept", "noreturn", "not",
    "not_eq", "nullptr", "offsetof", "operator", "or", "or_eq", "private",
    "protected", "ptrdiff_t", "public", "register", "reinterpret_cast",
    "requires", "restrict", "return", "sa_handler", "sa_sigaction", "setjmp",
    "short", "si_addr", "si_band", "si_fd", "si_int", "si_overrun", "si_pid",
    "si_ptr", "si_status", "si_stime", "si_timerid", "si_uid", "si_utime",
    "si_value", "signed", "size_t", "sizeof", "ssize_t", "st_atime",
    "st_ctime", "st_mtime", "static", "static_assert", "static_cast", "stderr",
    "stdin", "stdout", "strdupa", "strndupa", "struct", "switch", "template",
    "this", "thread_local", "throw", "true", "try", "typedef", "typeid",
    "typename", "typeof", "typeof_unqual", "uint16_t", "uint32_t", "uint64_t",
    "uint8_t", "uintptr_t", "union", "unix", "unsigned", "using", "va_arg",
    "va_copy", "va_end", "va_start", "virtual", "void", "volatile", "wchar_t",
    "while", "xor", "xor_eq",
};

/* Suffixes that the generator appends to the name of a service. */
static const char *const generated[] = {
    "close", "connect", "describe", "descriptor", "dispatch", "fd", "impl",
    "main", "open", "read_stats", "serve", "service", "t",
};
/* clang-format on */

static int compare(const void *key, const void *item)
{
    return strcmp(key, *(const char *const *)item);
}

bool idl_cname_is_taken(const char *name)
{
    /* The runtime's own names. */
    if (strncmp(name, "shmrpc", 6) == 0 &&
        (name[6] == '\0' || name[6] == '_')) {
        return true;
    }
    return bsearch(name, taken, sizeof taken / sizeof taken[0], sizeof taken[0],
                   compare) != NULL;
}

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool idl_cname_is_valid(const char *name)
{
    if (!is_upper(name[0]) && !is_lower(name[0])) {
        return false;
    }
    for (const char *at = name; *at != '\0'; at++) {
        bool is_joint = *at == '_' && at[1] != '_' && at[1] != '\0';
        if (!is_upper(*at) && !is_lower(*at) && !is_digit(*at) && !is_joint) {
            return false;
        }
    }
    return !idl_cname_is_taken(name);
}

/* Whether a word begins at `name[i]`. */
static bool begins_word(const char *name, size_t i)
{
    if (i == 0 || name[i - 1] == '_' || !is_upper(name[i])) {
        return false;
    }
    return !is_upper(name[i - 1]) || is_lower(name[i + 1]);
}

static void append_words(const char *name, char from, char to, shmrpci_buf *out)
{
    for (size_t i = 0; name[i] != '\0'; i++) {
        if (begins_word(name, i)) {
            shmrpci_buf_append_char(out, '_');
        }
        char c = name[i];
        bool shifts = c >= from && c <= from + ('z' - 'a');
        shmrpci_buf_append_char(out, shifts ? (char)(c - from + to) : c);
    }
}

void idl_cname_snake(const char *name, shmrpci_buf *out)
{
    append_words(name, 'A', 'a', out);
}

void idl_cname_upper(const char *name, shmrpci_buf *out)
{
    append_words(name, 'a', 'A', out);
}

/* Appends an underscore if the text appended since `begin` is a taken name. */
static void guard(shmrpci_buf *out, size_t begin)
{
    shmrpci_buf_append_char(out, '\0');
    if (out->status != SHMRPC_OK) {
        return;
    }
    out->len--;
    if (idl_cname_is_taken((const char *)out->data + begin)) {
        shmrpci_buf_append_char(out, '_');
    }
}

static bool is_version(const char *part)
{
    if (part[0] != 'v' || part[1] == '\0') {
        return false;
    }
    return strspn(part + 1, "0123456789") == strlen(part + 1);
}

/* The last part of a package's name, or the last two parts if the last one is a
 * version. */
static const char *last_parts(const char *name)
{
    const char *last = strrchr(name, '.');
    if (last == NULL) {
        return name;
    }
    if (!is_version(last + 1)) {
        return last + 1;
    }
    const char *begin = last;
    while (begin > name && begin[-1] != '.') {
        begin--;
    }
    return begin;
}

void idl_cname_prefix(const idl_package *package, shmrpci_buf *out)
{
    if (package->c_prefix != NULL) {
        shmrpci_buf_append_text(out, package->c_prefix);
        return;
    }
    size_t begin = out->len;
    idl_cname_snake(last_parts(package->name), out);
    for (size_t i = begin; out->status == SHMRPC_OK && i < out->len; i++) {
        out->data[i] = out->data[i] == '.' ? '_' : out->data[i];
    }
}

/* Appends the package's prefix and an underscore; in capitals if `upper`. */
static void append_prefix(const idl_package *package, bool upper,
                          shmrpci_buf *out)
{
    size_t begin = out->len;
    idl_cname_prefix(package, out);
    for (size_t i = begin; upper && out->status == SHMRPC_OK && i < out->len;
         i++) {
        char c = (char)out->data[i];
        out->data[i] = (uint8_t)(is_lower(c) ? c - 'a' + 'A' : c);
    }
    if (out->len > begin) {
        shmrpci_buf_append_char(out, '_');
    }
}

static const char *source_name(const char *name, const idl_meta *meta)
{
    return meta->c_name != NULL ? meta->c_name : name;
}

void idl_cname_decl(const idl_decl *decl, shmrpci_buf *out)
{
    size_t begin = out->len;
    if (decl->meta.c_prefix != NULL) {
        idl_cname_snake(decl->meta.c_prefix, out);
    } else {
        append_prefix(decl->package, false, out);
        idl_cname_snake(source_name(decl->name, &decl->meta), out);
    }
    guard(out, begin);
}

void idl_cname_decl_upper(const idl_decl *decl, shmrpci_buf *out)
{
    size_t begin = out->len;
    if (decl->meta.c_prefix != NULL) {
        idl_cname_upper(decl->meta.c_prefix, out);
    } else {
        append_prefix(decl->package, true, out);
        idl_cname_upper(source_name(decl->name, &decl->meta), out);
    }
    guard(out, begin);
}

void idl_cname_error(const idl_decl *decl, shmrpci_buf *out)
{
    append_prefix(decl->package, true, out);
    shmrpci_buf_append_text(out, "ERR_");
    idl_cname_upper(source_name(decl->name, &decl->meta), out);
}

void idl_cname_item(const idl_enum_item *item, shmrpci_buf *out)
{
    const idl_decl *owner = &item->owner->decl;
    append_prefix(owner->package, true, out);
    idl_cname_upper(source_name(owner->name, &owner->meta), out);
    shmrpci_buf_append_char(out, '_');
    idl_cname_upper(source_name(item->name, &item->meta), out);
}

void idl_cname_field(const idl_field *field, shmrpci_buf *out)
{
    size_t begin = out->len;
    idl_cname_snake(source_name(field->name, &field->meta), out);
    guard(out, begin);
}

void idl_cname_method_part(const idl_method *method, shmrpci_buf *out)
{
    size_t begin = out->len;
    idl_cname_snake(source_name(method->name, &method->meta), out);
    size_t len = out->len;
    guard(out, begin);
    for (size_t i = 0; i < sizeof generated / sizeof generated[0] &&
                       out->status == SHMRPC_OK && out->len == len;
         i++) {
        if (strlen(generated[i]) == len - begin &&
            memcmp(generated[i], out->data + begin, len - begin) == 0) {
            shmrpci_buf_append_char(out, '_');
        }
    }
}

void idl_cname_method(const idl_method *method, shmrpci_buf *out)
{
    idl_cname_decl(&method->service->decl, out);
    shmrpci_buf_append_char(out, '_');
    idl_cname_method_part(method, out);
}
