folder=$1 rights=$2
shift 2
mount -t proc proc /proc
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
mkdir -p "$folder/bpf"
mount --bind /sys/fs/bpf "$folder/bpf"
mount -t sysfs -o ro sysfs /sys
mount --move "$folder/bpf" /sys/fs/bpf
mount --bind "$folder" "$folder"
mount -o remount,bind,ro /
exec setpriv --no-new-privs --bounding-set "$rights" --inh-caps -all "$@"
