# awk -f check.awk RULES FILE...: checks the includes of our sources against the
# table in RULES and prints file, line and the broken rule; exits with 1 if any
# rule is broken. Paths of files are relative to the root of the tree.

BEGIN {
    split("assert complex ctype errno fenv float inttypes iso646 limits " \
          "locale math setjmp signal stdalign stdarg stdatomic stdbool " \
          "stddef stdint stdio stdlib stdnoreturn string tgmath threads " \
          "time uchar wchar wctype", names, " ")
    for (i in names)
        is_c["<" names[i] ".h>"] = 1
}

FILENAME == ARGV[1] { read_rule(); next }

# Includes with "{{" are skipped: the generator fills in the name of a generated
# file.
/^[ \t]*#[ \t]*include[ \t]*["<]/ && !/["<][^">]*\{\{/ {
    header = $0
    sub(/^[^"<]*/, "", header)
    sub(/[">][^">]*$/, substr(header, 1, 1) == "<" ? ">" : "\"", header)
    check(header)
}

END { exit broken > 0 }

function read_rule(    colon, keys, count, i)
{
    sub(/#.*/, "")
    if ($1 == "library") {
        for (i = 2; i <= NF; i++)
            library[++libraries] = pattern($i)
    } else if ((colon = index($0, ":")) > 0) {
        count = split(substr($0, 1, colon - 1), keys, " ")
        for (i = 1; i <= count; i++)
            allowed[keys[i]] = allowed[keys[i]] " " substr($0, colon + 1)
    }
}

# A glob as an anchored regular expression: * stays within a folder.
function pattern(glob)
{
    gsub(/[.+]/, "\\\\&", glob)
    gsub(/\*\*/, "\001", glob)
    gsub(/\*/, "[^/]*", glob)
    gsub(/\001/, ".*", glob)
    return "^" glob "$"
}

function is_library(header,    i)
{
    for (i = 1; i <= libraries; i++)
        if (header ~ library[i])
            return 1
    return 0
}

function permits(rule, header,    words, count, i, name)
{
    name = substr(header, 2, length(header) - 2)
    count = split(rule, words, " ")
    for (i = 1; i <= count; i++) {
        if (words[i] == "base" &&
            name ~ /^(base\/.*|shmrpc\/(status|error)\.h)$/)
            return 1
        if (words[i] == "public" && name ~ /^shmrpc\//)
            return 1
        if (words[i] == "system" && header ~ /^</ && name !~ /^shmrpc\// &&
            !is_library(header))
            return 1
        if ((words[i] ~ /^</ ? header : name) ~ pattern(words[i]))
            return 1
    }
    return 0
}

# Includes are relative to runtime/, runtime/include/ or the root.
function is_own(name,    folder)
{
    folder = FILENAME
    sub(/[^\/]*$/, "", folder)
    return name !~ /\// || index(name, folder) == 1 ||
        index("runtime/" name, folder) == 1 ||
        index("runtime/include/" name, folder) == 1
}

function check(header,    key, rules, names, name)
{
    name = substr(header, 2, length(header) - 2)
    for (key in allowed)
        if (index(FILENAME, key) == 1) {
            rules = rules allowed[key]
            if (length(key) > length(names))
                names = key
        }
    if (name ~ /(^|\/)\.\.?\//)
        report(header " is relative; say it from the root of its tree")
    else if (names == "")
        report("no row of the layer table covers this folder")
    else if (!(header in is_c) && !permits(rules, header) &&
             !(header ~ /^"/ && is_own(name)))
        report(names " may not include " header "; only" squeeze(rules))
}

function squeeze(text)
{
    gsub(/[ \t]+/, " ", text)
    return text == " " || text == "" ? " itself" : text
}

function report(what)
{
    print FILENAME ":" FNR ": layer: " what
    broken++
}
