"""monitor: news feeds in, one explained alert per story out."""

import os

__version__ = "0.1.0"

# Before numpy comes: its BLAS starts a thread for each core, and on a machine that others use, too, they wait for each
# other so busily that the meaning of one headline took 700 ms of CPU instead of 8.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
