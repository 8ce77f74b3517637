from __future__ import annotations

from pathlib import Path

import pytest

MINIMAL = """\
schema: 1
entries:
  - name: sample
    release: "1"
    title: Sample
    task: object_detection
    family: picodet
    architecture: null
    input:
      height: 64
      width: 32
      resize: stretch
      interpolation: cubic
      mean: [0, 0, 0]
      std: [1, 1, 1]
      source: {document: paper, cell: table 1}
    output:
      kind: detection
      classes: [person]
      head: nms
      source: {document: paper, cell: table 1}
    latency:
      - {milliseconds: 2.5, device: Snapdragon 865, engine: Paddle Lite, engine_version: null, threads: 4,
         precision: fp16, scope: network, source: {document: paper, cell: table 2}}
    license: MIT
    artifacts:
      - kind: weights
        urls: ["https://example.com/sample.pdparams"]
        source: {document: paper, cell: table 3}
"""


@pytest.fixture
def minimal(tmp_path: Path) -> Path:
    """A valid catalog file with one entry, which tests then make invalid in one place."""
    file = tmp_path / "team.yaml"
    file.write_text(MINIMAL)
    return file
