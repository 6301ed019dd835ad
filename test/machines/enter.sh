# Runs a command of this project on a machine that is a folder: enter.sh ROOT PROJECT NODE COMMAND...
#
# The machine has the project in /project, read-only, with a .cache of its own. /tmp and the like vanish in the end. The
# folder itself is the machine's disk: the cluster mounts an overlay on it, and overlays do not stack any deeper.
set -eu
root=$1 project=$2 node=$3
shift 3
mount --make-rprivate /
mount --bind "$root" "$root"
cd "$root"
mkdir -p project mnt
: >>opt/node
: >>etc/resolv.conf
mount --bind "$node" opt/node
mount --bind /etc/resolv.conf etc/resolv.conf
for entry in "$project"/*; do
  if [ -d "$entry" ]; then mkdir -p "project/${entry##*/}"; else : >>"project/${entry##*/}"; fi
  mount --bind "$entry" "project/${entry##*/}"
  mount -o remount,bind,ro "project/${entry##*/}"
done
for directory in tmp run var/tmp root; do mount -t tmpfs tmpfs $directory; done
mount -t proc proc proc
mount --rbind /sys sys
mount --rbind /dev dev
pivot_root . mnt
umount -l /mnt
cd /project
# Not exec: bash, as the first process, reaps those that lose their parent.
env -i PATH=/opt:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 "$@"
