#!/usr/bin/env bash
# The tables in docs/hooks.md and README.md say what probes/hooks.c and probes/shared/account.h say.
# ktax-test: parallel
# shellcheck disable=SC2016 # backticks are Markdown's
. "$(dirname "$0")/../lib.sh"

# A table's row whose first cell is a name.
row='^\| `[a-z_]+` \|'

# ---- boundaries: "NAME | ACCOUNT | NEED | required | light | FAMILY/TARGET SINCE ..." ------------

# boundaries: hooks.c, one entry per line. The table there is not touched by clang-format.
boundaries() {
  tr -s ' \t\n' ' ' <"$top/probes/hooks.c" | sed 's/\[BOUNDARY_/\n&/g' |
    grep -E '^\[BOUNDARY_[A-Z_]+\] = \{ "' | sed 's/ }; .*//'
}

# normalise_code: a row of the document's table per boundary.
normalise_code() {
  local entry name account need required light ways
  while read -r entry; do
    [[ $entry =~ =\ \{\ \"([a-z_]+)\",\ KTAX_([A-Z_]+),\ NEED_([A-Z_]+),\ (true|false) ]]
    name=${BASH_REMATCH[1]} account=${BASH_REMATCH[2],,} need=${BASH_REMATCH[3],,} required=${BASH_REMATCH[4]}
    [ "$account" != naccounts ] || account=-
    light=$(grep -q '\.light = true' <<<"$entry" && echo yes || echo -)
    ways=$(grep -oE '\{ HOOK_[A-Z_]+, "[a-z_]+", "[a-z_]+", "[0-9.-]+"' <<<"$entry" |
      sed -E 's/\{ HOOK_([A-Z_]+), "[a-z_]+", "([a-z_]+)", "([0-9.-]+)"/\L\1\E\/\2 \3/' | paste -sd ',' | sed 's/,/, /g')
    [ "$required" = false ] || need=required
    echo "$name|$account|$need|$light|$ways"
  done
}

# The rows of the table whose first cell is a known boundary, without Markdown.
normalise_document() {
  sed -n '/^## Boundaries/,/^## /p' "$top/docs/hooks.md" |
    grep -E "$row" | tr -d '`' | sed 's/^| //; s/ |$//; s/ | /|/g'
}

# The sentences that a recording holds: what a way misses, what follows without a boundary.
sentences() {
  boundaries | awk -F'"' '{ for (i = 2; i <= NF; i += 2) if ($i ~ / .* /) print $i }' | sort -u
}

missing_sentences() {
  local sentence
  while read -r sentence; do
    grep -qF "$sentence" <(tr -s '\n' ' ' <"$top/docs/hooks.md") || echo "$sentence"
  done < <(sentences)
}

check_num "The table of boundaries in probes/hooks.c is found" "$(boundaries | wc -l) >= 18"
check_eq "docs/hooks.md lists the boundaries of probes/hooks.c, with the ways to hook each" \
  "$(diff <(boundaries | normalise_code | sort) <(normalise_document | sort) || true)" ""
check_eq "docs/hooks.md has every sentence that a report says of a hook" "$(missing_sentences)" ""

# ---- accounts: "NAME | who could remove it" ------------------------------------------------------

accounts_in_code() {
  grep -E '^	X\([A-Z_]+, ' "$top/probes/shared/account.h" |
    sed -E 's/^	X\([A-Z_]+, *"([a-z_]+)", *([A-Z]+),.*/\1|\2/' |
    sed 's/|TUNING/|T/; s/|BYPASS/|B/; s/|NEITHER/|/'
}

accounts_in_readme() {
  sed -n '/^### Accounts/,/^##/p' "$top/README.md" | grep -E "$row" |
    tr -d '`' | awk -F'|' '{ gsub(" ", "", $2); gsub(" ", "", $3); print $2 "|" $3 }'
}

check_num "The accounts in probes/shared/account.h are found" "$(accounts_in_code | wc -l) >= 20"
check_eq "README.md lists the accounts in their order, and who could remove each" \
  "$(accounts_in_readme)" "$(accounts_in_code)"
