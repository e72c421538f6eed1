#!/usr/bin/env bash
# tests/run.sh itself: a project of a few tiny tests, each of which goes wrong in its own way, is run
# in a temporary directory, and the log must say so.
# ktax-test: timeout=400 parallel
. "$(dirname "$0")/../lib.sh"

project=$tmp/project

# add_script KIND/NAME [HEADER WORDS]: reads its body.
add_script() {
  mkdir -p "$project/tests/${1%/*}"
  {
    printf '#!/usr/bin/env bash\n# ktax-test: %s\n' "${2:-}"
    # shellcheck disable=SC2016 # for that script to expand
    echo '. "$(dirname "$0")/../lib.sh"'
    cat
  } >"$project/tests/$1.test.sh"
  chmod +x "$project/tests/$1.test.sh"
}

make_project() {
  mkdir -p "$project/tests"
  cp "$top/tests/run.sh" "$top/tests/lib.sh" "$project/tests/"
  cat >"$project/CMakeLists.txt" <<'CMAKE'
cmake_minimum_required(VERSION 3.25)
project(tiny C)
include(CTest)
add_test(NAME unit.quiet COMMAND true)
add_test(NAME unit.crash COMMAND sh -c "kill -SEGV $$")
add_test(NAME unit.tap COMMAND sh -c "echo 'ok 1 - test_one_holds'; echo '# no card'; echo 'not ok 2 # SKIP test_two'")
CMAKE
}

# The closing line of a run of the project; its log is $tmp/out.
closing_line() {
  run env KTAX_BUILD="$tmp/build" "$project/tests/run.sh" --no-install --quick "$@"
  tail -n 1 "$tmp/out"
}

check_log() {
  check "$1" grep -qE "$2" "$tmp/out"
}

make_project
closing_line --only 'quiet|tap' >"$tmp/closing"
check_eq "A run without failures succeeds" "$status" 0
check_eq "The last line counts the tests" "$(cat "$tmp/closing")" "3 passed, 0 failed, 1 skipped"
check_log "A skip is listed with its reason" '^  unit/tap: two: no card$'

closing_line --only 'no such test' >/dev/null
check_eq "A run of no test fails" "$status" 1

add_script a/dies <<<'ok "one"; false'
add_script a/nothing <<<':'
add_script a/hangs timeout=1 <<<'start sleeper sleep 1000; ok "started"; sleep 1000'
add_script a/strays <<<'setsid sleep 1000 & ok "started"'
add_script a/unset <<<'check_num "A missing figure is no zero" "null == 0"'
add_script a/slow slow <<<'not_ok "left out by --quick"'
closing_line >"$tmp/closing"
check_eq "A run with failures fails" "$status" 1
check_eq "Every kind of failure is counted" "$(cat "$tmp/closing")" "6 passed, 6 failed, 1 skipped"
check_log "A crash of a program is a failure" 'FAIL  unit/crash succeeds'
check_log "A script that stops early is a failure" 'FAIL  dies runs to its end'
check_log "A script that checks nothing is a failure" 'FAIL  a/nothing checks something'
check_log "A script that hangs is stopped at its time limit" 'FAIL  a/hangs ends in time'
check_log "A process left behind is a failure" 'FAIL  No process is left behind'
check_log "A missing figure is a failure" 'FAIL  A missing figure is no zero'

rm -r "$project/tests/a"
# shellcheck disable=SC2016 # for the script to expand
fails_once='[ -e "$0.seen" ] || { touch "$0.seen"; not_ok "one"; exit; }; ok "one"'
add_script b/late restless <<<"$fails_once"
add_script b/never restless <<<'not_ok "two"'
add_script b/calm <<<"$fails_once"
closing_line --only '^b/' >"$tmp/closing"
check_eq "Only what is marked restless is run again, once" "$(cat "$tmp/closing")" "2 passed, 2 failed, 0 skipped"
check_log "Its first failure is shown" '^  again  one'
check_log "and named in the end" '^  b/late: one'
check_log "A script that fails again is a failure" 'FAIL  two'

echo 'syntax error' >>"$project/CMakeLists.txt"
closing_line >"$tmp/closing"
check_eq "A build that fails ends the run" "$(cat "$tmp/closing")" "0 passed, 1 failed, 0 skipped"
