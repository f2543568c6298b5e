"""client.py FILE...: prints the text in the images."""

import sys

import shmrpc

with shmrpc.connect("ocr") as ocr:
    for name in sys.argv[1:]:
        with open(name, "rb") as file:
            try:
                page = ocr.read(file.read())
            except ocr.errors.NotAnImage:
                print(f"{name}: no image")
                continue
        for line in page.lines:
            print(f"{line.confidence:3.0f} %  {line.text}")
