"""Who may speak with the node: addresses, and TLS by certificate files."""

import ipaddress
import ssl
from collections.abc import Sequence
from pathlib import Path

from cxr_tf.hospital.options import NodeOptions
from cxr_tf.runtime.errors import UsageError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """Read addresses and networks.

    Args:
        texts: such as 10.1.2.3 or 10.1.2.0/24.

    Raises:
        UsageError: one is neither.
    """
    try:
        return tuple(ipaddress.ip_network(text) for text in texts)
    except ValueError as error:
        raise UsageError(
            f"--allow-address: {error}; give an address or a network such as 10.1.2.0/24"
        ) from None


def is_within(address: str, allowed: Sequence[Network]) -> bool:
    """Say whether an address may connect.

    Args:
        address: of the peer.
        allowed: networks; none allows all.
    """
    if not allowed:
        return True
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)  # an IPv4 peer of a socket for both
    return any((mapped or found) in network for network in allowed)


def _load(context: ssl.SSLContext, options: NodeOptions) -> None:
    """Take certificate, key and authorities."""
    file: Path | None = None
    try:
        if file := options.tls_certificate:
            context.load_cert_chain(file, options.tls_key)
        if file := options.tls_ca:
            context.load_verify_locations(file)
    except (OSError, ssl.SSLError) as error:
        raise UsageError(
            f"{file} cannot be used for TLS ({error.strerror or error}): give PEM files, the key "
            "without a password"
        ) from error


def server_tls(options: NodeOptions) -> ssl.SSLContext | None:
    """Prepare TLS for who sends films.

    Args:
        options: the node's.

    Returns:
        The context; None where there is no certificate.

    Raises:
        UsageError: a file cannot be used.
    """
    if options.tls_certificate is None:
        if options.tls_key is not None:
            raise UsageError("--tls-key needs --tls-certificate")
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    _load(context, options)
    if options.tls_ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def client_tls(options: NodeOptions) -> ssl.SSLContext:
    """Prepare TLS for the destination.

    Args:
        options: the node's.

    Raises:
        UsageError: a file cannot be used.
    """
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH)
    _load(context, options)
    return context
