#!/usr/bin/env bash
# ktax-test: timeout=400 parallel
# cmake --install puts everything that a user of ktax needs below a prefix, and what is there works
# from there: also below another prefix than the one that was configured.
. "$(dirname "$0")/../lib.sh"

require_command cmake mandoc cc
prefix=$tmp/prefix
[ -e "$build/cmake_install.cmake" ] || skip_all "needs a build directory of CMake"
if ! cmake --install "$build" --prefix "$prefix" >"$tmp/log" 2>&1; then
  not_ok "cmake --install succeeds" "$(tail -n 1 "$tmp/log")"
  exit
fi
ok "cmake --install succeeds"
read -ra commands < <("$prefix/bin/ktax" help --completion | sed -n 's/.* commands="\([a-z ]*\)".*/\1/p')
share=$prefix/share

# ---- what is there ------------------------------------------------------------------------------

check_eq "The program runs from there" "$("$prefix/bin/ktax" --version | cut -d' ' -f1)" ktax
check_eq "Nothing of the build's directories is in the program's library path" \
  "$(readelf -d "$prefix/bin/ktax" | grep -c 'R.*PATH' || true)" 0
check "The catalogue is installed whole" \
  diff -r "$top/probes/catalogue" "$share/ktax/catalogue"
check_eq "Every command has a manual page" \
  "$(find "$share/man/man1" -type f -printf '%f\n' | sort | xargs)" \
  "$(printf -- '%s\n' ktax.1 "${commands[@]/#/ktax-}" | sed 's/[a-z]$/&.1/' | sort | xargs)"

printf '#include <ktax/ktax.h>\nint main(void) { KTAX_SPAN(serialize); return 0; }\n' >"$tmp/user.c"
check "A program that marks its code compiles against the installed header" \
  cc -Wall -Werror -I "$prefix/include" -o "$tmp/user" "$tmp/user.c"

# ---- the catalogue ------------------------------------------------------------------------------

# The catalogue is read before anything that needs root, but after the privileges are checked.
if [ "$(id -u)" = 0 ]; then
  mv "$share/ktax/catalogue/zlib.ini" "$tmp/zlib.ini"
  echo bad >"$share/ktax/catalogue/zlib.ini"
  run "$prefix/bin/ktax" record -d 100ms -o "$tmp/x.ktax"
  check_match "An installed ktax reads the catalogue that was installed with it" "$(cat "$tmp/err")" \
    "cannot read the catalogue of functions: .*zlib.ini:1: "
  mv "$tmp/zlib.ini" "$share/ktax/catalogue/zlib.ini"
  run "$prefix/bin/ktax" record --port 1 -d 100ms -o "$tmp/x.ktax"
  check_eq "and finds it good" "$status" 0
else
  skip "An installed ktax reads the catalogue that was installed with it" "needs root"
fi

# ---- manual pages -------------------------------------------------------------------------------

for page in "$share"/man/man1/*; do
  name=$(basename "$page" .1)
  check_eq "mandoc finds no error in $name(1)" "$(mandoc -T lint -W error "$page" 2>&1)" ""
  check_match "$name(1) says what it is" "$(mandoc -T ascii "$page" | col -b)" \
    "NAME[[:space:]]+$name - .+SYNOPSIS"
done
if command -v man >/dev/null; then
  check_eq "man shows a page without a warning" \
    "$(MANPAGER=cat LC_ALL=C.UTF-8 man --warnings -l "$share/man/man1/ktax-record.1" 2>&1 >/dev/null)" ""
fi

# ---- completion ---------------------------------------------------------------------------------

# complete WORD...: what bash offers for the last one, sorted.
complete_words() {
  PATH=$prefix/bin:$PATH bash --norc -c '
    set -euo pipefail
    [ ! -r /usr/share/bash-completion/bash_completion ] || {
      set +eu; . /usr/share/bash-completion/bash_completion; set -eu; }
    . "$0"
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*" COMP_POINT=${#COMP_LINE}
    function=$(complete -p ktax | sed "s/.*-F \([^ ]*\).*/\1/")
    "$function" ktax "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}" || true
    printf "%s\n" "${COMPREPLY[@]}"' "$share/bash-completion/completions/ktax" "$@" 2>&1 |
    sed 's/ *$//' | sort | xargs
}

check "The completion is good bash" bash -n "$share/bash-completion/completions/ktax"
check_eq "'ktax rec' completes to record" "$(complete_words ktax rec)" record
check_match "'ktax record --ma' completes to the options" "$(complete_words ktax record --ma)" \
  "--max-connections.* --max-endpoints"
check_eq "'ktax help rep' completes to report" "$(complete_words ktax help rep)" report
