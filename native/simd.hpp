// Vectors of a fixed virtual width, whatever the register width of the level being compiled.
//
// A Vec holds 64 bytes: 16 floats or 8 doubles, as one, two or four registers. Sums run lane by lane and are
// folded in one fixed order, so that every level with fused multiply-add computes the same bits.
// Include only from native/kernels/: everything here belongs to the level's own namespace.
#pragma once

#include <cstdint>
#include <cstring>

#ifndef RIDGEBACK_LEVEL
#error "simd.hpp is compiled once per instruction set: build through CMakeLists.txt"
#endif

namespace ridgeback::RIDGEBACK_LEVEL {

#if defined(__AVX512F__)
constexpr int REGISTER_BYTES = 64;
#elif defined(__AVX2__)
constexpr int REGISTER_BYTES = 32;
#else
constexpr int REGISTER_BYTES = 16;
#endif
constexpr int N_REGISTERS = 64 / REGISTER_BYTES;

template <class T>
struct RegisterOf;
template <>
struct RegisterOf<float> {
  typedef float type __attribute__((vector_size(REGISTER_BYTES)));
};
template <>
struct RegisterOf<double> {
  typedef double type __attribute__((vector_size(REGISTER_BYTES)));
};

inline float fused(float a, float b, float c) {
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
  return __builtin_fmaf(a, b, c);
#else
  return a * b + c;  // the baseline has no fused operation: its last bits differ
#endif
}
inline double fused(double a, double b, double c) {
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
  return __builtin_fma(a, b, c);
#else
  return a * b + c;
#endif
}

template <class T>
struct Vec {
  static constexpr int N = 64 / sizeof(T);
  using Register = typename RegisterOf<T>::type;
  static constexpr int LANES = REGISTER_BYTES / sizeof(T);
  Register part[N_REGISTERS];

  static inline __attribute__((always_inline)) Vec load(const T* p) {
    Vec v;
    for (int i = 0; i < N_REGISTERS; ++i) std::memcpy(&v.part[i], p + i * LANES, REGISTER_BYTES);
    return v;
  }
  static inline __attribute__((always_inline)) Vec splat(T x) {
    Vec v;
    for (int i = 0; i < N_REGISTERS; ++i) v.part[i] = x - Register{};
    return v;
  }
  static inline __attribute__((always_inline)) Vec zero() { return splat(T(0)); }
  inline __attribute__((always_inline)) void store(T* p) const {
    for (int i = 0; i < N_REGISTERS; ++i) std::memcpy(p + i * LANES, &part[i], REGISTER_BYTES);
  }
  friend inline __attribute__((always_inline)) Vec operator+(Vec a, Vec b) {
    for (int i = 0; i < N_REGISTERS; ++i) a.part[i] += b.part[i];
    return a;
  }
  friend inline __attribute__((always_inline)) Vec operator-(Vec a, Vec b) {
    for (int i = 0; i < N_REGISTERS; ++i) a.part[i] -= b.part[i];
    return a;
  }
  friend inline __attribute__((always_inline)) Vec operator*(Vec a, Vec b) {
    for (int i = 0; i < N_REGISTERS; ++i) a.part[i] *= b.part[i];
    return a;
  }
  friend inline __attribute__((always_inline)) Vec operator/(Vec a, Vec b) {
    for (int i = 0; i < N_REGISTERS; ++i) a.part[i] /= b.part[i];
    return a;
  }
};

// a * b + c, rounded once where the level has the instruction.
template <class T>
inline __attribute__((always_inline)) Vec<T> fma(Vec<T> a, Vec<T> b, Vec<T> c) {
  Vec<T> r;
  for (int i = 0; i < N_REGISTERS; ++i)
    for (int j = 0; j < Vec<T>::LANES; ++j) r.part[i][j] = fused(a.part[i][j], b.part[i][j], c.part[i][j]);
  return r;
}

// The sum of all lanes: halves onto halves, down to one.
template <class T>
inline T fold(Vec<T> v) {
  alignas(64) T lane[Vec<T>::N];
  v.store(lane);
  for (int width = Vec<T>::N / 2; width > 0; width /= 2)
    for (int i = 0; i < width; ++i) lane[i] += lane[i + width];
  return lane[0];
}

// dot(a, b) over a padded length (a multiple of Vec<T>::N).
template <class T>
inline T dot(const T* a, const T* b, int length) {
  Vec<T> sum = Vec<T>::zero();
  for (int i = 0; i < length; i += Vec<T>::N) sum = fma(Vec<T>::load(a + i), Vec<T>::load(b + i), sum);
  return fold(sum);
}

// y += a * x over a padded length.
template <class T>
inline void add_scaled(T a, const T* x, T* y, int length) {
  const Vec<T> scale = Vec<T>::splat(a);
  for (int i = 0; i < length; i += Vec<T>::N) fma(scale, Vec<T>::load(x + i), Vec<T>::load(y + i)).store(y + i);
}

}  // namespace ridgeback::RIDGEBACK_LEVEL
