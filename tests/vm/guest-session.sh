#!/usr/bin/env bash
# guest-session.sh RUN KERNEL - the guest's first process on the host's files (see vmrun.sh).
# Makes the system usable, runs RUN/command, sends its output and status out, and powers off.

run=$1
kernel=$2
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME=/root TERM=dumb LANG=C.UTF-8

mount_all() {
  mount -t tmpfs run /run
  mount -t bpf bpf /sys/fs/bpf
  mount -t debugfs debug /sys/kernel/debug
  mount -t tracefs trace /sys/kernel/tracing
  mount -t cgroup2 cgroup /sys/fs/cgroup
  mkdir -p /dev/pts /dev/shm /dev/hugepages /usr/lib/modules
  mount -t devpts pts /dev/pts
  mount -t tmpfs shm /dev/shm
  mount -t hugetlbfs huge /dev/hugepages
  mount --bind "$kernel/lib/modules" /usr/lib/modules
  ln -sfn /proc/self/fd /dev/fd
  ln -sf /proc/self/fd/0 /dev/stdin
  ln -sf /proc/self/fd/1 /dev/stdout
  ln -sf /proc/self/fd/2 /dev/stderr
}

# port NAME: the device of that virtio port
port() {
  local directory
  for directory in /sys/class/virtio-ports/*; do
    [ "$(cat "$directory/name")" != "$1" ] || echo "/dev/${directory##*/}"
  done
}

# The command writes into pipes, not into the ports, which can be opened only once. What it leaves
# running may hold the pipes open: so wait for the copying, but not for long.
run_command() {
  local status=0 copy_out copy_err i
  mkfifo /run/out /run/err
  cat /run/out >"$(port out)" &
  copy_out=$!
  cat /run/err >"$(port err)" &
  copy_err=$!
  bash "$run/command" </dev/null >/run/out 2>/run/err || status=$?
  for ((i = 0; i < 20; i++)); do
    kill -0 "$copy_out" 2>/dev/null || kill -0 "$copy_err" 2>/dev/null || break
    sleep 0.1
  done
  echo "$status" >"$(port status)"
}

mount_all
hostname ktax-guest
ip link set lo up
run_command
sync
echo o >/proc/sysrq-trigger
sleep 60
