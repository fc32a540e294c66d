#!/bin/sh
# The documentation checked: every relative link leads to a file in git, and the README's table of settings is that of
# docs/SETTINGS.md, which a test compares with the program; the tests that docs/THREATS.md names exist; docs/README.md
# lists every decision. A part of `make lint` and, with --fix, of `make format`.
#   config/lint-docs.sh [--fix]
set -eu
cd "$(dirname "$0")/.."

begin='<!-- settings: '
end='<!-- /settings -->'
faults=0

# From `| name | meaning | default | accepted | ...` to three columns.
table() {
    awk -F ' *[|] *' '
        /^## / { group = substr($0, 4) }
        /^[|] `/ {
            if (group != shown) {
                if (shown != "") print ""
                printf "**%s**\n\n| Setting | Default | Meaning |\n| --- | --- | --- |\n", group
                shown = group
            }
            printf "| %s | %s | %s |\n", $2, $4, $3
        }' docs/SETTINGS.md
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
table >"$work/table"
awk -v begin="$begin" -v end="$end" -v table="$work/table" '
    index($0, begin) == 1 {
        print
        print ""
        while ((getline line < table) > 0) print line
        print ""
        inside = 1
    }
    $0 == end { inside = 0 }
    !inside && index($0, begin) != 1 { print }' README.md >"$work/readme"
if [ "${1:-}" = --fix ]; then
    cmp -s "$work/readme" README.md || cp "$work/readme" README.md
elif ! cmp -s "$work/readme" README.md; then
    echo "README.md: its table of settings is not that of docs/SETTINGS.md: config/lint-docs.sh --fix" >&2
    faults=1
fi

# The target of [text](target), without its #fragment; blocks of code hold no links.
links() {
    awk '/^ *```/ { code = !code } !code' "$1" | grep -oE '\]\([^)# ]+' | cut -c 3- | grep -vE '^[a-z]+:' || true
}
for file in $(git ls-files --cached --others --exclude-standard -- '*.md'); do
    [ -f "$file" ] || continue
    for link in $(links "$file"); do
        target=$(dirname "$file")/$link
        [ -e "$target" ] && git ls-files --cached --others --exclude-standard --error-unmatch -- "$target" >/dev/null 2>&1 && continue
        echo "$file: there is no $link in git" >&2
        faults=1
    done
done

for decision in docs/decisions/*.md; do
    grep -qF "](decisions/${decision##*/})" docs/README.md && continue
    echo "docs/README.md: it does not list $decision" >&2
    faults=1
done

# A test that docs/THREATS.md names as file::name is a file below Tests/ that has the name.
# shellcheck disable=SC2016 # these backquotes are Markdown's
grep -oE '`[A-Za-z/_.]+::[^`]+`' docs/THREATS.md | tr -d '`' >"$work/tests"
while IFS= read -r test; do
    [ "$test" = file::name ] && continue
    grep -qF -- "${test#*::}" "Tests/${test%%::*}" 2>/dev/null && continue
    echo "docs/THREATS.md: there is no test $test" >&2
    faults=1
done <"$work/tests"
exit "$faults"
