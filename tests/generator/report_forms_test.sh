#!/bin/sh
# Tests diagnostics for programs: --diagnostics=json and =sarif, for all
# commands.
#   report_forms_test.sh SHMRPCGEN
set -eu
generator=$(realpath "$1")
cases=$(cd "$(dirname "$0")/../idl/cases" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r "$cases/bad" "$work"
cp -r "$cases/../../generator/check/breaks" "$work"
cd "$work"

python3 - "$generator" <<'PY'
import glob, json, re, subprocess, sys

generator = sys.argv[1]


def run(*arguments):
    done = subprocess.run([generator, *arguments], capture_output=True)
    return done.returncode, done.stdout, done.stderr.decode()


def places(human):
    """(file, line, column, severity, code) of each diagnostic for people."""
    rows = re.findall(
        r"^(?:(\S+):(\d+):(\d+): )?(error|warning)\[(S\d{4})\]: ", human, re.M)
    return [(f or None, int(l) if l else None, int(c) if c else None, s, code)
            for f, l, c, s, code in rows]


def check_region(region, path):
    lines = open(path, encoding="utf-8", newline="\n").read().split("\n")
    begin = (region["startLine"], region["startColumn"])
    end = (region["endLine"], region["endColumn"])
    assert (1, 1) <= begin <= end, (path, region)
    assert end[0] <= len(lines), (path, region)
    assert end[1] <= len(lines[end[0] - 1]) + 2, (path, region)


def check_json(path, human):
    status, out, err = run("--diagnostics=json", path)
    assert err == "", err
    items = json.loads(out)
    got = [(i["file"], i["line"], i["column"], i["severity"], i["code"])
           for i in items]
    assert got == places(human), (path, got, places(human))
    for i in items:
        assert list(i) == ["file", "line", "column", "endLine", "endColumn",
                           "code", "severity", "message", "expected", "fix",
                           "notes"], i
        assert i["message"]
        for note in i["notes"]:
            assert list(note) == ["file", "line", "column", "endLine",
                                  "endColumn", "message"], note
    assert run("--diagnostics=json", path)[1] == out
    return status


def check_sarif(path, human):
    status, out, err = run("--diagnostics=sarif", path)
    assert err == "", err
    log = json.loads(out)
    assert log["version"] == "2.1.0" and "sarif-2.1.0" in log["$schema"]
    (run_,) = log["runs"]
    assert run_["columnKind"] == "unicodeCodePoints"
    rules = {r["id"]: r for r in run_["tool"]["driver"]["rules"]}
    assert len(rules) == len(run_["tool"]["driver"]["rules"])
    for rule in rules.values():
        assert rule["shortDescription"]["text"]
        assert len(rule["fullDescription"]["text"]) > 40
        assert rule["help"]["markdown"].startswith("# " + rule["id"])
        assert rule["help"]["text"]
        assert rule["defaultConfiguration"]["level"] in ("error", "warning")
    got = []
    for result in run_["results"]:
        assert result["ruleId"] in rules
        assert result["message"]["text"]
        (location,) = result["locations"]
        physical = location["physicalLocation"]
        uri, region = physical["artifactLocation"]["uri"], physical["region"]
        check_region(region, uri)
        for fix in result.get("fixes", []):
            (change,) = fix["artifactChanges"]
            assert change["artifactLocation"]["uri"] == uri
            assert change["replacements"][0]["insertedContent"]["text"]
        for related in result.get("relatedLocations", []):
            assert related["message"]["text"] and related["physicalLocation"]
        got.append((uri, region["startLine"], region["startColumn"],
                    result["level"], result["ruleId"]))
    assert got == places(human), (path, got, places(human))
    assert {g[4] for g in got} == set(rules)
    return status


count = 0
for path in sorted(glob.glob("bad/*.svc")):
    status, out, human = run("--out-dir", "out", path)
    assert status == 1 or "warning" in human, path
    assert out == b""
    assert check_json(path, human) == status
    assert check_sarif(path, human) == status
    count += len(places(human))
assert count > 200, count

# A file name with unusual characters stays one name.
open("a b%ä.svc", "w").write("package p;\nstruct A { 1: u9 x; }\n")
(run_,) = json.loads(run("--diagnostics=sarif", "a b%ä.svc")[1])["runs"]
uri = run_["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
assert uri["uri"] == "a%20b%25%C3%A4.svc", uri

# All commands; several files give one report; a report without findings.
open("good.svc", "w").write("package g;\nstruct A { 1: u8 x; }\n")
open("untidy.svc", "w").write("package u;\nservice s { port 1; }\n")
status, out, _ = run("lint", "--diagnostics=json", "good.svc", "untidy.svc",
                     "bad/six.svc")
items = json.loads(out)
assert status == 1
assert {i["file"] for i in items} == {"untidy.svc", "bad/six.svc"}, items
assert {i["code"] for i in items} >= {"S1001", "S1003", "S0301"}
status, out, _ = run("lint", "--diagnostics=json", "good.svc")
assert (status, json.loads(out)) == (0, [])
status, out, _ = run("lint", "--diagnostics=sarif", "good.svc")
assert json.loads(out)["runs"][0]["results"] == []
status, out, err = run("fmt", "--check", "--diagnostics=sarif", "bad/six.svc")
assert status == 1 and json.loads(out)["runs"][0]["results"]

# Breaks between two versions, each with its rule.
count_breaks = 0
for folder in sorted(glob.glob("breaks/*")):
    pair = ["--against", folder + "/old.svc", folder + "/new.svc"]
    status, _, human = run("check", *pair)
    wanted = places(human)
    again, out, _ = run("check", "--diagnostics=json", *pair)
    got = [(i["file"], i["line"], i["column"], i["severity"], i["code"])
           for i in json.loads(out)]
    assert again == status and got == wanted, (folder, got, wanted)
    again, out, _ = run("check", "--diagnostics=sarif", *pair)
    (run_,) = json.loads(out)["runs"]
    assert again == status
    assert [r["ruleId"] for r in run_["results"]] == [w[4] for w in wanted]
    assert ([r["id"] for r in run_["tool"]["driver"]["rules"]]
            == sorted({w[4] for w in wanted})), folder
    count_breaks += len(wanted)
assert count_breaks > 30, count_breaks

# Wrong use.
status, _, err = run("--diagnostics=sairf", "good.svc")
assert status == 2 and "did you mean `sarif`?" in err, err
status, _, err = run("--diagnostics=json", "--dump=ast", "good.svc")
assert status == 2 and "standard output" in err, err
print(count, "diagnostics in three forms")
PY
