"""From a model's config, and what its first rows showed, to the one value that formats read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from collectors.discovery import Discovery, FoundFeature, Hints
from collectors.events import RESOURCES
from collectors.layout import Feature, ImageLimits, Layout, Output, OutputKind, Path, Where
from monitor.config_fields import FeatureConfig, Fields, path_below

if TYPE_CHECKING:
    from monitor.config_model import ModelConfig

_NAMED = ("time", "latency", "request_id", "version")
_PLAIN = ("error", "status", "prediction", *RESOURCES)


def build_hints(model: ModelConfig) -> Hints:
    """What need not be looked for."""
    fields = model.fields
    place = None if fields is None else fields.features
    features_at = None if place is None else place.path
    declared = _declared(model, features_at or ()) if features_at or fields is not None else None
    return Hints(
        fields=None if fields is None else _paths(fields),
        features_at=features_at if declared is None else None,
        feature_paths=declared,
    )


def build_layout(model: ModelConfig, discovery: Discovery | None, max_record_bytes: int) -> Layout:
    """The layout; everything that the config leaves open comes from `discovery`."""
    places = _places(model.fields, discovery)
    time, latency = places.get("time"), places.get("latency")
    version, request_id = places.get("version"), places.get("request_id")
    unit = None if model.fields is None else model.fields.latency and model.fields.latency.unit
    if model.fields is None and discovery is not None:
        unit = discovery.latency_unit
    zone = model.fields.time.timezone if model.fields and model.fields.time else "UTC"
    return Layout(
        model=model.name,
        features=_features(model, discovery),
        output=_output(model, discovery, places),
        time=time,
        time_zone=zone,
        request_id=request_id,
        version=version,
        latency=latency.path if latency else None,
        latency_unit=unit or "ms",
        error=_path(places, "error"),
        status=_path(places, "status"),
        resources={name: path for name in RESOURCES if (path := _path(places, name))},
        image_limits=ImageLimits(model.images.max_bytes, model.images.max_pixels),
        max_record_bytes=max_record_bytes,
    )


def _paths(fields: Fields) -> dict[str, Path]:
    """The paths that the config gives, by field name."""
    given = {name: getattr(getattr(fields, name), "path", None) for name in _NAMED}
    given |= {name: getattr(fields, name) for name in _PLAIN}
    return {name: path for name, path in given.items() if path is not None}


def _places(fields: Fields | None, discovery: Discovery | None) -> dict[str, Where]:
    if fields is None:
        found = {} if discovery is None else discovery.places
        return {name: Where(path=place.path) for name, place in found.items()}
    places = {name: Where(path=path) for name, path in _paths(fields).items()}
    if fields.version is not None:
        places["version"] = fields.version.where()
    if fields.request_id is not None:
        places["request_id"] = fields.request_id.where()
    return places


def _path(places: dict[str, Where], name: str) -> Path | None:
    return places[name].path if name in places else None


def _declared(model: ModelConfig, base: Path) -> dict[str, Path] | None:
    """Every feature's path by name, as far as the config names them; None if it does not."""
    listed = model.listed_features()
    if listed is None and model.features is None:
        return None
    paths = dict(listed or {})
    for name, feature in (model.features or {}).items():
        if feature.path is not None:
            paths[name] = feature.path
        elif name not in paths:
            paths[name] = path_below(base, name)
    return paths


def _features(model: ModelConfig, discovery: Discovery | None) -> tuple[Feature, ...]:
    place = None if model.fields is None else model.fields.features
    base = None if place is None else place.path
    if model.fields is None and discovery is not None:
        base = discovery.features_at
    found = {} if discovery is None else {one.name: one for one in discovery.features}
    paths = _declared(model, base or ())
    if paths is None:
        return tuple(
            Feature(one.name, one.kind, one.path) for one in found.values() if one.left_out is None
        )
    declared = model.features or {}
    return tuple(
        _feature(name, path, declared.get(name, FeatureConfig()), found.get(name))
        for name, path in paths.items()
    )


def _feature(name: str, path: Path, declared: FeatureConfig, found: FoundFeature | None) -> Feature:
    """A feature that has no kind in the config, and no value in the first rows, is a number."""
    kind = declared.settled_kind or (found.kind if found is not None else "number")
    bounds = declared.range
    return Feature(
        name=name,
        kind=kind,
        path=path,
        range=None if bounds is None else (bounds[0], bounds[1]),
        categories=declared.categories,
        private=declared.private,
    )


def _output(
    model: ModelConfig, discovery: Discovery | None, places: dict[str, Where]
) -> Output | None:
    path = _path(places, "prediction")
    if path is None:
        return None
    output = model.output
    kind: OutputKind | Any = output.kind
    if kind is None and discovery is not None:
        # Where no answer was there in the first rows, it is taken for a number, as features are.
        kind = discovery.output_kind or "number"
        if output.classes is not None:
            kind = "scores" if kind == "scores" else "category"
    return Output(
        kind=kind,
        path=path,
        null_words=output.null_words,
        classes=output.classes,
        private=output.private,
    )
