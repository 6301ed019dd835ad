# Unpacks Debian packages and all that they depend on into a new directory: fetch.sh TARGET PACKAGE... <STATUS
#
# STATUS is what counts as installed, as dpkg writes it. apt works on lists and a cache of its own, so neither root nor
# the machine's package lists are needed. Each package is resolved by itself: inetd and xinetd conflict as packages, but
# not as unpacked files.
set -eu
target=$1; shift
[ -e "$target" ] && exit
for tool in apt-get dpkg; do
  command -v $tool >/dev/null || { echo "$tool is not on this machine: run this on Debian or Ubuntu"; exit 1; }
done
state=$PWD/apt
part=$PWD/part
rm -rf "$part"
mkdir -p "$state/lists/partial" "$state/archives/partial" "$part/usr"
apt() {
  apt-get -q -y -o Dir::State="$state" -o Dir::State::status="$state/status" -o Dir::Cache="$state" \
    -o Debug::NoLocking=true -o APT::Sandbox::User= -o Acquire::Languages=none -o Acquire::Retries=2 "$@"
}
echo "fetching Debian packages into .cache (nothing gets installed): $*" >&2
cat >"$state/status"
rm -f "$state"/archives/*.deb
apt update >apt.log 2>&1 || :
for package; do
  if ! apt install --download-only --no-install-recommends "$package" </dev/null >>apt.log 2>&1; then
    tail -n 5 apt.log
    echo "could not fetch the package $package: is the network up, and does /etc/apt list Debian's (or Ubuntu's universe) packages?"
    exit 1
  fi
done
for deb in "$state"/archives/*.deb; do dpkg -x "$deb" "$part"; done
for dir in bin lib sbin; do
  if [ -d "$part/$dir" ]; then mkdir -p "$part/usr/$dir"; cp -a "$part/$dir/." "$part/usr/$dir/"; fi
done
mv "$part" "$target"
