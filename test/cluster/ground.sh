# The holder of what all hosts of a cluster share: ground.sh PACKAGES PROGRAM NODE
#
# Everything that the cluster writes is on a tmpfs that only its namespaces have, so there is nothing to clean up
# afterwards. It is mounted on /sys, since every machine has that directory, and nobody keeps a checkout in it.
set -eu
packages=$1 program=$2 node=$3
mount -t tmpfs -o mode=755 cluster /sys
mkdir -p /sys/hosts /sys/usr /sys/own/bin /sys/own/sbin /sys/dev/pts /sys/dev/shm
: >/sys/own/bin/node
ln -s nc.openbsd /sys/own/bin/nc
[ -z "$program" ] || : >/sys/own/sbin/csync2rev
mount -t overlay -o "lowerdir=/sys/own:$packages/usr:/usr" overlay /sys/usr
mount --bind "$node" /sys/usr/bin/node
[ -z "$program" ] || mount --bind "$program" /sys/usr/sbin/csync2rev
for device in null zero full random urandom tty; do
  : >/sys/dev/$device
  mount --bind /dev/$device /sys/dev/$device
done
mount -t devpts -o newinstance,ptmxmode=666 devpts /sys/dev/pts
ln -s pts/ptmx /sys/dev/ptmx
ln -s /run/log /sys/dev/log
ln -s /proc/self/fd /sys/dev/fd
for i in 0:stdin 1:stdout 2:stderr; do ln -s /proc/self/fd/${i%:*} /sys/dev/${i#*:}; done
mount --rbind /sys/usr /usr
# A table of connections of each host's own: a look at one of the machine's size takes 3 ms. Linux has it since 6.1.
{ echo 1024 >/proc/sys/net/ipv4/tcp_child_ehash_entries; } 2>/dev/null || :
ip link add bridge type bridge
ip link set bridge up
echo $$
read -r _
echo ready
while read -r _; do :; done
