#!/usr/bin/env perl
# A service manager in small: holds a listening socket on 127.0.0.1 and starts a program that inherits it as
# descriptor 3, with LISTEN_FDS, LISTEN_PID and LISTEN_FDNAMES as systemd sets them. The socket outlives the program.
#   handover.pl PORT NAME PROGRAM [ARGUMENT...]
# SIGUSR1 starts the program anew and then ends the running one with SIGTERM; SIGTERM ends all. Prints "start PID" and
# "end PID STATUS" lines; the exit code is the last program's.
use strict;
use warnings;
use IO::Socket::INET;
use POSIX qw(dup2 :sys_wait_h);
$| = 1;
$^F = 16; # what is opened below this number is inherited

my ($port, $name, @program) = @ARGV;
my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 1024, ReuseAddr => 1)
    or die "handover.pl: port $port: $!\n";
my ($current, $stopping, $again) = (0, 0, 0);

sub start {
    my $pid = fork() // die "handover.pl: fork: $!\n";
    if ($pid == 0) {
        POSIX::_exit(126) if fileno($socket) != 3 && !dup2(fileno($socket), 3);
        $SIG{$_} = 'DEFAULT' for qw(TERM USR1 CHLD);
        $ENV{LISTEN_FDS} = 1;
        $ENV{LISTEN_PID} = $$;
        $ENV{LISTEN_FDNAMES} = $name;
        { no warnings 'exec'; exec { $program[0] } @program; }
        POSIX::_exit(127);
    }
    print "start $pid\n";
    return $pid;
}

$SIG{USR1} = sub { $again = 1 };
$SIG{TERM} = sub { $stopping = 1 };
$SIG{CHLD} = sub { };
$current = start();
my $code = 0;
while (1) {
    if ($again) {
        $again = 0;
        my $old = $current;
        $current = start();
        kill 'TERM', $old;
    }
    if ($stopping == 1) {
        $stopping = 2;
        kill 'TERM', $current;
    }
    while ((my $pid = waitpid(-1, WNOHANG)) > 0) {
        my $status = $? & 127 ? 128 + ($? & 127) : $? >> 8;
        print "end $pid $status\n";
        exit $status if $pid == $current;
    }
    select(undef, undef, undef, 0.05); # a signal ends it early
}
