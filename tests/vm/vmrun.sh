#!/usr/bin/env bash
# vmrun.sh KERNEL_DIR CMD [ARG...] - runs CMD as root under another kernel, on this host's files.
#
# KERNEL_DIR is what kernel.sh prints. QEMU boots it; CMD runs in the same working directory, on the
# host's root directory, which is read-only below an overlay in the guest's memory: nothing that CMD
# writes reaches the host, except below $VM_RW. CMD's standard output and error are this script's,
# its standard input is empty, and its exit status is this script's.
#
#   124  CMD was still running after $VM_TIMEOUT
#   125  the guest gave no status: it did not boot, panicked, or was shut down by CMD
#
# Environment:
#   VM_TIMEOUT (120)  seconds, boot included (which takes 4 to 6, now and then 45)
#   VM_SMP (2)  VM_MEM (2048, MiB)  VM_CPU (max)  VM_MACHINE (q35)
#   VM_ACCEL (tcg,thread=single)  emulation: CPU-bound code is 20 to 30 times slower, which is
#                                 enough to see what happens, not how long it takes. With one
#                                 thread per CPU, QEMU 7.2 now and then goes on executing code that
#                                 the other CPU has patched (static keys, probes), and hangs
#   VM_BIN (qemu-system-x86_64)   VM_QEMU: more arguments (NICs; there is none by default)
#   VM_APPEND: more kernel arguments
#   VM_RW: a host directory that the guest may write, at the same path
#   VM_LOG: keep the guest's console here
#
# How:
#   host                                    guest
#   vmrun.sh ── initramfs (guest-init.sh) ──> loads 9p and overlay, mounts host / and switches to it
#      │    ── $run/command (9p)          ──> guest-session.sh: mounts, runs CMD, powers off
#      │    <── virtio ports: out, err, status
# The initramfs is made once per kernel and kept beside it.
set -euo pipefail

here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
init_modules=(virtio_pci virtio_console 9pnet_virtio 9p overlay)

die() {
  echo "vmrun: $*" >&2
  exit 125
}

# ---- the initramfs ------------------------------------------------------------------------------

# module_files KERNEL VERSION: the files of init_modules and what they need, in loading order.
module_files() {
  local module
  for module in "${init_modules[@]}"; do
    modprobe -d "$1" -S "$2" --show-depends "$module"
  done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }'
}

# make_initramfs KERNEL VERSION FILE
make_initramfs() {
  local tree file name n=100
  tree=$(mktemp -d)
  mkdir -p "$tree"/{bin,modules,proc,sys,dev,lower,overlay,merged}
  cp "$(command -v busybox)" "$tree/bin/busybox"
  install -m 755 "$here/guest-init.sh" "$tree/init"
  while read -r file; do
    n=$((n + 1)) name=$(basename "${file%.xz}")
    case $file in
      *.xz) xz -dc "$file" >"$tree/modules/$n-$name" ;;
      *) cp "$file" "$tree/modules/$n-$name" ;;
    esac
  done < <(module_files "$1" "$2")
  (cd "$tree" && find . | busybox cpio -o -H newc 2>/dev/null) | gzip -1 >"$3.$$"
  mv "$3.$$" "$3"
  rm -rf "$tree"
}

# ---- the machine --------------------------------------------------------------------------------

# Sets the array `machine`: QEMU's arguments.
describe_machine() {
  local kernel=$1 version=$2 initramfs=$3 port
  local append="console=ttyS0 panic=-1 quiet loglevel=4 tsc=reliable no_timer_check"
  append+=" vmrun.run=$run vmrun.kernel=$kernel vmrun.session=$here/guest-session.sh"
  machine=(
    -no-user-config -nodefaults -display none -no-reboot
    -accel "${VM_ACCEL:-tcg,thread=single}" -cpu "${VM_CPU:-max}" -machine "${VM_MACHINE:-q35}"
    -smp "${VM_SMP:-2}" -m "${VM_MEM:-2048}"
    -kernel "$kernel/boot/vmlinuz-$version" -initrd "$initramfs"
    -serial "file:$console"
    -virtfs "local,path=/,mount_tag=hostroot,security_model=none,readonly=on,multidevs=remap"
    -device virtio-serial-pci
  )
  for port in out err status; do
    machine+=(-chardev "file,id=$port,path=$run/$port" -device "virtserialport,chardev=$port,name=$port")
  done
  if [ -n "${VM_RW:-}" ]; then
    append+=" vmrun.rw=$(realpath "$VM_RW")"
    machine+=(-virtfs "local,path=$(realpath "$VM_RW"),mount_tag=hostrw,security_model=none,multidevs=remap")
  fi
  machine+=(-append "$append ${VM_APPEND:-}")
}

# boot: QEMU, with the guest's output copied to ours while it runs. Sets `qemu_status`.
# The pipes are kept open for writing until QEMU has ended: so the copying starts at once, and
# ends even if QEMU never opened them.
boot() {
  local copy_out copy_err qemu more
  read -ra more <<<"${VM_QEMU:-}"
  mkfifo "$run/out" "$run/err"
  exec 5<>"$run/out" 6<>"$run/err"
  cat "$run/out" 5>&- 6>&- &
  copy_out=$!
  cat "$run/err" >&2 5>&- 6>&- &
  copy_err=$!
  timeout -k 5 "${VM_TIMEOUT:-120}" "${VM_BIN:-qemu-system-x86_64}" "${machine[@]}" "${more[@]}" \
    </dev/null >"$run/qemu" 2>&1 5>&- 6>&- &
  qemu=$!
  # shellcheck disable=SC2064 # now
  trap "kill $qemu 2>/dev/null; wait $qemu; exit 143" TERM INT
  qemu_status=0
  wait "$qemu" || qemu_status=$?
  exec 5>&- 6>&-
  wait "$copy_out" "$copy_err"
}

# ---- the whole ----------------------------------------------------------------------------------

main() {
  [ $# -ge 2 ] || { sed -n '2,/^set /s/^# \{0,1\}//p' "$0" >&2; exit 125; }
  local kernel version initramfs status
  kernel=$(realpath "$1")
  shift
  version=$(basename "$kernel"/lib/modules/*)
  [ -r "$kernel/boot/vmlinuz-$version" ] || die "no kernel in $kernel"

  initramfs=$kernel/boot/initramfs-$(cat "$here"/{vmrun,guest-init}.sh | sha256sum | cut -c 1-12)
  [ -s "$initramfs" ] || make_initramfs "$kernel" "$version" "$initramfs"

  run=$(mktemp -d "${TMPDIR:-/tmp}/vmrun.XXXXXX")
  trap 'rm -rf "$run"' EXIT
  console=${VM_LOG:-$run/console}
  { printf 'cd %q\n' "$PWD"; printf '%q ' "$@"; echo; } >"$run/command"
  : >"$run/status"
  describe_machine "$kernel" "$version" "$initramfs"
  boot

  status=$(tr -d '\r\n' <"$run/status")
  [[ ! $status =~ ^[0-9]+$ ]] || exit "$status"
  { cat "$run/qemu"; [ ! -s "$console" ] || tail -n 20 "$console"; } >&2
  [ "$qemu_status" != 124 ] || { echo "vmrun: still running after ${VM_TIMEOUT:-120} s" >&2; exit 124; }
  die "no status from the guest (QEMU's own: $qemu_status)"
}

main "$@"
