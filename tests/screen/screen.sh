# shellcheck shell=bash
# shellcheck disable=SC2034 # what a library sets, its scripts use
# screen.sh - what the tests of `ktax top` share: a terminal (tmux) of a given size whose keys are
# scripted and whose screen is compared as text.
#
#   open_screen WIDTH HEIGHT CMD...   runs it in a new terminal; its exit status goes to $tmp/status
#   keys KEY...                       types them, as tmux names them (Tab, Up, PageDown, x)
#   screen                            prints what the terminal shows
#   shows REGEX                       waits until it shows a line that matches; fails after 10 s
#   end_screen                        waits until the program has ended; its status is in $status
#   check_screen SENTENCE NAME        the screen is expected/NAME.txt (KTAX_UPDATE=1 writes it)
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

make=$build/tests/make_recording
require_command ktax tmux "$make"
export LC_ALL=C.UTF-8
unset NO_COLOR TMUX

expected=$(dirname "${BASH_SOURCE[0]}")/expected
screen_terminal=screen-256color
screens=0

# Each screen has a server of its own: one that ends refuses the next session.
tmux_() {
  tmux -L "ktax-test-$$-$screens" -f /dev/null "$@"
}
defer tmux_ kill-server

open_screen() {
  local width=$1 height=$2
  shift 2
  tmux_ kill-server 2>/dev/null || true
  screens=$((screens + 1))
  rm -f "$tmp/status"
  # The shell stays, so that what the program leaves behind can be seen.
  tmux_ new-session -d -x "$width" -y "$height" -s screen \
    "TERM=$screen_terminal $(printf '%q ' "$@"); echo \$? >'$tmp/status.new'; \
     stty -a >'$tmp/stty'; mv '$tmp/status.new' '$tmp/status'; exec sleep 600"
  tmux_ set-option -g status off
  tmux_ resize-window -t screen -x "$width" -y "$height"
}

keys() {
  tmux_ send-keys -t screen "$@"
}

screen() {
  tmux_ capture-pane -p -t screen
}

screen_has() {
  screen | grep -qE -- "$1"
}

shows() {
  wait_for 10 screen_has "$1"
}

end_screen() {
  wait_for 10 test -s "$tmp/status" || return 1
  status=$(cat "$tmp/status")
}

# The process in the terminal, by its name.
screen_pid() {
  local shell
  shell=$(tmux_ display-message -p -t screen '#{pane_pid}')
  ps -o pid= --ppid "$shell" | tr -d ' '
}

check_screen() {
  local sentence=$1 file=$expected/$2.txt
  screen >"$tmp/screen"
  if [ -n "${KTAX_UPDATE:-}" ]; then cp "$tmp/screen" "$file"; fi
  if diff -u "$file" "$tmp/screen" >"$tmp/diff" 2>&1; then
    ok "$sentence"
  else
    not_ok "$sentence" "$(basename "$file") differs"
    cat "$tmp/diff"
  fi
}
