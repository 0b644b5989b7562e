#!/bin/sh
# boot.sh TREE SHARED NAME: the files below TREE as a machine of its own, with systemd as its first process, in the
# network namespace that this runs in. It sees SHARED as /mnt. What it writes is in memory, and gone when it ends.
set -eu
tree=$1 shared=$2 name=$3

# A group of its own in each hierarchy that systemd may use, then namespaces of its own for all but the network.
if [ "${4-}" != inside ]; then
    for hierarchy in /sys/fs/cgroup /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do
        if [ -e "$hierarchy/cgroup.procs" ]; then
            mkdir -p "$hierarchy/$name"
            echo $$ >"$hierarchy/$name/cgroup.procs"
        fi
    done
    exec unshare --mount --pid --uts --ipc --cgroup --fork --kill-child sh "$0" "$tree" "$shared" "$name" inside
fi

mount --make-rprivate /
store=$shared/$name.written
mkdir -p "$store"
mount -t tmpfs store "$store"
mkdir "$store/written" "$store/work" "$store/root"
root=$store/root
mount -t overlay overlay -o "lowerdir=$tree,upperdir=$store/written,workdir=$store/work" "$root"
mount --bind "$shared" "$root/mnt"

mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
else
    mount -t tmpfs tmpfs "$root/sys/fs/cgroup"
    mkdir "$root/sys/fs/cgroup/systemd" "$root/sys/fs/cgroup/unified"
    mount -t cgroup -o none,name=systemd cgroup "$root/sys/fs/cgroup/systemd"
    mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup/unified"
fi
mount -t bpf bpf "$root/sys/fs/bpf"
mount -t tmpfs tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/tmp"

mount -t tmpfs dev "$root/dev"
for device in null zero full random urandom tty; do
    touch "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
mount -t tmpfs shm "$root/dev/shm"
touch "$root/dev/console"
mount --bind "$shared/$name.console" "$root/dev/console"

echo "$name" >"$root/etc/hostname"
cd "$root"
mkdir -p oldroot
pivot_root . oldroot
umount -l /oldroot
rmdir /oldroot
exec env -i container=lab PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --log-target=console
