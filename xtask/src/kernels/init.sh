#!/bin/busybox sh
# The guest's first and only process of its own: mounts what programs expect, then does line by line what the
# host says over the serial console.
export PATH=/usr/sbin:/usr/bin:/busybox HOME=/ RUST_BACKTRACE=0
/bin/busybox mkdir -p /busybox
/bin/busybox --install -s /busybox
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mount -t bpf bpf /sys/fs/bpf
mount -t tmpfs -o mode=755 run /run
# A tree that lies in /tmp has its programs there.
[ -n "$(ls /tmp)" ] || mount -t tmpfs tmp /tmp
ip link set lo up
modprobe virtio_pci
modprobe virtio_net
stty -echo -onlcr <&0
echo "guest: ready"
while read -r line; do
	eval "$line" </dev/null 2>&1
	code=$?
	echo
	echo "guest: done $code"
done
poweroff -f
