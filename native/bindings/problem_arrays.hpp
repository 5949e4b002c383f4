// The arrays of a RowProblem as Python hands them over.
#pragma once

#include <nanobind/stl/optional.h>

#include "bindings/register.hpp"
#include "row_problem.hpp"

template <class T>
using OptionalVector = std::optional<Vector<T>>;

inline ridgeback::RowProblem row_problem(
    const Vector<const std::int64_t>& indptr, const Vector<const std::int32_t>& indices,
    const OptionalVector<const float>& targets, const OptionalVector<const float>& confidences,
    const OptionalVector<const double>& row_scales, const OptionalVector<const double>& column_scales,
    const Vector<const double>& ridges, const OptionalVector<const double>& bias_ridges, double unobserved_weight,
    int pull, std::int64_t n_columns) {
  return {indptr.data(),
          indices.data(),
          data_or_null(targets),
          data_or_null(confidences),
          data_or_null(row_scales),
          data_or_null(column_scales),
          ridges.data(),
          data_or_null(bias_ridges),
          unobserved_weight,
          static_cast<std::int64_t>(ridges.shape(0)),
          n_columns,
          static_cast<ridgeback::Pull>(pull)};
}
