// Vectors of a fixed virtual width, whatever the register width of the level being compiled.
//
// A Vec holds 64 bytes: 16 floats or 8 doubles, as one, two or four registers. Sums run lane by lane and are
// folded in one fixed order, so that every level with fused multiply-add computes the same bits.
// Include only from native/kernels/: everything here belongs to the level's own namespace.
#pragma once

#include <cstdint>
#include <cstring>

#if defined(__FMA__)
#include <immintrin.h>
#elif defined(__ARM_FEATURE_FMA)
#include <arm_neon.h>
#endif

#ifndef RIDGEBACK_LEVEL
#error "simd.hpp is compiled once per instruction set: build through CMakeLists.txt"
#endif

namespace ridgeback::RIDGEBACK_LEVEL {
namespace {  // every kernel file keeps its own copy: nothing but the kernel tables has a symbol

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

// To half precision, to the nearest, ties to even; |x| must be below 65520.
inline std::uint16_t to_half(float x) {
  std::uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  const std::uint32_t sign = bits >> 16 & 0x8000u;
  bits &= 0x7fffffffu;
  float magnitude;
  std::memcpy(&magnitude, &bits, sizeof magnitude);
  magnitude *= 0x1p-112f;
  std::memcpy(&bits, &magnitude, sizeof bits);
  return static_cast<std::uint16_t>(sign | (bits + 0xfffu + (bits >> 13 & 1u)) >> 13);
}

// As many floats as a register holds numbers, and back. With the instructions' own names: the compiler's conversion
// takes a register apart and puts it together again.
inline __attribute__((always_inline)) RegisterOf<float>::type widen(const float* p, float) {
  RegisterOf<float>::type x;
  std::memcpy(&x, p, sizeof x);
  return x;
}
inline __attribute__((always_inline)) RegisterOf<double>::type widen(const float* p, double) {
#if defined(__AVX512F__)
  return _mm512_maskz_cvtps_pd(0xff, _mm256_loadu_ps(p));  // zero: the plain form warns of what it does not read
#elif defined(__AVX2__)
  return _mm256_cvtps_pd(_mm_loadu_ps(p));
#else
  typedef float Narrow __attribute__((vector_size(REGISTER_BYTES / 2)));
  Narrow x;
  std::memcpy(&x, p, sizeof x);
  return __builtin_convertvector(x, RegisterOf<double>::type);
#endif
}
inline __attribute__((always_inline)) void narrow(RegisterOf<float>::type x, float* p) { std::memcpy(p, &x, sizeof x); }
inline __attribute__((always_inline)) void narrow(RegisterOf<double>::type x, float* p) {
#if defined(__AVX512F__)
  _mm256_storeu_ps(p, _mm512_maskz_cvtpd_ps(0xff, x));
#elif defined(__AVX2__)
  _mm_storeu_ps(p, _mm256_cvtpd_ps(x));
#else
  typedef float Narrow __attribute__((vector_size(REGISTER_BYTES / 2)));
  const Narrow part = __builtin_convertvector(x, Narrow);
  std::memcpy(p, &part, sizeof part);
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
  // The same number of floats, widened where T is double.
  static inline __attribute__((always_inline)) Vec load_floats(const float* p) {
    Vec v;
    for (int i = 0; i < N_REGISTERS; ++i) v.part[i] = widen(p + i * LANES, T());
    return v;
  }
  // The first n < N floats, zeros behind them; reads nothing beyond.
  static inline __attribute__((always_inline)) Vec load_floats(const float* p, int n) {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == sizeof(float)) {
      const __m512 part = _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << n) - 1), p);
      Vec v;
      std::memcpy(&v, &part, sizeof v);
      return v;
    }
#endif
    alignas(64) float padded[N] = {};
    for (int i = 0; i < n; ++i) padded[i] = p[i];
    return load_floats(padded);
  }
  // N numbers of half precision, widened; T is float.
  static inline __attribute__((always_inline)) Vec load_halves(const std::uint16_t* p) {
    Vec v;
#if defined(__AVX512F__)
    const __m512 part = _mm512_maskz_cvtph_ps(0xffff, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
    std::memcpy(&v, &part, sizeof v);
#elif defined(__F16C__)
    for (int i = 0; i < 2; ++i) {
      const __m256 part = _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 8 * i)));
      std::memcpy(&v.part[i], &part, sizeof part);
    }
#else
    alignas(64) float numbers[N];
    for (int i = 0; i < N; ++i) {  // exponent and fraction in the float's places, the bias put right by a product
      const std::uint32_t magnitude = (p[i] & 0x7fffu) << 13, sign = (p[i] & 0x8000u) << 16;
      float number;
      std::memcpy(&number, &magnitude, sizeof number);
      number *= 0x1p112f;
      std::uint32_t bits;
      std::memcpy(&bits, &number, sizeof bits);
      bits |= sign;
      std::memcpy(&numbers[i], &bits, sizeof bits);
    }
    v = load(numbers);
#endif
    return v;
  }
  inline __attribute__((always_inline)) T lane(int i) const { return part[i / LANES][i % LANES]; }
  static inline __attribute__((always_inline)) Vec splat(T x) {
    Vec v;
    for (int i = 0; i < N_REGISTERS; ++i) v.part[i] = x - Register{};
    return v;
  }
  static inline __attribute__((always_inline)) Vec zero() { return splat(T(0)); }
  inline __attribute__((always_inline)) void store(T* p) const {
    for (int i = 0; i < N_REGISTERS; ++i) std::memcpy(p + i * LANES, &part[i], REGISTER_BYTES);
  }
  // In half precision, to the nearest, ties to even; T is float, magnitudes are below 65520.
  inline __attribute__((always_inline)) void store_halves(std::uint16_t* p) const {
#if defined(__AVX512F__)
    __m512 numbers;
    std::memcpy(&numbers, &part, sizeof numbers);
    const __m256i halves = _mm512_maskz_cvtps_ph(0xffff, numbers, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    std::memcpy(p, &halves, sizeof halves);
#elif defined(__F16C__)
    for (int i = 0; i < 2; ++i) {
      __m256 numbers;
      std::memcpy(&numbers, &part[i], sizeof numbers);
      const __m128i halves = _mm256_cvtps_ph(numbers, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
      std::memcpy(p + 8 * i, &halves, sizeof halves);
    }
#else
    for (int i = 0; i < N; ++i) p[i] = to_half(lane(i));
#endif
  }
  // As many floats, rounded where T is double.
  inline __attribute__((always_inline)) void store_floats(float* p) const {
    for (int i = 0; i < N_REGISTERS; ++i) narrow(part[i], p + i * LANES);
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

// a * b + c of one register. Written with the instruction's own name: a loop over the lanes is taken apart now and
// then.
inline __attribute__((always_inline)) RegisterOf<float>::type fused(RegisterOf<float>::type a,
                                                                    RegisterOf<float>::type b,
                                                                    RegisterOf<float>::type c) {
#if defined(__AVX512F__)
  return _mm512_fmadd_ps(a, b, c);
#elif defined(__FMA__)
  return _mm256_fmadd_ps(a, b, c);
#elif defined(__ARM_FEATURE_FMA)
  return vfmaq_f32(c, a, b);
#else
  return a * b + c;
#endif
}
inline __attribute__((always_inline)) RegisterOf<double>::type fused(RegisterOf<double>::type a,
                                                                     RegisterOf<double>::type b,
                                                                     RegisterOf<double>::type c) {
#if defined(__AVX512F__)
  return _mm512_fmadd_pd(a, b, c);
#elif defined(__FMA__)
  return _mm256_fmadd_pd(a, b, c);
#elif defined(__ARM_FEATURE_FMA)
  return vfmaq_f64(c, a, b);
#else
  return a * b + c;
#endif
}

// c - a * b of one register.
inline __attribute__((always_inline)) RegisterOf<float>::type subtracted(RegisterOf<float>::type a,
                                                                         RegisterOf<float>::type b,
                                                                         RegisterOf<float>::type c) {
#if defined(__AVX512F__)
  return _mm512_fnmadd_ps(a, b, c);
#elif defined(__FMA__)
  return _mm256_fnmadd_ps(a, b, c);
#elif defined(__ARM_FEATURE_FMA)
  return vfmsq_f32(c, a, b);
#else
  return c - a * b;
#endif
}
inline __attribute__((always_inline)) RegisterOf<double>::type subtracted(RegisterOf<double>::type a,
                                                                          RegisterOf<double>::type b,
                                                                          RegisterOf<double>::type c) {
#if defined(__AVX512F__)
  return _mm512_fnmadd_pd(a, b, c);
#elif defined(__FMA__)
  return _mm256_fnmadd_pd(a, b, c);
#elif defined(__ARM_FEATURE_FMA)
  return vfmsq_f64(c, a, b);
#else
  return c - a * b;
#endif
}

// a * b + c, rounded once where the level has the instruction.
template <class T>
inline __attribute__((always_inline)) Vec<T> fma(const Vec<T>& a, const Vec<T>& b, const Vec<T>& c) {
  Vec<T> r;
  for (int i = 0; i < N_REGISTERS; ++i) r.part[i] = fused(a.part[i], b.part[i], c.part[i]);
  return r;
}

// c - a * b, rounded once where the level has the instruction.
template <class T>
inline __attribute__((always_inline)) Vec<T> subtract_product(const Vec<T>& a, const Vec<T>& b, const Vec<T>& c) {
  Vec<T> r;
  for (int i = 0; i < N_REGISTERS; ++i) r.part[i] = subtracted(a.part[i], b.part[i], c.part[i]);
  return r;
}

// Shuffles within groups of 16 bytes, four floats a group: the first or last two of x and y, alternating or in a row.
using Floats = RegisterOf<float>::type;
#if defined(__clang__) || __GNUC__ >= 12
#define RIDGEBACK_PICK(x, y, ...) __builtin_shufflevector(x, y, __VA_ARGS__)
#else  // the older spelling of g++ 11
typedef std::int32_t Lanes __attribute__((vector_size(REGISTER_BYTES)));
#define RIDGEBACK_PICK(x, y, ...) __builtin_shuffle(x, y, Lanes{__VA_ARGS__})
#endif
#if defined(__AVX512F__)
constexpr int OTHER = 16;
#define RIDGEBACK_SHUFFLE(x, y, p, q, r, s)                                                                          \
  RIDGEBACK_PICK(x, y, p, q, r, s, (p) + 4, (q) + 4, (r) + 4, (s) + 4, (p) + 8, (q) + 8, (r) + 8, (s) + 8, (p) + 12, \
                 (q) + 12, (r) + 12, (s) + 12)
#elif defined(__AVX2__)
constexpr int OTHER = 8;
#define RIDGEBACK_SHUFFLE(x, y, p, q, r, s) RIDGEBACK_PICK(x, y, p, q, r, s, (p) + 4, (q) + 4, (r) + 4, (s) + 4)
#else
constexpr int OTHER = 4;
#define RIDGEBACK_SHUFFLE(x, y, p, q, r, s) RIDGEBACK_PICK(x, y, p, q, r, s)
#endif
inline __attribute__((always_inline)) Floats first_pairs(Floats x, Floats y) {
  return RIDGEBACK_SHUFFLE(x, y, 0, OTHER, 1, OTHER + 1);
}
inline __attribute__((always_inline)) Floats last_pairs(Floats x, Floats y) {
  return RIDGEBACK_SHUFFLE(x, y, 2, OTHER + 2, 3, OTHER + 3);
}
inline __attribute__((always_inline)) Floats first_halves(Floats x, Floats y) {
  return RIDGEBACK_SHUFFLE(x, y, 0, 1, OTHER, OTHER + 1);
}
inline __attribute__((always_inline)) Floats last_halves(Floats x, Floats y) {
  return RIDGEBACK_SHUFFLE(x, y, 2, 3, OTHER + 2, OTHER + 3);
}
#undef RIDGEBACK_SHUFFLE

// The 16 bytes number Q of a register.
typedef float FourFloats __attribute__((vector_size(16)));
template <int Q>
inline __attribute__((always_inline)) FourFloats group_of(Floats x) {
#if defined(__clang__) || __GNUC__ >= 12
  return RIDGEBACK_PICK(x, x, 4 * Q, 4 * Q + 1, 4 * Q + 2, 4 * Q + 3);
#else
  FourFloats group[REGISTER_BYTES / 16];
  std::memcpy(group, &x, sizeof group);
  return group[Q];
#endif
}
#undef RIDGEBACK_PICK

// Four sums at once: the i-th is the sum of the lanes of v_i. One order on every level: within groups of 16 bytes
// lane q and its second neighbour first, then the group sums 0 + 2 and 1 + 3.
typedef float Four __attribute__((vector_size(16)));
inline __attribute__((always_inline)) Four folded4(const Vec<float>& v0, const Vec<float>& v1, const Vec<float>& v2,
                                                   const Vec<float>& v3) {
  Vec<float> sums;
  for (int i = 0; i < N_REGISTERS; ++i) {
    const auto ab = first_pairs(v0.part[i], v1.part[i]) + last_pairs(v0.part[i], v1.part[i]);
    const auto cd = first_pairs(v2.part[i], v3.part[i]) + last_pairs(v2.part[i], v3.part[i]);
    sums.part[i] = first_halves(ab, cd) + last_halves(ab, cd);
  }
  Four group[4];
  std::memcpy(group, &sums, sizeof group);
  return (group[0] + group[2]) + (group[1] + group[3]);
}

inline __attribute__((always_inline)) void fold4(const Vec<float>& v0, const Vec<float>& v1, const Vec<float>& v2,
                                                 const Vec<float>& v3, float* out) {
  const Four total = folded4(v0, v1, v2, v3);
  std::memcpy(out, &total, sizeof total);
}

// The sum of all lanes, in the order of fold4.
inline float fold(const Vec<float>& v) {
  float out[4];
  fold4(v, v, v, v, out);
  return out[0];
}
inline double fold(const Vec<double>& v) {
  typedef double Four __attribute__((vector_size(32)));
  typedef double Two __attribute__((vector_size(16)));
  Four half[2];
  Two quarter[2];
  std::memcpy(half, &v, sizeof half);
  const Four pairs = half[0] + half[1];  // lanes 0 + 4, 1 + 5, 2 + 6, 3 + 7
  std::memcpy(quarter, &pairs, sizeof quarter);
  const Two sums = quarter[0] + quarter[1];
  return sums[0] + sums[1];
}

inline void fold4(const Vec<double>& v0, const Vec<double>& v1, const Vec<double>& v2, const Vec<double>& v3,
                  double* out) {
  out[0] = fold(v0);
  out[1] = fold(v1);
  out[2] = fold(v2);
  out[3] = fold(v3);
}

// Four rows of 16 floats turned: out[f * stride + r] = v_r[f].
inline __attribute__((always_inline)) void store_turned(const Vec<float>& v0, const Vec<float>& v1,
                                                        const Vec<float>& v2, const Vec<float>& v3, float* out,
                                                        std::int64_t stride) {
  constexpr int GROUPS = REGISTER_BYTES / 16;
  _Pragma("GCC unroll 4") for (int i = 0; i < N_REGISTERS; ++i) {
    const auto ab = first_pairs(v0.part[i], v1.part[i]), cd = first_pairs(v2.part[i], v3.part[i]);
    const auto AB = last_pairs(v0.part[i], v1.part[i]), CD = last_pairs(v2.part[i], v3.part[i]);
    const Floats turned[4] = {first_halves(ab, cd), last_halves(ab, cd), first_halves(AB, CD), last_halves(AB, CD)};
    float* target = out + i * GROUPS * 4 * stride;
    _Pragma("GCC unroll 4") for (int f = 0; f < 4; ++f) {
      const auto store = [&](int q, FourFloats group) __attribute__((always_inline)) {
        std::memcpy(target + (q * 4 + f) * stride, &group, sizeof group);
      };
      store(0, group_of<0>(turned[f]));
      if constexpr (GROUPS >= 2) store(1, group_of<1>(turned[f]));
      if constexpr (GROUPS == 4) {
        store(2, group_of<2>(turned[f]));
        store(3, group_of<3>(turned[f]));
      }
    }
  }
}

inline void store_turned(const Vec<double>& v0, const Vec<double>& v1, const Vec<double>& v2, const Vec<double>& v3,
                         double* out, std::int64_t stride) {
  for (int f = 0; f < Vec<double>::N; ++f) {
    out[f * stride] = v0.lane(f);
    out[f * stride + 1] = v1.lane(f);
    out[f * stride + 2] = v2.lane(f);
    out[f * stride + 3] = v3.lane(f);
  }
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

}  // namespace
}  // namespace ridgeback::RIDGEBACK_LEVEL
