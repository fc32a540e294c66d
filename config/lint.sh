#!/bin/sh
# The style of every file in git, checked or set right: `make lint`, `make format`.
#   config/lint.sh [--fix]
# Swift by `swift format` (.swift-format), C by clang-format (.clang-format), shell by shellcheck. A checker that is not
# here is named and skipped, unless LINT_ALL=1, which CI sets. The documentation by config/lint-docs.sh.
set -eu
cd "$(dirname "$0")/.."

fix=no
[ "${1:-}" != --fix ] || fix=yes

files() { git ls-files --cached --others --exclude-standard -z -- "$@" | xargs -0 -r ls -d 2>/dev/null || true; }
here() {
    command -v "$1" >/dev/null && return 0
    echo "lint: no $1 here, so $2 files were not checked (apt-get install $1)" >&2
    [ "${LINT_ALL:-0}" != 1 ] || exit 1
    return 1
}

config/lint-layers.py
config/lint-c-layers.py
if [ "$fix" = yes ]; then config/lint-docs.sh --fix; else config/lint-docs.sh; fi
swift_files=$(files '*.swift')
c_files=$(files '*.c' '*.h')
shell_files=$(files '*.sh' .ci/run)

# shellcheck disable=SC2086 # no name in this repository has a space
if [ "$fix" = yes ]; then
    [ -z "$swift_files" ] || swift format format --in-place --parallel $swift_files
    if [ -n "$c_files" ] && here clang-format C; then clang-format -i $c_files; fi
else
    [ -z "$swift_files" ] || swift format lint --strict --parallel $swift_files
    if [ -n "$c_files" ] && here clang-format C; then clang-format --dry-run --Werror $c_files; fi
    if here shellcheck shell; then shellcheck -x $shell_files; fi
fi
