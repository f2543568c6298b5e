"""Prints a large .svc: large_svc.py METHODS STRUCTS"""
import sys


def struct(i):
    last = ("list<u32>(..%d) numbers" % (i + 1), "f64[3] place",
            "optional Record%d parent" % max(i - 7, 0), "optional bool done")
    return f"""/// A record of kind {i}.
struct Record{i} {{
  /// Its number, unique within the kind.
  1: u64 id;
  2: string(1..64) name;
  3: u32(1..1000) limit = 10;
  4: Order order = DATE;
  5: {last[i % 4]};
}}
"""


def method(i, structs):
    encoding = ("json", "msgpack", "native")[i % 3]
    record = f"Record{i % structs}"
    signature = (f"find_{i}({record} like, u32(1..100) limit = 10) -> "
                 f"list<{record}>(..100) throws BadRequest, Unavailable"
                 if i % 2 == 0 else
                 f"put_{i}(u64 id, {record} record) -> bool")
    return f"""  /// Finds what is like the record {i}.
  ///
  /// At most so many as the caller asks for.
  {encoding} {signature};
"""


def text(methods, structs):
    return "\n".join(
        ["package large.v1;", "enum Order : u8 { RELEVANCE = 0; DATE = 1; }",
         "error BadRequest = 100 { 1: u32 at; 2: string(..200) message; }",
         "error Unavailable = 101;"] +
        [struct(i) for i in range(structs)] +
        ["service Store {", "  port 6000;"] +
        [method(i, structs) for i in range(methods)] + ["}", ""])


if __name__ == "__main__":
    sys.stdout.write(text(int(sys.argv[1]), int(sys.argv[2])))
