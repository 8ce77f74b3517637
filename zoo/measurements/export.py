"""Write kept measurements to a file: CSV, Parquet, or JSON lines with the complete results."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from converters.fs.atomic import canonical_json, publish_bytes
from registry.errors import MissingToolError, UsageError
from zoo.measurements.measurement import Measurement
from zoo.measurements.table import Row, rows_of


def export(measurements: Sequence[Measurement], out: Path) -> None:
    """Write measurements to a file; its name decides the format.

    CSV and Parquet have a row for each figure; JSON lines have a complete measurement on each line.

    Args:
        measurements: The measurements.
        out: File name ending with ``.csv``, ``.parquet`` or ``.jsonl``.

    Raises:
        UsageError: ``export-format-unsupported``, or ``output-not-writable``.
        MissingToolError: ``pyarrow-missing``, or ``disk-full``.
    """
    publish_bytes(_encode(measurements, out), out)


def _encode(measurements: Sequence[Measurement], out: Path) -> bytes:
    match out.suffix.lower():
        case ".csv":
            return _csv(rows_of(measurements))
        case ".parquet":
            return _parquet(rows_of(measurements))
        case ".jsonl":
            lines = [canonical_json(each.model_dump(mode="json")) + b"\n" for each in measurements]
            return b"".join(lines)
    raise UsageError(
        "export-format-unsupported",
        f"the name {out.name} tells no format that measurements can be exported to",
        expected="a name that ends with .csv, .parquet or .jsonl",
        found=out.suffix or "no suffix",
        done="nothing was written",
        hint="zoo results export --out results.csv",
    )


def _csv(rows: Sequence[Row]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(Row._fields)
    writer.writerows(row._replace(created=row.created.isoformat()) for row in rows)  # type: ignore[arg-type]
    return text.getvalue().encode()


def _parquet(rows: Sequence[Row]) -> bytes:
    try:
        import pyarrow as pa  # imported here: a dependency of an extra
        import pyarrow.parquet as pq
    except ImportError as error:
        raise MissingToolError(
            "pyarrow-missing",
            "pyarrow, which writes Parquet, is not installed in this Python",
            found=str(error),
            hint="pip install 'paddle-zoo[parquet]', or export to a .csv file",
        ) from error
    # Named types: an empty table has them too, and "value" may be null in every row.
    types = {
        "created": pa.timestamp("us", tz="UTC"),
        "value": pa.float64(),
        "images": pa.int64(),
        "processors": pa.int64(),
    }
    schema = pa.schema([(name, types.get(name, pa.string())) for name in Row._fields])
    table = pa.table({name: [getattr(row, name) for row in rows] for name in Row._fields}, schema=schema)
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()
