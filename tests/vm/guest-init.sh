#!/bin/busybox sh
# shellcheck shell=dash
# guest-init.sh - the first process of the guest (see vmrun.sh), run by busybox in the initramfs.
# Mounts the host's root directory read-only, lays a writable overlay over it, and goes on there.

/bin/busybox --install -s /bin
export PATH=/bin

mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev

say() {
  echo "guest-init: $*" >/dev/kmsg
}

# argument NAME: the value of vmrun.NAME=... on the kernel's command line
argument() {
  sed -n "s/.*\bvmrun\.$1=\([^ ]*\).*/\1/p" /proc/cmdline
}

# mount_host TAG DIRECTORY OPTIONS
mount_host() {
  mount -t 9p -o "trans=virtio,version=9p2000.L,msize=262144,$3" "$1" "$2" ||
    { say "cannot mount $1"; reboot -f; }
}

for module in /modules/*.ko; do
  insmod "$module" || say "cannot load $module"
done

mount_host hostroot /lower ro,cache=loose
mount -t tmpfs -o size=75% overlay /overlay
mkdir /overlay/upper /overlay/work
mount -t overlay -o lowerdir=/lower,upperdir=/overlay/upper,workdir=/overlay/work root /merged ||
  { say "cannot mount the overlay"; reboot -f; }

run=$(argument run) kernel=$(argument kernel) session=$(argument session) rw=$(argument rw)
for directory in proc sys dev; do
  mount --move "/$directory" "/merged/$directory"
done
[ -z "$rw" ] || mount_host hostrw "/merged$rw" cache=none
exec switch_root /merged /bin/bash "$session" "$run" "$kernel"
