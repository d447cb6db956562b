"""Writes labelled samples as a training file and a test file that share no sample."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.lib import format as npy

from fpgacomp.data.labelled import TEST_SHARE
from fpgacomp.data.sources import DataSource, read_source, source_name
from fpgacomp.data.split import DataSplit, split_samples
from fpgacomp.errors import InputDataError
from fpgacomp.flows.files import Content, FileUse, Place, check_files, reads, split_files
from fpgacomp.host.paths import check_folder
from fpgacomp.host.whole_file import whole_file
from fpgacomp.ir.types import NamedArrays


@dataclass(frozen=True)
class SplitFiles:
    """The two files that were written.

    Args:
        train, test: the files.
        split: which samples are in them.
    """

    train: Path
    test: Path
    split: DataSplit

    def summary(self) -> dict[str, Any]:
        """Everything but the samples, as plain values that JSON can hold."""
        classes = {
            str(k): {"train": train, "test": test}
            for k, (train, test) in self.split.classes.items()
        }
        return {
            "train": str(self.train),
            "test": str(self.test),
            "train_samples": len(self.split.train["x"]),
            "test_samples": len(self.split.test["x"]),
            "stratified": bool(classes),
            "classes": classes,
            "repeated_samples": self.split.repeated,
            "left_out": list(self.split.left_out),
        }


def split(
    data: DataSource,
    *,
    out: str | Path = ".",
    share: float = TEST_SHARE,
    seed: int = 0,
) -> SplitFiles:
    """Divide labelled samples into a training and a test set, and write them as .npz files.

    Arrays of the data that are neither samples nor labels go along, row by row, where they have
    one row for each sample; the result names those that have not.

    Args:
        data: samples with labels; see `load_data`.
        out: folder for the files, which are called after the data: NAME-train.npz, NAME-test.npz.
            Older ones are replaced.
        share: part of the samples that becomes the test set, over 0 and under 1.
        seed: another one gives another division.

    Raises:
        UsageError: the folder does not exist, a file would be the data itself, or the share is
            out of its range.
        InputDataError: the data cannot be read, have a test set of their own, or are too few.
    """
    name, folder = source_name(data), Path(out)
    check_folder(f"--out {folder}", folder)
    train, test = split_files(name, folder)
    written = (Place("--out", path, FileUse.WRITE, Content.ARRAYS) for path in (train, test))
    check_files((*reads("DATA", data), *written))
    source = read_source(data, name)
    if source.test is not None:
        raise InputDataError(
            name, "has a test set of its own already.", "train on its training part alone."
        )
    found = split_samples(source, share, seed, name=name)
    for path, arrays in ((train, found.train), (test, found.test)):
        with whole_file(path) as scratch:
            _save(scratch, arrays)
    return SplitFiles(train, test, found)


def _save(path: Path, arrays: NamedArrays) -> None:
    """Write a .npz file. np.savez would take an array called "file" for its own argument."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                npy.write_array(member, array, allow_pickle=False)
