"""Whether a reference fits a model: its config as it is now, and the schema that it has already."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from collectors.layout import Layout
from collectors.schema import Schema, SchemaMismatch
from monitor.config_model import ModelConfig
from monitor.event_clock import SECOND
from monitor.references.file import Reference
from monitor.references.schemas import difference, joined, undeclared


@dataclass(frozen=True, slots=True)
class Fitting:
    """One model's config, the file of its reference, and the file in which its schema stands."""

    config: ModelConfig
    path: Path
    stored: Path

    def joined(self, reference: Reference, layout: Layout | None, schema: Schema | None) -> Schema:
        """The model's schema, and what it lacks as the reference has it; `schema` None: all of it.

        `layout` None: it is not known yet what the config asks for.

        Raises:
            SchemaMismatch: they do not fit; the message says which column or setting, and what to
                do.
        """
        self._check_model(reference)
        if layout is not None:
            self._check_layout(reference.schema, layout)
        if schema is None:
            return undeclared(reference.schema)
        if (what := difference(schema, reference.schema)) is not None:
            raise self._refusal(
                f"{what} than in {self.stored}",
                "which takes the schema that is there, or give the model another name, under which "
                "it begins anew",
            )
        return joined(schema, reference.schema)

    def _check_model(self, reference: Reference) -> None:
        if reference.model != self.config.name:
            raise self._refusal(f"is of model {reference.model}", "or name the file of that model")
        pane = round(self.config.windows[0] * SECOND)
        if reference.pane not in {0, pane}:
            raise self._refusal(
                f"its panes are {reference.pane // SECOND} s long, and windows[0] is now "
                f"{pane // SECOND} s",
                "or restore the config",
            )

    def _check_layout(self, schema: Schema, layout: Layout) -> None:
        try:
            lacking = [name for name in schema.lacks(layout) if name in _names(layout)]
        except SchemaMismatch as error:
            # Of "what is wrong; what to do" it is the first half that is so here too.
            what = str(error).partition(";")[0].replace("in the stored schema", "and there")
            raise self._refusal(what, "or restore the config") from error
        if lacking:
            shown = ", ".join(repr(name) for name in lacking[:5])
            more = f" and {len(lacking) - 5} more" if len(lacking) > 5 else ""
            what = "features" if len(lacking) > 1 else "feature"
            raise self._refusal(
                f"lacks {what} {shown}{more}, which the config asks for",
                "or remove it from the config",
            )

    def _refusal(self, what: str, other_way: str) -> SchemaMismatch:
        name = self.config.name
        return SchemaMismatch(
            f"{self.path}: the reference of model {name}: {what}; build it again by `inferwatch "
            f"reference build {name}`, {other_way}"
        )


def _names(layout: Layout) -> set[str]:
    """The features: answers that the reference lacks are found in the next rows."""
    return {feature.name for feature in layout.features}
