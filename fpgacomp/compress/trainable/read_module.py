"""Any torch module -> network of known modules, by a trace whose functions become modules."""

from __future__ import annotations

import copy
import re
import traceback
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, fx, nn

from fpgacomp.compress.constraints import KEPT
from fpgacomp.compress.trainable.functions import RULES, Use
from fpgacomp.compress.trainable.modules import ReshapeTensor
from fpgacomp.compress.trainable.names import UniqueNames
from fpgacomp.compress.trainable.outputs import join_results
from fpgacomp.compress.trainable.read_weights import note_zeros, zero_pad
from fpgacomp.compress.trainable.write_layers import RULES as CLASSES
from fpgacomp.compress.trainable.write_layers import ModuleCall, write_layer
from fpgacomp.compress.trainable.writer import Writer
from fpgacomp.errors import FpgacompError, ModelError, UnsupportedLayer, raise_all

_CANONICAL = tuple(CLASSES)


class _Tracer(fx.Tracer):
    """Traces into every module that has no rule for ONNX, and notes the user's source lines."""

    record_stack_traces = True

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, _CANONICAL) or bool(super().is_leaf_module(m, module_qualified_name))


def from_module(module: nn.Module, example: Tensor) -> fx.GraphModule:
    """Read a torch module into a network of known modules, in evaluation mode.

    A layer that is called twice becomes two layers of equal weights.

    Args:
        module: takes one tensor and returns one, or a tuple of them; its forward() does not branch
            on values. It is not changed.
        example: float32 [N, *input shape]. Module and network must agree on it.

    Raises:
        ModelError: the module cannot be traced, or fails on the example, or the trace computes
            something else.
        UnsupportedLayer: an operation has no rule; its source line is told.
        Problems: several of these occur.
    """
    module = copy.deepcopy(module).cpu().eval()
    example = example.detach().cpu().to(torch.float32)
    example = example.expand(2, *example.shape[1:]) if len(example) == 1 else example
    traced = _traced(module)
    values = _run(traced, example)
    network = _Rewriter(traced, values).rewrite()
    network.meta.update(
        input_shape=tuple(example.shape[1:]), input_name="input", output_name="output"
    )
    network.eval()
    _check_equal(network, module, example)
    return network


def _check_equal(network: fx.GraphModule, module: nn.Module, example: Tensor) -> None:
    with torch.no_grad():
        for x in (example, torch.cat([example, example])):  # a second batch size tells shapes
            found, wanted = network(x), module(x)
            if isinstance(wanted, list | tuple):
                wanted = torch.cat([part.flatten(1) for part in wanted], 1)
                found = found.flatten(1)
            scale = max(1.0, float(wanted.abs().max()))
            if found.shape != wanted.shape or not (found - wanted).abs().max() <= 1e-5 * scale:
                raise ModelError(
                    type(module).__name__,
                    "its trace answers differently from it.",
                    "remove what depends on values, batch size or randomness from forward().",
                )


def _traced(module: nn.Module) -> fx.GraphModule:
    try:
        graph = _Tracer().trace(module)
    except Exception as error:  # whatever the user's forward() raises on a stand-in for a tensor
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        line = traceback.extract_tb(error.__traceback__)
        place = next((f for f in reversed(line) if "/torch/" not in f.filename), line[-1])
        raise ModelError(
            type(module).__name__,
            f"torch.fx cannot follow its forward(): {reason} (line {place.lineno}: {place.line}).",
            "avoid if, for and assert over tensors in forward().",
        ) from error
    return fx.GraphModule(module, graph)


class _Recorder(fx.Interpreter):
    """Executes a network and keeps the value of every node."""

    def __init__(self, network: fx.GraphModule) -> None:
        super().__init__(network)
        self.values: dict[fx.Node, Any] = {}

    def run_node(self, n: fx.Node) -> Any:
        self.values[n] = super().run_node(n)
        return self.values[n]


def _run(traced: fx.GraphModule, example: Tensor) -> dict[fx.Node, Any]:
    recorder = _Recorder(traced)
    try:
        with torch.no_grad():
            recorder.run(example)
    except Exception as error:  # whatever torch raises on a shape that does not go
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(
            "the network",
            f"it fails on an input of shape {list(example.shape)}: {reason}.",
            "give an example of the shape that it takes.",
        ) from error
    return recorder.values


class _Rewriter:
    """Builds the graph of known modules beside the traced one."""

    def __init__(self, traced: fx.GraphModule, values: dict[fx.Node, Any]) -> None:
        self.traced = traced
        self.values = values
        self.root = nn.Module()
        self.graph = fx.Graph()
        self.names = UniqueNames()
        self.map: dict[fx.Node, fx.Node] = {}
        self.derived: set[fx.Node] = set()
        self.problems: list[FpgacompError] = []

    def rewrite(self) -> fx.GraphModule:
        self._reserve()
        for node in self.traced.graph.nodes:
            try:
                self._node(node)
            except FpgacompError as problem:
                self.problems.append(problem)
                sources = [self.map[n] for n in node.all_input_nodes if n in self.map]
                if sources:
                    self.map[node] = sources[0]
        raise_all(self.problems)
        network = fx.GraphModule(self.root, self.graph, "Network")
        network.graph.eliminate_dead_code()
        network.recompile()
        network.delete_all_unused_submodules()
        return network

    def _reserve(self) -> None:
        """Reserve the names of modules, so that functions do not take them."""
        self.targets: dict[str, str] = {}
        for node in self.traced.graph.nodes:
            if node.op == "call_module" and str(node.target) not in self.targets:
                self.targets[str(node.target)] = self.names.unique(str(node.target))

    def _node(self, node: fx.Node) -> None:
        match node.op:
            case "placeholder":
                if any(n.op == "placeholder" for n in self.graph.nodes):
                    raise self._refuse(node, "a second input", "give a network with one input.")
                self.map[node] = self.graph.placeholder("input")
            case "output":
                self._output(node)
            case "get_attr":
                pass  # a constant: whoever uses it looks at its value
            case "call_module":
                self._module(node)
            case _ if self._computed(node):
                self._function(node)

    def _computed(self, node: fx.Node) -> bool:
        """Whether a node depends on the input's values, and not only on its sizes."""
        if not any(n in self.map or n in self.derived for n in node.all_input_nodes):
            return False
        self.derived.add(node)
        value = self.values[node]
        several = value if isinstance(value, list | tuple) else [value]
        return any(isinstance(part, Tensor) for part in several)

    def _output(self, node: fx.Node) -> None:
        returned = node.args[0]
        several = list(returned) if isinstance(returned, list | tuple) else [returned]
        if not several or not all(isinstance(r, fx.Node) and r in self.map for r in several):
            raise self._refuse(
                node, "an output that is not a tensor", "return a tensor, or a tuple of tensors."
            )
        names = ["output"] if len(several) == 1 else [f"output_{k}" for k in range(len(several))]
        shapes = [tuple(self.values[result].shape[1:]) for result in several]
        nodes = [self.map[result] for result in several]
        results = list(zip(names, nodes, shapes, strict=True))
        self.graph.output(join_results(self.graph, self.root, results))

    def _module(self, node: fx.Node) -> None:
        target = str(node.target)
        module = self.traced.get_submodule(target)
        if not isinstance(module, _CANONICAL):
            raise self._refuse(
                node,
                f"{type(module).__name__}",
                f"use one of {', '.join(sorted(c.__name__ for c in _CANONICAL))}.",
            )
        if type(module) not in _CANONICAL:
            raise self._refuse(
                node, f"{type(module).__name__}, a kind of its own,", "use torch's own class."
            )
        fresh = self.targets.pop(target, None) or self.names.unique(target)
        copied = copy.deepcopy(module)
        inputs = tuple(self.map[n] for n in node.all_input_nodes if n in self.map)
        shape = tuple(self.values[node.all_input_nodes[0]].shape)
        if isinstance(copied, nn.Conv1d | nn.Conv2d) and isinstance(copied.padding, str):
            inputs = self._spelled_padding(copied, fresh, inputs)
        result = tuple(self.values[node].shape)
        if isinstance(copied, nn.Flatten) and result[0] == shape[0]:
            copied = ReshapeTensor(result[1:]) if len(result) > 2 else nn.Flatten()
        write_layer(
            Writer(), ModuleCall(f"{fresh}{_line(node)}", copied, ("x",), "y", shape, result)
        )
        if isinstance(copied, nn.Linear | nn.Conv1d | nn.Conv2d) and not hasattr(copied, KEPT):
            note_zeros(copied)
        self.root.add_module(fresh, copied)
        self.map[node] = self.graph.call_module(fresh, inputs)

    def _spelled_padding(
        self, layer: Any, name: str, inputs: tuple[fx.Node, ...]
    ) -> tuple[fx.Node, ...]:
        """Spell padding="same" in numbers; where it is uneven, a module in front pads."""
        rank = len(layer.kernel_size)
        total = [
            (k - 1) * d if layer.padding == "same" else 0
            for k, d in zip(layer.kernel_size, layer.dilation)
        ]
        begin = [n // 2 for n in total]
        end = [n - n // 2 for n in total]
        layer.padding = tuple(begin) if begin == end else (0,) * rank
        if begin == end:
            return inputs
        return (self._emit(zero_pad(begin + end), f"{name}_pad", *inputs),)

    def _function(self, node: fx.Node) -> None:
        names, rule = RULES.get(node.target, ((), None))
        use = self._use(node, names) if rule is not None else None
        module = rule(use) if rule is not None and use is not None and use.inputs else None
        if module is None or use is None:
            name = getattr(node.target, "__name__", str(node.target))
            raise self._refuse(
                node,
                f"{name}, or not in this form,",
                "write it as one of the layers of torch.nn that fpgacomp carries.",
            )
        inputs = use.inputs
        parts = list(module) if isinstance(module, nn.Sequential) else [module]
        for part in parts:
            inputs = (self._emit(part, node.name, *(self.map.get(n, n) for n in inputs)),)
        self.map[node] = inputs[0]

    def _use(self, node: fx.Node, names: tuple[str, ...]) -> Use:
        """Sort the arguments of a function into computed tensors and everything else."""
        arguments = {**dict(zip(names, node.args)), **node.kwargs}
        if names[1:] == ("dims",) and len(node.args) > 2:  # x.permute(0, 2, 1)
            arguments["dims"] = node.args[1:]
        inputs: list[fx.Node] = []
        values: dict[str, Any] = {}
        for name, argument in arguments.items():
            several = argument if isinstance(argument, list | tuple) else [argument]
            computed = [n for n in several if isinstance(n, fx.Node) and n in self.map]
            if computed and len(computed) == len(several):
                inputs += computed
            else:
                values[name] = fx.map_arg(argument, lambda n: self.values[n])
        shapes = tuple(tuple(self.values[n].shape) for n in inputs)
        return Use(tuple(inputs), values, shapes, _shape(self.values[node]))

    def _emit(self, module: nn.Module, wish: str, *inputs: fx.Node) -> fx.Node:
        name = self.names.unique(wish)
        self.root.add_module(name, module)
        return self.graph.call_module(name, inputs)

    def _refuse(self, node: fx.Node, what: str, fix: str) -> UnsupportedLayer:
        return UnsupportedLayer(f"{node.name}{_line(node)}", f"{what} is not carried.", fix)


def _shape(value: Any) -> tuple[int, ...]:
    return tuple(value.shape) if isinstance(value, Tensor) else ()


def _line(node: fx.Node) -> str:
    """The place in the user's forward() that a node comes from: " (net.py line 12: x.sort())"."""
    found: Callable[[str], list[tuple[str, str, str]]] = re.compile(
        r'File "([^"]+)", line (\d+), in \w+\n\s*(.*)'
    ).findall
    frames = [f for f in found(node.stack_trace or "") if "/torch/" not in f[0]]
    if not frames:
        return ""
    file, line, source = frames[-1]
    return f" ({file.rsplit('/', 1)[-1]} line {line}: {source.strip()})"
