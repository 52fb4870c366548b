"""What carries a request to a server and the answer back, and what is tried again."""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeVar
from urllib.parse import urlsplit

from cxr_tf.runtime.errors import ServerError, UsageError

if TYPE_CHECKING:  # the command line needs addresses alone
    import numpy as np
    import numpy.typing as npt

#: A string tensor as a list of byte strings, any other as an array; films first.
Tensor: TypeAlias = "npt.NDArray[np.generic] | Sequence[bytes]"
Inputs: TypeAlias = "Mapping[str, Tensor]"
Outputs: TypeAlias = "dict[str, npt.NDArray[np.generic]]"
Answer = TypeVar("Answer")

#: Seconds before the second try; each further wait is twice as long, and varied by a quarter of it.
FIRST_WAIT = 0.5
#: Ports where an address names none: TensorFlow Serving's own, and that of https.
PORTS = {"grpc": 8500, "http": 8501, "https": 443}


class Unavailable(ServerError):
    """The server could not be reached or is not ready: another try may succeed."""


class Transport(Protocol):
    """One way to a server."""

    def predict(self, signature: str, inputs: Inputs) -> Outputs:
        """Send one request.

        Args:
            signature: name of a signature.
            inputs: its tensors by name.

        Returns:
            Its outputs by name; strings as an array of bytes objects.

        Raises:
            Unavailable: another try may succeed.
            ServerError: it will not.
        """

    def close(self) -> None:
        """Close the connection."""


def split_address(address: str) -> tuple[str, str, int]:
    """Read the address of a server.

    Args:
        address: grpc://HOST[:PORT], http://HOST[:PORT] or https://HOST[:PORT].

    Returns:
        Scheme, host and port (`PORTS` where there is none).

    Raises:
        UsageError: it is no such address.
    """
    parts = urlsplit(address)
    try:
        port = parts.port
    except ValueError:
        port = -1
    extra = parts.path.strip("/") or parts.query or parts.username
    if parts.scheme not in PORTS or not parts.hostname or port == -1 or extra:
        raise UsageError(
            f"--server {address}: give grpc://HOST:8500, http://HOST:8501 or https://HOST"
        )
    return parts.scheme, parts.hostname, port or PORTS[parts.scheme]


def wait(seconds: float) -> None:
    """Wait between two tries.

    Args:
        seconds: how long.
    """
    time.sleep(seconds)


def with_retries(send: Callable[[], Answer], tries: int) -> Answer:
    """Send, and where the server is unavailable wait and send again.

    Args:
        send: raises `Unavailable` where another try may succeed.
        tries: how often at most, at least 1.

    Returns:
        The answer.

    Raises:
        Unavailable: every try failed; the last failure.
        ServerError: the server refused.
    """
    for attempt in range(1, tries):
        try:
            return send()
        except Unavailable:
            wait(FIRST_WAIT * 2 ** (attempt - 1) * random.uniform(0.75, 1.25))
    return send()
