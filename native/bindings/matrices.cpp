#include "bindings/execution.hpp"
#include "bindings/problem_arrays.hpp"
#include "half_step.hpp"
#include "sparse_product.hpp"

namespace {

bool sparse_product(Vector<const std::int64_t> indptr, Vector<const std::int32_t> indices,
                    const std::optional<Vector<const float>>& data, Matrix<const float> right, Matrix<float> out,
                    int n_threads, const std::optional<Vector<std::uint8_t>>& cancel) {
  const std::size_t n_rows = out.shape(0);
  if (indptr.size() != n_rows + 1 || (data && data->size() != indices.size()) || right.shape(1) != out.shape(1))
    throw nb::value_error("the matrix, the right side and the result differ in shape");
  const ridgeback::Matrix matrix{indptr.data(), indices.data(), data_or_null(data), static_cast<std::int64_t>(n_rows),
                                 static_cast<std::int64_t>(right.shape(0))};
  return run_released(n_threads, cancel, [&](const ridgeback::Execution& execution) {
    return ridgeback::sparse_product(matrix, right.data(), static_cast<int>(out.shape(1)), out.data(), execution);
  });
}

}  // namespace

void register_matrices(nb::module_& m) {
  m.def("sparse_product", &sparse_product, nb::arg("indptr"), nb::arg("indices"), nb::arg("data").none(),
        nb::arg("right"), nb::arg("out").noconvert(), nb::arg("n_threads") = 1, nb::arg("cancel").none() = nb::none(),
        "out = matrix @ right; columns are trusted.");
  m.def(
      "gram",
      [](Matrix<const float> factors, OptionalVector<const double> row_weights, Matrix<double> result, int n_threads,
         const std::optional<Vector<std::uint8_t>>& cancel) {
        const int k = static_cast<int>(factors.shape(1));
        return run_released(n_threads, cancel, [&](ridgeback::Execution execution) {
          if (!cancel) execution.interrupted = nullptr;  // whoever gives no flag wants the whole sum
          return ridgeback::gram(factors.data(), data_or_null(row_weights), static_cast<std::int64_t>(factors.shape(0)),
                                 k, execution, result.data());
        });
      },
      nb::arg("factors"), nb::arg("row_weights").none(), nb::arg("result").noconvert(), nb::arg("n_threads"),
      nb::arg("cancel").noconvert().none() = nb::none(),
      "result (k, k) = sum over rows of weight * x x^T, in float64; returns is_complete.");
  m.def(
      "squared_norms",
      [](Matrix<const float> factors, Vector<const double> row_weights, int n_threads) {
        const nb::gil_scoped_release release;
        return ridgeback::squared_norms(factors.data(), row_weights.data(), static_cast<std::int64_t>(factors.shape(0)),
                                        static_cast<int>(factors.shape(1)), n_threads);
      },
      nb::arg("factors"), nb::arg("row_weights"), nb::arg("n_threads"),
      "The sum over rows of weight * |x|^2, in float64.");
  m.def(
      "halve",
      [](Matrix<const float> factors, Matrix<std::uint16_t> halves, int n_threads) {
        const nb::gil_scoped_release release;
        return ridgeback::halve(factors.data(), static_cast<std::int64_t>(factors.shape(0)),
                                static_cast<int>(factors.shape(1)), n_threads, halves.data());
      },
      nb::arg("factors"), nb::arg("halves").noconvert(), nb::arg("n_threads"),
      "halves = factors / unit in half precision, rows filled with zeros to a multiple of 16; returns the unit.");
  m.def(
      "rotate",
      [](Matrix<float> factors, Matrix<const double> rotation, int n_threads) {
        const nb::gil_scoped_release release;
        ridgeback::rotate(factors.data(), rotation.data(), static_cast<std::int64_t>(factors.shape(0)),
                          static_cast<int>(factors.shape(1)), n_threads);
      },
      nb::arg("factors").noconvert(), nb::arg("rotation"), nb::arg("n_threads"),
      "factors <- factors @ rotation, in place.");
}
