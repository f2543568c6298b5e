"""find.py WORDS: asks the full-text search of examples/search, a service in
C."""

import sys

import shmrpc


def marked(hit):
    """Returns the snippet with matches in capitals; marks are offsets in
    bytes."""
    text = bytearray(hit.snippet.encode())
    for mark in hit.marks:
        end = mark.start + mark.length
        text[mark.start:end] = text[mark.start:end].upper()
    return " ".join(text.decode(errors="replace").split())


def main(words):
    with shmrpc.connect("search") as search:
        try:
            found = search.find({"text": " ".join(words), "limit": 3,
                                 "order": "PATH"})
        except search.errors.BadQuery as error:
            print(f"{error}")
            return 1
        print(f"{found.total} found")
        for hit in found.hits:
            print(f"{hit.title}: {marked(hit)}")
        document = search.fetch(found.hits[0].id) if found.hits else None
        if document is not None:
            print(f"{document.path}: {document.format.name}, "
                  f"{len(document.text)} characters")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
