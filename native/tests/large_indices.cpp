// Places beyond 2^31 in every kind of array. The arrays are address space only: a page takes memory once it is written
// to, and reading one that never was gives zeros.
#include <sys/mman.h>

#include <cmath>
#include <vector>

#include "csr.hpp"
#include "dispatch.hpp"
#include "half_step.hpp"
#include "ids.hpp"
#include "logistic.hpp"
#include "negatives.hpp"
#include "tests/suites.hpp"
#include "text.hpp"
#include "top_k.hpp"

namespace ridgeback::tests {
namespace {

constexpr std::int64_t BEYOND = (std::int64_t{1} << 31) + 5;

// n elements of address space.
template <class T>
class Sparse {
 public:
  explicit Sparse(std::int64_t n) : bytes_(static_cast<std::size_t>(n) * sizeof(T)) {
    memory_ = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory_ == MAP_FAILED) skip("no address space of many gigabytes to be had");
  }
  ~Sparse() { munmap(memory_, bytes_); }
  Sparse(const Sparse&) = delete;
  Sparse& operator=(const Sparse&) = delete;
  T* data() const { return static_cast<T*>(memory_); }
  T& operator[](std::int64_t i) const { return data()[i]; }

 private:
  std::size_t bytes_;
  void* memory_;
};

// One row whose entries lie beyond 2^31, whose neighbours' factors do, and whose own factors do.
void a_row_beyond_two_billion_interactions() {
  constexpr int K = 64;
  constexpr std::int64_t ROW = std::int64_t{1} << 26, COLUMN = (std::int64_t{1} << 26) + 3;  // x 64 is 2^32
  const std::int64_t ends[] = {BEYOND, BEYOND + 3};
  Sparse<std::int64_t> indptr(ROW + 2);
  Sparse<std::int32_t> indices(BEYOND + 3);
  Sparse<float> targets(BEYOND + 3), confidences(BEYOND + 3), factors((COLUMN + 3) * K), own((ROW + 1) * K);
  Sparse<double> ridges(ROW + 1), row_scales(ROW + 1), column_scales(COLUMN + 3);
  indptr[ROW] = ends[0];
  indptr[ROW + 1] = ends[1];
  ridges[ROW] = 0.5;
  row_scales[ROW] = 1;
  Random random{20};
  std::vector<float> near_factors(3 * K);
  std::vector<std::int32_t> near_indices = {0, 1, 2};
  for (int j = 0; j < 3; ++j) {
    indices[BEYOND + j] = static_cast<std::int32_t>(COLUMN + j);
    targets[BEYOND + j] = static_cast<float>(j + 1);
    confidences[BEYOND + j] = 2;
    column_scales[COLUMN + j] = 3;
    for (int f = 0; f < K; ++f)
      factors[(COLUMN + j) * K + f] = near_factors[j * K + f] = static_cast<float>(random.number());
  }
  const RowProblem far = {indptr.data(),
                          indices.data(),
                          targets.data(),
                          confidences.data(),
                          row_scales.data(),
                          column_scales.data(),
                          ridges.data(),
                          nullptr,
                          0.0,
                          ROW + 1,
                          COLUMN + 3,
                          Pull::target};

  // The same row at the beginning of its arrays.
  const std::int64_t near_indptr[] = {0, 3};
  const float near_targets[] = {1, 2, 3}, near_confidences[] = {2, 2, 2};
  const double near_ridges[] = {0.5}, near_scales[] = {1}, near_column_scales[] = {3, 3, 3};
  const RowProblem near = {near_indptr,
                           near_indices.data(),
                           near_targets,
                           near_confidences,
                           near_scales,
                           near_column_scales,
                           near_ridges,
                           nullptr,
                           0.0,
                           1,
                           3,
                           Pull::target};

  struct Named {
    const RowKernels* solver;
    bool is_double;
  };
  const Named solvers[] = {{kernels().exact, false},
                           {kernels().exact, true},
                           {kernels().conjugate_gradient, false},
                           {kernels().non_negative, false}};
  for (const Named& named : solvers) {
    RowOptions options;
    options.is_double = named.is_double;
    options.n_cg_steps = 3;
    std::vector<float> near_own(K);
    Totals near_totals, far_totals;
    const FixedSide near_fixed{near_factors.data(), nullptr, nullptr, K},
        far_fixed{factors.data(), nullptr, nullptr, K};
    std::vector<double> scratch(named.solver->scratch_bytes(near, near_fixed, options, 3) / 8 + 64);
    void* aligned = scratch.data() + (64 - reinterpret_cast<std::uintptr_t>(scratch.data()) % 64) / 8;
    named.solver->solve(near, near_fixed, {near_own.data(), nullptr}, options, 0, 1, 3, aligned, near_totals);
    for (int f = 0; f < K; ++f) own[ROW * K + f] = 0;
    named.solver->solve(far, far_fixed, {own.data(), nullptr}, options, ROW, ROW + 1, 3, aligned, far_totals);
    CHECK(far_totals.loss == near_totals.loss && std::fabs(far_totals.loss) > 0);
    for (int f = 0; f < K; ++f) CHECK(own[ROW * K + f] == near_own[f]);
  }

  LogisticOptions options;
  options.method = LogisticMethod::newton;
  std::uint8_t near_unsolved = 0;
  Sparse<std::uint8_t> unsolved(ROW + 1);
  std::vector<float> near_own(K);
  std::vector<double> scratch(kernels().logistic->scratch_bytes(near, {near_factors.data(), nullptr, nullptr, K}) / 8 +
                              64);
  void* aligned = scratch.data() + (64 - reinterpret_cast<std::uintptr_t>(scratch.data()) % 64) / 8;
  LogisticTotals near_totals, far_totals;
  options.unsolved = &near_unsolved;
  kernels().logistic->solve(near, {near_factors.data(), nullptr, nullptr, K}, {near_own.data(), nullptr}, options, 0, 1,
                            aligned, near_totals);
  options.unsolved = unsolved.data();
  kernels().logistic->solve(far, {factors.data(), nullptr, nullptr, K}, {own.data(), nullptr}, options, ROW, ROW + 1,
                            aligned, far_totals);
  CHECK(near_totals.cross_entropy > 0 && near_totals.cross_entropy == far_totals.cross_entropy);
  for (int f = 0; f < K; ++f) CHECK(own[ROW * K + f] == near_own[f]);
}

// A whole half-step, cut into chunks, of rows whose entries all lie beyond 2^31, beside the same at the beginning.
void half_steps_of_entries_beyond_two_billion() {
  constexpr int K = 9;
  constexpr std::int64_t N = 3000, LENGTH = 20, N_COLUMNS = 50;
  Random random{21};
  std::vector<std::int64_t> near_indptr(N + 1), far_indptr(N + 1);
  std::vector<std::int32_t> near_indices(N * LENGTH);
  std::vector<float> near_values(N * LENGTH), factors(N_COLUMNS * K);
  const std::vector<double> ridges(N, 1.5);
  for (float& x : factors) x = static_cast<float>(random.number());
  Sparse<std::int32_t> indices(BEYOND + N * LENGTH);
  Sparse<float> values(BEYOND + N * LENGTH);
  for (std::int64_t r = 0; r <= N; ++r) far_indptr[r] = BEYOND + (near_indptr[r] = r * LENGTH);
  for (std::int64_t at = 0; at < N * LENGTH; ++at) {
    indices[BEYOND + at] = near_indices[at] = static_cast<std::int32_t>(at % LENGTH * 2 + at / LENGTH % 2);
    values[BEYOND + at] = near_values[at] = static_cast<float>(random.next() % 2);
  }
  CHECK(chunks_of_rows(far_indptr.data(), N, 16 + K).size() >= 20);
  const auto problem = [&](bool is_far) -> RowProblem {
    return {is_far ? far_indptr.data() : near_indptr.data(),
            is_far ? indices.data() : near_indices.data(),
            is_far ? values.data() : near_values.data(),
            nullptr,
            nullptr,
            nullptr,
            ridges.data(),
            nullptr,
            0.0,
            N,
            N_COLUMNS,
            Pull::target};
  };
  Execution execution;
  execution.n_threads = 2;
  RowOptions options;
  options.n_cg_steps = 3;
  const FixedSide fixed{factors.data(), nullptr, nullptr, K};
  for (const RowKernels* solver :
       {kernels().exact, kernels().conjugate_gradient, kernels().non_negative, kernels().pair_loss}) {
    std::vector<float> near_own(N * K), far_own(N * K);
    const HalfStep near = half_step(*solver, problem(false), fixed, {near_own.data(), nullptr}, options, execution);
    const HalfStep far = half_step(*solver, problem(true), fixed, {far_own.data(), nullptr}, options, execution);
    CHECK(near.is_complete && far.is_complete && near_own == far_own && near.totals.loss == far.totals.loss);
  }
  std::vector<float> near_own(N * K), far_own(N * K);
  std::vector<std::uint8_t> unsolved(N);
  const LogisticOptions newton{LogisticMethod::newton, 0, nullptr, unsolved.data()};
  const LogisticHalfStep near =
      logistic_half_step(problem(false), fixed, {near_own.data(), nullptr}, newton, execution);
  const LogisticHalfStep far = logistic_half_step(problem(true), fixed, {far_own.data(), nullptr}, newton, execution);
  CHECK(near_own == far_own && near.totals.cross_entropy == far.totals.cross_entropy);
}

void gramian_and_rotation_of_rows_beyond_two_billion_numbers() {
  constexpr int K = 128;
  constexpr std::int64_t ROW = (std::int64_t{1} << 25) + 9;  // x 128 is beyond 2^32
  Sparse<float> factors((ROW + 2) * K);
  for (int f = 0; f < K; ++f) factors[ROW * K + f] = static_cast<float>(f + 1);
  std::vector<double> scratch(kernels().matrix->scratch_bytes(K) / 8 + 64), result(K * K), Q(K * K);
  void* aligned = scratch.data() + (64 - reinterpret_cast<std::uintptr_t>(scratch.data()) % 64) / 8;
  kernels().matrix->gram(factors.data(), nullptr, K, ROW, ROW + 2, aligned, result.data());
  CHECK(result[0] == 1 && result[K * K - 1] == K * K && result[1] == 2);
  Sparse<double> row_weights(ROW + 2);
  row_weights[ROW] = 3;
  CHECK(kernels().matrix->squared_norms(factors.data(), row_weights.data(), K, ROW, ROW + 2) ==
        3.0 * K * (K + 1) * (2 * K + 1) / 6);
  for (int f = 0; f < K; ++f) Q[f * K + (K - 1 - f)] = 1;  // turned round
  kernels().matrix->rotate(factors.data(), Q.data(), K, ROW, ROW + 1, aligned);
  for (int f = 0; f < K; ++f) CHECK(factors[ROW * K + f] == static_cast<float>(K - f));
}

void counting_more_than_two_billion_codes() {
  if (IS_SANITIZED) skip("minutes long under a sanitizer");
  Sparse<std::int32_t> codes(BEYOND);
  codes[BEYOND - 1] = 2;
  std::int64_t counts[3] = {};
  Execution execution;
  execution.n_threads = 2;
  CHECK(count_codes(codes.data(), BEYOND, 3, counts, execution));
  CHECK(counts[0] == BEYOND - 1 && counts[1] == 0 && counts[2] == 1);
}

void slots_hold_table_rows_beyond_two_billion() {
  const std::uint32_t column = 0x7fffffff;
  for (const std::uint64_t row : {std::uint64_t{0}, std::uint64_t{BEYOND}, (std::uint64_t{1} << 32) - 1}) {
    const NarrowSlot slot = NarrowSlot::make(column, row);
    CHECK(slot.column() == column && slot.row() == row);
  }
  for (const std::uint64_t row : {std::uint64_t{1} << 32, std::uint64_t{1} << 45}) {
    const WideSlot slot = WideSlot::make(column, row);
    CHECK(slot.column() == column && slot.row() == row);
    CHECK(WideSlot::make(3, row) < WideSlot::make(3, row + 1));
    CHECK(WideSlot::make(2, row + 1) < WideSlot::make(3, row));
  }
}

// Five table rows of one user, in places beyond 2^31 of every array.
template <class Slot, class Row>
void check_combination(std::uint64_t first_table_row) {
  Sparse<Slot> slots(BEYOND + 5);
  const auto at = static_cast<std::int64_t>(first_table_row);
  Sparse<float> values(at + 5);
  Sparse<std::int64_t> timestamps(at + 5);
  const std::uint32_t columns[] = {7, 7, 7, 9, 9};
  for (int i = 0; i < 5; ++i) {
    slots[BEYOND + i] = Slot::make(columns[i], first_table_row + i);
    values[at + i] = static_cast<float>(i + 1);
    timestamps[at + i] = i == 1 ? 10 : i;
  }
  const std::int64_t indptr[] = {BEYOND, BEYOND + 5}, unique_indptr[] = {BEYOND - 1, BEYOND + 1};
  Sparse<std::int32_t> out_columns(BEYOND + 1), out_counts(BEYOND + 1);
  Sparse<float> out_values(BEYOND + 1);
  Sparse<Row> out_latest(BEYOND + 1);
  const Combination<Slot, Row> combination = {indptr,
                                              slots.data(),
                                              unique_indptr,
                                              1,
                                              values.data(),
                                              timestamps.data(),
                                              Duplicates::kSum,
                                              out_columns.data(),
                                              out_values.data(),
                                              out_counts.data(),
                                              out_latest.data()};
  CHECK(combine(combination, Execution{}));
  CHECK(out_columns[BEYOND - 1] == 7 && out_columns[BEYOND] == 9);
  CHECK(out_values[BEYOND - 1] == 6 && out_values[BEYOND] == 9);
  CHECK(out_counts[BEYOND - 1] == 3 && out_counts[BEYOND] == 2);
  CHECK(out_latest[BEYOND - 1] == first_table_row + 1 && out_latest[BEYOND] == first_table_row + 4);
}

void entries_beyond_two_billion_are_combined() {
  check_combination<NarrowSlot, std::uint32_t>(std::uint64_t{BEYOND});
  check_combination<WideSlot, std::uint64_t>((std::uint64_t{1} << 32) + 7);
}

void values_are_gathered_from_beyond() {
  Sparse<float> source((std::int64_t{1} << 32) + 9);
  source[BEYOND] = 1.5f;
  source[(std::int64_t{1} << 32) + 8] = 2.5f;
  const std::uint64_t rows[] = {std::uint64_t{BEYOND}, (std::uint64_t{1} << 32) + 8};
  float out[2] = {};
  CHECK(gather(source.data(), rows, 2, out, Execution{}));
  CHECK(out[0] == 1.5f && out[1] == 2.5f);
  const std::uint32_t narrow[] = {static_cast<std::uint32_t>(BEYOND)};
  CHECK(gather(source.data(), narrow, 1, out, Execution{}));
  CHECK(out[0] == 1.5f);
}

void entries_beyond_two_billion_are_transposed() {
  Sparse<std::int32_t> indices(BEYOND + 4);
  Sparse<float> data(BEYOND + 4);
  const std::int64_t indptr[] = {BEYOND, BEYOND + 2, BEYOND + 2, BEYOND + 4};
  const std::int32_t columns[] = {0, 2, 1, 2};
  for (int i = 0; i < 4; ++i) {
    indices[BEYOND + i] = columns[i];
    data[BEYOND + i] = static_cast<float>(i + 1);
  }
  for (const int n_threads : {1, 3}) {
    Execution execution;
    execution.n_threads = n_threads;
    std::int64_t out_indptr[4] = {};
    std::int32_t out_indices[4] = {};
    float out_data[4] = {};
    CHECK(transpose({indptr, indices.data(), data.data(), 3, 3}, out_indptr, out_indices, out_data, execution));
    CHECK(out_indptr[1] == 1 && out_indptr[2] == 2 && out_indptr[3] == 4);
    CHECK(out_indices[0] == 0 && out_indices[1] == 2 && out_indices[2] == 0 && out_indices[3] == 2);
    CHECK(out_data[0] == 1 && out_data[1] == 3 && out_data[2] == 2 && out_data[3] == 4);
  }
}

// Items, their scales and the exclusions of a user lie beyond.
void the_best_items_beyond_two_billion_numbers() {
  constexpr int K = 128;
  constexpr std::int64_t ITEM = (std::int64_t{1} << 25) + 1;  // x 128 is beyond 2^32
  Sparse<float> items((ITEM + 2) * K), scales(ITEM + 2);
  std::vector<float> user(K, 1.0f);
  for (int f = 0; f < K; ++f) items[ITEM * K + f] = 1, items[(ITEM + 1) * K + f] = 2, items[3 * K + f] = 0.5f;
  scales[3] = scales[ITEM] = scales[ITEM + 1] = 0.5f;
  Sparse<std::int32_t> excluded(BEYOND + 1);
  excluded[BEYOND] = ITEM + 1;
  const std::int64_t excluded_indptr[] = {BEYOND, BEYOND + 1};
  const std::int32_t eligible[] = {3, ITEM, ITEM + 1};
  const Scorer scorer = {user.data(), items.data(), 1, ITEM + 2, K, nullptr, nullptr, 0.0f};
  TopKRequest request = {};
  request.items = eligible;
  request.n_eligible = 3;
  request.excluded = {excluded_indptr, excluded.data()};
  request.item_scales = scales.data();
  request.bounds = {-std::numeric_limits<float>::infinity(), std::numeric_limits<float>::infinity()};
  request.keep = 3;
  std::int32_t rows[3] = {}, count = 0;
  float scores[3] = {};
  CHECK(top_k(scorer, request, Execution{}, rows, scores, &count));
  CHECK(count == 2 && rows[0] == ITEM && scores[0] == K / 2 && rows[1] == 3 && scores[1] == K / 4);
  TopKRequest all = {};
  all.items = eligible;
  all.n_eligible = 3;
  const std::int64_t indptr[] = {0, 3};
  const float wanted[] = {2 * K, K, K / 2};
  std::int32_t higher[3] = {-1, -1, -1};
  CHECK(count_higher(scorer, all, {indptr, wanted}, Execution{}, higher));
  CHECK(higher[0] == 0 && higher[1] == 1 && higher[2] == 2);
}

void ids_beyond_two_gigabytes_of_text() {
  Sparse<std::uint8_t> data(BEYOND + 8);
  const std::int64_t offsets[] = {BEYOND, BEYOND + 3, BEYOND + 5, BEYOND + 8};
  for (int i = 0; i < 8; ++i) data[BEYOND + i] = static_cast<std::uint8_t>("onexyone"[i]);
  const TextView all = {offsets, data.data(), 3}, first_two = {offsets, data.data(), 2};
  std::int32_t codes[3] = {}, table[4], rows[3] = {};
  const std::vector<std::int64_t> firsts = factorize(all, codes);
  CHECK(firsts.size() == 2 && firsts[0] == 0 && firsts[1] == 1);
  CHECK(codes[0] == 0 && codes[1] == 1 && codes[2] == 0);
  CHECK(build_table(first_two, table, 4).first == -1);
  look_up(first_two, table, 4, all, rows);
  CHECK(rows[0] == 0 && rows[1] == 1 && rows[2] == 0);

  // As many ids as rows can number.
  const std::int64_t most = (std::int64_t{1} << 31) - 1, size = table_size(most);
  CHECK(size == std::int64_t{1} << 32);
  for (const char* id : {"", "a", "b", "some longer id"}) {
    const std::int64_t slot = slot_of(hash_text(id), size);
    CHECK(slot >= 0 && slot < size);
  }
  CHECK(slot_of(~std::uint64_t{0}, size) < size);
}

void pairs_are_scored_beyond_two_billion_numbers() {
  constexpr int K = 128;
  constexpr std::int64_t USER = std::int64_t{1} << 25, ITEM = (std::int64_t{1} << 25) + 1;
  Sparse<float> users((USER + 1) * K), items((ITEM + 1) * K), biases(ITEM + 1);
  for (int f = 0; f < K; ++f) users[USER * K + f] = items[ITEM * K + f] = 1;
  biases[ITEM] = 0.5f;
  const Scorer scorer = {users.data(), items.data(), USER + 1, ITEM + 1, K, nullptr, biases.data(), 1.0f};
  const std::int32_t user = USER, item = ITEM;
  float score = 0;
  CHECK(score_pairs(scorer, &user, &item, 1, Execution{}, &score));
  CHECK(score == K + 1.5f);

  // A list of candidates whose entries lie beyond 2^31.
  Sparse<std::int32_t> candidates(BEYOND + 2);
  candidates[BEYOND] = 3;
  candidates[BEYOND + 1] = item;
  const std::int64_t indptr[] = {BEYOND, BEYOND + 2};
  const Scorer one = {users.data() + USER * K, items.data(), 1, ITEM + 1, K, nullptr, biases.data(), 1.0f};
  std::int32_t rows[2] = {}, count = 0;
  float scores[2] = {};
  CHECK(
      top_k_of_candidates(one, {indptr, candidates.data()}, {nullptr, nullptr}, 2, Execution{}, rows, scores, &count));
  CHECK(count == 2 && rows[0] == item && scores[0] == K + 1.5f && rows[1] == 3 && scores[1] == 1.0f);
}

void negatives_are_drawn_beyond_two_billion() {
  Sparse<std::int32_t> indices(BEYOND + 2), sampled(BEYOND + 3);
  indices[BEYOND] = 1;
  indices[BEYOND + 1] = 4;
  const std::int64_t indptr[] = {BEYOND, BEYOND + 2}, sampled_indptr[] = {BEYOND, BEYOND + 3};
  const std::int32_t pool[] = {0, 1, 2, 3, 4};
  CHECK(sample_negatives(indptr, indices.data(), 1, pool, 5, 1, sampled_indptr, sampled.data(), Execution{}));
  CHECK(sampled[BEYOND] == 0 && sampled[BEYOND + 1] == 2 && sampled[BEYOND + 2] == 3);  // all that are free
}

void text_beyond_two_gigabytes() {
  Sparse<std::uint8_t> data(BEYOND + 4);
  const std::int64_t offsets[] = {0, 1, BEYOND, BEYOND + 4};
  data[0] = 'a';
  for (int i = 0; i < 4; ++i) data[BEYOND + i] = static_cast<std::uint8_t>("tail"[i]);
  const TextView text = {offsets, data.data(), 3};
  CHECK(text[2] == "tail" && text[1].size() == static_cast<std::size_t>(BEYOND) - 1);
  CHECK(first_falling_offset(offsets, 3) == -1);
  const std::int64_t rows[] = {2, 0}, out_offsets[] = {0, 4, 5};
  std::uint8_t out[5] = {};
  gather_text(text, rows, 2, out_offsets, out);
  CHECK(std::string_view(reinterpret_cast<const char*>(out), 5) == "taila");
}

constexpr Test TESTS[] = {
    {"a row beyond two billion interactions", a_row_beyond_two_billion_interactions},
    {"half-steps of entries beyond two billion", half_steps_of_entries_beyond_two_billion},
    {"Gramian and rotation of rows beyond two billion numbers",
     gramian_and_rotation_of_rows_beyond_two_billion_numbers},
    {"counting more than two billion codes", counting_more_than_two_billion_codes},
    {"slots hold table rows beyond two billion", slots_hold_table_rows_beyond_two_billion},
    {"entries beyond two billion are combined", entries_beyond_two_billion_are_combined},
    {"values are gathered from beyond", values_are_gathered_from_beyond},
    {"entries beyond two billion are transposed", entries_beyond_two_billion_are_transposed},
    {"the best items beyond two billion numbers", the_best_items_beyond_two_billion_numbers},
    {"ids beyond two gigabytes of text", ids_beyond_two_gigabytes_of_text},
    {"pairs are scored beyond two billion numbers", pairs_are_scored_beyond_two_billion_numbers},
    {"negatives are drawn beyond two billion", negatives_are_drawn_beyond_two_billion},
    {"text beyond two gigabytes", text_beyond_two_gigabytes},
};

}  // namespace

const Tests large_index_tests = {TESTS, sizeof TESTS / sizeof TESTS[0]};

}  // namespace ridgeback::tests
