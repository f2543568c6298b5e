"""Reads the text in images: the service of examples/ocr, in Python.

Tesseract's data is loaded once, in the process from which workers are forked.
"""

import ctypes
import os

import shmrpc

# One thread per worker is enough. OpenMP reads this when the library is loaded.
os.environ.setdefault("OMP_THREAD_LIMIT", "1")

LINE = 2  # RIL_TEXTLINE
MAX_PIXELS = 100_000_000


def functions(name, **types):
    """Loads a C library, and declares the result and argument types of
    functions."""
    library = ctypes.CDLL(name)
    for function, (result, *arguments) in types.items():
        getattr(library, function).restype = result
        getattr(library, function).argtypes = arguments
    return library


class Reader:
    __svc__ = "../../ocr/ocr.svc"

    def __init__(self):  # once, before workers are forked
        at, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
        numbers = ctypes.POINTER(number)
        self.images = functions(
            "liblept.so.5", pixReadMem=(at, text, ctypes.c_size_t),
            pixReadHeaderMem=(number, text, ctypes.c_size_t, *[numbers] * 6),
            pixDestroy=(None, ctypes.POINTER(at)), setMsgSeverity=(number, number))
        self.images.setMsgSeverity(6)  # no messages
        self.library = functions(
            "libtesseract.so.5", TessBaseAPICreate=(at,),
            TessBaseAPIInit3=(number, at, text, text),
            TessBaseAPISetVariable=(number, at, text, text),
            TessBaseAPISetImage2=(None, at, at),
            TessBaseAPIRecognize=(number, at, at), TessBaseAPIClear=(None, at),
            TessBaseAPIGetIterator=(at, at),
            TessResultIteratorGetPageIterator=(at, at),
            TessResultIteratorNext=(number, at, number),
            TessResultIteratorDelete=(None, at),
            TessResultIteratorGetUTF8Text=(at, at, number),
            TessDeleteText=(None, at),
            TessResultIteratorConfidence=(ctypes.c_float, at, number),
            TessPageIteratorBoundingBox=(number, at, number, *[numbers] * 4))
        self.engine = self.library.TessBaseAPICreate()
        if self.library.TessBaseAPIInit3(self.engine, None, b"eng") != 0:
            raise RuntimeError("no data of Tesseract (tesseract-ocr-eng)")
        self.library.TessBaseAPISetVariable(self.engine, b"debug_file",
                                            b"/dev/null")
        print(f"loaded by process {os.getpid()}")

    def read(self, image):
        pixels = self.unpack(image)
        try:
            self.library.TessBaseAPISetImage2(self.engine, pixels)
            self.library.TessBaseAPIRecognize(self.engine, None)
            return {"lines": list(self.lines())}
        finally:
            self.library.TessBaseAPIClear(self.engine)
            self.images.pixDestroy(ctypes.byref(ctypes.c_void_p(pixels)))

    def unpack(self, image):
        """Unpacks the image, after checking its size: a few bytes can claim
        gigabytes."""
        errors = shmrpc.context().errors
        kind, width, height = ctypes.c_int(), ctypes.c_int(), ctypes.c_int()
        failed = self.images.pixReadHeaderMem(
            image, len(image), kind, width, height, None, None, None)
        if failed or width.value < 1 or height.value < 1:
            raise errors.NotAnImage
        if width.value * height.value > MAX_PIXELS:
            raise errors.TooLarge
        pixels = self.images.pixReadMem(image, len(image))
        if not pixels:
            raise errors.NotAnImage
        return pixels

    def lines(self):
        library = self.library
        at = library.TessBaseAPIGetIterator(self.engine)
        while at:
            text = library.TessResultIteratorGetUTF8Text(at, LINE)
            if text:
                line = ctypes.string_at(text).decode().partition("\n")[0]
                library.TessDeleteText(text)
                left, top, right, bottom = (ctypes.c_int() for _ in range(4))
                library.TessPageIteratorBoundingBox(
                    library.TessResultIteratorGetPageIterator(at), LINE,
                    left, top, right, bottom)
                yield {"text": line,
                       "box": {"left": left.value, "top": top.value,
                               "width": right.value - left.value,
                               "height": bottom.value - top.value},
                       "confidence":
                           library.TessResultIteratorConfidence(at, LINE)}
            if not library.TessResultIteratorNext(at, LINE):
                library.TessResultIteratorDelete(at)
                at = None


if __name__ == "__main__":
    shmrpc.main(Reader)
