#!/usr/bin/env bash
# Builds with AddressSanitizer, LeakSanitizer and UndefinedBehaviorSanitizer and runs all tests and a short soak under
# them: `make sanitize`. Any report ends it with an error.
#   SANITIZE_SOAK_SECONDS=20; arguments go to pytest
# Swift's compiler takes no -sanitize=undefined on Linux, so that one is for the C target alone, by clang; its runtime is
# a part of AddressSanitizer's. Swift's own overflow and bounds checks are always on.
set -euo pipefail
cd "$(dirname "$0")/../.."

flags=(--scratch-path .build-sanitize --sanitize=address
    -Xcc -fsanitize=undefined -Xcc -fno-sanitize-recover=undefined -Xcc -fno-omit-frame-pointer)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

leaks=$PWD/Tests/sanitize/leaks.supp
# Not strict_string_checks: it wants a NUL behind what strndup is told the length of.
export ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1
export LSAN_OPTIONS=suppressions=$leaks:print_suppressions=0
export UBSAN_OPTIONS=print_stacktrace=1

echo "== build"
# The gold linker warns of each of the sanitizer's symbols.
swift build --build-tests "${flags[@]}" >"$work/build" 2>&1 || {
    grep -v 'ld.gold: warning' "$work/build" >&2
    exit 1
}
binary=$(swift build "${flags[@]}" --show-bin-path)/hubgate
for symbol in __asan_init __ubsan_handle_add_overflow_abort; do
    grep -q "$symbol" "$binary" || {
        echo "The binary is not sanitized: it has no $symbol." >&2
        exit 1
    }
done

echo "== swift test"
status=0
swift test --skip-build "${flags[@]}" >"$work/tests" 2>&1 || status=$?
# Arguments of tests can be thousands of characters long.
cut -c 1-200 "$work/tests" | grep -E 'Test run with|✘|Fatal error' || true
if [[ $status != 0 ]] || grep -qE 'Sanitizer|runtime error:' "$work/tests"; then
    grep -vE '^[◇✔]' "$work/tests" | grep -E -A 40 'Sanitizer|runtime error:' | cut -c 1-300 | head -n 200 >&2 || true
    echo "FAULT: swift test under the sanitizers (exit code $status)" >&2
    exit 1
fi

echo "== contract tests"
failed=0
# One at a time: sanitized, they wait for the processor, and not for a clock.
HUBGATE_BINARY=$binary Tests/contract/run.sh -q -n 0 "$@" || failed=1

echo "== soak"
HUBGATE_BINARY=$binary SOAK_SECONDS=${SANITIZE_SOAK_SECONDS:-20} Tests/soak/run.sh || failed=1
exit "$failed"
