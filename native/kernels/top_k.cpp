#include "shortlist.hpp"
#include "simd.hpp"
#include "top_k_kernels.hpp"

namespace ridgeback::RIDGEBACK_LEVEL {

namespace {

// The register tile: users x panels accumulators, with room left for the panels' values and one broadcast.
#if defined(__AVX512F__)
constexpr int TILE_USERS = 6, TILE_PANELS = 4;
#elif defined(__AVX2__) || defined(__aarch64__)
constexpr int TILE_USERS = 6, TILE_PANELS = 1;
#else
constexpr int TILE_USERS = 2, TILE_PANELS = 1;
#endif
static_assert(TILE_PANELS <= MAX_PANELS && MAX_PANELS * PANEL_ITEMS <= 64 && Vec<float>::N == PANEL_ITEMS);

typedef float Quad __attribute__((vector_size(16)));
typedef std::int32_t QuadIndex __attribute__((vector_size(16)));

#if defined(__clang__)
#define RIDGEBACK_SHUFFLE(a, b, i, j, k, l) __builtin_shufflevector(a, b, i, j, k, l)
#else
#define RIDGEBACK_SHUFFLE(a, b, i, j, k, l) __builtin_shuffle(a, b, QuadIndex{i, j, k, l})
#endif

inline Quad load_quad(const float* p) {
  Quad q;
  std::memcpy(&q, p, sizeof q);
  return q;
}

// Four factors of four items, transposed into the panel.
inline void transpose_quad(const float* const* row, int factor, const float* scale, float* panel) {
  const Quad a = load_quad(row[0] + factor) * scale[0], b = load_quad(row[1] + factor) * scale[1];
  const Quad c = load_quad(row[2] + factor) * scale[2], d = load_quad(row[3] + factor) * scale[3];
  const Quad ab_low = RIDGEBACK_SHUFFLE(a, b, 0, 4, 1, 5), ab_high = RIDGEBACK_SHUFFLE(a, b, 2, 6, 3, 7);
  const Quad cd_low = RIDGEBACK_SHUFFLE(c, d, 0, 4, 1, 5), cd_high = RIDGEBACK_SHUFFLE(c, d, 2, 6, 3, 7);
  const Quad out[4] = {RIDGEBACK_SHUFFLE(ab_low, cd_low, 0, 1, 4, 5), RIDGEBACK_SHUFFLE(ab_low, cd_low, 2, 3, 6, 7),
                       RIDGEBACK_SHUFFLE(ab_high, cd_high, 0, 1, 4, 5),
                       RIDGEBACK_SHUFFLE(ab_high, cd_high, 2, 3, 6, 7)};
  for (int i = 0; i < 4; ++i) std::memcpy(panel + (factor + i) * PANEL_ITEMS, &out[i], sizeof(Quad));
}

void pack(const float* item_factors, const float* scales, const std::int32_t* rows, int n_items, int k, float* panels) {
  if (k == 0) return;  // the panels are empty
  for (int begin = 0; begin < n_items; begin += PANEL_ITEMS) {
    float* panel = panels + static_cast<std::int64_t>(begin) * k;
    if (n_items - begin < PANEL_ITEMS) std::memset(panel, 0, sizeof(float) * PANEL_ITEMS * k);
    for (int lane = 0; lane < PANEL_ITEMS && begin + lane < n_items; lane += 4) {
      const int n_lanes = n_items - begin - lane < 4 ? n_items - begin - lane : 4;
      const float* row[4];
      float scale[4] = {1, 1, 1, 1};
      for (int i = 0; i < n_lanes; ++i) {
        row[i] = item_factors + static_cast<std::int64_t>(rows[begin + lane + i]) * k;
        if (scales) scale[i] = scales[rows[begin + lane + i]];
      }
      int factor = 0;
      if (n_lanes == 4)
        for (; factor + 4 <= k; factor += 4) transpose_quad(row, factor, scale, panel + lane);
      for (; factor < k; ++factor)
        for (int i = 0; i < n_lanes; ++i) panel[factor * PANEL_ITEMS + lane + i] = row[i][factor] * scale[i];
    }
  }
}

// Bit i is set where lane i exceeds the threshold; NaN never does.
inline __attribute__((always_inline)) unsigned lanes_above(const Vec<float>& v, const Vec<float>& threshold) {
#if defined(__AVX512F__)
  return _mm512_cmp_ps_mask(v.part[0], threshold.part[0], _CMP_GT_OQ);
#elif defined(__AVX2__)
  const auto low = _mm256_cmp_ps(v.part[0], threshold.part[0], _CMP_GT_OQ);
  const auto high = _mm256_cmp_ps(v.part[1], threshold.part[1], _CMP_GT_OQ);
  return static_cast<unsigned>(_mm256_movemask_ps(low)) | static_cast<unsigned>(_mm256_movemask_ps(high)) << 8;
#else
  typedef std::int32_t Lanes __attribute__((vector_size(REGISTER_BYTES)));
  Lanes any{}, above[N_REGISTERS];
  for (int i = 0; i < N_REGISTERS; ++i) any |= above[i] = v.part[i] > threshold.part[i];
  std::uint64_t halves[2];
  std::memcpy(halves, &any, sizeof halves);
  if (__builtin_expect((halves[0] | halves[1]) == 0, 1)) return 0;
  unsigned bits = 0;
  for (int i = 0; i < PANEL_ITEMS; ++i) bits |= static_cast<unsigned>(above[i / 4][i % 4] & 1) << i;
  return bits;
#endif
}

// Takes the lanes that passed the threshold, in row order, unless the user excludes them.
__attribute__((noinline)) void admit(const float* scores, std::uint64_t lanes, const std::int32_t* rows,
                                     ScoreBounds bounds, Prune prune, Shortlist& list) {
  for (; lanes; lanes &= lanes - 1) {
    const int lane = __builtin_ctzll(lanes);
    const float score = scores[lane];
    if (!(score > list.threshold)) continue;  // it may have risen since the test
    const std::int32_t row = rows[lane];
    while (list.excluded < list.excluded_end && *list.excluded < row) ++list.excluded;
    if (list.excluded < list.excluded_end && *list.excluded == row) continue;
    list.keys[list.n++] = shortlist_key(score < bounds.low    ? bounds.low
                                        : score > bounds.high ? bounds.high
                                                              : score,
                                        row);
    if (list.n == list.capacity) prune(list);
  }
}

template <int USERS, int PANELS, bool BONUS>
inline __attribute__((always_inline)) void offer_tile(const float* user_factors, const float* user_offsets, int k,
                                                      const ItemBlock& block, ScoreBounds bounds, Prune prune,
                                                      Shortlist* lists) {
  const float *panels = block.panels, *offsets = block.offsets;
  Vec<float> sum[USERS][PANELS];
  _Pragma("GCC unroll 8") for (int u = 0; u < USERS; ++u) _Pragma("GCC unroll 8") for (int p = 0; p < PANELS; ++p)
      sum[u][p] = Vec<float>::zero();

  const std::int64_t panel_size = static_cast<std::int64_t>(k) * PANEL_ITEMS;
  for (int f = 0; f < k; ++f) {
    Vec<float> y[PANELS];
    _Pragma("GCC unroll 8") for (int p = 0; p < PANELS; ++p) y[p] =
        Vec<float>::load(panels + p * panel_size + f * PANEL_ITEMS);
    _Pragma("GCC unroll 8") for (int u = 0; u < USERS; ++u) {
      const Vec<float> x = Vec<float>::splat(user_factors[static_cast<std::int64_t>(u) * k + f]);
      _Pragma("GCC unroll 8") for (int p = 0; p < PANELS; ++p) sum[u][p] = fma(x, y[p], sum[u][p]);
    }
  }

  // Every score goes to memory before the first call: sums that live across a call would not stay in registers.
  float scores[USERS][PANELS * PANEL_ITEMS];
  std::uint64_t above[USERS];
  _Pragma("GCC unroll 8") for (int u = 0; u < USERS; ++u) {
    const Vec<float> user_offset = Vec<float>::splat(user_offsets[u]);
    const Vec<float> threshold = Vec<float>::splat(lists[u].threshold);
    above[u] = 0;
    _Pragma("GCC unroll 8") for (int p = 0; p < PANELS; ++p) {
      Vec<float> score = (user_offset + Vec<float>::load(offsets + p * PANEL_ITEMS)) + sum[u][p];
      if constexpr (BONUS) score = score + Vec<float>::load(block.bonuses + u * block.bonus_stride + p * PANEL_ITEMS);
      above[u] |= static_cast<std::uint64_t>(lanes_above(score, threshold)) << (p * PANEL_ITEMS);
      score.store(scores[u] + p * PANEL_ITEMS);
    }
  }
  for (int u = 0; u < USERS; ++u)
    if (__builtin_expect(above[u] != 0, 0)) admit(scores[u], above[u], block.rows, bounds, prune, lists[u]);
}

// PANELS panels of the block, from panel p on.
template <int PANELS, bool BONUS>
void offer_panels(const float* user_factors, const float* user_offsets, std::int64_t n_users, int k,
                  const ItemBlock& block, int p, ScoreBounds bounds, Prune prune, Shortlist* lists) {
  ItemBlock part = block;
  part.panels += static_cast<std::int64_t>(p) * PANEL_ITEMS * k;
  part.offsets += p * PANEL_ITEMS;
  part.rows += p * PANEL_ITEMS;
  if constexpr (BONUS) part.bonuses += p * PANEL_ITEMS;
  std::int64_t u = 0;
  for (; u + TILE_USERS <= n_users; u += TILE_USERS) {
    offer_tile<TILE_USERS, PANELS, BONUS>(user_factors + u * k, user_offsets + u, k, part, bounds, prune, lists + u);
    if constexpr (BONUS) part.bonuses += TILE_USERS * part.bonus_stride;
  }
  for (; u < n_users; ++u) {
    offer_tile<1, PANELS, BONUS>(user_factors + u * k, user_offsets + u, k, part, bounds, prune, lists + u);
    if constexpr (BONUS) part.bonuses += part.bonus_stride;
  }
}

template <bool BONUS>
void offer_block(const float* user_factors, const float* user_offsets, std::int64_t n_users, int k,
                 const ItemBlock& block, ScoreBounds bounds, Prune prune, Shortlist* shortlists) {
  int p = 0;
  for (; p + TILE_PANELS <= block.n_panels; p += TILE_PANELS)
    offer_panels<TILE_PANELS, BONUS>(user_factors, user_offsets, n_users, k, block, p, bounds, prune, shortlists);
  for (; p < block.n_panels; ++p)
    offer_panels<1, BONUS>(user_factors, user_offsets, n_users, k, block, p, bounds, prune, shortlists);
}

void offer(const float* user_factors, const float* user_offsets, std::int64_t n_users, int k, const ItemBlock& block,
           ScoreBounds bounds, Prune prune, Shortlist* shortlists) {
  (block.bonuses ? offer_block<true> : offer_block<false>)(user_factors, user_offsets, n_users, k, block, bounds, prune,
                                                           shortlists);
}

float score(const float* user_factors, const float* item_factors, int k, float user_offset, float item_offset) {
  float sum = 0;
  for (int f = 0; f < k; ++f) sum = fused(user_factors[f], item_factors[f], sum);
  return (user_offset + item_offset) + sum;
}

}  // namespace

extern const TopKKernels top_k_kernels = {MAX_PANELS * PANEL_ITEMS, &pack, &offer, &score};

}  // namespace ridgeback::RIDGEBACK_LEVEL
