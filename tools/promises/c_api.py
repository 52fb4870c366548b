"""Runs a signature through TensorFlow's C API, the loader behind TensorFlow Serving, by ctypes.

Run as a program, in a process that never imports Python's TensorFlow: reads a request as JSON from
stdin (library, model, inputs and outputs as names of the graph, the films of each request as files,
and the number of threads where it is not that of the processors), writes npz.
"""

import ctypes
import json
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

TYPES = {1: np.float32, 2: np.float64, 3: np.int32, 4: np.uint8, 10: np.bool_}
STRING, STRING_BYTES = 7, 24


class Output(ctypes.Structure):
    """A place in a graph: TF_Output."""

    _fields_ = [("operation", ctypes.c_void_p), ("index", ctypes.c_int)]


class Library:
    """The functions of the C API that are used here."""

    def __init__(self, path: str) -> None:
        """Open the library.

        Args:
            path: of libtensorflow_cc.
        """
        self.c = ctypes.CDLL(path, ctypes.RTLD_GLOBAL)
        for name in (
            "TF_NewStatus", "TF_NewSessionOptions", "TF_NewGraph", "TF_LoadSessionFromSavedModel",
            "TF_GraphOperationByName", "TF_AllocateTensor", "TF_TensorData",
            "TF_StringGetDataPointer",
        ):  # fmt: skip
            getattr(self.c, name).restype = ctypes.c_void_p
        self.c.TF_Message.restype = ctypes.c_char_p
        self.c.TF_Dim.restype = ctypes.c_int64
        self.c.TF_StringGetSize.restype = ctypes.c_size_t
        self.status = ctypes.c_void_p(self.c.TF_NewStatus())

    def check(self) -> None:
        """End the program where the last call failed."""
        if self.c.TF_GetCode(self.status):
            raise SystemExit(self.c.TF_Message(self.status).decode())

    def load(self, folder: str, threads: int = 0) -> ctypes.c_void_p:
        """Load a SavedModel.

        Args:
            folder: version folder.
            threads: of an operation, and operations at once; 0 for one a processor, at most 127.

        Returns:
            The session.
        """
        self.graph = ctypes.c_void_p(self.c.TF_NewGraph())
        options = ctypes.c_void_p(self.c.TF_NewSessionOptions())
        if threads:
            # A ConfigProto: intra_op_parallelism_threads is its field 2, inter_op_… its field 5.
            config = bytes([2 << 3, threads, 5 << 3, threads])
            self.c.TF_SetConfig(options, config, ctypes.c_size_t(len(config)), self.status)
            self.check()
        tags = (ctypes.c_char_p * 1)(b"serve")
        session = self.c.TF_LoadSessionFromSavedModel(
            options, None, folder.encode(), tags, 1, self.graph, None, self.status
        )
        self.check()
        return ctypes.c_void_p(session)

    def place(self, name: str) -> Output:
        """Find a tensor of the graph.

        Args:
            name: such as `serving_default_image_bytes:0`.
        """
        operation, index = name.split(":")
        found = self.c.TF_GraphOperationByName(self.graph, operation.encode())
        assert found, name
        return Output(found, int(index))

    def strings(self, values: Sequence[bytes]) -> ctypes.c_void_p:
        """Make a tensor of strings.

        Args:
            values: its elements.
        """
        shape = (ctypes.c_int64 * 1)(len(values))
        size = ctypes.c_size_t(STRING_BYTES * len(values))
        tensor = ctypes.c_void_p(self.c.TF_AllocateTensor(STRING, shape, 1, size))
        begin = self.c.TF_TensorData(tensor)
        for index, value in enumerate(values):
            place = ctypes.c_void_p(begin + STRING_BYTES * index)
            self.c.TF_StringInit(place)
            self.c.TF_StringCopy(place, value, ctypes.c_size_t(len(value)))
        return tensor

    def array(self, tensor: ctypes.c_void_p) -> np.ndarray:
        """Copy a tensor.

        Args:
            tensor: strings, or one of `TYPES`.
        """
        kind = self.c.TF_TensorType(tensor)
        shape = [self.c.TF_Dim(tensor, i) for i in range(self.c.TF_NumDims(tensor))]
        begin, count = self.c.TF_TensorData(tensor), int(np.prod(shape))
        if kind == STRING:
            places = [ctypes.c_void_p(begin + STRING_BYTES * index) for index in range(count)]
            return np.array(
                [
                    ctypes.string_at(
                        self.c.TF_StringGetDataPointer(x), self.c.TF_StringGetSize(x)
                    ).decode()
                    for x in places
                ]
            ).reshape(shape)
        size = count * np.dtype(TYPES[kind]).itemsize
        return np.frombuffer(ctypes.string_at(begin, size), TYPES[kind]).reshape(shape)

    def run(
        self,
        session: ctypes.c_void_p,
        feed: str,
        tensor: ctypes.c_void_p,
        fetches: Sequence[str],
    ) -> list[np.ndarray]:
        """Run a part of the graph.

        Args:
            session: from `load`.
            feed: name of the input.
            tensor: its value.
            fetches: names of the outputs.
        """
        feeds, values = (Output * 1)(self.place(feed)), (ctypes.c_void_p * 1)(tensor)
        places = (Output * len(fetches))(*map(self.place, fetches))
        results = (ctypes.c_void_p * len(fetches))()
        self.c.TF_SessionRun(
            session, None, feeds, values, 1, places, results, len(fetches), None, 0, None,
            self.status,
        )  # fmt: skip
        self.check()
        return [self.array(ctypes.c_void_p(result)) for result in results]


def _content(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def main() -> None:
    """Answer the request on stdin."""
    request = json.load(sys.stdin)
    library = Library(request["library"])
    session = library.load(request["model"], request.get("threads", 0))
    found: dict[str, Any] = {}
    for number, paths in enumerate(request["requests"]):
        films = library.strings([_content(path) for path in paths])
        for name, (feed, outputs) in request["signatures"].items():
            values = library.run(session, feed, films, list(outputs.values()))
            found |= {f"{number}/{name}/{k}": v for k, v in zip(outputs, values, strict=True)}
    assert "tensorflow" not in sys.modules
    np.savez(request["out"], **found)


if __name__ == "__main__":
    main()
