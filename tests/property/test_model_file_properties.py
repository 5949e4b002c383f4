import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ridgeback import storage

dtypes = st.sampled_from([np.float64, np.float32, np.int64, np.int32, np.uint8])
tensors = st.dictionaries(
    st.text(max_size=8).filter(lambda name: name != "__metadata__"),
    dtypes.flatmap(
        lambda dtype: arrays.arrays(
            dtype,
            arrays.array_shapes(min_dims=1, max_dims=2, min_side=0, max_side=5),
            elements={"allow_nan": False, "allow_infinity": False} if np.dtype(dtype).kind == "f" else None,
        )
    ),
    max_size=5,
)
plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**19), 10**19)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)


@given(tensors, st.dictionaries(st.sampled_from(["family", "parameters", 'odd " name', "영화"]), plain, max_size=4))
def test_file_round_trip(tmp_path_factory, given_tensors, given_metadata):
    path = tmp_path_factory.getbasetemp() / "round_trip.ridge"
    storage.write(path, given_tensors, given_metadata)
    for verify in (True, False):
        read_tensors, read_metadata = storage.read(path, verify)
        assert read_metadata == given_metadata
        assert read_tensors.keys() == given_tensors.keys()
        for name, array in given_tensors.items():
            assert read_tensors[name].dtype == array.dtype
            assert np.array_equal(read_tensors[name], array)
