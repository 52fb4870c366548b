"""A small stand-in for TensorFlow Serving: its messages and URLs, answered by a loaded SavedModel.

It is no proof of what the real server does, only that requests are of its form; a test against a
real one runs where TF_SERVING_ADDRESS names it.
"""

import base64
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc


class Answers:
    """Runs signatures; refuses the first requests where told to, and counts those under way."""

    def __init__(self, name, signatures, refuse=0, seconds=0.0):
        self.name, self.signatures = name, signatures
        self.refuse, self.seconds = refuse, seconds
        self.lock = threading.Lock()
        self.under_way = self.most_under_way = 0
        self.seen = []

    def refuses(self):
        with self.lock:
            self.refuse -= 1
            return self.refuse >= 0

    def __call__(self, signature, inputs):
        with self.lock:
            self.under_way += 1
            self.most_under_way = max(self.most_under_way, self.under_way)
            self.seen.append(signature)
        time.sleep(self.seconds)
        try:
            specs = self.signatures[signature].structured_input_signature[1]
            assert inputs.keys() == specs.keys()
            tensors = {name: tf.constant(inputs[name], specs[name].dtype) for name in specs}
            found = self.signatures[signature](**tensors)
            return {name: value.numpy() for name, value in found.items()}
        finally:
            with self.lock:
                self.under_way -= 1


class Servicer(prediction_service_pb2_grpc.PredictionServiceServicer):
    """The gRPC service."""

    def __init__(self, answers):
        self.answers = answers

    def Predict(self, request, context):
        if self.answers.refuses():
            context.abort(grpc.StatusCode.UNAVAILABLE, "not yet loaded")
        if request.model_spec.name != self.answers.name:
            context.abort(grpc.StatusCode.NOT_FOUND, "Servable not found for request")
        inputs = {name: tf.make_ndarray(value) for name, value in request.inputs.items()}
        response = predict_pb2.PredictResponse()
        for name, value in self.answers(request.model_spec.signature_name, inputs).items():
            response.outputs[name].CopyFrom(tf.make_tensor_proto(value))
        return response


def serve_grpc(answers):
    """Start the gRPC service; returns its address and how to stop it."""
    limits = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    server = grpc.server(ThreadPoolExecutor(8), options=limits)
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(Servicer(answers), server)
    port = server.add_insecure_port("localhost:0")
    server.start()
    return f"grpc://localhost:{port}", lambda: server.stop(None).wait()


def serve_rest(answers):
    """Start the REST interface; returns its address and how to stop it."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if answers.refuses():
                return self._send(503, {"error": "not yet loaded"})
            if self.path != f"/v1/models/{answers.name}:predict":
                return self._send(404, {"error": "Servable not found for request"})
            inputs = {name: _decoded(value) for name, value in body["inputs"].items()}
            found = answers(body["signature_name"], inputs)
            self._send(200, {"outputs": {name: _listed(x) for name, x in found.items()}})

        def _send(self, status, content):
            data = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("localhost", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()

    def stop():
        server.shutdown()
        server.server_close()
        thread.join()

    return f"http://localhost:{server.server_address[1]}", stop


def _decoded(value):
    if isinstance(value[0], dict):
        return [base64.b64decode(each["b64"]) for each in value]
    return np.array(value)


def _listed(value):
    if value.dtype == object:
        return [each.decode() for each in value]
    return value.tolist()
