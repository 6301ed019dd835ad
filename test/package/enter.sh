# Runs the standalone executable in a folder that is a machine's root, which stays as it is: enter.sh ROOT PROGRAM SITE ARGUMENT...
set -eu
root=$1 program=$2 site=$3
shift 3
mount --make-rprivate /
mount -t tmpfs tmpfs /mnt
mkdir /mnt/upper /mnt/work /mnt/root /mnt/bin
mount -t overlay -o "lowerdir=$root,upperdir=/mnt/upper,workdir=/mnt/work" overlay /mnt/root
touch /mnt/root/usr/sbin/csync2rev
mount --bind "$program" /mnt/root/usr/sbin/csync2rev
cp "$site"/csync2/* /mnt/root/etc/
echo '127.0.0.1 localhost' >/mnt/root/etc/hosts
mount --rbind /dev /mnt/root/dev
mount -t proc proc /mnt/root/proc
exec chroot /mnt/root env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin /usr/sbin/csync2rev "$@"
