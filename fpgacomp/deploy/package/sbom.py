"""The bill of materials of a package, as CycloneDX 1.5 in JSON.

It says nothing that differs from run to run: no serial number and no time, which the format leaves
free, so that one content has one archive.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from fpgacomp.deploy.package.parts import DeviceNeed, PackagePart

_PACKAGE, _NETWORK = "package", "network"


def sbom_text(
    name: str,
    version: int,
    parts: Sequence[PackagePart],
    needs: Sequence[DeviceNeed],
    *,
    network_file: str,
    network_sha256: str,
) -> str:
    """The document.

    Args:
        name, version: of the package.
        parts, needs: what it is made of, and what its device needs besides.
        network_file: name of the network's file, whose numbers are in the design.
        network_sha256: of that file.
    """
    network = {
        "type": "machine-learning-model",
        "bom-ref": _NETWORK,
        "name": network_file,
        "hashes": [{"alg": "SHA-256", "content": network_sha256}],
        "description": "The network whose weights are in the design. Its licence is not known "
        "to fpgacomp.",
    }
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": {
                "type": "firmware", "bom-ref": _PACKAGE, "name": name, "version": str(version),
            },
        },
        "components": [network, *(_part(part) for part in parts), *(_need(n) for n in needs)],
        "dependencies": [
            {
                "ref": _PACKAGE,
                "dependsOn": [_NETWORK, *(p.name for p in parts), *(n.name for n in needs)],
            },
        ],
    }  # fmt: skip
    return json.dumps(document, indent=1, sort_keys=True, allow_nan=False) + "\n"


def _part(part: PackagePart) -> dict[str, Any]:
    found = {
        "type": "library", "bom-ref": part.name, "name": part.name, "description": part.title,
        "licenses": _licences(part.licence), "scope": "required",
    }  # fmt: skip
    if part.version:
        found["version"] = part.version
    if part.purl:
        found["purl"] = part.purl
    return found


def _need(need: DeviceNeed) -> dict[str, Any]:
    return {
        "type": "library", "bom-ref": need.name, "name": need.name, "purl": need.purl,
        "description": f"Not in the package; needed for {need.purpose}.",
        "licenses": _licences(need.licence), "scope": "required" if need.required else "optional",
    }  # fmt: skip


def _licences(licence: str) -> list[dict[str, Any]]:
    if " " in licence:
        return [{"expression": licence}]
    return [{"license": {"id": licence}}]
