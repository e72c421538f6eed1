# shellcheck shell=bash
# guest.sh - lib.sh and what the tests that boot a virtual machine share. They source it first:
#
#   . "$(dirname "$0")/guest.sh"

. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

# The stock kernels the tests run on: globs for kernel.sh.
guest_kernels=('6.1.0-*' '6.12.*+deb12')

# for_each_kernel CMD [ARG...]: with_kernel for all of them.
for_each_kernel() {
  local glob
  for glob in "${guest_kernels[@]}"; do
    with_kernel "$glob" "$@"
  done
}

# with_kernel GLOB CMD [ARG...]: runs CMD with $kernel set to that kernel's directory. If it cannot be
# had, that is a skip.
with_kernel() {
  local glob=$1
  shift
  require_command qemu-system-x86_64 busybox
  if kernel=$("$top/tests/vm/kernel.sh" "$glob"); then
    "$@"
  else
    skip "$test_name on kernel $glob" "apt offers no such kernel, or it cannot be downloaded"
  fi
}

# in_guest SECONDS CMD [ARG...]: boots $kernel and runs CMD there, in the same build directory; its
# test lines are ours. Tries once more if the guest gave no status: an emulated machine now and then
# hangs while it boots.
in_guest() {
  local seconds=$1 attempt status
  shift
  for attempt in 1 2; do
    status=0
    VM_TIMEOUT=$seconds "$top/tests/vm/vmrun.sh" "$kernel" \
      env KTAX_BUILD="$build" "$@" >"$tmp/guest.out" 2>"$tmp/guest.err" || status=$?
    [ "$status" = 125 ] || break
    echo "guest: no status at attempt $attempt" >&2
  done
  cat "$tmp/guest.err" >&2
  cat "$tmp/guest.out"
  if grep -q '^not ok' "$tmp/guest.out"; then
    test_failures=$((test_failures + 1))
  elif [ "$status" != 0 ]; then
    not_ok "The guest on $(basename "$kernel") ends well" "exit status $status"
  fi
}
