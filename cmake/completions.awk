# Makes the shell completion of a program's options from its --help.
#
#     PROGRAM --help | awk -v program=PROGRAM -v shell=bash|zsh|fish -f this
#
# Each option is on a line of its own, "  -i, --instance=NAME  one of ...": its
# value follows = or one blank, and its text follows two blanks.
/^ +(-[A-Za-z], )?--[a-z]/ {
    line = $0
    sub(/^ +/, "", line)
    short[++count] = ""
    if (line ~ /^-[A-Za-z], /) {
        short[count] = substr(line, 2, 1)
        line = substr(line, 5)
    }
    match(line, /^--[a-z0-9-]+/)
    long[count] = substr(line, 3, RLENGTH - 2)
    line = substr(line, RLENGTH + 1)
    value[count] = line ~ /^[= ][A-Z]/
    sub(/^[= ][A-Za-z:\[\]]+/, "", line)
    text[count] = line
    is_open = 1
    next
}
# A continuation line of the option's text.
is_open && /^          / {
    text[count] = text[count] " " $0
    next
}
{
    is_open = 0
}
# Returns the words up to a semicolon, without characters that the shells' quotes
# and brackets can't hold.
function plain(words)
{
    gsub(/[][`\\']/, "", words)
    gsub(/ +/, " ", words)
    sub(/^ /, "", words)
    sub(/;.*/, "", words)
    return words
}
END {
    for (i = 1; i <= count; i++) {
        text[i] = plain(text[i])
    }
    if (count == 0) {
        print "completions.awk: no option in the help of " program \
            > "/dev/stderr"
        exit 1
    }
    if (shell == "bash") {
        for (i = 1; i <= count; i++) {
            words = words " --" long[i] (value[i] ? "=" : "")
        }
        name = program
        gsub(/-/, "_", name)
        print "_" name "() {"
        print "    local cur=${COMP_WORDS[COMP_CWORD]}"
        print "    [[ $cur == -* ]] || return 0"
        print "    mapfile -t COMPREPLY < <(compgen -W '" substr(words, 2) \
            "' -- \"$cur\")"
        print "    [[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace"
        print "}"
        print "complete -o bashdefault -o default -F _" name " " program
    } else if (shell == "zsh") {
        print "#compdef " program
        print "_arguments -S \\"
        for (i = 1; i <= count; i++) {
            rest = "[" text[i] "]" (value[i] ? ":value:_files" : "")
            print "    '--" long[i] (value[i] ? "=" : "") rest "' \\"
            if (short[i] != "") {
                print "    '-" short[i] rest "' \\"
            }
        }
        print "    '*:file:_files'"
    } else {
        for (i = 1; i <= count; i++) {
            print "complete -c " program " -l " long[i] \
                (short[i] != "" ? " -s " short[i] : "") \
                (value[i] ? " -r" : "") " -d '" text[i] "'"
        }
    }
}
