# A host's syslog daemon, in perl, which every Debian has: syslog.pl SOCKET FILE
#
# Each datagram becomes one line of the file, exactly as it came but for escaped newlines and backslashes. The real
# daemons rewrite, cut or suppress some of it.
use strict;
use warnings;
use Socket;
my ($socket, $log) = @ARGV;
socket(S, PF_UNIX, SOCK_DGRAM, 0) and bind(S, pack_sockaddr_un($socket)) and chmod(0666, $socket) or die "$socket: $!";
exit if fork;
$0 = "syslog-sink";
close STDIN; close STDOUT; close STDERR;
while (defined recv(S, my $message, 65536, 0)) {
  $message =~ s/([\\\n])/sprintf("\\x%02x", ord $1)/ge;
  open(my $file, ">>", $log) or next;
  syswrite($file, "$message\n");
}
