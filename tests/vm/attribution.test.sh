#!/usr/bin/env bash
# The ledger is right on stock kernels, with each family of hooks that they have.
#
# In the guest, one server per phase is asked for 20 ms of it in every request; its log has how long
# they really took. So the account of a phase must have grown by that much over the server with
# none, and no other account by anything like it. Emulation slows down everything else 20 to 30
# times, but 20 ms by the clock stay 20 ms.
# ktax-test: timeout=1600 slow
. "$(dirname "$0")/guest.sh"

phases=(none spin json lock sleep)
families=(any fentry kprobe light)
declare -A account_of=([spin]=app [json]=serialize [lock]=lock [sleep]=wait)
declare -A light_account_of=([spin]=app [json]=app [lock]=wait [sleep]=wait)
# The least of a phase that its account must have got. Calls into the JSON library are probed one by
# one, and the trap itself counts as app.
declare -A least_of=([spin]=0.8 [json]=0.5 [lock]=0.8 [sleep]=0.8)

# truth PHASE: its median in ns, as the server measured it.
truth() {
  awk -F'\t' -v phase="$1" '
    NR == 1 { for (i = 1; i <= NF; i++) if ($i == phase) column = i; next }
    { print $column }' "$out/$family.$1.tsv" | sort -n | awk '{ value[NR] = $1 } END { print value[int((NR + 1) / 2)] }'
}

# endpoint PHASE FILTER: out of the report, of that phase's server.
endpoint() {
  json "$tmp/report.json" --arg port ":$(cat "$out/$family.$1.port")/tcp" \
    ".endpoints[] | select(.endpoint | endswith(\$port)) | $2"
}

# growth PHASE: "ACCOUNT NS" per line, the growth of the median over the server that does nothing. The
# median, since an emulated machine stands still for a few 100 ms now and then.
growth() {
  local medians='.accounts | to_entries[] | [.key, .value.p50_ns // 0] | @tsv'
  join <(endpoint "$1" "$medians" | sort) <(endpoint none "$medians" | sort) |
    awk '{ print $1, $2 - $3 }'
}

check_phase() {
  local phase=$1 account=${account_of[$1]} injected
  [ "$family" != light ] || account=${light_account_of[$1]}
  injected=$(truth "$phase")
  check_ratio "$where: 20 ms of $phase land in $account" \
    "$(growth "$phase" | awk -v a="$account" '$1 == a { print $2 }')" "$injected" \
    "${least_of[$phase]}" 1.2
  check_eq "$where: $phase lands nowhere else" \
    "$(growth "$phase" | awk -v a="$account" -v most="$(calculate "(1.1 - ${least_of[$phase]}) * $injected")" \
      '$1 != a && $2 > most { print $1, "+" $2, "ns" }')" ""
}

check_server() {
  check_num "$where: requests are seen ($1)" "$(endpoint "$1" .requests) >= 36"
  check_eq "$where: every ledger balances ($1)" "$(endpoint "$1" .unbalanced)" 0
}

# The families of the hooks that were attached, one per line.
families_used() {
  sed -nE 's|^ktax: [a-z_]+ +([a-z_]+)/.*|\1|p' "$out/$family.err" | sort -u
}

check_family() {
  local phase
  where="$1, $family"
  if [ "$(cat "$out/$family.status")" != 0 ]; then
    cat "$out/$family.err" >&2
    not_ok "$where: hooks load and attach, and the recording ends well" "$(tail -n 1 "$out/$family.err")"
    return
  fi
  ok "$where: hooks load and attach, and the recording ends well"
  [ "$family" = any ] || [ "$family" = light ] ||
    check_match "$where: the family that was asked for is used" "$(families_used)" "$family"
  ktax report --json "$out/$family.ktax" >"$tmp/report.json"
  for phase in "${phases[@]}"; do check_server "$phase"; done
  for phase in "${phases[@]:1}"; do check_phase "$phase"; done
}

check_kernel() {
  out=$(mktemp -d "$tmp/out.XXXXXX")
  VM_RW=$out in_guest 700 "$top/tests/vm/guest-attribution.sh" "$out" "${phases[*]}" "${families[@]}"
  for family in "${families[@]}"; do
    [ ! -e "$out/$family.status" ] || check_family "$(basename "$kernel")"
  done
}

require_command ktax ktax-sample-server ktax-sample-load jq sqlite3
for_each_kernel check_kernel
