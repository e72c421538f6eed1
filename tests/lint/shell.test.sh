#!/usr/bin/env bash
# Shell scripts and man pages pass their linters.
# ktax-test: timeout=120 parallel
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

lint_man_pages() {
  local pages
  mapfile -t pages < <(find man -name '*.[1-8]' | sort)
  [ ${#pages[@]} -gt 0 ] || { skip "Man pages pass mandoc -T lint" "there are none"; return; }
  check "Man pages pass mandoc -T lint" mandoc -T lint -W warning "${pages[@]}"
}

cd "$top"
require_command shellcheck mandoc
lint_scripts
lint_man_pages
