#!/usr/bin/env bash
# run.sh [--only REGEX] [--no-install] [--quick] - builds ktax and runs all of its tests.
#
#   sudo tests/run.sh            everything; without root, the tests that need it are skipped
#   --only REGEX                 only tests whose name (kind/name) matches; the build is always done
#   --no-install                 do not look for missing packages
#   --quick                      leave out the second compiler and the scripts marked slow
#
# Environment: KTAX_BUILD, the build directory (default: build/). Logs stay in $KTAX_BUILD/test-logs.
#
# What is a test? A *unit* is one program: an entry of ctest, or an executable
# tests/<kind>/<name>.test.sh. It prints one line per thing it checked (the format stands in
# tests/lib.sh; cmocka's TAP output is read as well), and each such line counts as a test. A unit
# that fails, or is stopped at its time limit, without saying so in a line counts as a failed test;
# a ctest entry without lines counts as one test, by its exit status.
#
# A script marked restless compares verdicts about this very host, which may rightly be "not enough":
# if it fails it is run once more. Both runs are shown, and the closing lines name it; the second one
# counts.
#
#   make_plan    name|time limit|parallel or serial|runs at most|shell command      one line per unit
#   run_plan     parallel units first, two at a time; then the serial ones, which may measure time
#   run_unit     in a process group of its own, with a time limit
#   report_unit  its lines, and all of its output if it failed
#   summary      failures, skips with their reasons, and the closing line
#
# The first build is made with the default compiler; the second one with clang, AddressSanitizer and
# UndefinedBehaviorSanitizer, and the entries of ctest run in it again (as sanitized/<name>). Both
# turn warnings into errors.
set -euo pipefail

top=$(realpath "$(dirname "${BASH_SOURCE[0]}")/..")
export KTAX_BUILD=${KTAX_BUILD:-$top/build}
export CMOCKA_MESSAGE_OUTPUT=TAP
logs=$KTAX_BUILD/test-logs
jobs=$(nproc)
limit_default=300
limit_build=900

only=. install=yes quick=

usage() {
  sed -n '2,/^set /s/^# \{0,1\}//p' "$0" | sed -n '1,/^What is/p' | sed '$d'
}

parse_arguments() {
  while [ $# -gt 0 ]; do
    case $1 in
      --only) only=${2:?--only needs a regular expression}; shift ;;
      --no-install) install= ;;
      --quick) quick=yes ;;
      --help | -h) usage; exit 0 ;;
      *) usage >&2; exit 1 ;;
    esac
    shift
  done
}

# Runs a command as the owner of the checkout, so that `sudo tests/run.sh` leaves them a build
# directory they can use.
as_owner() {
  local owner
  owner=$(stat -c %U "$top")
  if [ "$(id -u)" = 0 ] && [ "$owner" != root ] && [ "$owner" != UNKNOWN ]; then
    runuser -u "$owner" -- "$@"
  else
    "$@"
  fi
}

# ---- the plan -----------------------------------------------------------------------------------

# build_command DIRECTORY [CMAKE ARGUMENT...]: the shell command that builds there.
build_command() {
  local directory=$1
  shift
  printf '%q ' cmake -S "$top" -B "$directory" -DKTAX_WERROR=ON -DKTAX_TESTS=ON "$@"
  printf '&& '
  printf '%q ' cmake --build "$directory" -j "$jobs"
}

# ctest_plan DIRECTORY [PREFIX]: the entries of ctest there; kind.name is kind/name here. Their
# properties are honoured.
ctest_plan() {
  ctest --test-dir "$1" --show-only=json-v1 | jq -r --arg prefix "${2:-}" --argjson limit "$limit_default" '
    .tests[] | select(.command)
    | (reduce (.properties // [])[] as $p ({}; .[$p.name] = $p.value)) as $property
    | [ if $prefix == "" then .name | sub("\\."; "/") else $prefix + .name end,
        ($property.TIMEOUT // $limit | floor),
        (if $property.RUN_SERIAL then "serial" else "parallel" end),
        1,
        (["cd", $property.WORKING_DIRECTORY // "."] | @sh) + " && exec "
          + (["env"] + ($property.ENVIRONMENT // []) + .command | @sh) ]
    | map(tostring) | join("|")'
}

# script_plan: the executable tests/*/*.test.sh, by their "# ktax-test:" lines.
script_plan() {
  local script words name limit mode runs
  for script in "$top"/tests/*/*.test.sh; do
    [ -x "$script" ] || continue
    words=$(sed -n 's/^# ktax-test: *//p;20q' "$script")
    [[ -z $quick || " $words " != *" slow "* ]] || continue
    name=${script#"$top"/tests/} limit=$limit_default mode=serial runs=1
    [[ ! $words =~ timeout=([0-9]+) ]] || limit=${BASH_REMATCH[1]}
    [[ " $words " != *" parallel "* ]] || mode=parallel
    [[ " $words " != *" restless "* ]] || runs=2
    printf '%s|%s|%s|%s|exec %q\n' "${name%.test.sh}" "$limit" "$mode" "$runs" "$script"
  done
}

make_plan() {
  {
    ctest_plan "$KTAX_BUILD"
    [ ! -e "$KTAX_BUILD/clang/CTestTestfile.cmake" ] || ctest_plan "$KTAX_BUILD/clang" sanitized/
    script_plan
  } | awk -F'|' -v only="$only" '$1 ~ only'
}

# ---- running a unit -----------------------------------------------------------------------------

# run_unit NAME LIMIT COMMAND: leaves .out, .err, .status, .seconds and .results in $work/NAME.
run_unit() {
  local file=$work/${1//\//:} limit=$2 command=$3 status=0 begin=$EPOCHREALTIME
  KTAX_TEST_UNIT=$work/$1 timeout -k 15 "$limit" bash -c "$command" \
    </dev/null >"$file.out" 2>"$file.err" &
  echo $! >"$file.pid"
  wait $! 2>/dev/null || status=$?
  rm -f "$file.pid"
  awk -v a="$begin" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }' >"$file.seconds"
  {
    result_lines "$file.out"
    verdict "$file" "$1" "$limit" "$status"
    end_strays "$work/$1"
  } >"$file.results"
  as_owner mkdir -p "$logs"
  cat "$file.err" "$file.out" >"$logs/${1//\//-}.log"
}

# result_lines FILE: "ok|fail|skip <tab> sentence <tab> note", one per test line.
result_lines() {
  awk '
    function emit(kind, text,    at, note) {
      at = index(text, " # ")
      note = at ? substr(text, at + 3) : ""
      if (at) text = substr(text, 1, at - 1)
      if (text !~ / /) gsub("_", " ", text)          # cmocka: the name of a function
      sub(/^test /, "", text)
      print kind "\t" text "\t" note
    }
    /^# /                          { comment = substr($0, 3) }
    /^not ok [0-9]+ # SKIP /       { sub(/^not ok [0-9]+ # SKIP /, ""); emit("skip", $0 " # " comment); next }
    /^not ok( [0-9]+)? - /         { sub(/^not ok( [0-9]+)? - /, "");   emit("fail", $0); next }
    /^ok( [0-9]+)? - /             { sub(/^ok( [0-9]+)? - /, "");       emit("ok", $0); next }
    /^skip - /                     { sub(/^skip - /, "");               emit("skip", $0); next }
  ' "$1"
}

# verdict FILE NAME LIMIT STATUS: the test that stands for the unit as a whole, where one is needed.
verdict() {
  local lines failed
  lines=$(result_lines "$1.out" | wc -l)
  failed=$(result_lines "$1.out" | grep -c '^fail' || true)
  if [ "$4" = 124 ] || [ "$4" = 137 ]; then
    printf 'fail\t%s ends in time\tstopped after %s s\n' "$2" "$3"
  elif [ "$4" != 0 ] && [ "$failed" = 0 ]; then
    printf 'fail\t%s succeeds\texit status %s\n' "$2" "$4"
  elif [ "$lines" = 0 ] && [ -e "$top/tests/$2.test.sh" ]; then
    printf 'fail\t%s checks something\tit printed no test line\n' "$2"
  elif [ "$lines" = 0 ]; then
    printf 'ok\t%s succeeds\t\n' "$2"
  fi
}

# end_strays MARK: processes that outlived their unit (they carry its mark) are a failure; only
# those are killed.
end_strays() {
  local environ pid
  for environ in $(grep -lzxs "KTAX_TEST_UNIT=$1" /proc/[0-9]*/environ || true); do
    pid=${environ#/proc/} pid=${pid%/environ}
    printf 'fail\tNo process is left behind\t%s: %s\n' "$pid" \
      "$(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | cut -c 1-100)"
    kill -KILL "$pid" 2>/dev/null || true
  done
}

# ---- reporting ----------------------------------------------------------------------------------

# report_unit NAME: one line per test; everything the unit printed, if one of them failed.
report_unit() {
  local file=$work/${1//\//:}
  printf '\n%s (%s s)\n' "$1" "$(cat "$file.seconds")"
  awk -F'\t' '{
    label = $1 == "fail" ? "FAIL" : $1
    printf "  %-4s  %s%s\n", label, $2, $3 == "" ? "" : "  (" $3 ")"
  }' "$file.results"
  sed "s|^|$1\t|" "$file.results" >>"$work/all"
  if grep -qE '^(fail|again)' "$file.results"; then
    { tail -n 150 "$file.err"; tail -n 150 "$file.out"; } | sed 's/^/        | /'
  fi
}

report_locked() {
  {
    flock 9
    report_unit "$1"
  } 9>"$work/lock"
}

has_failed() {
  grep -q '^fail' "$work/${1//\//:}.results"
}

# run_and_report NAME LIMIT RUNS COMMAND: as often as RUNS until it does not fail; failures of a run
# that is not the last are "again", which neither passed nor failed.
run_and_report() {
  local name=$1 limit=$2 runs=$3 command=$4
  run_unit "$name" "$limit" "$command"
  while has_failed "$name" && [ "$((--runs))" -gt 0 ]; do
    sed -i -n 's/^fail/again/p' "$work/${name//\//:}.results"
    report_locked "$name"
    run_unit "$name" "$limit" "$command"
  done
  report_locked "$name"
}

# run_plan PLAN: a file as make_plan prints it.
run_plan() {
  local name limit mode runs command
  while IFS='|' read -r name limit mode runs command; do
    [ "$mode" = parallel ] || continue
    while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n || true; done
    run_and_report "$name" "$limit" "$runs" "$command" &
  done <"$1"
  wait
  while IFS='|' read -r -u 3 name limit mode runs command; do
    [ "$mode" = serial ] || continue
    run_and_report "$name" "$limit" "$runs" "$command"
  done 3<"$1"
}

count() {
  awk -F'\t' -v kind="$1" '$2 == kind { n++ } END { print n + 0 }' "$work/all"
}

# The last lines of the log, and the exit status.
summary() {
  local passed failed skipped
  touch "$work/all"
  passed=$(count ok) failed=$(count fail) skipped=$(count skip)
  echo
  if [ "$failed" != 0 ]; then
    echo "Failed:"
    awk -F'\t' '$2 == "fail" { print "  " $1 ": " $3 ($4 == "" ? "" : " (" $4 ")") }' "$work/all"
  fi
  if [ "$(count again)" != 0 ]; then
    echo "Failed at first, and run again:"
    awk -F'\t' '$2 == "again" { print "  " $1 ": " $3 ($4 == "" ? "" : " (" $4 ")") }' "$work/all"
  fi
  if [ "$skipped" != 0 ]; then
    echo "Skipped:"
    awk -F'\t' '$2 == "skip" { print "  " $1 ": " $3 ": " ($4 == "" ? "no reason given" : $4) }' "$work/all"
  fi
  echo "Time: $((SECONDS / 60)) min $((SECONDS % 60)) s. Logs: $logs"
  echo "$passed passed, $failed failed, $skipped skipped"
  [ "$failed" = 0 ] && [ "$passed" -gt 0 ]
}

# ---- the whole ----------------------------------------------------------------------------------

# build NAME DIRECTORY [CMAKE ARGUMENT...]: a build is a unit as well.
build() {
  local name=$1
  shift
  run_and_report "build/$name" "$limit_build" 1 \
    "$(declare -f as_owner); top=$(printf %q "$top"); as_owner bash -c $(printf %q "$(build_command "$@")")"
  ! has_failed "build/$name"
}

# Ends what is running, each by the id of the `timeout` that leads its process group.
stop_units() {
  local file
  for file in "$work"/*.pid; do
    [ ! -s "$file" ] || kill "$(cat "$file")" 2>/dev/null || true
  done
  wait
}

main() {
  parse_arguments "$@"
  if [ -n "$install" ]; then
    "$top/.ci/install-packages" --tests
  fi
  work=$(mktemp -d "${TMPDIR:-/tmp}/ktax-run.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  trap 'trap "" INT TERM; stop_units; exit 130' INT TERM

  if build default "$KTAX_BUILD"; then
    if [ -z "$quick" ]; then
      build clang "$KTAX_BUILD/clang" -DCMAKE_C_COMPILER=clang -DKTAX_SANITIZE=ON || true
    fi
    make_plan >"$work/plan"
    [ -s "$work/plan" ] || { echo "run.sh: no test matches '$only'" >&2; exit 1; }
    run_plan "$work/plan"
  fi
  summary
}

main "$@"
