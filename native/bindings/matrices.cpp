#include "bindings/execution.hpp"
#include "bindings/problem_arrays.hpp"
#include "half_step.hpp"

void register_matrices(nb::module_& m) {
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
