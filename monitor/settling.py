"""How a model is settled: its layout and schema, from the state folder or from its first rows.

Until then its records are held back, undecoded, and bounded in number. What was chosen is written
down before any row is summarised, so that a restart reads and counts as before.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from collectors.discover import discover
from collectors.discovery import Discovery
from collectors.family import Family
from collectors.formats import Rejected, make_format
from collectors.formats.parsing import plain_json
from collectors.inputs import Inputs
from collectors.layout import Layout
from collectors.outputs import Outputs
from collectors.samples import Samples
from collectors.schema import Schema, SchemaError, SchemaMismatch
from collectors.software import Software
from collectors.sources import Records
from collectors.specs import kind_of
from monitor.collection import Collection
from monitor.config_model import ModelConfig
from monitor.disk import make_folder, sync_folders, write_whole
from monitor.model import Settled

log = logging.getLogger(__name__)

ENOUGH_ROWS = 2_000
"""Records that are waited for before a schema is chosen."""

ENOUGH_BYTES = 64 * 2**20
"""Bytes of records after which no more are waited for."""

LONGEST_WAIT = 5.0
"""Seconds after the first record when a schema is chosen from fewer."""


class StoredSchema(msgspec.Struct, frozen=True):
    """What is written down: what was found in the first rows, and the schema, as JSON."""

    discovery: Discovery | None
    schema: msgspec.Raw


@dataclass(slots=True)
class Settling:
    """The choice for one model.

    Raises (from `load` and `choose`):
        SchemaError, SchemaMismatch: the stored schema is damaged, or is not of this config; the
            message names the file and says what to do.
    """

    config: ModelConfig
    folder: Path
    timer: Callable[[], float]
    _base: StoredSchema | None = None

    @property
    def path(self) -> Path:
        """Where the choice is written down."""
        return self.folder / f"{self.config.name}.schema.json"

    @property
    def extends(self) -> bool:
        """Whether an earlier choice stays, and only what is new is still to be chosen."""
        return self._base is not None

    def load(self) -> Settled | None:
        """The choice of an earlier run; None where there is none, or where it lacks something.

        What it lacks (the config has a feature more) is then chosen from the next rows, and the
        rest stays.
        """
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return None
        try:
            stored = msgspec.json.decode(data, type=StoredSchema)
            schema = Schema.from_json(bytes(stored.schema))
            if self.config.needs_discovery and stored.discovery is None:
                self._base = stored
                return None
            layout = self.config.layout(stored.discovery)
            if lacking := schema.lacks(layout):
                self._base = stored
                log.info(
                    "what is new is chosen from the next rows",
                    extra={"model": self.config.name, "new": ",".join(lacking)},
                )
                return None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise SchemaError(
                f"{self.path}: damaged ({error}); restore it from a backup, or move the "
                "state folder away to begin anew"
            ) from error
        except (SchemaError, SchemaMismatch) as error:
            raise type(error)(f"{self.path}: {error}") from error
        return self._settled(layout, schema.declare(layout))

    def choose(self, held: Sequence[Records]) -> Settled | list[Sequence[Rejected]]:
        """Settle by these records, and write it down.

        Where none of them is an inference: why not, for each batch.

        Raises:
            OSError: it cannot be written down; nothing is chosen.
            SchemaMismatch: it does not fit what was chosen before.
        """
        discovery = None if self._base is None else self._base.discovery
        if self.config.needs_discovery and discovery is None:
            samples = [sample for records in held for sample in plain(records)]
            if not samples:
                return [_all_malformed(records) for records in held]
            discovery = discover(samples, self.config.hints())
        layout = self.config.layout(discovery)
        base = None if self._base is None else Schema.from_json(bytes(self._base.schema))
        if base is not None:
            layout = self._kinds_kept(layout, base)
        decoder = make_format(self.config.format, layout)
        decoded = [decoder.decode(records) for records in held]
        rows = [batch.events for batch in decoded if len(batch.events)]
        if not rows:
            return [batch.rejected for batch in decoded]
        schema = Schema.build(layout, rows) if base is None else base.extended(layout, rows)
        self._write(StoredSchema(discovery, msgspec.Raw(schema.to_json())))
        log.info(
            "schema chosen",
            extra={
                "model": self.config.name,
                "rows": sum(map(len, rows)),
                "features": len(layout.features),
                "schema": schema.id,
                "file": str(self.path),
            },
        )
        return self._settled(layout, schema.declare(layout))

    def _kinds_kept(self, layout: Layout, base: Schema) -> Layout:
        """The layout with the kinds of an earlier choice, where the config says none."""
        said = {n for n, f in (self.config.features or {}).items() if f.settled_kind is not None}
        features = tuple(
            replace(feature, kind=kind_of(base.columns[feature.name]))
            if feature.name in base.columns and feature.name not in said
            else feature
            for feature in layout.features
        )
        return replace(layout, features=features)

    def _write(self, stored: StoredSchema) -> None:
        make_folder(self.folder)
        write_whole(self.path, msgspec.json.encode(stored))
        sync_folders([self.folder])

    def _settled(self, layout: Layout, schema: Schema) -> Settled:
        quantiles = tuple(self.config.quantiles)
        families: list[Family[Any]] = [
            Software(schema, tuple(self.config.latency_buckets)),
            Inputs(schema, quantiles),
        ]
        output = layout.output
        if schema.output is not None and output is not None:
            families.append(Outputs(schema, schema.output, quantiles))
        public = tuple(feature.name for feature in layout.features if not feature.private)
        families.append(Samples(schema, public, output is not None and not output.private))
        collection = Collection(self.config.name, families, self.timer)
        return Settled(make_format(self.config.format, layout), schema, collection)


def _all_malformed(records: Records) -> list[Rejected]:
    return [Rejected(index, -1, "malformed") for index in range(len(records))]


def plain(records: Records) -> list[Any]:
    """The records that are JSON, as plain Python values."""
    found = []
    for index, value in enumerate(records.values):
        if value is not None and index not in records.oversized:
            document = plain_json(value)
            if isinstance(document, dict | list):
                found.append(document)
    return found
