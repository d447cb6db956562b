"""How much of each layer runs in parallel, chosen for a board: `fold_hls4ml`, `fold_stream`."""

from fpgacomp.folding.hls4ml_fold import fold_hls4ml
from fpgacomp.folding.result import FoldingResult
from fpgacomp.folding.stream_fifos import with_fifos
from fpgacomp.folding.stream_fold import fold_stream

__all__ = ["FoldingResult", "fold_hls4ml", "fold_stream", "with_fifos"]
