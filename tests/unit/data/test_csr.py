import numpy as np
import pytest
import scipy.sparse

from ridgeback.data import Csr
from ridgeback.errors import DataError


def random_matrix(n_rows=37, n_columns=53, density=0.2, seed=0):
    return scipy.sparse.random(n_rows, n_columns, density, "csr", np.float32, np.random.default_rng(seed))


def dense(csr):
    return csr.to_scipy().toarray()


@pytest.mark.parametrize("layout", ["csr", "csc", "coo"])
def test_from_any_takes_scipy_layouts_by_their_attributes(layout):
    expected = random_matrix()
    csr = Csr.from_any(expected.asformat(layout))
    assert csr.indptr.dtype == np.int64
    assert csr.indices.dtype == np.int32
    assert csr.data.dtype == np.float32
    np.testing.assert_array_equal(dense(csr), expected.toarray())
    for row in range(csr.n_rows):
        assert (np.diff(csr.row(row)[0]) > 0).all()


def test_from_any_sorts_columns_and_adds_up_repeated_ones():
    matrix = scipy.sparse.csr_matrix((np.float32([1, 2, 4, 8]), [2, 0, 2, 1], [0, 3, 4]), shape=(2, 3))
    csr = Csr.from_any(matrix)
    assert csr.indptr.tolist() == [0, 2, 3]
    assert csr.indices.tolist() == [0, 2, 1]
    assert csr.data.tolist() == [2, 5, 8]


def test_data_is_none_where_all_values_are_one():
    assert Csr.from_any(scipy.sparse.eye(3, format="csr")).data is None
    assert Csr.from_pairs([0, 1], [1, 0], [1.0, 1.0], (2, 2)).data is None
    assert Csr.from_pairs([0, 1], [1, 0], [1.0, 0.0], (2, 2)).data.tolist() == [1, 0]


@pytest.mark.parametrize("shape", [(37, 53), (1, 400), (400, 1), (5000, 70)])
def test_transpose_agrees_with_scipy(shape):
    csr = Csr.from_any(random_matrix(*shape))
    expected = csr.to_scipy().T.tocsr()
    expected.sort_indices()
    turned = csr.transpose()
    assert turned.shape == (shape[1], shape[0])
    np.testing.assert_array_equal(turned.indptr, expected.indptr)
    np.testing.assert_array_equal(turned.indices, expected.indices)
    np.testing.assert_array_equal(turned.data, expected.data)
    np.testing.assert_array_equal(turned.counts(), csr.column_counts())


def test_rows_are_taken_and_entries_are_kept():
    csr = Csr.from_any(random_matrix())
    np.testing.assert_array_equal(dense(csr.take([3, 3, 0])), dense(csr)[[3, 3, 0]])
    assert csr.take([]).shape == (0, 53)
    kept = csr.keep(csr.values() > 0.5)
    np.testing.assert_array_equal(dense(kept), np.where(dense(csr) > 0.5, dense(csr), 0))
    with pytest.raises(DataError, match="one bool each"):
        csr.keep(np.ones(3, dtype=bool))


def test_with_data_checks_the_length():
    csr = Csr.from_pairs([0, 1], [0, 1], None, (2, 2))
    assert csr.with_data(np.array([2.0, 3.0])).transpose().data.tolist() == [2, 3]
    with pytest.raises(DataError, match=r"shape \(3,\); the matrix has 2 entries"):
        csr.with_data(np.ones(3))


class Broken:
    """Looks like a CSR matrix; each test breaks one attribute."""

    format = "csr"

    def __init__(self, **changes):
        self.indptr, self.indices, self.data, self.shape = [0, 1, 2], [0, 1], [1.0, 2.0], (2, 2)
        vars(self).update(changes)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"indptr": [0, 2]}, r"indptr has shape \(2,\); a matrix of 2 rows needs \(3,\)"),
        ({"indptr": [0, 2, 1]}, "never fall; at row 1 it goes from 2 to 1"),
        ({"indptr": [1, 1, 2]}, "start at 0"),
        ({"indptr": [0, 1, 5]}, "indices has shape .* ends at 5 entries"),
        ({"indices": [0, 2]}, r"indices must lie in 0\.\.1; entry 1 is 2"),
        ({"indices": [-1, 1]}, "entry 0 is -1"),
        ({"indices": [0.0, 1.0]}, "whole numbers"),
        ({"data": [1.0]}, r"data has shape \(1,\)"),
        ({"shape": (2,)}, "two numbers"),
        ({"shape": (2, 2**31)}, "two numbers from 0 to 2147483647"),
    ],
)
def test_contradicting_matrices_are_refused(changes, match):
    with pytest.raises(DataError, match=match):
        Csr.from_any(Broken(**changes))


@pytest.mark.parametrize("wrong", [np.ones((2, 2)), [[1]], None, scipy.sparse.eye(3, format="lil")])
def test_other_kinds_are_refused_with_the_way_out(wrong):
    with pytest.raises(DataError, match=r"must be CSR, CSC or COO.*tocsr"):
        Csr.from_any(wrong)


def test_pairs_are_checked():
    with pytest.raises(DataError, match=r"rows must lie in 0\.\.1; entry 1 is 2"):
        Csr.from_pairs([0, 2], [0, 0], None, (2, 2))
    with pytest.raises(DataError, match=r"differ in length: \[2, 1\]"):
        Csr.from_pairs([0, 1], [0], None, (2, 2))


def test_entry_numbers_are_64_bit():
    """A row of more than 2^31 entries: the array of zeros is never written, so it takes no memory."""
    n = 2**31 + 5
    try:
        indices = np.zeros(n, dtype=np.int32)
    except MemoryError:
        pytest.skip("platform: the system does not reserve 8 GiB of address space")
    csr = Csr(np.array([0, n], dtype=np.int64), indices, None, (1, 1))
    assert csr.nnz == n
    assert csr.counts().tolist() == [n]
    assert csr.column_counts().tolist() == [n]
