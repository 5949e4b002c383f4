"""The parameters of the models as options, made from the signatures of the models themselves."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from ridgeback.cli.command import Option, option
from ridgeback.cli.paths import check_input

if TYPE_CHECKING:
    from ridgeback.models import Recommender


class Parameter(NamedTuple):
    """One parameter of one model."""

    default: Any
    annotation: str
    kind: str
    text: str


F = TypeVar("F", bound=Callable[..., Any])

FAMILIES = {
    "implicit": "ImplicitALS",
    "explicit": "ExplicitALS",
    "logistic": "LogisticMF",
    "bayesian": "BayesianALS",
    "popularity": "Popularity",
    "bias": "BiasBaseline",
}
_BASELINES = ("popularity", "bias")
_SECTION = "Model parameters"
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(inf|nan)", re.ASCII | re.IGNORECASE)
_MODEL_HELP = (
    "implicit: who takes what (counts, clicks; a rating is a yes). explicit: the ratings themselves. "
    "logistic: yes or no, as a probability. bayesian: ratings with intervals. popularity, bias: the baselines."
)
_WORDS = {"none": None, "true": True, "false": False}


def model_class(family: str) -> type[Recommender]:
    """The class behind a word of --model."""
    import ridgeback.models

    found: type[Recommender] = getattr(ridgeback.models, FAMILIES[family])
    return found


def model_options(default: str | None, without: tuple[str, ...] = ()) -> Callable[[F], F]:
    """Declare --model with this default, and an option for every parameter of every model but those left out."""
    described: dict[str, dict[str, Parameter]] = {}
    for family in FAMILIES:
        for name, parameter in parameters_of(model_class(family)).items():
            if name in without:
                continue
            described.setdefault(name, {})[family] = parameter

    def declare(command: F) -> F:
        for name, by_family in reversed(described.items()):
            command = click.option(*_option_names(name, by_family), **_settings(by_family))(command)
        return option("--model", "family", type=click.Choice(list(FAMILIES)), section=_SECTION, default=default,
                      show_default=default is not None, help=_MODEL_HELP)(command)  # fmt: skip

    return declare


def parameters_of(model: type) -> dict[str, Parameter]:
    """Every parameter by name, from the signature and the docstring."""
    described = _descriptions(inspect.getdoc(model) or "")
    return {
        name: Parameter(parameter.default, str(parameter.annotation), *described.get(name, ("", "")))
        for name, parameter in inspect.signature(model).parameters.items()
    }


def build_named_model(family: str | None, options: Mapping[str, Any]) -> Recommender | None:
    """The unfitted model, or None where --model is left out."""
    if family is not None:
        return build_model(family, options)
    for name in _given(options):
        raise click.UsageError(f"{option_name(name)} needs --model, the model whose parameter it is.")
    return None


def build_model(family: str, options: Mapping[str, Any]) -> Recommender:
    """The unfitted model with the parameters that were given, the others at their defaults."""
    model = model_class(family)
    takes = parameters_of(model)
    given = {}
    for name, value in _given(options).items():
        if name not in takes:
            known = ", ".join(option_name(n) for n in takes) or "none"
            raise click.UsageError(f"{option_name(name)} is not a parameter of --model {family}; it has: {known}.")
        given[name] = parse_value(value) if isinstance(value, str) else value
    if isinstance(given.get("init"), str) and given["init"] not in ("normal", "standard_normal", "uniform"):
        given["init"] = _load_start(given["init"])
    return model(**given)


def all_parameters() -> list[str]:
    """The parameters of all models, each once."""
    return list(dict.fromkeys(name for family in FAMILIES for name in parameters_of(model_class(family))))


def _given(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: options[name] for name in all_parameters() if options.get(name) is not None}


def option_name(parameter: str) -> str:
    """The spelling of a parameter on the command line."""
    return f"--{parameter.replace('_', '-')}"


def parse_value(text: str) -> Any:
    """A value as it is written in Python, without quotes: a number, a word, none, or several with commas.

    Whether the parameter may have it is the model's business, whose message says what it expects.
    """
    if "," in text:
        return tuple(parse_value(part) for part in text.strip("() ").split(",") if part.strip())
    word = text.strip()
    if word.lower() in _WORDS:
        return _WORDS[word.lower()]
    if re.fullmatch(r"[+-]?\d+", word, re.ASCII):
        return int(word)
    return float(word) if _NUMBER.fullmatch(word) else word


def _option_names(name: str, by_family: Mapping[str, Parameter]) -> list[str]:
    """One spelling, or the pair of a switch."""
    if _is_switch(by_family):
        return [f"{option_name(name)}/--no-{name.replace('_', '-')}", name]
    return [option_name(name), name]


def _settings(by_family: Mapping[str, Parameter]) -> dict[str, Any]:
    """Settings of the click option of one parameter."""
    text = next((parameter.text for parameter in by_family.values() if parameter.text), "")
    if not set(FAMILIES) - set(_BASELINES) <= set(by_family):
        text = f"({', '.join(by_family)}) {text}".rstrip()
    settings: dict[str, Any] = {"cls": Option, "section": _SECTION, "default": None}
    settings["help"] = f"{text} {_default_text(by_family)}".rstrip()
    if not _is_switch(by_family):
        settings["metavar"] = _metavar(by_family)
    return settings


def _is_switch(by_family: Mapping[str, Parameter]) -> bool:
    return all(isinstance(parameter.default, bool) for parameter in by_family.values())


def _default_text(by_family: Mapping[str, Parameter]) -> str:
    """'[default: 15]', family by family where they differ, nothing where it is None everywhere."""
    defaults = {
        family: _value_text(parameter.default)
        for family, parameter in by_family.items()
        if parameter.default is not None
    }
    if not defaults:
        return ""
    if len(set(defaults.values())) == 1 and len(defaults) == len(by_family):
        return f"[default: {next(iter(defaults.values()))}]"
    return f"[default: {', '.join(f'{value} {family}' for family, value in defaults.items())}]"


def _value_text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ",".join(str(v) for v in value) if isinstance(value, tuple) else str(value)


def _metavar(by_family: Mapping[str, Parameter]) -> str:
    """What a value looks like, from the annotation and the docstring: INTEGER, NUMBER, or the words allowed."""
    kinds: list[str] = []
    for parameter in by_family.values():
        words = re.findall(r"Literal\[([^\]]*)\]", parameter.annotation) or re.findall(r"\{([^}]*)\}", parameter.kind)
        kinds += [word.strip().strip("'\"") for group in words for word in group.split(",")]
        rest = re.sub(r"Literal\[[^\]]*\]", "", parameter.annotation)
        if re.search(r"\btuple\[\s*float", rest):
            kinds.append("NUMBER,NUMBER")
        elif re.search(r"\bfloat\b", rest):
            kinds.append("NUMBER")
        if re.search(r"\bint\b", f"{rest} {parameter.kind}"):
            kinds.append("INTEGER")
        if "fitted model" in parameter.kind:
            kinds.append("MODEL")
    kinds = list(dict.fromkeys(kinds))
    return "|".join(kinds) if kinds else "VALUE"


def _descriptions(docstring: str) -> dict[str, tuple[str, str]]:
    """Name -> (type, text) of every parameter of a numpydoc docstring; what shares an entry shares its text."""
    match = re.search(r"^Parameters\n-+\n(.*?)(?=^\S[^\n]*\n-{3,}\n|\Z)", docstring, re.DOTALL | re.MULTILINE)
    if match is None:
        return {}
    found = {}
    for entry in re.split(r"\n(?=\S)", match.group(1).strip("\n")):
        head, _, body = entry.partition("\n")
        names, _, kind = head.partition(" : ")
        text = " ".join(body.split()).replace("`", "")
        for name in names.split(","):
            found[name.strip()] = (kind, _in_words_of_options(text))
    return found


def _in_words_of_options(text: str) -> str:
    """A parameter's text for who types options: what Python calls None is an option that is left out."""
    text = re.sub(r"^None:", "If left out:", text)
    text = re.sub(r"\s*\(parameters_ [^)]*\)", "", text)
    text = text.replace("as for every None here", "as for every option without a default here")
    return text.replace("None is ", "if left out it is ").replace("None means ", "leaving it out means ")


def _load_start(path: str) -> Recommender:
    """The fitted model that --init names."""
    import ridgeback

    check_input(path)
    start: Recommender = ridgeback.load(path)
    return start
