# The first process of a host: init.pl NAME ROOT ARCHITECTURE
#
# It is perl, which every Debian has. One process makes the host, adopts what loses its parent, and is the syslog daemon:
# each datagram becomes one line of /var/log/syslog, exactly as it came but for escaped newlines and backslashes. The real
# daemons rewrite, cut or suppress some of it.
use strict;
use warnings;

my ($name, $root, $architecture) = @ARGV;
# perl has no functions for these system calls, and modules that name the numbers take longer to load than all the rest.
my ($mount, $umount, $pivot_root, $sethostname) = $architecture eq "arm64" ? (40, 39, 41, 161) : (165, 166, 155, 170);
my ($bind, $recursive, $detach) = (4096, 16384, 2);
my ($unix, $datagram) = (1, 2);

sub call {
  my ($what, $number, @arguments) = @_;
  syscall($number, @arguments) == 0 or die "$name: $what: $!\n";
}

sub bind_mount {
  my ($from, $to, $more) = @_;
  call("mount $from on $to", $mount, $from, $to, "none", $bind | $more, 0);
}

$| = 1;
print readlink("/proc/self"), "\n";
call("hostname", $sethostname, $name, length $name);
bind_mount($root, $root, 0);
bind_mount("/usr", "$root/usr", $recursive);
bind_mount("/sys/dev", "$root/dev", $recursive);
bind_mount("/etc/alternatives", "$root/etc/alternatives", 0) if -d "/etc/alternatives";
call("mount /proc", $mount, "proc", "$root/proc", "proc", 0, 0);
chdir $root or die "$root: $!\n";
call("pivot_root", $pivot_root, ".", ".");
call("umount", $umount, ".", $detach);
chdir "/" or die "/: $!\n";

socket(my $log, $unix, $datagram, 0) or die "socket: $!\n";
bind($log, pack("S a* x", $unix, "/run/log")) or die "/run/log: $!\n";
chmod 0666, "/run/log";

sysread(STDIN, my $line, 64) or exit;
system("ip", "-batch", "/etc/network") == 0 or exit 1;
$SIG{CHLD} = "IGNORE"; # so that the kernel forgets those that end
print "ready\n";

my ($input, $socket) = (fileno STDIN, fileno $log);
while (1) {
  my $ready = "";
  vec($ready, $_, 1) = 1 for $input, $socket;
  select($ready, undef, undef, undef);
  exit if vec($ready, $input, 1) && !sysread(STDIN, my $line, 64);
  next unless vec($ready, $socket, 1) && defined recv($log, my $message, 65536, 0);
  $message =~ s/([\\\n])/sprintf("\\x%02x", ord $1)/ge;
  open(my $file, ">>", "/var/log/syslog") or next;
  syswrite($file, "$message\n");
}
