"""Reports as text, JSON and HTML, and beside each other."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

import ridgeback as rb
from ridgeback.data.synthetic import catalogue
from ridgeback.errors import DataError


@pytest.fixture(scope="module")
def parts():
    return rb.split.random(catalogue(n_users=120, n_items=60), 0.25)


@pytest.fixture(scope="module")
def report(parts):
    return rb.evaluate(rb.BiasBaseline(regularization=2.0), *parts, k=(5, 10))


def test_json_holds_the_figures(report, tmp_path):
    text = report.to_json(tmp_path / "report.json")
    found = json.loads(text)
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8")) == found
    assert found["metrics"] == report.metrics
    assert found["baselines"]["Popularity"]["ndcg@10"] == report.baselines["Popularity"]["ndcg@10"]
    assert found["model"] == "BiasBaseline(regularization=2.0)"
    assert found["parameters"] == {"regularization": 2.0}
    assert found["excluded"] == report.excluded
    assert "by_user" not in found


def test_json_holds_the_users_when_asked(report):
    found = json.loads(report.to_json(include_users=True))
    assert found["users"] == list(report.users)
    np.testing.assert_allclose(found["by_user"]["ndcg@5"], report.by_user["ndcg@5"])


def test_json_has_null_where_nothing_was_listed():
    train = rb.Interactions.from_arrays([1, 1, 2], ["a", "b", "a"])
    everything = rb.Interactions.from_arrays([1, 2], ["new", "b"])
    found = json.loads(rb.evaluate(rb.Popularity(), train, everything).to_json(include_users=True))
    assert found["by_user"]["novelty@10"] == [None, 1.0]
    assert found["metrics"]["novelty@10"] == 1.0


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.attributes, self.text = [], [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attributes]
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_html_stands_alone_and_is_well_formed(report, tmp_path):
    text = report.to_html(tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text(encoding="utf-8").rstrip() == text
    page = Page(text)
    assert not page.open
    assert not {"script", "link", "img", "iframe"} & set(page.tags)
    assert "http" not in text.replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert ("html", "lang", "en") in page.attributes
    assert page.tags.count("h1") == 1
    assert page.tags.count("caption") == page.tags.count("table") == 6
    assert page.tags.count("svg") == 4  # model and baselines, users' tenths, items' tenths, places
    interval = report.intervals["ndcg@10"]
    assert f"{interval.low:.4f}\xa0..\xa0{interval.high:.4f}" in page.text
    assert report.verdicts()[0] in page.text
    assert report.protocol["parts"]["test"]["fingerprint"][:16] in page.text
    assert {value for tag, name, value in page.attributes if tag == "th" and name == "scope"} == {"col", "row"}
    for value in (report.metrics["ndcg@10"], report.baselines["Popularity"]["recall@5"]):
        assert f"{value:.4f}" in page.text


def test_html_escapes_what_comes_from_outside(parts):
    from dataclasses import replace

    report = replace(rb.evaluate(rb.Popularity(), *parts), model="<script>&", notes=("<b>",))
    text = report.to_html()
    assert "<script>" not in text
    assert "&lt;script&gt;&amp;" in text
    assert "<b>" not in text


def test_text_names_users_model_and_figures(report):
    text = str(report)
    assert f"{report.n_users} users judged" in text
    assert "BiasBaseline(regularization=2.0)" in text
    assert f"{report.metrics['ndcg@10']:.4f}" in text
    line = next(line for line in text.splitlines() if line.startswith("rmse"))
    interval = report.intervals["rmse"]
    assert line.split()[2:5] == [f"{interval.low:.4f}", "..", f"{interval.high:.4f}"]
    assert line.split()[5] == "-"  # popularity predicts no ratings


def test_rows_are_the_table(report):
    row = next(row for row in report.rows() if row["metric"] == "rmse")
    assert row == {
        "metric": "rmse",
        "model": report.metrics["rmse"],
        "Popularity": None,
        "BiasBaseline": report.baselines["BiasBaseline"]["rmse"],
        "Ease": None,
    }


def test_metrics_stand_in_the_order_of_length(report):
    names = list(report.metrics)
    assert names[0] == "recall@5"
    assert names.index("novelty@5") < names.index("recall@10")
    assert names[-2:] == ["rmse", "mae"]


def test_compare_is_over_the_users_of_both(parts, report):
    train, test = parts
    half = test.subset(test.user_items.row_of_entry() < 60)
    other = rb.evaluate(rb.Popularity(), train, half, k=10)
    compared = report.compare(other)
    assert compared.n_users == other.n_users
    mine = report.by_user["ndcg@10"][: other.n_users].mean()
    row = compared["ndcg@10"]
    assert row["this"] == pytest.approx(mine)
    assert row["difference"] == pytest.approx(mine - other.metrics["ndcg@10"])
    assert row["n_users"] == compared.n_users
    assert compared["coverage@10"]["n_users"] is None
    with pytest.raises(
        KeyError, match=r"Both reports have .*recall@10.*Got 'ndgc@10' instead; did you mean 'ndcg@10'\?"
    ):
        compared.sentence("ndgc@10")
    assert "ndcg@10" in str(compared)


def test_reports_on_other_users_cannot_be_compared(report):
    train = rb.Interactions.from_arrays(["x", "x", "y"], ["a", "b", "a"])
    other = rb.evaluate(rb.Popularity(), train, rb.Interactions.from_arrays(["y"], ["b"]))
    with pytest.raises(DataError, match="No user was judged in both"):
        report.compare(other)


def test_the_protocol_names_the_split_and_its_parts(parts, report):
    found = json.loads(report.to_json())["protocol"]
    assert found["split"]["name"] == "random"
    assert found["split"]["random_state"] == 0
    assert found["split"]["parameters"] == {"test_fraction": 0.25}
    assert found["parts"]["train"] == {
        "n_users": 120,
        "n_pairs": parts[0].nnz,
        "fingerprint": parts[0].fingerprint(),
    }
    assert found["parts"]["test"]["fingerprint"] == parts[1].fingerprint()
    other = rb.split.random(catalogue(n_users=120, n_items=60), 0.2)[1]
    assert rb.evaluate(rb.Popularity(), parts[0], other, baselines=False).protocol["split"] is None


def test_html_without_intervals_or_baselines(parts):
    report = rb.evaluate(rb.Popularity(), *parts, baselines=False, n_resamples=0)
    page = Page(report.to_html())
    assert not page.open
    assert "interval" not in page.text
    assert page.tags.count("svg") == 4


def test_html_of_ratings_alone():
    train = rb.Interactions.from_arrays([1, 1, 2], ["a", "b", "a"], ratings=[5, 3, 4])
    report = rb.evaluate(rb.BiasBaseline(), train, rb.Interactions.from_arrays([9], ["a"], ratings=[4]))
    page = Page(report.to_html())
    assert not page.open
    assert f"{report.metrics['rmse']:.4f}" in page.text


def test_the_page_is_in_words(tmp_path):
    path = tmp_path / "shop.csv"
    rows = [f"{u},{i}" for u in range(40) for i in range(12) if (u * 7 + i * 5) % 3]
    path.write_text("user,item\n" + "\n".join(rows), encoding="utf-8")
    parts = rb.split.random(rb.read_interactions(path), 0.25)
    html = rb.evaluate(rb.Popularity(), *parts, k=3, n_resamples=0).to_html()
    assert "train: file</th><td>shop.csv</td>" in html
    assert f"split: pairs</th><td>train {parts[0].nnz:,}, test {parts[1].nnz:,}</td>" in html
    assert not re.search(r"\{&#x27;|\{'|tenth \(", html)
    assert not re.search(r">(\d+) to \1 ", html)
