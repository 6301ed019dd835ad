# Installs, upgrades and erases an RPM in a folder that is a machine's root, which stays as it is, and says what happened:
# rpm.sh ROOT RPM SYSTEM FIRST UPGRADE
set -eu
root=$1 rpm=$2 system=$3 first=$4 upgrade=$5
mount --make-rprivate /
mount -t tmpfs tmpfs /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay -o "lowerdir=$root,upperdir=/mnt/upper,workdir=/mnt/work" overlay /mnt/root
root=/mnt/root
mount -t proc proc $root/proc
mount --rbind /dev $root/dev
# The folder has no systemd: this notes what it is told.
printf '#!/bin/sh\necho "systemctl $*" >>/told\n' >$root/usr/bin/systemctl
chmod 755 $root/usr/bin/systemctl
rpm() { "$rpm" --root $root --dbpath /var/lib/rpm --force-debian --nosignature "$@"; }
told() { if [ -e $root/told ]; then cat $root/told; rm $root/told; fi; }
mkdir -p $root/var/lib/rpm
echo needs $(rpm -i "$first" 2>&1 | grep -o '/usr/bin/[a-z]* ' | sort)
rpm -i "$system"
rpm -i "$first"
echo installed $(chroot $root csync2rev --version)
told
rpm -U "$upgrade"
echo upgraded $(chroot $root csync2rev --version)
told
rpm -e csync2rev
[ -z "$(find $root -xdev -name '*csync2rev*')" ] && echo erased
told
