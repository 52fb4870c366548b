"""Requests to TensorFlow Serving by gRPC (the extra `serving`)."""

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from cxr_tf.runtime.errors import ServerError
from cxr_tf.scoring.server.transport import Inputs, Outputs, Unavailable

#: Largest reply taken: gRPC's own limit of 4 MiB is below one film with its maps in float32.
MOST_BYTES = 1 << 28
_TRANSIENT = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED)


class GrpcTransport:
    """A channel to one server; used from several threads at once."""

    def __init__(self, host: str, port: int, name: str, deadline: float) -> None:
        """Open the channel; nothing is sent yet.

        Args:
            host: name or address of the server.
            port: its gRPC port.
            name: name that the model is served under.
            deadline: seconds after which a request is given up.
        """
        self._name, self._deadline = name, deadline
        self.address = f"{host}:{port}"
        limits = [
            ("grpc.max_receive_message_length", MOST_BYTES),
            ("grpc.max_send_message_length", MOST_BYTES),
        ]
        self._channel = grpc.insecure_channel(self.address, options=limits)
        self._stub = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)

    def predict(self, signature: str, inputs: Inputs) -> Outputs:
        """Send one request; see `Transport`."""
        request = predict_pb2.PredictRequest()
        request.model_spec.name = self._name
        request.model_spec.signature_name = signature
        for name, value in inputs.items():
            strings = not isinstance(value, np.ndarray)
            tensor = tf.make_tensor_proto(value, tf.string if strings else None)
            request.inputs[name].CopyFrom(tensor)
        try:
            response = self._stub.Predict(request, timeout=self._deadline)
        except grpc.RpcError as error:
            reason = f"{self.address}: {error.code().name}: {error.details()}"
            kind = Unavailable if error.code() in _TRANSIENT else ServerError
            raise kind(reason) from error
        return {name: tf.make_ndarray(value) for name, value in response.outputs.items()}

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()
