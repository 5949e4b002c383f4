"""Write docs/hostile-inputs.md: what the command line answers to files and arguments that cannot be used.

``python tools/hostile_inputs.py`` runs every case in a directory of its own and writes the table: input, message, exit
code. A test holds the table fresh, and every message to one line.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import shlex
import struct
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from click.testing import CliRunner

import ridgeback as rb
from ridgeback.cli import main

REPOSITORY = Path(__file__).resolve().parent.parent
PAGE = REPOSITORY / "docs" / "hostile-inputs.md"
INTRODUCTION = """\
# Hostile inputs

What the command line answers to files and arguments that cannot be used: one line on stderr, and an exit code: 1 where
something failed, 2 where the command line cannot be understood or a parameter cannot have that value. What a file does
not have (an id, a title, a column) is a 1 everywhere, like a file that is not there: the same command is answered once
the file has it. Each message says what was wrong and what to do. `good.csv`, `big.csv` and `shop.ridge` are in order.
The table is made by `python tools/hostile_inputs.py` and held fresh by a test.
"""

RATINGS = "user,item,rating,time\n" + "".join(
    f"u{user},i{item},{1 + (user * item) % 5},{1000 + user + item}\n"
    for user in range(1, 9)
    for item in range(1, 13)
    if (user + item) % 3
)


@dataclass(frozen=True)
class Case:
    """One input: what it is, the arguments of ``ridgeback``, and what to put where."""

    what: str
    arguments: tuple[str, ...]
    files: tuple[tuple[str, str | bytes], ...] = ()
    code: int = 1


@dataclass(frozen=True)
class Answer:
    """What came back."""

    case: Case
    code: int
    stdout: str
    stderr: str


def data(what: str, content: str | bytes, *options: str, command: str = "check", name: str = "events.csv") -> Case:
    """A file of events that cannot be read, or cannot be fitted."""
    extra = ("-o", "new.ridge") if command == "fit" else ()
    return Case(what, (command, name, *options, *extra), ((name, content),))


def fit(what: str, *options: str, code: int = 2) -> Case:
    """A fit of good data with a parameter that cannot be used."""
    return Case(what, ("fit", "good.csv", *options, "-o", "new.ridge"), code=code)


def model(what: str, content: bytes, command: str = "inspect", *options: str) -> Case:
    """A file that is no model."""
    return Case(what, (command, "bad.ridge", *options), (("bad.ridge", content),))


def usage(what: str, *arguments: str) -> Case:
    """A command line that cannot be understood."""
    return Case(what, arguments, code=2)


def ask(what: str, *arguments: str) -> Case:
    """A question that cannot be answered."""
    return Case(what, arguments)


def groups(shop: bytes) -> dict[str, list[Case]]:
    """Every case, by the section of the page; `shop` is a good model file."""
    header_size = struct.unpack("<Q", shop[:8])[0]
    flipped_header, flipped_payload = bytearray(shop), bytearray(shop)
    flipped_header[40] ^= 1
    flipped_payload[-3] ^= 1
    packed = gzip.compress(RATINGS.encode(), mtime=0)
    foreign = json.dumps({"x": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    return {
        "The command line": [
            usage("no command of that name", "fti"),
            usage("an option misspelt", "fit", "good.csv", "--usr", "user", "-o", "new.ridge"),
            usage("no output named", "fit", "good.csv"),
            usage("no file and no query", "check"),
            usage("a file and a query", "check", "good.csv", "--query", "select 1"),
            usage("a word where a number belongs", "recommend", "shop.ridge", "--user", "u1", "-k", "ten"),
            usage("a list of no length", "recommend", "shop.ridge", "--user", "u1", "-k", "0"),
            usage("neither one user nor all", "recommend", "shop.ridge"),
            usage("all users and no file for them", "recommend", "shop.ridge", "--all"),
            usage("a file of unknown kind", "recommend", "shop.ridge", "--all", "-o", "recs.xlsx"),
            usage("a condition without its table", "recommend", "shop.ridge", "--user", "u1", "--where", "year > 2000"),
            usage("titles' column without titles", "check", "good.csv", "--title-id", "movieId"),
            usage("event weights without events", "check", "good.csv", "--event-weights", "view=1"),
            usage("event weights that are none", "check", "good.csv", "--event", "rating", "--event-weights", "view"),
            usage("an unknown rule", "check", "good.csv", "--duplicates", "first"),
            usage("an unknown encoding", "check", "good.csv", "--encoding", "latin-8859"),
            usage("item and user at once", "similar", "shop.ridge", "--item", "i1", "--user", "u1"),
            usage("a split's option with another split", "evaluate", "good.csv", "--n-last", "2"),
            usage("more than everything held out", "evaluate", "good.csv", "--test-fraction", "1.5"),
            usage("a date that is none", "evaluate", "good.csv", "--split", "by-time", "--cutoff", "yesterday"),
            usage("an empty list of items", "fold-in", "shop.ridge", "--items", " , "),
            usage("a calibration without data for it", "fit", "good.csv", "-o", "new.ridge", "--calibrate", "platt"),
            usage("a calibration of ratings", "fit", "good.csv", "-o", "new.ridge", "--calibrate", "platt",
                  "--validation-fraction", "0.2", "--model", "explicit"),
            usage("numbers of factors that are none", "sweep", "good.csv", "--n-factors", "8,none"),
            usage("a sweep of a model without factors", "sweep", "good.csv", "--model", "popularity"),
            usage("tuning for no time", "tune", "good.csv", "--minutes", "0"),
            usage("tuning of no setting", "tune", "good.csv", "--n-trials", "0"),
            usage("tuning of a model without parameters", "tune", "good.csv", "--model", "bias"),
            usage("a search for what is no parameter", "tune", "good.csv", "--search", "lambda", "--n-trials", "1"),
            usage("a study in a model file", "tune", "good.csv", "--study", "shop.ridge", "--n-trials", "1"),
        ],
        "Files": [
            ask("no such file, but nearly", "check", "goood.csv"),
            ask("no such directory", "check", "nowhere/ratings.csv"),
            ask("a directory", "check", "folder"),
            ask("output in a missing directory", "fit", "good.csv", "-o", "nowhere/new.ridge"),
            ask("output is a directory", "fit", "good.csv", "-o", "folder"),
            ask("output is a device", "fit", "good.csv", "-o", "/dev/null"),
            ask("output is the input", "fit", "good.csv", "-o", "good.csv"),
            data("empty", ""),
            data("a header and nothing else", "user,item,rating\n"),
            data("an image", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06"),
            data("a zip archive", b"PK\x03\x04" + bytes(40)),
            data("gzip, cut off", packed[: len(packed) // 2], name="events.csv.gz"),
            data("gzip, damaged", packed[:30] + bytes([packed[30] ^ 255]) + packed[31:], name="events.csv.gz"),
            data("Parquet in name only", RATINGS, name="events.parquet"),
            data("JSON that is cut off", '{"user": 1, "item": 2}\n{"user": 1, "it', name="events.jsonl"),
            data("not UTF-8", "user,item\nu1,Am\u00e9lie\n".encode("latin-1")),
            data("UTF-16", RATINGS.encode("utf-16")),
            Case("a model file instead of events", ("check", "shop.ridge")),
        ],
        "Columns": [
            data("one column only", "user\n1\n2\n"),
            data("no header and no positions", "1,2,3\n4,5,6\n"),
            data("a column misspelt", RATINGS, "--user", "users"),
            data("a position beyond the last", "1,2,3\n4,5,6\n", "--user", "0", "--item", "9"),
            data("no column looks like an item", "user,thing\n1,2\n3,4\n"),
            data("a column twice", "user,item,item\n1,2,3\n4,5,6\n", "--item", "item"),
            data("another separator than said", RATINGS, "--separator", ";", "--user", "user", "--item", "item"),
        ],
        "Rows": [
            data("a rating that is no number", RATINGS + "u9,i1,n/a,5\n"),
            data("NaN", RATINGS + "u9,i1,nan,5\n"),
            data("infinite", RATINGS + "u9,i1,1e999,5\n"),
            data("no user", RATINGS + ",i1,3,5\n"),
            data("a row too short", RATINGS + "u9,i1\n"),
            data("a row too long", RATINGS + "u9,i1,3,5,6,7\n"),
            data("a quote that is not closed", RATINGS + '"u9,i1,3,5\n'),
            data("a time that is none", RATINGS + "u9,i1,3,noon\n"),
            data("a kind without weight", "user,item,event\n1,2,view\n1,3,buy\n", "--event", "event",
                 "--event-weights", "view=1"),
            data("escape sequences in a value", RATINGS + "u9,i1,\x1b[31mred\x07,5\n"),
            data("nothing left after skipping", "user,item,rating\nu1,i1,x\nu2,i2,y\n", "--on-bad-rows", "skip"),
        ],
        "Queries and conditions": [
            ask("SQL that is none", "check", "--query", "selec * from 'good.csv'"),
            ask("SQL over a missing file", "check", "--query", "select * from 'goood.csv'"),
            ask("SQL that writes", "check", "--query", "create table t as select 1"),
            ask("SQL that finds nothing", "check", "--query", "select * from 'good.csv' where item = 'x'"),
            ask("titles without the column", "check", "good.csv", "--titles", "titles.csv", "--title", "name"),
            *(
                ask(what, "recommend", "shop.ridge", "--user", "u1", "--titles", "titles.csv", "--title-id", "id",
                    "--where", condition)
                for what, condition in (
                    ("a condition on no column", "genre = 'Drama'"),
                    ("a condition that is no expression", "1=1) union select * from titles --"),
                    ("a condition with a second statement", "1=1; drop table titles"),
                    ("a condition that reads another file", "id in (select id from read_csv('good.csv'))"),
                    ("a condition that nothing fulfils", "year > 2100"),
                    ("a condition on items the model lacks", "id = 'i99'"),
                )
            ),
        ],
        "Values that a model refuses": [
            data("negative values, implicit", RATINGS + "u9,i1,-2,5\n", command="fit"),
            data("negative values, logistic", RATINGS + "u9,i1,-2,5\n", "--model", "logistic", command="fit"),
            data("only zeros, implicit", "user,item,rating\nu1,i1,0\nu2,i2,0\n", command="fit"),
            data("a split by time without times", "user,item\n1,2\n3,4\n", "--split", "leave-last-out",
                 command="evaluate"),
            Case("nobody to judge", ("evaluate", "good.csv", "--relevant-from", "99")),
            Case("nothing after the moment", ("evaluate", "good.csv", "--split", "by-time", "--cutoff", "99999999")),
        ],
        "Parameters": [
            fit("an unknown model", "--model", "svd"),
            fit("another model's parameter", "--model", "explicit", "--alpha", "3"),
            fit("a word where a number belongs", "--n-factors", "many"),
            fit("no factors", "--n-factors", "0"),
            fit("a fraction of a factor", "--n-factors", "2.5"),
            fit("negative iterations", "--n-iterations", "-1"),
            fit("negative regularization", "--regularization", "-1"),
            fit("NaN", "--regularization", "nan"),
            fit("infinite", "--alpha", "inf"),
            fit("one exponent of two", "--weight-exponents", ".3"),
            fit("a weight that 'hu' does not have", "--loss", "hu", "--unobserved-weight", ".1"),
            fit("an unknown solver", "--solver", "newton"),
            fit("no threads", "--n-threads", "0"),
            fit("a negative seed", "--random-state", "-1"),
            fit("a negative number of neighbours", "--n-neighbors", "-1"),
            fit("principal axes of non-negative factors", "--non-negative", "--orientation", "principal"),
            fit("patience with nothing to measure", "--patience", "3"),
            fit("an unknown metric", "--validation-fraction", ".2", "--metric", "f1"),
            fit("more factors than memory", "--n-factors", "2000000000"),
            fit("a start that is not there", "--init", "start.ridge", code=1),
            fit("a start with more factors", "--init", "shop.ridge", "--n-factors", "1"),
        ],
        "Model files": [
            model("empty", b""),
            model("a table of events", RATINGS.encode()),
            model("cut off", shop[: len(shop) // 2]),
            model("cut off in the header", shop[: header_size // 2]),
            model("a header larger than the file", struct.pack("<Q", 1 << 60) + shop[8:]),
            model("a bit flipped in the header", bytes(flipped_header)),
            model("a bit flipped in a tensor", bytes(flipped_payload), "recommend", "--user", "u1"),
            model("something after the end", shop + b"more"),
            model("another program's safetensors", struct.pack("<Q", len(foreign)) + foreign + bytes(4)),
            model("a pickle", b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00\x8c\x05model\x94."),
        ],
        "Questions": [
            ask("an unknown user", "recommend", "shop.ridge", "--user", "u99"),
            ask("an unknown user of a model with int ids", "recommend", "ints.ridge", "--user", "ann"),
            ask("an unknown item", "similar", "shop.ridge", "--item", "i99"),
            ask("reasons for an unknown user", "explain", "shop.ridge", "--user", "u99", "--item", "i1"),
            ask("reasons for an unknown item", "explain", "shop.ridge", "--user", "u1", "--item", "i99"),
            ask("users similar to an unknown one", "similar", "shop.ridge", "--user", "u99"),
            ask("a title that several have", "similar", "shop.ridge", "--item", "film"),
            ask("an unknown candidate", "recommend", "shop.ridge", "--user", "u1", "--candidates", "ids.txt"),
            ask("no candidates", "recommend", "shop.ridge", "--user", "u1", "--candidates", "empty.txt"),
            ask("a probability of a model without", "recommend", "shop.ridge", "--user", "u1", "--as", "probability"),
            ask("a page in place of a model", "explain", "shop.ridge", "--user", "u1", "--item", "i1", "--html",
                "shop.ridge"),
            ask("factors of a baseline", "inspect", "popularity.ridge", "--factors"),
            ask("seen items of a model without history", "recommend", "private.ridge", "--user", "u1"),
            ask("reasons of a model without history", "explain", "private.ridge", "--user", "u1", "--item", "i1"),
            ask("reasons of a baseline", "explain", "popularity.ridge", "--user", "u1", "--item", "i1"),
            ask("a new user without ratings", "fold-in", "explicit.ridge", "--items", "i1,i2"),
            ask("a new user with some ratings", "fold-in", "explicit.ridge", "--items", "i1=5,i2"),
            ask("a new user with a rating of NaN", "fold-in", "explicit.ridge", "--items", "i1=nan"),
            ask("a new user with a negative count", "fold-in", "shop.ridge", "--items", "i1=-3"),
            usage("a popularity penalty of NaN", "recommend", "shop.ridge", "--user", "u1", "--popularity-penalty",
                  "nan"),
            usage("more diversity than there is", "recommend", "shop.ridge", "--user", "u1", "--diversity", "1.5"),
            usage("fewer candidates than places", "similar", "shop.ridge", "--item", "i1", "--diversity", "0.3",
                  "--n-candidates", "5"),
            usage("similar users in another order", "similar", "shop.ridge", "--user", "u1", "--diversity", "0.3"),
            ask("diversity in a model without factors", "recommend", "popularity.ridge", "--user", "u1",
                "--diversity", "0.3"),
            ask("neighbours in a model without factors", "similar", "popularity.ridge", "--item", "i1"),
        ],
        "Matrices to trace": [
            usage("nothing to trace", "trace"),
            usage("matrices and a file", "trace", "good.csv", "--ratings", "4 2"),
            usage("rows of different length", "trace", "--ratings", "4 2; 3"),
            usage("no matrix at all", "trace", "--ratings", " ; "),
            usage("a word among the numbers", "trace", "--ratings", "4 two"),
            usage("NaN", "trace", "--ratings", "4 nan"),
            usage("infinite", "trace", "--ratings", "4 inf"),
            usage("beyond float32", "trace", "--ratings", "4 1e39"),
            usage("a gap between commas", "trace", "--ratings", "4,,2"),
            ask("nothing but gaps", "trace", "--ratings", ". ."),
            ask("a negative count", "trace", "--ratings", "4 -2", "--model", "implicit"),
            usage("factors of too few users", "trace", "--ratings", "4 2; 3 .", "--user-factors", "1 2 3"),
            usage("factors on their side", "trace", "--ratings", "4 2; 3 .; 1 1", "--user-factors", "1 2 3; 4 5 6"),
            usage("factors that do not meet", "trace", "--ratings", "4 2", "--user-factors", "1", "--item-factors",
                  "1 2; 3 4"),
            usage("a gap in the factors", "trace", "--ratings", "4 2", "--user-factors", ". 1"),
            usage("a name twice", "trace", "--ratings", "4 2", "--items", "tea,tea"),
            usage("too few names", "trace", "--ratings", "4 2", "--items", "tea"),
            usage("a new user of wrong length", "trace", "--ratings", "4 2", "--new-user", "1"),
            ask("a new user who has nothing", "trace", "--ratings", "4 2", "--new-user", ". ."),
            ask("an unknown row to show", "trace", "--ratings", "4 2", "--show-user", "u9"),
            usage("a step that is none", "trace", "--ratings", "4 2", "--n-iterations", "1", "--step", "9"),
            usage("a model without half-steps", "trace", "--ratings", "4 2", "--model", "popularity"),
            usage("an argument of another example", "trace", "--example", "explicit_2x2", "--loss", "hu"),
            usage("too large to trace whole", "trace", "big.csv"),
            ask("an unknown user to watch", "trace", "good.csv", "--watch-user", "u0"),
        ],
    }  # fmt: skip


@contextmanager
def directory() -> Iterator[Path]:
    """A directory with good data and good models, and made the current one."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.chdir(folder)
        try:
            _fill(folder)
            yield folder
        finally:
            os.chdir(before)


def _fill(folder: Path) -> None:
    (folder / "good.csv").write_text(RATINGS)
    (folder / "big.csv").write_text("user,item\n" + "".join(f"{n},{n}\n" for n in range(101)))
    (folder / "folder").mkdir()
    (folder / "ids.txt").write_text("i1\ni99\n")
    (folder / "empty.txt").write_text("\n")
    titles = ["Heat", "Heat and Dust", *(f"Film {n}" for n in range(3, 13)), "Unknown"]
    names = [f"i{n}" for n in range(1, 13)] + ["i99"]
    rows = [f"{item},{title},{1990 + n}" for n, (item, title) in enumerate(zip(names, titles, strict=True))]
    (folder / "titles.csv").write_text("\n".join(["id,title,year", *rows]) + "\n")
    titled = rb.read_titles("titles.csv", item="id", title="title")
    events = rb.read_interactions("good.csv", titles=titled)
    shop = rb.ImplicitALS(n_factors=2, n_iterations=2).fit(events)
    shop.save("shop.ridge")
    shop.save("private.ridge", include_history=False)
    rb.ExplicitALS(n_factors=2, n_iterations=2).fit(events).save("explicit.ridge")
    rb.Popularity().fit(events).save("popularity.ridge")
    pairs = np.arange(12)
    ints = rb.Interactions.from_arrays(pairs % 3 + 1, pairs % 4 + 1)
    rb.ImplicitALS(n_factors=2, n_iterations=2).fit(ints).save("ints.ridge")


def run(case: Case) -> Answer:
    """Run one case in the current directory."""
    for name, content in case.files:
        Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
    result = CliRunner().invoke(main, list(case.arguments))
    for name, _ in case.files:
        Path(name).unlink()
    return Answer(case, result.exit_code, result.stdout, result.stderr)


def answers(show: Callable[[Answer], object] = lambda _: None) -> dict[str, list[Answer]]:
    """Run every case, in its section."""
    with directory():
        found: dict[str, list[Answer]] = {}
        for section, cases in groups(Path("shop.ridge").read_bytes()).items():
            for case in cases:
                answer = run(case)
                show(answer)
                found.setdefault(section, []).append(answer)
    return found


def page(found: dict[str, list[Answer]]) -> str:
    """The document."""
    parts = [INTRODUCTION]
    for section, rows in found.items():
        parts.append(f"## {section}\n\n| input | command | message | exit code |\n|---|---|---|---|")
        parts[-1] += "".join(
            f"\n| {_cell(row.case.what)} | {_code(shlex.join(row.case.arguments))} | {_cell(_stable(row.stderr))} "
            f"| {row.code} |"
            for row in rows
        )
    return "\n\n".join(parts) + "\n"


def _stable(text: str) -> str:
    """The message without what differs between machines and runs."""
    text = re.sub(r"this machine has [0-9.]+ GB", "this machine has ... GB", text.strip())
    return re.sub(r"(?<![0-9])[0-9]{3,5}(?= bytes| follow)", "...", text)


def _code(text: str) -> str:
    return "`` " + text.replace("|", "\\|") + " ``"


def _cell(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*").replace("_", "\\_")


if __name__ == "__main__":
    PAGE.write_text(page(answers(lambda answer: print(answer.code, answer.stderr.strip()))), encoding="utf-8")
    print(f"wrote {PAGE.relative_to(REPOSITORY)}")
