#include "posterior.hpp"

#include <nanobind/stl/tuple.h>

#include <tuple>

#include "bindings/execution.hpp"
#include "bindings/problem_arrays.hpp"

namespace {

template <class T>
using OptionalMatrix = std::optional<Matrix<T>>;

template <class T>
T* matrix_or_null(const OptionalMatrix<T>& array) {
  return array ? array->data() : nullptr;
}

ridgeback::RowProblem weighted_problem(const Vector<const std::int64_t>& indptr,
                                       const Vector<const std::int32_t>& indices, const Vector<const float>& targets,
                                       const OptionalVector<const float>& confidences,
                                       const Vector<const double>& row_scales,
                                       const OptionalVector<const double>& column_scales, std::int64_t n_columns) {
  ridgeback::RowProblem problem{};
  problem.indptr = indptr.data();
  problem.indices = indices.data();
  problem.targets = targets.data();
  problem.confidences = data_or_null(confidences);
  problem.row_scales = row_scales.data();
  problem.column_scales = data_or_null(column_scales);
  problem.ridges = problem.bias_ridges = row_scales.data();  // not read: that they are there means biases
  problem.n_rows = static_cast<std::int64_t>(row_scales.shape(0));
  problem.n_columns = n_columns;
  problem.pull = ridgeback::Pull::target;
  return problem;
}

std::tuple<std::int64_t, bool> draw_rows(Vector<const std::int64_t> indptr, Vector<const std::int32_t> indices,
                                         Vector<const float> targets, OptionalVector<const float> confidences,
                                         Vector<const double> row_scales, OptionalVector<const double> column_scales,
                                         Matrix<const float> fixed_factors, Vector<const float> fixed_biases,
                                         Matrix<const double> precision, Vector<const double> mean,
                                         OptionalMatrix<const float> shifts, Matrix<float> factors,
                                         Vector<float> biases, bool has_noise, std::uint64_t seed, std::uint64_t stream,
                                         bool shares_noise, int n_threads, OptionalVector<std::uint8_t> cancel) {
  const auto problem = weighted_problem(indptr, indices, targets, confidences, row_scales, column_scales,
                                        static_cast<std::int64_t>(fixed_factors.shape(0)));
  const ridgeback::FixedSide fixed{fixed_factors.data(), fixed_biases.data(), nullptr,
                                   static_cast<int>(fixed_factors.shape(1))};
  const ridgeback::RowPrior prior{precision.data(), nullptr,     mean.data(), matrix_or_null(shifts), seed,
                                  stream,           shares_noise};
  ridgeback::DrawnRows result{0, true};
  run_released(n_threads, cancel, [&](const ridgeback::Execution& execution) {
    result = ridgeback::draw_rows(problem, fixed, {factors.data(), biases.data()}, prior, has_noise, execution);
    return result.is_complete;
  });
  return {result.n_failed, result.is_complete};
}

std::tuple<std::int64_t, bool> inform_rows(Vector<const std::int64_t> indptr, Vector<const std::int32_t> indices,
                                           Vector<const float> targets, OptionalVector<const float> confidences,
                                           Vector<const double> row_scales, OptionalVector<const double> column_scales,
                                           Matrix<const float> fixed_factors, Vector<const float> fixed_biases,
                                           Matrix<const double> precision, Matrix<const double> root,
                                           Vector<const double> mean, Array<float, 3> M, Matrix<double> h,
                                           std::uint64_t seed, std::uint64_t stream, int n_threads,
                                           OptionalVector<std::uint8_t> cancel) {
  const auto problem = weighted_problem(indptr, indices, targets, confidences, row_scales, column_scales,
                                        static_cast<std::int64_t>(fixed_factors.shape(0)));
  const ridgeback::FixedSide fixed{fixed_factors.data(), fixed_biases.data(), nullptr,
                                   static_cast<int>(fixed_factors.shape(1))};
  const ridgeback::RowPrior prior{precision.data(), root.data(), mean.data(), nullptr, seed, stream, false};
  ridgeback::DrawnRows result{0, true};
  run_released(n_threads, cancel, [&](const ridgeback::Execution& execution) {
    result = ridgeback::inform_rows(problem, fixed, prior, {M.data(), h.data()}, execution);
    return result.is_complete;
  });
  return {result.n_failed, result.is_complete};
}

bool square_rows(Vector<const std::int64_t> indptr, Vector<const std::int32_t> indices, Vector<const float> targets,
                 OptionalVector<const float> confidences, Vector<const double> row_scales,
                 OptionalVector<const double> column_scales, Matrix<const float> fixed_factors,
                 Vector<const float> fixed_biases, Matrix<const float> factors, Vector<const float> biases,
                 Vector<double> errors, int n_threads, OptionalVector<std::uint8_t> cancel) {
  const auto problem = weighted_problem(indptr, indices, targets, confidences, row_scales, column_scales,
                                        static_cast<std::int64_t>(fixed_factors.shape(0)));
  const ridgeback::FixedSide fixed{fixed_factors.data(), fixed_biases.data(), nullptr,
                                   static_cast<int>(fixed_factors.shape(1))};
  const ridgeback::OwnSide own{const_cast<float*>(factors.data()), const_cast<float*>(biases.data())};  // only read
  return run_released(n_threads, cancel, [&](const ridgeback::Execution& execution) {
    return ridgeback::square_rows(problem, fixed, own, errors.data(), execution);
  });
}

bool sum_rows(Vector<const std::int64_t> indptr, Vector<const std::int32_t> indices, OptionalVector<const float> values,
              Matrix<const double> x, Matrix<double> sums, int n_threads, OptionalVector<std::uint8_t> cancel) {
  return run_released(n_threads, cancel, [&](const ridgeback::Execution& execution) {
    return ridgeback::sum_rows(indptr.data(), indices.data(), data_or_null(values),
                               static_cast<std::int64_t>(sums.shape(0)), x.data(), static_cast<int>(x.shape(1)),
                               sums.data(), execution);
  });
}

bool multiply_rows(Array<const float, 3> M, Matrix<const double> s, Matrix<double> products, int n_threads,
                   OptionalVector<std::uint8_t> cancel) {
  return run_released(n_threads, cancel, [&](const ridgeback::Execution& execution) {
    return ridgeback::multiply_rows(M.data(), s.data(), static_cast<std::int64_t>(s.shape(0)),
                                    static_cast<int>(s.shape(1)), products.data(), execution);
  });
}

}  // namespace

void register_posterior(nb::module_& m) {
  m.def("draw_rows", &draw_rows, nb::arg("indptr"), nb::arg("indices"), nb::arg("targets"),
        nb::arg("confidences").none(), nb::arg("row_scales"), nb::arg("column_scales").none(), nb::arg("fixed_factors"),
        nb::arg("fixed_biases"), nb::arg("precision"), nb::arg("mean"), nb::arg("shifts").none(),
        nb::arg("factors").noconvert(), nb::arg("biases").noconvert(), nb::arg("has_noise"), nb::arg("seed"),
        nb::arg("stream"), nb::arg("shares_noise"), nb::arg("n_threads"), nb::arg("cancel").noconvert().none(),
        "Draw every row of one side from its posterior, in place; returns (number of failed rows, is_complete).");
  m.def("inform_rows", &inform_rows, nb::arg("indptr"), nb::arg("indices"), nb::arg("targets"),
        nb::arg("confidences").none(), nb::arg("row_scales"), nb::arg("column_scales").none(), nb::arg("fixed_factors"),
        nb::arg("fixed_biases"), nb::arg("precision"), nb::arg("root"), nb::arg("mean"), nb::arg("M").noconvert(),
        nb::arg("h").noconvert(), nb::arg("seed"), nb::arg("stream"), nb::arg("n_threads"),
        nb::arg("cancel").noconvert().none(),
        "What every row says of its shift, itself integrated out: M (n, size, size) and the perturbed h (n, size); "
        "returns (number of failed rows, is_complete).");
  m.def("square_rows", &square_rows, nb::arg("indptr"), nb::arg("indices"), nb::arg("targets"),
        nb::arg("confidences").none(), nb::arg("row_scales"), nb::arg("column_scales").none(), nb::arg("fixed_factors"),
        nb::arg("fixed_biases"), nb::arg("factors"), nb::arg("biases"), nb::arg("errors").noconvert(),
        nb::arg("n_threads"), nb::arg("cancel").noconvert().none(),
        "errors_r = the sum of w (t - s)^2 over row r's pairs, in float64; returns is_complete.");
  m.def("sum_rows", &sum_rows, nb::arg("indptr"), nb::arg("indices"), nb::arg("values").none(), nb::arg("x"),
        nb::arg("sums").noconvert(), nb::arg("n_threads"), nb::arg("cancel").noconvert().none(),
        "sums (n_rows, size) = the sparse matrix times x, in float64; returns is_complete.");
  m.def("multiply_rows", &multiply_rows, nb::arg("M"), nb::arg("s"), nb::arg("products").noconvert(),
        nb::arg("n_threads"), nb::arg("cancel").noconvert().none(),
        "products_r = M_r s_r for symmetric M (n, size, size); returns is_complete.");
}
