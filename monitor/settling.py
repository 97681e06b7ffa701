"""How a model is settled: its layout and schema, from the state folder, a reference or first rows.

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
from collectors.multivariate import Multivariate
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
from monitor.references.file import Reference, load
from monitor.references.fitting import Fitting
from monitor.references.schemas import declared_by, without_values

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


@dataclass(frozen=True, slots=True)
class Known:
    """What was chosen: what was found in the first rows, where that was asked for, and the schema.

    The schema may have more than the config asks for, or less.
    """

    discovery: Discovery | None
    schema: Schema

    @classmethod
    def read(cls, path: Path) -> Known | None:
        """What is written down in a file; None where there is none.

        Raises:
            SchemaError: it is damaged; the message names it and says what to do.
        """
        try:
            stored = msgspec.json.decode(path.read_bytes(), type=StoredSchema)
            return cls(stored.discovery, Schema.from_json(bytes(stored.schema)))
        except FileNotFoundError:
            return None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise SchemaError(
                f"{path}: damaged ({error}); restore it from a backup, or move the "
                "state folder away to begin anew"
            ) from error
        except SchemaError as error:
            raise SchemaError(f"{path}: {error}") from error

    def write(self, path: Path) -> None:
        """Write it down.

        Raises:
            OSError: it cannot be.
        """
        found = without_values(self.discovery)
        stored = StoredSchema(found, msgspec.Raw(self.schema.to_json()))
        make_folder(path.parent)
        write_whole(path, msgspec.json.encode(stored))
        sync_folders([path.parent])


@dataclass(slots=True)
class Settling:
    """The choice for one model.

    Attributes:
        reference: the one whose file the config names, once `load` was called.

    Raises (from `load`, `check` and `choose`):
        SchemaError, SchemaMismatch: the stored schema or the reference is damaged, or not of this
            config; the message names the file and says what to do.
        StateError: the file of the reference is damaged, or none.
        OSError: a file cannot be read or written.
    """

    config: ModelConfig
    folder: Path
    timer: Callable[[], float]
    reference: Reference | None = None
    _base: Known | None = None

    @property
    def path(self) -> Path:
        """Where the choice is written down."""
        return schema_path(self.folder, self.config.name)

    @property
    def extends(self) -> bool:
        """Whether an earlier choice stays, and only what is new is still to be chosen."""
        return self._base is not None

    def load(self) -> Settled | None:
        """The choice of an earlier run, or of the reference; None where something is still open.

        What is open (the config has a feature more) is then chosen from the next rows, and the
        rest stays.
        """
        stored = Known.read(self.path)
        known = self._known(stored)
        if known is None:
            return None
        layout = self._layout_of(known)
        if layout is None:
            self._base = known
            return None
        if known != stored:
            known.write(self.path)
            self._log("schema taken from the reference", known.schema, layout)
        return self._settled(layout, known.schema.declare(layout))

    def check(self) -> list[str] | None:
        """Raise what `load` would; nothing is written.

        Returns:
            The names of the features, where they are known by now.
        """
        known = self._known(Known.read(self.path))
        layout = None if known is None else self._layout_of(known)
        if layout is None and not self.config.needs_discovery:
            layout = self.config.layout(None)
        return None if layout is None else [feature.name for feature in layout.features]

    def _known(self, stored: Known | None) -> Known | None:
        """What is written down, and what the reference has beside it."""
        settings = self.config.reference
        if settings is None or settings.path is None:
            return stored
        self.reference = reference = load(settings.path)
        discovery = (stored and stored.discovery) or reference.discovery
        open_ = self.config.needs_discovery and discovery is None
        layout = None if open_ else self.config.layout(discovery)
        fitting = Fitting(self.config, settings.path, self.path)
        schema = fitting.joined(reference, layout, None if stored is None else stored.schema)
        return Known(discovery, schema)

    def _layout_of(self, known: Known) -> Layout | None:
        """The layout by which records are read; None where it cannot be told yet."""
        if self.config.needs_discovery and known.discovery is None:
            return None
        layout = self.config.layout(known.discovery)
        try:
            lacking = known.schema.lacks(layout)
        except SchemaMismatch as error:
            raise SchemaMismatch(f"{self.path}: {error}") from error
        if lacking:
            log.info(
                "what is new is chosen from the next rows",
                extra={"model": self.config.name, "new": ",".join(lacking)},
            )
        return None if lacking else layout

    def choose(self, held: Sequence[Records]) -> Settled | list[Sequence[Rejected]]:
        """Settle by these records, and write it down.

        Where none of them is an inference: why not, for each batch.

        Raises:
            OSError: it cannot be written down; nothing is chosen.
            SchemaMismatch: it does not fit what was chosen before.
        """
        base = self._base
        discovery = None if base is None else base.discovery
        if self.config.needs_discovery and (discovery is None or self._answer_is_open(discovery)):
            samples = [sample for records in held for sample in plain(records)]
            if not samples:
                return [_all_malformed(records) for records in held]
            found = discover(samples, self.config.hints())
            discovery = (
                found if discovery is None else replace(discovery, output_kind=found.output_kind)
            )
        layout = self.config.layout(discovery)
        if base is not None:
            layout = kinds_kept(self.config, layout, base.schema)
        decoder = make_format(self.config.format, layout)
        decoded = [decoder.decode(records) for records in held]
        rows = [batch.events for batch in decoded if len(batch.events)]
        if not rows:
            return [batch.rejected for batch in decoded]
        schema = Schema.build(layout, rows) if base is None else base.schema.extended(layout, rows)
        Known(discovery, schema).write(self.path)
        self._log("schema chosen", schema, layout, rows=sum(map(len, rows)))
        return self._settled(layout, schema.declare(layout))

    def _answer_is_open(self, discovery: Discovery) -> bool:
        """Whether the first rows have to say what the answer is, for none had been seen yet."""
        asked = self.config.fields is not None and self.config.fields.prediction is not None
        return asked and self.config.output.kind is None and discovery.output_kind is None

    def _settled(self, layout: Layout, schema: Schema) -> Settled:
        if self.reference is not None:
            schema = declared_by(schema, self.reference.schema)
        return make_settled(self.config, layout, schema, self.timer)

    def _log(self, what: str, schema: Schema, layout: Layout, **more: int) -> None:
        facts = {"features": len(layout.features), "schema": schema.id, "file": str(self.path)}
        log.info(what, extra={"model": self.config.name} | more | facts)


def schema_path(folder: Path, model: str) -> Path:
    """Where the choice for a model is written down, in the folder of all of them."""
    return folder / f"{model}.schema.json"


def kinds_kept(config: ModelConfig, layout: Layout, base: Schema) -> Layout:
    """The layout with the kinds of an earlier choice, where the config says none."""
    said = {n for n, f in (config.features or {}).items() if f.settled_kind is not None}
    features = tuple(
        replace(feature, kind=kind_of(base.columns[feature.name]))
        if feature.name in base.columns and feature.name not in said
        else feature
        for feature in layout.features
    )
    return replace(layout, features=features)


def make_settled(
    config: ModelConfig, layout: Layout, schema: Schema, timer: Callable[[], float]
) -> Settled:
    """The model ready to read records of this layout, and to count them under this schema."""
    quantiles = tuple(config.quantiles)
    families: list[Family[Any]] = [
        Software(schema, tuple(config.latency_buckets)),
        Inputs(schema, quantiles),
        *Multivariate.of(schema, frozenset(config.alarms.ignore)),
    ]
    output = layout.output
    if schema.output is not None and output is not None:
        families.append(Outputs(schema, schema.output, quantiles))
    public = tuple(feature.name for feature in layout.features if not feature.private)
    families.append(Samples(schema, public, output is not None and not output.private))
    collection = Collection(config.name, families, timer)
    return Settled(make_format(config.format, layout), schema, collection)


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
