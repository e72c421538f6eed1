#!/usr/bin/env bash
# ktax/ktax.h compiles without a warning in C and C++ and leaves its USDT notes in the program.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

include=$top/samples/annotate

# notes FILE: "NAME ARGUMENT", one line per note of the provider ktax, sorted.
notes() {
  readelf -n "$1" | awk '/Provider: / { ours = $2 == "ktax" }
    ours && /Name: / { name = $2 } ours && /Arguments: / { print name, $2 }' | sort
}

write_c() {
  cat >"$1" <<'END'
#include <ktax/ktax.h>
static volatile int sink;
static void work(void)
{
	KTAX_SPAN(serialize);
	KTAX_SPAN_BEGIN(tls);
	sink++;
	KTAX_SPAN_END(tls);
}
int main(void)
{
	work();
	return sink != 1;
}
END
}

# The template is instantiated in two places, so that its notes are in section groups.
write_cpp() {
  cat >"$1" <<'END'
#include <ktax/ktax.h>
static volatile int sink;
template <class T> T work(T value)
{
	ktax::span<KTAX_SPAN_GC> span;
	if (value > 1)
		throw value;
	sink = sink + 1;
	return value;
}
int main()
{
	try {
		work(1);
		work(2);
	} catch (int) {
		return sink != 1;
	}
	return 1;
}
END
}

# check_compiler COMPILER SOURCE STANDARD
check_compiler() {
  local flags
  command -v "$1" >/dev/null || { skip "$1 takes the header" "no $1 here"; return; }
  for flags in -O0 -O2 "-O2 -fPIE -pie -g"; do
    # shellcheck disable=SC2086
    run "$1" "-std=$3" -Wall -Wextra -Wshadow -Wpedantic -Werror $flags "-I$include" "$2" -o "$tmp/a"
    check_eq "$1 $flags takes the header" "$status$(cat "$tmp/err")" 0
    run "$tmp/a"
    check_eq "$1 $flags: the program runs as without it" "$status" 0
    check_eq "$1 $flags: every kind of note is there" \
      "$(notes "$tmp/a" | sort -u | tr '\n' ' ')" "$4"
  done
}

check_disabled() {
  run cc -DKTAX_SPAN_DISABLE -Wall -Wextra -Werror "-I$include" "$tmp/a.c" -o "$tmp/a"
  check_eq "KTAX_SPAN_DISABLE leaves no note" "$status$(notes "$tmp/a")" 0
}

check_unknown_account() {
  printf '#include <ktax/ktax.h>\nvoid f(void);\nvoid f(void) { KTAX_SPAN_BEGIN(nothing); }\n' \
    >"$tmp/b.c"
  run cc "-I$include" -c "$tmp/b.c" -o "$tmp/b.o"
  check_eq "An unknown account does not compile" "$status" 1
}

require_command cc readelf
case $(uname -m) in
  x86_64) d=-4@\$ ;;
  aarch64) d=-4@ ;;
  *) skip_all "the notes on $(uname -m) are those of sys/sdt.h" ;;
esac
write_c "$tmp/a.c"
write_cpp "$tmp/a.cc"
for compiler in gcc clang; do
  check_compiler "$compiler" "$tmp/a.c" c11 \
    "span_begin ${d}2 span_begin ${d}3 span_end ${d}2 span_end ${d}3 "
done
for compiler in g++ clang++; do
  check_compiler "$compiler" "$tmp/a.cc" c++11 "span_begin ${d}4 span_end ${d}4 "
done
check_disabled
check_unknown_account
check_eq "The sample server has both ends of all eight accounts" \
  "$(notes "$build/ktax-sample-server" | sort -u | wc -l)" 16
