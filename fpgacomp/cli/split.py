"""`fpgacomp split`: labelled samples become a training file and a test file."""

from __future__ import annotations

from pathlib import Path

import typer

from fpgacomp.cli.console import write_json
from fpgacomp.cli.options.arguments import DataArgument
from fpgacomp.cli.options.output import JsonOption, SplitFolderOption
from fpgacomp.cli.options.training import SeedOption, TestShareOption


def split(
    data: DataArgument,
    test_share: TestShareOption = 0.25,
    seed: SeedOption = 0,
    out: SplitFolderOption = Path(),
    as_json: JsonOption = False,
) -> None:
    """Divide labelled samples into a training file and a test file that share no sample.

    Do this before a network is trained: train it on NAME-train.npz, give that file with --data
    and NAME-test.npz with --test-data. Otherwise the verbs hold a part of --data out by
    themselves, which the network has already seen, and every accuracy is too good. Of each class
    the same share is drawn, and equal samples stay on one side. Other arrays of the file with one
    row for each sample go along.

    Example: `fpgacomp split digits.npz`
    """
    from fpgacomp.flows.split import split as run

    found = run(data, out=out, share=test_share, seed=seed).summary()
    if as_json:
        write_json(found)
        return
    for part in ("train", "test"):
        typer.echo(f"{part:6} {found[f'{part}_samples']:7,} samples  {found[part]}")
    if found["stratified"]:
        typer.echo(f"the same share of each of {len(found['classes'])} classes")
    if found["repeated_samples"]:
        typer.echo(f"{found['repeated_samples']:,} repeated samples stand beside their equals")
    if found["left_out"]:
        typer.echo(f"left out, since they have no row for each sample: "
                   f"{', '.join(found['left_out'])}")  # fmt: skip
    typer.echo(f"next: train on {found['train']}, then fpgacomp quantize MODEL --data "
               f"{found['train']} --test-data {found['test']}")  # fmt: skip
