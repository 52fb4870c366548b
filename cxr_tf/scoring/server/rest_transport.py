"""Requests to TensorFlow Serving by its REST interface; the standard library is enough."""

import base64
import http.client
import json
import urllib.error
import urllib.request

import numpy as np
import numpy.typing as npt

from cxr_tf.method.outputs import dtype_of
from cxr_tf.runtime.errors import ServerError
from cxr_tf.scoring.server.transport import Inputs, Outputs, Tensor, Unavailable

_TRANSIENT = (429, 502, 503, 504)


class RestTransport:
    """A model behind a URL; used from several threads at once."""

    def __init__(self, scheme: str, host: str, port: int, name: str, deadline: float) -> None:
        """Take the address; nothing is sent yet.

        Args:
            scheme: http or https.
            host: name or address of the server.
            port: its REST port.
            name: name that the model is served under.
            deadline: seconds without a sign of the server after which a request is given up.
        """
        self._deadline = deadline
        self.url = f"{scheme}://{host}:{port}/v1/models/{name}:predict"

    def predict(self, signature: str, inputs: Inputs) -> Outputs:
        """Send one request; see `Transport`."""
        body = {
            "signature_name": signature,
            "inputs": {name: _plain(value) for name, value in inputs.items()},
        }
        request = urllib.request.Request(
            self.url, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=self._deadline) as response:
                found = json.load(response)["outputs"]
        except urllib.error.HTTPError as error:
            kind = Unavailable if error.code in _TRANSIENT else ServerError
            raise kind(f"{self.url}: {error.code}: {_reason(error)}") from error
        except TimeoutError as error:
            raise ServerError(f"{self.url}: no answer in {self._deadline:g} s") from error
        except (OSError, http.client.HTTPException) as error:
            raise Unavailable(f"{self.url}: {error}") from error
        except (ValueError, KeyError) as error:
            raise ServerError(f"{self.url}: this is no answer of TensorFlow Serving") from error
        return {name: _array(name, value) for name, value in found.items()}

    def close(self) -> None:
        """Do nothing: no connection is kept open."""


def _plain(value: Tensor) -> object:
    if isinstance(value, np.ndarray):
        return value.tolist()
    return [{"b64": base64.b64encode(each).decode()} for each in value]


def _array(name: str, value: list[object]) -> npt.NDArray[np.generic]:
    if value and isinstance(value[0], str):
        return np.array([str(each).encode() for each in value], object)
    return np.asarray(value, dtype_of(name))


def _reason(error: urllib.error.HTTPError) -> str:
    """Give the server's own words."""
    text = error.read().decode(errors="replace")
    try:
        return str(json.loads(text)["error"])
    except (ValueError, KeyError, TypeError):
        return text
