# The first process of a machine with systemd: its own namespaces, its disk an overlay that vanishes with them.
# machine.sh ROOT PACKAGE PREPARE: PREPARE is a line of shell that runs on the disk before systemd does.
set -eu
root=$1 package=$2 prepare=$3
mount --make-rprivate /
mount -t tmpfs tmpfs /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay -o "lowerdir=$root,upperdir=/mnt/upper,workdir=/mnt/work" overlay /mnt/root
cp "$package" /mnt/root/root/csync2rev.deb
cd /mnt/root
echo h1 >etc/hostname
printf '127.0.0.1 localhost\n10.0.0.1 h1\n10.0.0.2 h2\n' >etc/hosts
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs tmpfs run
mount -t tmpfs -o mode=755 tmpfs dev
for device in null zero full random urandom tty; do
  : >dev/$device
  mount --bind /dev/$device dev/$device
done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ip link set lo up
env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot . sh -ec "$prepare"
pivot_root . mnt
cd /
umount -l /mnt
exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system --log-target=console
