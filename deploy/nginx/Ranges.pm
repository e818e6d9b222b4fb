package Ranges;

# One byte range of a stored pack as a whole answer (200), with what the application wants before
# and after it. nginx itself answers a range to who asked for one alone (206); here the application
# asks on behalf of a client that knows frames, not ranges. The file goes out by sendfile.
#
# Reached only by X-Accel-Redirect. SECURITY: all the same nothing but packs below the root is sent.

use strict;
use warnings;
use nginx;

sub handler {
    my $r = shift;
    my ($key) = $r->uri =~ m{\A/_ranges/(packs/(?:[0-9a-f]+/)*[0-9a-f-]+)\z} or return HTTP_NOT_FOUND;
    my %order = map { my ($name, $value) = split /=/, $_, 2; ($name => $value // '') }
        split /&/, $r->args // '';
    my ($offset, $length) = @order{qw(offset length)};
    return HTTP_NOT_FOUND unless defined $offset && defined $length;
    return HTTP_NOT_FOUND unless $offset =~ /\A[0-9]{1,18}\z/ && $length =~ /\A[0-9]{1,18}\z/;
    my ($before, $after) = map { pack 'H*', $order{$_} // '' } qw(before after);
    my $path = $r->variable('stored_root') . "/$key";
    my $size = -s $path;
    return HTTP_NOT_FOUND unless defined $size;
    return HTTP_GONE if $offset + $length > $size;    # our copy is damaged

    $r->header_out('Content-Length', length($before) + $length + length($after));
    $r->send_http_header;
    return OK if $r->header_only;
    $r->print($before) if length $before;
    $r->sendfile($path, $offset, $length);
    $r->print($after) if length $after;
    return OK;
}

1;
