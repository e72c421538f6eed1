#!/usr/bin/env bash
# run.sh BUILD_DIR - compares collector/histogram with HdrHistogram's Java reference, on random
# histograms in both directions and on an interval log. Needs Debian's libhdrhistogram-java and a
# JDK; without them it is skipped (exit status 77). HDRHISTOGRAM_JAR: where the jar is.
set -euo pipefail

build=$(realpath "${1:?usage: run.sh BUILD_DIR}")
here=$(realpath "$(dirname "${BASH_SOURCE[0]}")")
program=$build/tests/interop_histogram
histograms=${HISTOGRAMS:-1000}
failures=0

skip() {
  echo "skip - the histogram equals the Java reference # $1"
  exit 77
}

# check SENTENCE CMD [ARG...]: CMD succeeds; its output is shown if it does not.
check() {
  local sentence=$1
  shift
  if "$@" >"$tmp/out" 2>&1; then
    echo "ok - $sentence${note:+ # $note}"
  else
    echo "not ok - $sentence # failed: $(basename "$1")"
    cat "$tmp/out"
    failures=$((failures + 1))
  fi
}

find_jar() {
  local jar
  for jar in "${HDRHISTOGRAM_JAR:-}" /usr/share/java/{hdrhistogram,HdrHistogram}.jar; do
    if [ -f "$jar" ]; then
      echo "$jar"
      return
    fi
  done
  return 1
}

# The last interval line of the processor's output holds the total count and the percentiles of
# everything up to there: "seconds: I:count ( 50% 90% max ) T:count ( 50% 90% 99% 99.9% ... max )".
processor_totals() {
  sed -n 's/.* T:\([0-9]*\) ( \(.*\) )$/\1 \2/p' "$1" | tail -1 |
    awk '{ print $1, $2, $3, $4, $5, $NF }'
}

# What interop_histogram wrote for a tag, in the processor's form: ms with three decimals.
expected_totals() {
  awk -v tag="$1" '$1 == tag {
    printf "%d", $2
    for (i = 3; i <= NF; i++) printf " %.3f", $i / 1e6
    print ""
  }' "$tmp/expected"
}

# processor_agrees TAG: HistogramLogProcessor shows the totals of the tag ("-": no tag).
processor_agrees() {
  local tag=() found expected
  [ "$1" = - ] || tag=(-tag "$1")
  java "${jvm[@]}" org.HdrHistogram.HistogramLogProcessor -i "$tmp/c.hlog" -o "$tmp/processed" \
    "${tag[@]}" || return 1
  found=$(processor_totals "$tmp/processed")
  expected=$(expected_totals "$1")
  [ -n "$expected" ] && [ "$found" = "$expected" ] && return
  echo "found '$found', want '$expected'"
  return 1
}

for tool in java javac; do
  command -v "$tool" >/dev/null || skip "needs $tool (openjdk-17-jdk-headless)"
done
jar=$(find_jar) || skip "needs the jar of libhdrhistogram-java"
[ -x "$program" ] || { echo "not ok - interop_histogram is built # no $program"; exit 1; }

tmp=$(mktemp -d "${TMPDIR:-/tmp}/ktax-test.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
# The reference writes the start's date in the local time zone, ktax in UTC.
export TZ=UTC
jvm=(-Xmx512m -XX:+UseSerialGC -cp "$jar:$tmp")

note=
check "the Java half compiles" javac -cp "$jar" -d "$tmp" "$here/HistogramInterop.java"
check "C writes histograms" "$program" make "$tmp/c.bin" "$histograms" 1
check "C writes an interval log" "$program" log "$tmp/c.hlog" "$tmp/expected"
[ "$failures" = 0 ] || exit 1

note="$histograms histograms"
check "Java makes, reads and writes the same as C" java "${jvm[@]}" HistogramInterop \
  "$tmp/c.bin" "$tmp/java.bin" "$histograms" 2 "$tmp/c.hlog" "$tmp/java.hlog" "$tmp/expected"
check "C makes, reads and writes the same as Java" "$program" check "$tmp/java.bin"
note=
check "The interval log is byte for byte that of Java's writer" cmp "$tmp/c.hlog" "$tmp/java.hlog"
while read -r tag _; do
  check "HistogramLogProcessor finds the totals of tag $tag" processor_agrees "$tag"
done <"$tmp/expected"
exit $((failures > 0))
