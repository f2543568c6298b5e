"""Our msgpack against python3-msgpack: we read what Python packs and write
the same bytes; both accept or both refuse a damaged message.

usage: msgpack_python.py MSGPACK_ECHO
"""
import random
import struct
import subprocess
import sys

import msgpack

VALUES = 3000
REFUSED = 0xFFFFFFFF

# Reasons for which only we refuse a message. Python accepts duplicate keys, for
# example, and keeps the last one.
OURS_ALONE = ("duplicate key", "more items")


def make_text(r):
    letters = "abc \"\\\n\0\u00e9\u20ac\U0001f600"
    return "".join(r.choice(letters) for _ in range(r.choice([0, 1, 5, 31, 32, 40, 300])))


def make_value(r, depth):
    kind = r.randrange(10 if depth else 7)
    if kind == 0:
        return r.choice([None, True, False])
    if kind == 1:
        return r.randrange(-(1 << r.randrange(1, 64)), 1 << r.randrange(1, 65))
    if kind == 2:
        return struct.unpack("<d", r.randbytes(8))[0]
    if kind in (3, 4):
        return make_text(r)
    if kind == 5:
        return r.randbytes(r.choice([0, 1, 8, 31, 32, 255, 256, 70000 if r.random() < .02 else 3]))
    if kind == 6:
        return msgpack.ExtType(r.randrange(128), r.randbytes(r.choice([0, 1, 2, 3, 4, 8, 16, 17])))
    if kind == 7:
        return {make_key(r): make_value(r, depth - 1) for _ in range(r.choice([0, 3, 15, 16]))}
    return [make_value(r, depth - 1) for _ in range(r.choice([0, 3, 15, 16]))]


def make_key(r):
    return r.choice([make_text(r), r.randrange(-200, 70000), r.randbytes(3)])


class Echo:
    def __init__(self, program):
        self.process = subprocess.Popen(
            [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def take(self):
        length = self.process.stdout.read(4)
        if len(length) != 4:
            sys.exit("msgpack_echo died")
        return struct.unpack("<I", length)[0]

    def ask(self, message):
        """Returns the bytes that came back, or None and the reason."""
        self.process.stdin.write(struct.pack("<I", len(message)) + message)
        self.process.stdin.flush()
        length = self.take()
        if length != REFUSED:
            return self.process.stdout.read(length), ""
        return None, self.process.stdout.read(self.take()).decode()


def unpacks(message):
    """Whether Python accepts the whole message; None if it can't tell."""
    try:
        msgpack.unpackb(message, strict_map_key=False)
        return True
    except TypeError:  # keys that Python can't hash
        return None
    except (ValueError, msgpack.UnpackException) as error:
        # Python checks the contents of extension -1, a timestamp, and refuses
        # the other negative numbers: we do neither.
        return None if "imestamp" in str(error) or "code must" in str(error) else False


def damage(r, message):
    at = r.randrange(len(message))
    choice = r.randrange(3)
    if choice == 0:
        return message[:at]
    byte = r.randrange(256) if choice == 1 else message[at] ^ (1 << r.randrange(8))
    return message[:at] + bytes([byte]) + message[at + 1:]


def main():
    r = random.Random(42)
    echo = Echo(sys.argv[1])
    accepted = 0
    for number in range(VALUES):
        packed = msgpack.packb(make_value(r, 3))
        back, reason = echo.ask(packed)
        if back != packed:
            sys.exit(f"value {number}: packed {packed.hex()}\n"
                     f"came back as {back and back.hex()}: {reason}")
        if len(packed) > 20000:
            continue
        bad = damage(r, packed)
        back, reason = echo.ask(bad)
        wanted = unpacks(bad)
        if wanted is not None and wanted != (back is not None):
            if not (wanted and reason.startswith(OURS_ALONE)):
                sys.exit(f"value {number}: {bad.hex()}\nours: "
                         f"{reason or 'accepted'}, Python: {wanted}")
        accepted += back is not None
    print(f"{VALUES} values came back, {accepted} damaged ones accepted")


if __name__ == "__main__":
    main()
