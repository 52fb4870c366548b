"""Functions of a SavedModel, each run in a session of its own that starts with its first call.

`tf.saved_model.load` makes a Python function of every function of the file, nested ones too, each
with a library that holds copies of all it calls: for the shipped model, 33 copies of its weights.
Here the file's library is read once; its networks are taken out, and what remains is not optimised,
which would take longer than it saves. A function that is never called costs next to nothing.
"""

import functools
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from cxr_tf.runtime.freed_memory import free_blocks_returned, large_blocks_returned
from cxr_tf.runtime.tf_private import RewriterConfig, SavedModel, eager_config
from cxr_tf.saved.networks import Networks, take_networks

#: Positional arguments in, results by name out: NumPy arrays, and bytes for one string.
SavedFunction = Callable[..., dict[str, Any]]
#: Operations that oneDNN computes in an order of its own.
_ROUNDED_OTHERWISE = {"BatchMatMulV2", "Conv2D", "FusedBatchNormV3", "MatMul", "Softmax"}
#: From the name of a function of the library to the functions that it calls itself.
_Calls = Mapping[str, set[str]]


def saved_functions(folder: Path, names: Iterable[str]) -> dict[str, SavedFunction]:
    """Load functions of an exported model by their names.

    Args:
        folder: version folder, with `saved_model.pb`.
        names: methods of the saved module, each traced once, with a dictionary of results, and
            without variables.

    Returns:
        The functions; several threads may call them.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is damaged, or one of the functions is not in it.
    """
    with large_blocks_returned():
        functions, calls, entries = _read(folder / "saved_model.pb", tuple(names))
        networks = take_networks(functions, _configuration)  # they call none of the others
        _run_where_reached(functions.values(), calls)
    free_blocks_returned()
    return {
        name: _Function(entry, [functions[each] for each in reached], networks)
        for name, entry in entries.items()
        for reached in [_reached([entry.name], calls.__getitem__)]
    }


@dataclass(frozen=True)
class _Entry:
    """A function of the file as it is called.

    Attributes:
        name: in the library.
        results: names of what it gives, in order.
        versions: of TensorFlow's graphs that the file is for (VersionDef).
    """

    name: str
    results: list[str]
    versions: Any


class _Function:
    """A function that is put into a session when it is first called."""

    def __init__(self, entry: _Entry, library: list[Any], networks: Networks):
        self._entry, self._library = entry, library
        self._networks = networks  # while there is a function that calls them
        self._call: Callable[..., Any] | None = None
        self._starting = threading.Lock()

    def __call__(self, *given: Any) -> dict[str, Any]:
        new = False
        if self._call is None:
            with self._starting:
                new = self._call is None
                self._call = self._call or self._started()
        found = self._call(*map(np.asarray, given))
        if new:
            free_blocks_returned()
        return dict(zip(self._entry.results, found, strict=True))

    def _started(self) -> Callable[..., Any]:
        definition, arguments = _definition(self._entry, self._library)
        with tf.Graph().as_default() as graph:
            tf.graph_util.import_graph_def(definition, name="")
        session = tf.compat.v1.Session(graph=graph, config=_configuration(optimise=False))
        call: Callable[..., Any] = session.make_callable(
            [f"{_CALL}:{index}" for index in range(len(self._entry.results))],
            [f"{name}:0" for name in arguments],
        )
        self._library = []
        return call


def _configuration(optimise: bool = True) -> tf.compat.v1.ConfigProto:
    """Devices and threads of TensorFlow's eager mode, and its optimiser on one round.

    A second round and the plan of where tensors lie take half of the time that the graph is
    optimised, and change neither its speed nor its answers.
    """
    configuration = eager_config()
    rewriting = configuration.graph_options.rewrite_options
    rewriting.meta_optimizer_iterations = RewriterConfig.ONE
    rewriting.memory_optimization = RewriterConfig.NO_MEM_OPT
    rewriting.disable_meta_optimizer = not optimise
    return configuration


#: The node of a graph that calls its function.
_CALL = "call"


def _read(path: Path, names: tuple[str, ...]) -> tuple[dict[str, Any], _Calls, dict[str, _Entry]]:
    """Read functions of a file, and all (FunctionDef) that they call."""
    saved = SavedModel()
    try:
        saved.ParseFromString(path.read_bytes())
        (meta,) = saved.meta_graphs
    except Exception as error:
        if isinstance(error, OSError):
            raise
        raise ValueError(f"{path} is damaged: {error}; export the model again") from error
    objects = meta.object_graph_def
    members = {each.local_name: objects.nodes[each.node_id] for each in objects.nodes[0].children}
    versions = type(meta.graph_def.versions)()
    versions.CopyFrom(meta.graph_def.versions)
    entries = {}
    for name in names:
        known = list(members[name].function.concrete_functions) if name in members else []
        if len(known) != 1 or objects.concrete_functions[known[0]].bound_inputs:
            raise ValueError(f"{path} holds no frozen function {name}: export the model again")
        fields = objects.concrete_functions[known[0]].output_signature.dict_value.fields
        entries[name] = _Entry(known[0], sorted(fields), versions)
    library = {each.signature.name: each for each in meta.graph_def.library.function}

    @functools.cache
    def called(name: str) -> set[str]:
        return {each for node in library[name].node_def for each in _names(node)}

    calls = {each: called(each) for each in _reached([x.name for x in entries.values()], called)}
    # Copies, as a message of the file keeps all of the file in memory.
    functions = {name: type(library[name])() for name in calls}
    unchanged = _configuration(optimise=False).SerializeToString()
    for name, function in functions.items():
        function.CopyFrom(library[name])
        for node in function.node_def:
            if "config_proto" in node.attr:  # a call has an optimiser of its own
                node.attr["config_proto"].s = unchanged
    return functions, calls, entries


def _definition(entry: _Entry, library: list[Any]) -> tuple[tf.compat.v1.GraphDef, list[str]]:
    """Make a graph that calls a function once, and name its arguments."""
    definition = tf.compat.v1.GraphDef(versions=entry.versions)
    definition.library.function.extend(library)
    (function,) = (each for each in library if each.signature.name == entry.name)
    arguments = [f"given/{each.name}" for each in function.signature.input_arg]
    for name, each in zip(arguments, function.signature.input_arg, strict=True):
        node = definition.node.add(name=name, op="Placeholder")
        node.attr["dtype"].type = each.type
        node.attr["shape"].shape.unknown_rank = True
    node = definition.node.add(name=_CALL, op="PartitionedCall", input=arguments)
    node.attr["Tin"].list.type.extend(each.type for each in function.signature.input_arg)
    node.attr["Tout"].list.type.extend(each.type for each in function.signature.output_arg)
    node.attr["f"].func.name = entry.name
    node.attr["config_proto"].s = _configuration(optimise=False).SerializeToString()
    return definition, arguments


def _run_where_reached(library: Iterable[Any], calls: _Calls) -> None:
    """Make branches and loops calls, not written out in their place: most are for rare films.

    TensorFlow leaves what it runs as a call to its own operations and takes oneDNN's elsewhere. A
    branch with one that rounds otherwise stays written out, so that it answers as a signature does.
    """
    written_out = {
        each.signature.name
        for each in library
        if any(node.op in _ROUNDED_OTHERWISE for node in each.node_def)
    }
    while more := {name for name in calls.keys() - written_out if calls[name] & written_out}:
        written_out |= more
    for each in library:
        for node in each.node_def:
            if "_lower_using_switch_merge" in node.attr:
                reached = written_out.intersection(_names(node))
                node.attr["_lower_using_switch_merge"].b = bool(reached)


def _reached(names: Iterable[str], called: Callable[[str], set[str]]) -> list[str]:
    """Name functions and all that they call, each once, in the order of the alphabet."""
    waiting, seen = list(names), set(names)
    while waiting:
        fresh = called(waiting.pop()) - seen
        seen |= fresh
        waiting += fresh
    return sorted(seen)


def _names(node: Any) -> list[str]:
    """Name the functions that a node calls."""
    found = []
    for value in node.attr.values():
        of_list = [each.name for each in value.list.func]
        found += [value.func.name, *of_list] if value.func.name else of_list
    return found
