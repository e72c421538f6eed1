#!/usr/bin/env bash
# ktax-test: timeout=120 parallel
# ktax top leaves the terminal as it was, whatever ends it: also thousands of random keys.
. "$(dirname "$0")/screen.sh"

require_command ps python3
"$make" two "$tmp/two.ktax"
replay=(ktax top --replay "$tmp/two.ktax")

open_screen 80 24 true
end_screen
cp "$tmp/stty" "$tmp/stty.before"

# is_restored SENTENCE: settings, screen, cursor and attributes.
is_restored() {
  check_eq "$1: its settings" "$(diff "$tmp/stty.before" "$tmp/stty" | grep '^[<>]' || true)" ""
  check_eq "$1: its screen and cursor" \
    "$(tmux_ display-message -p -t screen '#{alternate_on} #{cursor_flag} #{keypad_cursor_flag}')" "0 1 0"
}

# ended_by SIGNAL STATUS: ends it so.
ended_by() {
  open_screen 80 24 "${replay[@]}"
  shows Endpoints || true
  kill "-$1" "$(screen_pid)"
  end_screen || true
  check_eq "SIG$1 ends it" "$status" "$2"
  is_restored "After SIG$1 the terminal is restored"
}

ulimit -c 0
ended_by TERM 0
ended_by INT 0
ended_by HUP 0
ended_by SEGV 139
ended_by ABRT 134
ended_by QUIT 131

open_screen 80 24 "${replay[@]}"
shows Endpoints || true
keys C-c
end_screen || true
check_eq "Ctrl-C ends it" "$status" 0
is_restored "After Ctrl-C the terminal is restored"

# ---- random keys and sizes ----------------------------------------------------------------------

# monkey SEED: 3000 bytes in hexadecimal, 50 a line; without q, Q, and what ends or stops a process.
monkey() {
  python3 - "$1" <<'PYTHON'
import random, sys
random.seed(int(sys.argv[1]))
likely = b"hjkgGsSR/pPd+-<>rw 123456\t\r\x1b\x7f?0123456789" + b"\t" * 5
arrows = [b"\x1b[A", b"\x1b[B", b"\x1b[C", b"\x1b[D", b"\x1b[5~", b"\x1b[6~", b"\x1b[Z", b"\x1bOP", b"\x1b[H", b"\x1b[F"]
never = set(b"qQ\x03\x1a\x1c\x11\x13")
for _ in range(60):
    line = b""
    while len(line) < 50:
        kind = random.random()
        if kind < 0.6:
            line += bytes([random.choice(likely)])
        elif kind < 0.9:
            line += random.choice(arrows)
        else:
            line += bytes(b for b in [random.randrange(256)] if b not in never)
    print(" ".join("%02x" % b for b in line if b not in never))
PYTHON
}

seed=${KTAX_SEED:-4711}
open_screen 80 24 "${replay[@]}" --speed 4
shows Endpoints || true
pid=$(screen_pid)
RANDOM=$seed sent=0
while read -ra bytes; do
  tmux_ send-keys -t screen -H "${bytes[@]}"
  sent=$((sent + ${#bytes[@]}))
  tmux_ resize-window -t screen -x $((10 + RANDOM % 150)) -y $((3 + RANDOM % 50))
  sleep 0.05
done < <(monkey "$seed")
check "It lives after $sent random keys and 60 sizes" kill -0 "$pid"
tmux_ resize-window -t screen -x 80 -y 24
keys Escape
sleep 0.3
keys Escape
sleep 0.3
keys 1
check "And still draws" shows '\[1 Endpoints\]'
keys q
end_screen || true
check_eq "And ends well" "$status" 0
is_restored "After that the terminal is restored"
