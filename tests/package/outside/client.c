/* Sends a book through each encoding and compares every field. */
#include "library_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void expect(int holds, const char *what, const shmrpc_error *error)
{
    if (!holds) {
        fprintf(stderr, "client: expected %s; last error: %s: %s\n", what,
                error->name[0] != '\0' ? error->name : "none", error->message);
        exit(1);
    }
}

static const library_author authors[] = {
    {.name = {"Ada", 3}, .has_born = true, .born = -1815},
    {.name = {"B\xC3\xA9la", 5}},
};
static const uint16_t chapters[] = {1, 300, 65535};
static const uint8_t cover[] = {0, 255, 10, 0};
static const shmrpc_str tags[] = {{"old", 3}, {"", 0}};

static const library_book book = {
    .title = {"A \"title\"\n", 10},
    .authors = {authors, 2},
    .shelf = LIBRARY_SHELF_SCIENCE,
    .has_price = true,
    .price = 0.1,
    .cover = {cover, sizeof cover},
    .chapters = {chapters, 3},
    .lent = true,
    .floor = -128,
    .row = 255,
    .shift = 32767,
    .pages = 9999,
    .added = INT64_MIN,
    .isbn = UINT64_MAX,
    .weight = 1.5f,
    .tags = {tags, 2},
};

static int same_author(const library_author *a, const library_author *b)
{
    return shmrpc_str_equal(a->name, b->name) && a->has_born == b->has_born &&
           (!a->has_born || a->born == b->born);
}

static int is_moved(const library_book *b, library_shelf to)
{
    return shmrpc_str_equal(b->title, book.title) && b->authors.len == 2 &&
           same_author(&b->authors.ptr[0], &authors[0]) &&
           same_author(&b->authors.ptr[1], &authors[1]) && b->shelf == to &&
           b->has_price && memcmp(&b->price, &book.price, 8) == 0 &&
           b->cover.len == sizeof cover &&
           memcmp(b->cover.ptr, cover, sizeof cover) == 0 &&
           b->chapters.len == 3 &&
           memcmp(b->chapters.ptr, chapters, sizeof chapters) == 0 && b->lent &&
           b->floor == -128 && b->row == 255 && b->shift == -1 &&
           b->pages == 9999 && b->added == INT64_MIN && b->isbn == UINT64_MAX &&
           memcmp(&b->weight, &book.weight, 4) == 0 && b->translator == NULL &&
           b->tags.len == 2 && shmrpc_str_equal(b->tags.ptr[0], tags[0]) &&
           b->tags.ptr[1].len == 0;
}

#define CHECK_MOVE(encoding)                                                \
    do {                                                                    \
        const library_catalogue_move_##encoding##_reply *reply = NULL;      \
        int status = library_catalogue_move_##encoding(                     \
            catalogue, &book, LIBRARY_SHELF_NOVELS, NULL, &reply, &error);  \
        expect(status == SHMRPC_OK, "a moved book by " #encoding, &error);  \
        expect(is_moved(&reply->value, LIBRARY_SHELF_NOVELS),               \
               "an equal book by " #encoding, &error);                      \
        library_catalogue_move_##encoding##_release(reply);                 \
        reply = NULL;                                                       \
        status = library_catalogue_move_##encoding(                         \
            catalogue, &book, LIBRARY_SHELF_HISTORY, NULL, &reply, &error); \
        expect(status == LIBRARY_ERR_NO_SUCH_SHELF,                         \
               "NoSuchShelf by " #encoding, &error);                        \
        library_catalogue_move_##encoding##_release(reply);                 \
        puts(#encoding " ok");                                              \
    } while (0)

#define CHECK_NOTE(encoding)                                                   \
    do {                                                                       \
        const library_catalogue_note_##encoding##_reply *reply = NULL;         \
        int status = library_catalogue_note_##encoding(catalogue, &note, NULL, \
                                                       &reply, &error);        \
        expect(status == SHMRPC_OK, "a note by " #encoding, &error);           \
        expect(shmrpc_any_equal(&reply->value, &note),                         \
               "an equal note by " #encoding, &error);                         \
        library_catalogue_note_##encoding##_release(reply);                    \
        puts("any by " #encoding " ok");                                       \
    } while (0)

int main(void)
{
    shmrpc_error error = {0};
    library_catalogue *catalogue = NULL;
    expect(library_catalogue_connect("shm://", NULL, &catalogue, &error) ==
               SHMRPC_OK,
           "a connection", &error);
    CHECK_MOVE(json);
    CHECK_MOVE(msgpack);
    CHECK_MOVE(native);

    const shmrpc_any parts[] = {shmrpc_any_u64(UINT64_MAX), shmrpc_any_str("x"),
                                shmrpc_any_bool(true)};
    const shmrpc_any_entry entries[] = {
        {shmrpc_any_str("parts"), shmrpc_any_list_of(parts, 3)},
        {shmrpc_any_str("none"), shmrpc_any_null()},
    };
    const shmrpc_any note = shmrpc_any_map_of(entries, 2);
    CHECK_NOTE(json);
    CHECK_NOTE(msgpack);
    library_catalogue_close(catalogue);
    return 0;
}
