"""Our layers inside hls4ml, through its Extension API: one layer class, two templates."""

from __future__ import annotations

from functools import cache
from typing import Any

from hls4ml.backends import get_backend
from hls4ml.backends.template import FunctionCallTemplate, LayerConfigTemplate
from hls4ml.model.layers import Layer, register_layer
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from fpgacomp.engines.hls4ml.emit.nodes import EXTENSION, Extension
from fpgacomp.host.resources import data_folder

BACKEND = "Vitis"


class FpgacompExtension(Layer):  # type: ignore[misc]
    """A call of one kernel of hls_templates/hls4ml/nnet_utils, described by an `Extension`."""

    def initialize(self) -> None:
        """Declare outputs and weights in the types asked for."""
        for number, name in enumerate(self.outputs, start=1):
            suffix = "out" if len(self.outputs) == 1 else f"out{number}"
            self.add_output_variable(
                self.get_attr("output_shape"), out_name=name, var_name=f"layer{{index}}_{suffix}"
            )
        first = self.variables[self.outputs[0]]
        for name in self.outputs[1:]:
            self.variables[name].type = first.type  # one typedef; make_node may rename it
        for name, weights in self.get_attr("extension_weights").items():
            precision = self.model.config.backend.convert_precision_string(weights.type)
            self.add_weights_variable(
                name, var_name=f"{name}{{index}}", precision=precision, data=weights.values
            )


class ExtensionConfig(LayerConfigTemplate):  # type: ignore[misc]
    """The struct of constants and types that the kernel is instantiated with."""

    def __init__(self) -> None:
        super().__init__(FpgacompExtension)

    def format(self, node: Any) -> str:
        extension: Extension = node.get_attr("extension")
        return (
            templates()
            .get_template("config/layer_config.h.j2")
            .render(
                index=node.index,
                constants={"reuse_factor": node.get_attr("reuse_factor"), **extension.constants},
                typedefs=extension.typedefs,
                weight_types={name: node.weights[name].type.name for name in extension.weights},
            )
        )


class ExtensionCall(FunctionCallTemplate):  # type: ignore[misc]
    """The call in the top function."""

    def __init__(self) -> None:
        super().__init__(FpgacompExtension)

    def format(self, node: Any) -> str:
        extension: Extension = node.get_attr("extension")
        sources = [node.get_input_variable(name) for name in node.inputs]
        results = [node.variables[name] for name in node.outputs]
        node.set_attr("include_header", [f"nnet_utils/{extension.header}"])
        return (
            templates()
            .get_template("config/layer_call.cpp.j2")
            .render(
                kernel=extension.kernel,
                types=[*(variable.type.name for variable in sources), results[0].type.name],
                index=node.index,
                arguments=[variable.name for variable in (*sources, *results)]
                + [node.weights[name].name for name in extension.weights],
            )
        )


@cache
def templates() -> Environment:
    """The Jinja templates of hls_templates/hls4ml; a field that is missing is an error."""
    return Environment(
        loader=FileSystemLoader(data_folder("hls_templates") / "hls4ml"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
    )


@cache
def register() -> None:
    """Make hls4ml know our layer; once per process, since its registries are global."""
    register_layer(EXTENSION, FpgacompExtension)
    backend = get_backend(BACKEND)
    backend.register_template(ExtensionConfig)
    backend.register_template(ExtensionCall)
