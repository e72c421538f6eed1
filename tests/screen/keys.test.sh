#!/usr/bin/env bash
# ktax-test: timeout=120 parallel
# ktax top: keys, sizes, colours and text, over fixed recordings.
. "$(dirname "$0")/screen.sh"

"$make" two "$tmp/two.ktax"
"$make" windows "$tmp/windows.ktax"

top_two=(ktax top --replay "$tmp/two.ktax")

# first_row: the endpoint in the first row of the table.
first_row() {
  screen | sed -n '7s/^ \([^ ]*\).*/\1/p'
}

first_row_is() {
  [ "$(first_row)" = "$1" ]
}

# ---- keys ---------------------------------------------------------------------------------------

open_screen 80 24 "${top_two[@]}" --at end
shows Endpoints
check_eq "Endpoints are sorted by their rate first" "$(first_row)" "10.0.0.1:8080/tcp"
keys S
check "S turns the order" wait_for 5 first_row_is "[::]:6379/tcp"
keys s
check "s sorts by the next column" shows 'P50▼'
keys S s s s s s s s s s s
check "s comes round to the rate" shows 'REQ/S▼'
keys / 6379
check "A filter applies while it is typed" first_row_is "[::]:6379/tcp"
keys Enter
check "The title says how many of how many are shown" shows '1 of 2 endpoints'
keys Escape
check "Escape shows all again" shows '  2 endpoints'
keys Down Enter
check "Enter opens the ledger of the selected endpoint" shows '\[::\]:6379/tcp  redis-server \(815\)'
keys Left
check "The left arrow goes to the endpoint before" shows '10.0.0.1:8080/tcp  python3'
keys Down Down
check "The account that is selected is explained" shows 'app_queue: readable -> read'
keys -
check "- makes the span shorter" shows 'last 5 s'
keys + + + + +
check "+ makes it longer" shows 'all 10 s'
keys d
shows 'Delay between'
keys 3 h Enter
check "A delay may be given in hours" shows 'refreshed every 3h'
keys d
shows 'Delay between'
keys x Enter
check "What is no delay is refused" shows 'a delay is a length of time'
keys w
check "A recording cannot be recorded" shows 'this is a recording already'
keys q
end_screen || true
check_eq "q ends it" "$status" 0

# ---- playing ------------------------------------------------------------------------------------

open_screen 80 24 "${top_two[@]}" --at 3
check "--at begins there, paused" shows '0:03 of 0:10  PAUSED'
keys Space
check "Space goes on by one interval" shows '0:04 of 0:10  PAUSED'
keys p
check "Then it plays by itself" shows '0:0[6-9] of 0:10 '
keys '>' '>' '>'
check "And faster, to its end" shows '0:10 of 0:10  x8  end'
keys r
check "r plays it from its beginning" shows '0:0[0-9] of 0:10  x8'
keys q
end_screen || true

# ---- sizes --------------------------------------------------------------------------------------

open_screen 100 30 "${top_two[@]}" --at end
shows 'P99.9'
tmux_ resize-window -t screen -x 80 -y 24
columns_left_out() {
  ! screen | sed -n 6p | grep -q 'P99\.9'
}
check "A smaller terminal leaves columns out" wait_for 5 columns_left_out
tmux_ resize-window -t screen -x 50 -y 10
check "A terminal that is too small is told so" shows 'needs 60 x 16'
tmux_ resize-window -t screen -x 132 -y 43
check "And a larger one is used" shows 'P99 OVER TIME'
keys q
end_screen || true
check_eq "After all these sizes it ends well" "$status" 0

# ---- colours ------------------------------------------------------------------------------------

# colours: kinds of colours in the screen's escape sequences.
colours() {
  tmux_ capture-pane -p -e -t screen | grep -oE $'\e\\[[0-9;]*m' >"$tmp/sequences" || true
  if grep -qE '[34]8;5;' "$tmp/sequences"; then
    echo 256
  elif grep -qE '(\[|;)[34][0-7](;|m)' "$tmp/sequences"; then
    echo 8
  else
    echo none
  fi
}

# colours_are SENTENCE KINDS TERM CMD...
colours_are() {
  screen_terminal=$3
  open_screen 80 24 "${@:4}"
  shows 'without the kernel' || true
  check_eq "$1" "$(colours)" "$2"
}

ledger=("${top_two[@]}" --at end --view ledger)
colours_are "256 colours are used where there are" 256 screen-256color "${ledger[@]}"
colours_are "8 colours are used where there are 8" 8 screen "${ledger[@]}"
colours_are "A terminal without colours gets none" none vt220 "${ledger[@]}"
colours_are "NO_COLOR gives none" none screen-256color env NO_COLOR=1 "${ledger[@]}"
colours_are "--no-color gives none" none screen-256color "${ledger[@]}" --no-color
screen_terminal=screen-256color

open_screen 80 24 env LC_ALL=C "${ledger[@]}"
shows 'without the kernel' || true
check_eq "Without UTF-8 all is ASCII" "$(screen | LC_ALL=C grep -c '[^ -~]' || true)" 0

open_screen 80 24 env TERM=no-such-terminal "${ledger[@]}"
end_screen || true
check_eq "An unknown terminal is refused" "$status" 2
check "And it is said how to do without" shows 'print text with --batch'

# ---- text ---------------------------------------------------------------------------------------

run "${top_two[@]}" --speed 20 -d 100ms -n 3
check_eq "A pipe gets text" "$status" 0
check_eq "As many frames as asked for" "$(grep -c '^ ktax top' "$tmp/out")" 3
check_eq "Without escape sequences" "$(grep -c $'\e' "$tmp/out" || true)" 0
run "${top_two[@]}" --at end --batch --span all
ktax report --json "$tmp/two.ktax" >"$tmp/two.json"
check_match "Over all of a recording, the figures are the report's" "$(cat "$tmp/out")" \
  "10.0.0.1:8080/tcp +python3:4711 +12,003 +67.1 µs +553 µs"
check_eq "(the report's p99)" "$(json "$tmp/two.json" '.endpoints[0].total.p99_ns / 1000 | floor')" 553
run ktax top --replay "$tmp/windows.ktax" --at end --batch
check_match "Windows are told" "$(cat "$tmp/out")" 'attached, 9[.0-9]* % of the time'
run ktax top --replay "$tmp/nothing.ktax"
check_eq "A recording that is not there is a failure" "$status" 2
run ktax top --replay "$tmp/two.ktax" --port 80
check_eq "Targets of a recording are a usage error" "$status" 1
run ktax top --at 3
check_eq "So is --at without --replay" "$status" 1
