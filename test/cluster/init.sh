# The first process of a host: init.sh NAME ROOT SINK
#
# It is bash, since that reaps the processes that lose their parent.
set -eu
name=$1 root=$2 sink=$3
read -r pid _ </proc/self/stat
echo "$pid"
hostname "$name"
mount --bind "$root" "$root"
mount --rbind /usr "$root/usr"
mount --rbind /sys/dev "$root/dev"
[ ! -d /etc/alternatives ] || mount --bind /etc/alternatives "$root/etc/alternatives"
mount -t proc proc "$root/proc"
exec 3<"$sink"
cd "$root"
pivot_root . .
umount -l .
cd /
rm -rf /run/* /tmp/*
perl /dev/fd/3 /run/log /var/log/syslog
exec 3<&-
read -r _
ip -batch /etc/network
echo ready
while read -r _; do :; done
