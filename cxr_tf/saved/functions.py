"""Functions of a SavedModel, run in one session.

`tf.saved_model.load` makes a Python function of every function of the file, nested ones too, each
with a library that holds copies of all it calls: for the shipped model, 33 copies of its weights.
Here the file's library is imported once, and holds what is asked for and nothing else; its networks
are taken out, and what remains is not optimised, which would take longer than it saves.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from cxr_tf.runtime.freed_memory import free_blocks_returned, large_blocks_returned
from cxr_tf.runtime.tf_private import RewriterConfig, SavedModel, eager_config
from cxr_tf.saved.networks import take_networks

#: Positional arguments in, results by name out: NumPy arrays, and bytes for one string.
SavedFunction = Callable[..., dict[str, Any]]
#: Operations that oneDNN computes in an order of its own.
_ROUNDED_OTHERWISE = {"BatchMatMulV2", "Conv2D", "FusedBatchNormV3", "MatMul", "Softmax"}


def saved_functions(folder: Path, names: Iterable[str]) -> dict[str, SavedFunction]:
    """Load functions of an exported model by their names.

    Args:
        folder: version folder, with `saved_model.pb`.
        names: methods of the saved module, each traced once, with a dictionary of results, and
            without variables.

    Returns:
        The functions.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is damaged, or one of the functions is not in it.
    """
    graph = tf.Graph()
    with large_blocks_returned():
        definition, arguments, results = _definition(folder / "saved_model.pb", tuple(names))
        networks = take_networks(definition.library, _configuration)
        _run_where_reached(definition.library)
        with graph.as_default():
            tf.graph_util.import_graph_def(definition, name="")
        session = tf.compat.v1.Session(graph=graph, config=_configuration(optimise=False))
    free_blocks_returned()

    def function(name: str) -> SavedFunction:
        call = session.make_callable(
            [graph.get_tensor_by_name(f"{name}:{index}") for index in range(len(results[name]))],
            [graph.get_tensor_by_name(f"{each}:0") for each in arguments[name]],
        )
        held = networks  # while there is a function that calls them
        new = True

        def answer(*given: Any) -> dict[str, Any]:
            nonlocal new
            found = call(*map(np.asarray, given))
            if new and held:
                free_blocks_returned()
            new = False
            return dict(zip(results[name], found, strict=True))

        return answer

    return {name: function(name) for name in arguments}


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


def _definition(
    path: Path, names: tuple[str, ...]
) -> tuple[tf.compat.v1.GraphDef, dict[str, list[str]], dict[str, list[str]]]:
    """Make a graph that calls each function once, and name its arguments and results."""
    saved = SavedModel()
    try:
        saved.ParseFromString(path.read_bytes())
        (meta,) = saved.meta_graphs
    except Exception as error:
        if isinstance(error, OSError):
            raise
        raise ValueError(f"{path} is damaged: {error}; export the model again") from error
    objects = meta.object_graph_def
    root = objects.nodes[0]
    members = {each.local_name: objects.nodes[each.node_id] for each in root.children}
    library = {each.signature.name: each for each in meta.graph_def.library.function}
    definition = tf.compat.v1.GraphDef(versions=meta.graph_def.versions)
    arguments: dict[str, list[str]] = {}
    results: dict[str, list[str]] = {}
    traced: list[str] = []
    unchanged = _configuration(optimise=False).SerializeToString()
    for name in names:
        known = list(members[name].function.concrete_functions) if name in members else []
        if len(known) != 1 or objects.concrete_functions[known[0]].bound_inputs:
            raise ValueError(f"{path} holds no frozen function {name}: export the model again")
        traced += known
        concrete = objects.concrete_functions[known[0]]
        results[name] = sorted(concrete.output_signature.dict_value.fields)
        signature = library[known[0]].signature
        arguments[name] = [f"{name}/{each.name}" for each in signature.input_arg]
        for each in signature.input_arg:
            node = definition.node.add(name=f"{name}/{each.name}", op="Placeholder")
            node.attr["dtype"].type = each.type
            node.attr["shape"].shape.unknown_rank = True
        node = definition.node.add(name=name, op="PartitionedCall", input=arguments[name])
        node.attr["Tin"].list.type.extend(each.type for each in signature.input_arg)
        node.attr["Tout"].list.type.extend(each.type for each in signature.output_arg)
        node.attr["f"].func.name = known[0]
        node.attr["config_proto"].s = unchanged  # a call has an optimiser of its own
    for each in _called(traced, library):
        definition.library.function.add().CopyFrom(each)
    return definition, arguments, results


def _run_where_reached(library: Any) -> None:
    """Make branches and loops calls, not written out in their place: most are for rare films.

    TensorFlow leaves what it runs as a call to its own operations and takes oneDNN's elsewhere. A
    branch with one that rounds otherwise stays written out, so that it answers as a signature does.
    """
    called = {
        each.signature.name: {name for node in each.node_def for name in _names(node)}
        for each in library.function
    }
    written_out = {
        each.signature.name
        for each in library.function
        if any(node.op in _ROUNDED_OTHERWISE for node in each.node_def)
    }
    while more := {name for name in called.keys() - written_out if called[name] & written_out}:
        written_out |= more
    for each in library.function:
        for node in each.node_def:
            if "_lower_using_switch_merge" in node.attr:
                reached = written_out.intersection(_names(node))
                node.attr["_lower_using_switch_merge"].b = bool(reached)


def _called(names: Iterable[str], library: Mapping[str, Any]) -> Iterator[Any]:
    """Find the functions (FunctionDef) of these names, and all that they call, each once."""
    waiting, seen = list(names), set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        yield library[name]
        for node in library[name].node_def:
            waiting += _names(node)


def _names(node: Any) -> list[str]:
    """Name the functions that a node calls."""
    found = []
    for value in node.attr.values():
        of_list = [each.name for each in value.list.func]
        found += [value.func.name, *of_list] if value.func.name else of_list
    return found
