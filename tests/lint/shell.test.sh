#!/usr/bin/env bash
# Shell scripts and man pages pass their linters.
# ktax-test: timeout=400 parallel
. "$(dirname "$0")/../lib.sh"

shell_scripts() {
  find . \( -name .git -o -name 'build*' -o -name node_modules \) -prune -o -type f -print0 |
    xargs -0 grep -lE -m1 '^#!.*\b(bash|sh)$|^# shellcheck shell=' | sort
}

lint_scripts() {
  local scripts
  mapfile -t scripts < <(shell_scripts)
  check "Shell scripts pass shellcheck" shellcheck "${scripts[@]}"
}

# The pages have no date: a build is to give the same bytes whenever it is made.
lint_man_pages() {
  local pages
  mapfile -t pages < <(find "$build/ui/man" -name '*.[1-8]' 2>/dev/null | sort)
  [ ${#pages[@]} -gt 0 ] || { skip "Man pages pass mandoc -T lint" "there are none"; return; }
  check_eq "Man pages pass mandoc -T lint" \
    "$(mandoc -T lint -W warning "${pages[@]}" | grep -v 'missing date' || true)" ""
}

cd "$top"
require_command shellcheck mandoc
lint_scripts
lint_man_pages
