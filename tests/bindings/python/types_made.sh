# types_made.sh, to be sourced with $here and $2 = shmrpcgen: makes the folder
# $work, which is removed at the end. It holds the generated modules to check,
# whose names are in $made, and the files with users' mistakes.
root=$here/../../..
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/made"
touch "$work/made/__init__.py"
made=
for svc in examples/echo/echo tests/integration/kinds tests/integration/flow \
    tests/integration/errors tests/integration/errors_common; do
    "$2" --lang python --out-dir "$work/made" -I "$root/$(dirname $svc)" \
        "$root/$svc.svc"
    made="$made made/${svc##*/}_svc"
done
cp "$here/wrong.py" "$here/wrong_generated.py" "$work"
