"""The networks of a SavedModel, each in a session of its own that the other functions call.

TensorFlow writes a function's graph out at every place that calls it. A model calls its
segmentation at ten, for the parts of a picture that may hold several films: ten copies of the
weights, each optimised and packed. Here a network is there once, whoever asks.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from cxr_tf.runtime.tf_private import flat_graph
from cxr_tf.saved.stand_ins import optimised

#: From a name of a network to what runs it.
Networks = dict[str, Callable[..., Any]]


def take_networks(
    functions: dict[str, Any], configuration: Callable[..., tf.compat.v1.ConfigProto]
) -> Networks:
    """Take the networks out of some functions, and leave in each place a function that calls it.

    Args:
        functions: from names to functions (FunctionDef); the networks among them are replaced.
        configuration: makes one of a session, by `optimise` with an optimised graph or without.

    Returns:
        The networks; the functions' calls hold while these do.
    """
    networks = {}
    for name in [name for name, each in functions.items() if _is_network(each)]:
        functions[name], networks[name] = _taken(functions[name], configuration)
    return networks


def _is_network(function: Any) -> bool:
    """Tell a function that convolves and calls no other."""
    calls = any(
        value.func.name or value.list.func for x in function.node_def for value in x.attr.values()
    )
    return not calls and any(node.op == "Conv2D" for node in function.node_def)


def _taken(
    function: Any, make: Callable[..., tf.compat.v1.ConfigProto]
) -> tuple[Any, Callable[..., Any]]:
    """Make a network of a function, and a function that calls it."""
    graph, flat = flat_graph(function)
    inputs = [f"{each.name}:0" for each in function.signature.input_arg]
    outputs = [flat[function.ret[each.name]] for each in function.signature.output_arg]
    _tell_shapes(graph)
    graph = optimised(split_ahead(graph, outputs), inputs, outputs, make(optimise=True))
    configuration = make(optimise=False)
    # oneDNN keeps what it packed for each thread; and a call from a thread of another session never
    # waits for one of those.
    configuration.use_per_session_threads = True
    configuration.inter_op_parallelism_threads = 1
    configuration.experimental.disable_output_partition_graphs = True
    configuration.experimental.optimize_for_static_graph = True
    with tf.Graph().as_default() as made:
        tf.graph_util.import_graph_def(graph, name="")
        session = tf.compat.v1.Session(graph=made, config=configuration)
    run = session.make_callable(
        [made.get_tensor_by_name(name) for name in outputs],
        [made.get_tensor_by_name(name) for name in inputs],
    )
    return _let_call(function, run)


def _tell_shapes(graph: tf.compat.v1.GraphDef) -> None:
    """Check the shapes of a graph's inputs in the graph.

    The optimiser takes nothing for granted of what is fed, where it knows the shape of what a graph
    has made itself, as at the places that this network comes from. Without this it would add in
    another order, and every answer would differ from a signature's in its last bit.
    """
    made = {}
    for node in graph.node:
        if node.op == "Placeholder":
            check = tf.compat.v1.NodeDef(name=f"{node.name}/shape", op="EnsureShape")
            check.input.append(node.name)
            check.attr["T"].CopyFrom(node.attr["dtype"])
            check.attr["shape"].CopyFrom(node.attr["shape"])
            made[node.name] = check
    for node in graph.node:
        for place, name in enumerate(node.input):
            if name.removesuffix(":0") in made:
                node.input[place] = made[name.removesuffix(":0")].name
    graph.node.extend(made.values())


def split_ahead(graph: tf.compat.v1.GraphDef, outputs: list[str]) -> tf.compat.v1.GraphDef:
    """Split constants that the graph would split, and leave out what no output needs.

    Args:
        graph: of operations without side effects; changed in place.
        outputs: names of the tensors that are needed.

    Returns:
        A graph of the same results.
    """
    nodes = {node.name: node for node in graph.node}
    same: dict[str, str] = {}
    parts: dict[str, Any] = {}

    def origin(name: str) -> str:
        name = name.removesuffix(":0")
        return origin(same[name]) if name in same else name

    def constant(name: str) -> Any:
        return tf.make_ndarray(nodes[name].attr["value"].tensor)

    def are_constant(names: list[str]) -> bool:
        return all(name in nodes and nodes[name].op == "Const" for name in names)

    for node in graph.node:
        given = [origin(name) for name in node.input]
        if node.op == "Identity" and are_constant(given[:1]):
            same[node.name] = given[0]
        elif node.op == "SplitV" and are_constant(given):
            value, sizes, axis = map(constant, given)
            for number, part in enumerate(np.split(value, np.cumsum(sizes)[:-1], int(axis))):
                name = f"{node.name}/part_{number}"
                same[f"{node.name}:{number}".removesuffix(":0")] = name
                made = tf.compat.v1.NodeDef(name=name, op="Const")
                made.attr["dtype"].type = node.attr["T"].type
                made.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(part))
                parts[name] = made
    wanted = [name.split(":")[0] for name in outputs]
    kept = tf.compat.v1.GraphDef(versions=graph.versions)
    seen: set[str] = set()
    while wanted:
        name = wanted.pop()
        if name in seen:
            continue
        seen.add(name)
        node = nodes[name] if name in nodes else parts[name]
        given = [origin(each) for each in node.input if not each.startswith("^")]
        del node.input[:]
        node.input.extend(given)
        wanted += [each.split(":")[0] for each in given]
        kept.node.append(node)
    return kept


def _let_call(function: Any, run: Callable[..., Any]) -> tuple[Any, Callable[..., Any]]:
    """Write a function anew that calls `run`; the second of what is given keeps it callable."""
    signature = function.signature
    types = [tf.as_dtype(each.type) for each in signature.output_arg]
    specs = [tf.TensorSpec(None, tf.as_dtype(each.type)) for each in signature.input_arg]
    traced = tf.function(
        lambda *given: tf.numpy_function(run, given, types, stateful=False), autograph=False
    ).get_concrete_function(*specs)
    new = traced.function_def
    names = {
        ours.name: theirs.name
        for ours, theirs in zip(new.signature.input_arg, signature.input_arg, strict=True)
    }
    # A message of its own: what is taken out of one stays in memory as long as it does.
    calling = type(function)(signature=signature)
    del calling.signature.control_output[:]
    for key, value in function.attr.items():
        calling.attr[key].CopyFrom(value)
    for node in new.node_def:
        copy = calling.node_def.add()
        copy.CopyFrom(node)
        copy.input[:] = [names.get(name, name) for name in node.input]
    for ours, theirs in zip(new.signature.output_arg, signature.output_arg, strict=True):
        result = new.ret[ours.name]
        calling.ret[theirs.name] = names.get(result, result)
    kept: Callable[..., Any] = traced
    return calling, kept
