#!/usr/bin/env bash
# ktax-test: timeout=400
# More than the tables hold, and hosts that lack something: what cannot be followed is counted.
. "$(dirname "$0")/errors.sh"

require_command jq
cd "$tmp"

recorded_by_nobody() {
  [ "$(intervals theirs/nobody.ktax)" -ge 1 ]
}

# ---- connections --------------------------------------------------------------------------------

serve server
run ktax record --port "${port[server]}" --max-connections 15 -o few.ktax
check_eq "There is a least number of connections" "$status" 1
record few --port "${port[server]}" --budget 0 --max-connections 16
ulimit -n 8192 2>/dev/null || true
ktax-sample-load --url "http://127.0.0.1:${port[server]}/items?n=1" --connections 2000 --rate 2000 \
  --duration 3 >load.out
stop few INT
check_eq "Two thousand connections where 16 can be followed do no harm" \
  "$status $(complete few.ktax)" "0 1"
check_num "Those that are followed are recorded" "$(requests few.ktax) > 0"
check_eq "and balance" "$(value few.ktax 'SELECT sum(unbalanced) FROM ledger')" 0
check_num "The others are counted as lost for lack of room" \
  "$(value few.ktax 'SELECT sum(lost_map_full) FROM interval') >= 1000"
check_num "which the report says" \
  "$(ktax report --json few.ktax | jq .losses.map_full) >= 1000"

# ---- endpoints ----------------------------------------------------------------------------------

ports=()
for i in 1 2 3 4 5; do
  serve "many$i"
  ports+=(--port "${port[many$i]}")
done
record many "${ports[@]}" --budget 0 --max-endpoints 2
for i in 1 2 3 4 5; do
  ktax-sample-load --url "http://127.0.0.1:${port[many$i]}/items?n=1" --rate 0 --connections 1 \
    --requests 20 >/dev/null
done
stop many INT
check_eq "As many endpoints as asked for are kept apart, the rest is one more" \
  "$(value many.ktax "SELECT count(*), sum(name = 'other endpoints') FROM endpoint")" "3|1"
check_eq "which has all their requests" \
  "$(value many.ktax "SELECT sum(requests) FROM ledger JOIN endpoint ON id = endpoint
    WHERE name = 'other endpoints'") of $(requests many.ktax)" "60 of 100"
check_num "and the functions of their libraries" \
  "$(value many.ktax "SELECT sum(serialize_ns) FROM joint JOIN endpoint ON id = endpoint
    WHERE name = 'other endpoints'") > 0"
check_match "That they are not kept apart is said once" "$(messages many.err)" \
  "^ktax: endpoints beyond the first 2 are recorded as one, \"other endpoints\"; see --max-endpoints$"
check_match "and counted, for the report" "$(ktax report --json many.ktax | jq -r .caution)" \
  "3 endpoints recorded as one"
for i in 1 2 3 4 5; do stop "many$i"; done

# By default there is room for what listens at the start and some more: less memory for one port.
described() {
  ktax record -v "$@" -d 200ms -f -o described.ktax 2>&1 | sed -n 's/^ktax: \(.*\) MB of them keep \([0-9]*\) .*/\1 \2/p'
}
serve later
read -r mb kept < <(described --port "${port[later]}")
check_eq "Two endpoints are kept apart for a port, where nothing is said" "$kept" 2
read -r all all_kept < <(described)
check_num "and more where all servers are targets" "$all_kept >= 8 && $all > $mb && $all <= 128"
mb_each=$(calculate "$mb / 3")
read -r mb kept < <(described --max-endpoints 20)
check_num "--max-endpoints says how many, at the same memory each" \
  "$kept == 20 && $mb >= 20 * $mb_each && $mb <= 22 * $mb_each"
record newer -p $$ --budget 0
for i in 1 2 3 4 5; do
  serve "later$i"
done
listening_since=$(intervals newer.ktax)
wait_for 30 recording newer $((listening_since + 3))
for i in 1 2 3 4 5; do
  ktax-sample-load --url "http://127.0.0.1:${port[later$i]}/items?n=1" --rate 0 --connections 1 \
    --requests 20 >/dev/null
done
stop newer INT
merged=$(value newer.ktax "SELECT value FROM meta WHERE key = 'merged_endpoints'")
check_num "Endpoints that come later than there is room for are counted" "0$merged > 0"
check_eq "and none of their requests is lost" \
  "$(value newer.ktax "SELECT count(*) FROM endpoint WHERE name = 'other endpoints'") $(requests newer.ktax)" \
  "1 100"
check_match "which is said" "$(cat newer.err)" "endpoints beyond the first 4 are recorded as one"
for i in 1 2 3 4 5; do stop "later$i"; done
stop later
serve single
record one --port "${port[single]}" --budget 0 --max-endpoints 1
ktax-sample-load --url "http://127.0.0.1:${port[single]}/items?n=1" --rate 0 --connections 1 \
  --requests 20 >/dev/null
stop one INT
check_eq "A single endpoint keeps its name" "$(value one.ktax 'SELECT name FROM endpoint')" \
  "127.0.0.1:${port[single]}/tcp"

# ---- hosts --------------------------------------------------------------------------------------

netns_pair
"${in_b[@]}" sysctl -qw net.ipv6.conf.all.disable_ipv6=1
start v4server "${in_b[@]}" ktax-sample-server --listen 10.77.0.2:8080
wait_port 8080 20 "${in_b[@]}"
record v4 -p "${pid_of[v4server]}" --budget 0
"${in_a[@]}" ktax-sample-load --url 'http://10.77.0.2:8080/items?n=1' --rate 0 --connections 2 \
  --requests 40 >/dev/null
stop v4server
check "A recording of a server in a network namespace without IPv6 ends well" await v4 30
check_match "and has its requests, under the address there" \
  "$(value v4.ktax 'SELECT name, sum(requests) FROM endpoint JOIN ledger ON id = endpoint')" \
  "^10.77.0.2:8080/tcp@[0-9]+\|40$"

# ---- network namespaces that may not be entered --------------------------------------------------

# To enter one takes CAP_SYS_ADMIN, which the recorder has given up when these come.
record born -p $$ --budget 0
netns_add "ktax-test-$$-c"
in_c=(nsenter "--net=/run/netns/ktax-test-$$-c")
start born4 "${in_c[@]}" ktax-sample-server --listen 127.0.0.1:8081
wait_port 8081 20 "${in_c[@]}"
start born6 "${in_c[@]}" ktax-sample-server --listen '[::1]:8082'
wait_port 8082 20 "${in_c[@]}"
since=$(intervals born.ktax)
wait_for 30 recording born $((since + 3))
"${in_c[@]}" ktax-sample-load --url 'http://127.0.0.1:8081/items?n=1' --rate 0 --connections 2 \
  --requests 40 >/dev/null
"${in_c[@]}" ktax-sample-load --url 'http://[::1]:8082/items?n=1' --rate 0 --connections 2 \
  --requests 30 >/dev/null
stop born INT
check_eq "Servers in a network namespace that is made while it records are followed" \
  "$(value born.ktax "SELECT substr(name, 1, instr(name, '@')), comm, sum(requests) FROM endpoint
    JOIN ledger ON id = endpoint WHERE name LIKE '%:808_/tcp@%' GROUP BY name ORDER BY name")" \
  "127.0.0.1:8081/tcp@|$(cat "/proc/${pid_of[born4]}/comm")|40
[::1]:8082/tcp@|$(cat "/proc/${pid_of[born6]}/comm")|30"

chmod 755 "$tmp"
mkdir -m 777 theirs
as_nobody "$needed"
start nobody "${nobody[@]}" ktax record -p "${pid_of[born4]}" --budget 0 --interval 200ms \
  -o theirs/nobody.ktax
wait_for 60 test -s theirs/nobody.ktax
wait_for 60 recorded_by_nobody
"${in_c[@]}" ktax-sample-load --url 'http://127.0.0.1:8081/items?n=1' --rate 0 --connections 2 \
  --requests 40 >/dev/null
stop nobody INT
check_eq "So are servers in another namespace without CAP_SYS_ADMIN" \
  "$status $(requests theirs/nobody.ktax)" "0 40"
