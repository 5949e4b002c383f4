// From scores to what logistic regression needs of them, in float64 and by our own exponential and logarithm: plain
// loops without branches that the compiler turns into vectors, the same bits whatever their width.
// Include only from native/kernels/.
#pragma once

#include <cmath>

#include "simd.hpp"

namespace ridgeback::RIDGEBACK_LEVEL {
namespace {

// e^x for x <= 0, to about one unit in the last place; below -708 it stays at e^-708.
inline __attribute__((always_inline)) double exp_of_negative(double x) {
  constexpr double LOG2_E = 1.4426950408889634, LN2_HIGH = 6.93147180369123816490e-01,
                   LN2_LOW = 1.90821492927058770002e-10;
  constexpr double SHIFT = 6755399441055744.0;  // 1.5 * 2^52: adding it rounds to the nearest integer
  x = x < -708.0 ? -708.0 : x;
  const double shifted = fused(x, LOG2_E, SHIFT);
  const double n = shifted - SHIFT;
  const double r = fused(n, -LN2_LOW, fused(n, -LN2_HIGH, x));  // |r| <= ln(2) / 2
  double p = 1.0 / 6227020800;
  p = fused(p, r, 1.0 / 479001600);
  p = fused(p, r, 1.0 / 39916800);
  p = fused(p, r, 1.0 / 3628800);
  p = fused(p, r, 1.0 / 362880);
  p = fused(p, r, 1.0 / 40320);
  p = fused(p, r, 1.0 / 5040);
  p = fused(p, r, 1.0 / 720);
  p = fused(p, r, 1.0 / 120);
  p = fused(p, r, 1.0 / 24);
  p = fused(p, r, 1.0 / 6);
  p = fused(p, r, 0.5);
  p = fused(p, r, 1.0);
  p = fused(p, r, 1.0);
  std::uint64_t bits;  // 2^n from n's own bits: the low 12 bits of `shifted` hold it
  std::memcpy(&bits, &shifted, sizeof bits);
  bits = (bits + 1023) << 52;
  double power;
  std::memcpy(&power, &bits, sizeof power);
  return p * power;
}

// log(1 + u) for 0 <= u <= 1: the series of 2 artanh(u / (2 + u)).
inline __attribute__((always_inline)) double log_one_plus(double u) {
  const double z = u / (2.0 + u), q = z * z;
  double p = 1.0 / 33;
  p = fused(p, q, 1.0 / 31);
  p = fused(p, q, 1.0 / 29);
  p = fused(p, q, 1.0 / 27);
  p = fused(p, q, 1.0 / 25);
  p = fused(p, q, 1.0 / 23);
  p = fused(p, q, 1.0 / 21);
  p = fused(p, q, 1.0 / 19);
  p = fused(p, q, 1.0 / 17);
  p = fused(p, q, 1.0 / 15);
  p = fused(p, q, 1.0 / 13);
  p = fused(p, q, 1.0 / 11);
  p = fused(p, q, 1.0 / 9);
  p = fused(p, q, 1.0 / 7);
  p = fused(p, q, 1.0 / 5);
  p = fused(p, q, 1.0 / 3);
  return 2.0 * fused(p * q, z, z);
}

// Cross-entropy log(1 + exp(-sign * score)) of n pairs, n a multiple of 8; sign is +1 for a yes and -1 for a no.
inline void cross_entropies(const double* score, const double* sign, int n, double* out) {
  for (int j = 0; j < n; ++j) {
    const double margin = sign[j] * score[j];
    out[j] = (margin < 0 ? -margin : 0.0) + log_one_plus(exp_of_negative(-std::fabs(margin)));
  }
}

// target - probability of n pairs: what is left to pull.
inline void surprises(const double* score, const double* sign, int n, double* out) {
  for (int j = 0; j < n; ++j) {
    const double margin = sign[j] * score[j];
    const double u = exp_of_negative(-std::fabs(margin));
    out[j] = sign[j] * (margin < 0 ? 1.0 : u) / (1.0 + u);
  }
}

// tanh(s/2) / (4 s): the curvature of the quadratic that touches cross-entropy at s from above; 1/8 at 0.
inline void majorizing_weights(const double* score, int n, double* out) {
  for (int j = 0; j < n; ++j) {
    const double s = std::fabs(score[j]), q = s * s;
    const double u = exp_of_negative(-s);
    const double series = fused(fused(fused(-17.0 / 161280, q, 1.0 / 960), q, -1.0 / 96), q, 0.125);
    const double direct = (1.0 - u) / ((1.0 + u) * 4.0 * (s < 1e-2 ? 1.0 : s));
    out[j] = s < 1e-2 ? series : direct;
  }
}

// probability * (1 - probability) / 2: half the true curvature, on the scale of the loss without 1/2.
inline void newton_weights(const double* score, int n, double* out) {
  for (int j = 0; j < n; ++j) {
    const double u = exp_of_negative(-std::fabs(score[j]));
    out[j] = 0.5 * u / ((1.0 + u) * (1.0 + u));
  }
}

}  // namespace
}  // namespace ridgeback::RIDGEBACK_LEVEL
