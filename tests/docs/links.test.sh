#!/usr/bin/env bash
# What the documents name is there: links and their anchors, paths of the tree, and in command lines
# the subcommands and options.
# ktax-test: parallel
# shellcheck disable=SC2016 # backticks are Markdown's
. "$(dirname "$0")/../lib.sh"

cd "$top"
require_command ktax
documents=(README.md CONTRIBUTING.md CHANGELOG.md docs/*.md samples/README.md)

# ---- links ---------------------------------------------------------------------------------------

# anchors DOCUMENT: those of its headings, as GitHub and GitLab make them.
anchors() {
  grep -E '^#+ ' "$1" | sed -E 's/^#+ //' | tr '[:upper:]' '[:lower:]' | sed -E 's/[^a-z0-9 _-]//g; s/ /-/g'
}

# broken_links DOCUMENT: its relative links that lead nowhere.
broken_links() {
  local link path anchor target
  while read -r link; do
    path=${link%%#*} anchor=
    [[ $link != *'#'* ]] || anchor=${link#*#}
    target=$1
    [ -z "$path" ] || target=$(dirname "$1")/$path
    if [ ! -e "$target" ]; then
      echo "$1: $link"
    elif [ -n "$anchor" ] && ! anchors "$target" | grep -qxF -- "$anchor"; then
      echo "$1: $link (no such heading)"
    fi
  done < <(grep -oE '\]\([^)]+\)' "$1" | sed 's/^](//; s/)$//' | grep -vE '^[a-z]+:' || true)
}

# ---- paths ---------------------------------------------------------------------------------------

# named_paths DOCUMENT: words that begin with a folder of the tree. Placeholders (in capitals or
# angle brackets) are none.
named_paths() {
  local folders
  folders=$(git ls-files 2>/dev/null | sed -n 's|/.*||p' | sort -u | paste -sd '|' | sed 's/\./\\./g')
  [ -n "$folders" ] || folders='probes|collector|analyze|bypass-ab|ui|samples|tests|docs|\.ci'
  grep -oE "(^|[ \`\"'(])($folders)/[A-Za-z0-9_./<>*-]*" "$1" | sed -E "s/^[ \`\"'(]//; s/[.,:]+$//" |
    grep -vE '[<>]|[A-Z]{4}' | sort -u || true
}

missing_paths() {
  local path
  while read -r path; do
    compgen -G "$path" >/dev/null || compgen -G "$(dirname "$1")/$path" >/dev/null || echo "$1: $path"
  done < <(named_paths "$1")
}

# ---- command lines -------------------------------------------------------------------------------

# command_lines DOCUMENT: what it says of ktax, one command per line, without sudo, path and pipe.
command_lines() {
  {
    sed -n '/^    /s/ #.*//; /^    /p' "$1"
    sed -n '/^```sh/,/^```/p' "$1"
    grep -oE '`[^`]+`' "$1" | tr -d '`' || true
  } | tr '|' '\n' | sed 's/;.*//; s/&&.*//' |
    sed -nE 's/^[ $]*(sudo )?(vmrun\.sh "[^"]*" )?((build|\.)\/)?(ktax( .*)?)$/\5/p'
}

options_of() {
  [ -s "$tmp/help.$1" ] || ktax help "$1" | grep -oE '(^| )--?[a-z][a-z-]*' | tr -d ' ' >"$tmp/help.$1"
  cat "$tmp/help.$1"
}

# known_option COMMAND WORD: whether the help of the command has it; -fo are two.
known_option() {
  local word=${2%%=*} i
  if [[ $word != --* ]]; then
    for ((i = 1; i < ${#word}; i++)); do
      options_of "$1" | grep -qx -- "-${word:i:1}" || return 1
    done
  else
    options_of "$1" | grep -qx -- "$word"
  fi
}

# wrong_commands DOCUMENT: its lines that ktax would not take.
wrong_commands() {
  local line words word
  while read -r line; do
    read -ra words <<<"$line"
    [ ${#words[@]} -gt 1 ] || continue
    [[ ${words[1]} != --version ]] || continue
    grep -qx "  ${words[1]} .*" "$tmp/overview" || { echo "$1: no command: $line"; continue; }
    for word in "${words[@]:2}"; do
      [ "$word" != -- ] || break
      [[ ! $word =~ ^-[-a-zA-Z] ]] || known_option "${words[1]}" "$word" || echo "$1: no option $word: $line"
    done
  done < <(command_lines "$1")
}

# ---- all of them ---------------------------------------------------------------------------------

# in_all FUNCTION: what it says of any of the documents.
in_all() {
  local document
  for document in "${documents[@]}"; do "$1" "$document"; done
}

ktax help >"$tmp/overview"
check_eq "Every link of the documents leads somewhere" "$(in_all broken_links)" ""
check_eq "Every path that the documents name exists" "$(in_all missing_paths)" ""
check_num "Command lines are found in the documents" "$(in_all command_lines | wc -l) >= 20"
check_eq "Every command line of ktax has options that exist" "$(in_all wrong_commands)" ""
