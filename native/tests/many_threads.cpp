// Everything that runs on the work queue, on more threads than there are processors: the results do not depend on how
// many, and under the thread sanitizer nothing races. The data are cut into at least 20 chunks.
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "csr.hpp"
#include "dispatch.hpp"
#include "event_table.hpp"
#include "half_step.hpp"
#include "item_neighbors.hpp"
#include "logistic.hpp"
#include "negatives.hpp"
#include "sparse_product.hpp"
#include "tests/suites.hpp"
#include "top_k.hpp"

namespace ridgeback::tests {
namespace {

constexpr int THREAD_COUNTS[] = {1, 2, 3, 7, 64};

// The bytes of everything that one run gave.
class Outcome {
 public:
  template <class T>
  void add(const std::vector<T>& values) {
    add(values.data(), static_cast<std::int64_t>(values.size()));
  }
  template <class T>
  void add(const T* values, std::int64_t n) {
    bytes_.append(reinterpret_cast<const char*>(values), static_cast<std::size_t>(n) * sizeof(T));
  }
  bool operator==(const Outcome& other) const { return !bytes_.empty() && bytes_ == other.bytes_; }

 private:
  std::string bytes_;
};

template <class Run>
void check_threads(Run&& run) {
  Outcome alone;
  for (const int n_threads : THREAD_COUNTS) {
    Execution execution;
    execution.n_threads = n_threads;
    Outcome outcome;
    run(execution, outcome);
    if (n_threads == 1) alone = outcome;
    CHECK(outcome == alone);
  }
}

std::vector<float> numbers(std::int64_t n, std::uint64_t seed) {
  Random random{seed};
  std::vector<float> values(n);
  for (float& value : values) value = static_cast<float>(random.number());
  return values;
}

// Rows of 0 to 60 of 300 columns, ascending and distinct, one row in 500 with nearly all of them.
struct Rows {
  static constexpr std::int64_t N_COLUMNS = 300;
  std::int64_t n;
  std::vector<std::int64_t> indptr{0};
  std::vector<std::int32_t> indices;
  std::vector<float> targets, confidences;
  std::vector<double> ridges, bias_ridges;

  explicit Rows(std::int64_t n_rows) : n(n_rows), ridges(n_rows, 2.0), bias_ridges(n_rows, 1.0) {
    Random random{1};
    for (std::int64_t r = 0; r < n; ++r) {
      const std::uint64_t step = r % 500 == 3 ? 1 : 5 + random.next() % 60;
      if (r % 7)
        for (std::uint64_t c = random.next() % step; c < N_COLUMNS; c += step) {
          indices.push_back(static_cast<std::int32_t>(c));
          targets.push_back(static_cast<float>(random.next() % 2));
          confidences.push_back(static_cast<float>(1.5 + random.number()));
        }
      indptr.push_back(static_cast<std::int64_t>(indices.size()));
    }
  }
  RowProblem problem(Pull pull, bool has_bias, double unobserved_weight) const {
    return {indptr.data(),     indices.data(),
            targets.data(),    confidences.data(),
            nullptr,           nullptr,
            ridges.data(),     has_bias ? bias_ridges.data() : nullptr,
            unobserved_weight, n,
            N_COLUMNS,         pull};
  }
};

struct Solver {
  const RowKernels* kernels;
  RowOptions options;
  bool wants_diagonal;
};

std::vector<Solver> row_solvers() {
  std::vector<Solver> solvers = {{kernels().exact, {}, false},
                                 {kernels().exact, {}, false},
                                 {kernels().conjugate_gradient, {}, true},
                                 {kernels().non_negative, {}, false},
                                 {kernels().pair_loss, {}, false}};
  solvers[1].options.is_double = true;
  solvers[2].options.n_cg_steps = 3;
  return solvers;
}

void half_steps_of_every_row_solver() {
  const Rows rows(4000);
  for (const int k : {5, 33}) {
    CHECK(chunks_of_rows(rows.indptr.data(), rows.n, 16 + k).size() >= 20);
    const std::vector<float> factors = numbers(Rows::N_COLUMNS * k, 2), biases = numbers(Rows::N_COLUMNS, 3);
    std::vector<double> diagonal(k), G(k * k);
    for (int f = 0; f < k; ++f) diagonal[f] = G[f * k + f] = 100.0 + f;
    for (const Solver& solver : row_solvers())
      for (const bool has_bias : {false, true})
        check_threads([&](const Execution& execution, Outcome& outcome) {
          const RowProblem problem =
              rows.problem(has_bias ? Pull::target : Pull::weight, has_bias, has_bias ? 0.0 : 0.5);
          std::vector<float> own = numbers(rows.n * k, 4), own_biases(rows.n);
          const double* gram = has_bias ? nullptr : solver.wants_diagonal ? diagonal.data() : G.data();
          const HalfStep step =
              half_step(*solver.kernels, problem, {factors.data(), has_bias ? biases.data() : nullptr, gram, k},
                        {own.data(), has_bias ? own_biases.data() : nullptr}, solver.options, execution);
          CHECK(step.is_complete);
          outcome.add(own);
          outcome.add(own_biases);
          outcome.add(&step.totals.loss, 1);
        });
  }
}

void half_steps_of_every_logistic_method() {
  constexpr int K = 17;
  const Rows rows(4000);
  const std::vector<float> factors = numbers(Rows::N_COLUMNS * K, 2), biases = numbers(Rows::N_COLUMNS, 3);
  for (const LogisticMethod method : {LogisticMethod::measure, LogisticMethod::majorize, LogisticMethod::gradient,
                                      LogisticMethod::adagrad, LogisticMethod::newton})
    check_threads([&](const Execution& execution, Outcome& outcome) {
      std::vector<float> own = numbers(rows.n * K, 4), own_biases(rows.n);
      std::vector<double> squares(rows.n * (K + 1), 1e-3);
      std::vector<std::uint8_t> unsolved(rows.n);
      const LogisticHalfStep step = logistic_half_step(
          rows.problem(Pull::target, true, 0), {factors.data(), biases.data(), nullptr, K},
          {own.data(), own_biases.data()}, {method, 0.1, squares.data(), unsolved.data()}, execution);
      CHECK(step.is_complete);
      outcome.add(own);
      outcome.add(own_biases);
      outcome.add(squares);
      outcome.add(&step.totals.cross_entropy, 1);
    });
}

void gramians_norms_and_rotations() {
  constexpr std::int64_t N = 25000;  // chunks of 1024
  for (const int k : {1, 15, 32}) {
    const std::vector<float> factors = numbers(N * k, 5);
    const std::vector<double> weights(N, 1.25);
    std::vector<double> Q(k * k);
    for (int f = 0; f < k; ++f) Q[f * k + (k - 1 - f)] = 0.75, Q[f * k + f] += 0.5;
    check_threads([&](const Execution& execution, Outcome& outcome) {
      std::vector<double> result(k * k);
      gram(factors.data(), weights.data(), N, k, execution, result.data());
      std::vector<float> turned = factors;
      rotate(turned.data(), Q.data(), N, k, execution.n_threads);
      const double norms = squared_norms(factors.data(), weights.data(), N, k, execution.n_threads);
      outcome.add(result);
      outcome.add(turned);
      outcome.add(&norms, 1);
    });
  }
}

// The same rows by column.
struct Columns {
  std::vector<std::int64_t> indptr;
  std::vector<std::int32_t> indices;
  explicit Columns(const Rows& rows) : indptr(Rows::N_COLUMNS + 1), indices(rows.indices.size()) {
    const Matrix matrix{rows.indptr.data(), rows.indices.data(), nullptr, rows.n, Rows::N_COLUMNS};
    CHECK(transpose(matrix, indptr.data(), indices.data(), nullptr, Execution{}));
  }
};

void neighbours_of_items() {
  constexpr std::int64_t KEEP = 7, N_ITEMS = Rows::N_COLUMNS;
  const Rows rows(300'000);  // tens of millions of additions: more than 20 chunks
  const Columns columns(rows);
  const std::vector<float> user_weights(rows.n, 0.5f), item_weights(N_ITEMS, 0.25f);
  const NeighborRequest request{{rows.indptr.data(), rows.indices.data(), nullptr, rows.n, N_ITEMS},
                                {columns.indptr.data(), columns.indices.data(), nullptr, N_ITEMS, rows.n},
                                user_weights.data(),
                                item_weights.data(),
                                KEEP};
  check_threads([&](const Execution& execution, Outcome& outcome) {
    std::vector<std::int32_t> items(N_ITEMS * KEEP), counts(N_ITEMS);
    std::vector<float> values(N_ITEMS * KEEP);
    CHECK(item_neighbors(request, 0, N_ITEMS, execution, items.data(), values.data(), counts.data()));
    outcome.add(counts);
    outcome.add(items);
    outcome.add(values);
  });
}

void products_of_sparse_matrices() {
  constexpr int K = 9;
  const Rows rows(40'000);
  const std::vector<float> right = numbers(Rows::N_COLUMNS * K, 11), data = numbers(rows.indices.size(), 12);
  const Matrix matrix{rows.indptr.data(), rows.indices.data(), data.data(), rows.n, Rows::N_COLUMNS};
  check_threads([&](const Execution& execution, Outcome& outcome) {
    std::vector<float> out(rows.n * K);
    CHECK(sparse_product(matrix, right.data(), K, out.data(), execution));
    outcome.add(out);
  });
}

void check_best_items_and_scores(const Rows& rows, const NeighborTerm& neighbors) {
  constexpr int K = 19;
  constexpr std::int64_t KEEP = 10, N_ITEMS = Rows::N_COLUMNS;
  const std::vector<float> users = numbers(rows.n * K, 6), items = numbers(N_ITEMS * K, 7),
                           biases = numbers(N_ITEMS, 8);
  const Scorer scorer = {users.data(), items.data(), rows.n, N_ITEMS, K, nullptr, biases.data(), 0.5f, neighbors};
  const ItemLists lists = {rows.indptr.data(), rows.indices.data()};
  std::vector<std::int32_t> asked(50000);
  for (std::size_t i = 0; i < asked.size(); ++i) asked[i] = static_cast<std::int32_t>(i % N_ITEMS);
  check_threads([&](const Execution& execution, Outcome& outcome) {
    std::vector<std::int32_t> best(rows.n * KEEP), counts(rows.n);
    std::vector<float> scores(rows.n * KEEP), norms(rows.n), pairs(asked.size());
    TopKRequest request = {};
    request.n_eligible = N_ITEMS;
    request.excluded = lists;
    request.bounds = {-std::numeric_limits<float>::infinity(), std::numeric_limits<float>::infinity()};
    request.keep = KEEP;
    CHECK(top_k(scorer, request, execution, best.data(), scores.data(), counts.data()));
    outcome.add(counts);
    for (std::int64_t u = 0; u < rows.n; ++u) {
      outcome.add(best.data() + u * KEEP, counts[u]);
      outcome.add(scores.data() + u * KEEP, counts[u]);
    }
    std::vector<std::int64_t> places(rows.n + 1);
    std::vector<float> wanted;
    for (std::int64_t u = 0; u < rows.n; ++u) {
      wanted.insert(wanted.end(), scores.data() + u * KEEP, scores.data() + u * KEEP + counts[u]);
      places[u + 1] = static_cast<std::int64_t>(wanted.size());
    }
    std::vector<std::int32_t> higher(wanted.size());
    CHECK(count_higher(scorer, request, {places.data(), wanted.data()}, execution, higher.data()));
    outcome.add(higher);
    CHECK(top_k_of_candidates(scorer, lists, {nullptr, nullptr}, KEEP, execution, best.data(), scores.data(),
                              counts.data()));
    outcome.add(counts);
    for (std::int64_t u = 0; u < rows.n; ++u) outcome.add(scores.data() + u * KEEP, counts[u]);
    CHECK(score_pairs(scorer, asked.data(), asked.data(), static_cast<std::int64_t>(asked.size()), execution,
                      pairs.data()));
    CHECK(inverse_norms(users.data(), rows.n, K, execution, norms.data()));
    outcome.add(pairs);
    outcome.add(norms);
  });
}

void the_best_items_and_scores() { check_best_items_and_scores(Rows(4000), {}); }

void the_best_items_and_scores_with_neighbours() {
  constexpr std::int64_t KEEP = 20, N_ITEMS = Rows::N_COLUMNS;
  const Rows rows(4000);
  std::vector<std::int64_t> indptr(N_ITEMS + 1);
  std::vector<std::int32_t> items;
  for (std::int64_t item = 0; item < N_ITEMS; ++item) {
    for (std::int64_t i = item % 3; i < N_ITEMS; i += N_ITEMS / KEEP) items.push_back(static_cast<std::int32_t>(i));
    indptr[item + 1] = static_cast<std::int64_t>(items.size());
  }
  const std::vector<float> values = numbers(items.size(), 13), scales = numbers(rows.n, 14);
  check_best_items_and_scores(
      rows, {indptr.data(), items.data(), values.data(), rows.indptr.data(), rows.indices.data(), scales.data()});
}

template <class Slot, class Row>
void check_csr() {
  constexpr std::int64_t N = 3'000'000, N_ROWS = 900, N_COLUMNS = 40;  // parts of 65,536, blocks of a million
  Random random{9};
  std::vector<std::int32_t> rows(N), columns(N);
  for (std::int64_t i = 0; i < N; ++i) {
    rows[i] = static_cast<std::int32_t>(random.next() % N_ROWS);
    columns[i] = static_cast<std::int32_t>(random.next() % N_COLUMNS);
  }
  const std::vector<float> values = numbers(N, 10);
  check_threads([&](const Execution& execution, Outcome& outcome) {
    std::vector<std::int64_t> counts(N_COLUMNS), indptr(N_ROWS + 1), unique(N_ROWS + 1), turned_indptr(N_COLUMNS + 1);
    std::vector<Slot> slots(N);
    CHECK(count_codes(columns.data(), N, N_COLUMNS, counts.data(), execution));
    CHECK(sort_pairs({rows.data(), columns.data(), N}, N_ROWS, indptr.data(), slots.data(), unique.data(), execution));
    const std::int64_t n_unique = unique.back();
    std::vector<std::int32_t> merged(n_unique), merged_counts(n_unique), turned(n_unique);
    std::vector<float> merged_values(n_unique), turned_values(n_unique), gathered(n_unique);
    std::vector<Row> latest(n_unique);
    const Combination<Slot, Row> combination = {indptr.data(),        slots.data(),
                                                unique.data(),        N_ROWS,
                                                values.data(),        nullptr,
                                                Duplicates::kMean,    merged.data(),
                                                merged_values.data(), merged_counts.data(),
                                                latest.data()};
    CHECK(combine(combination, execution));
    CHECK(transpose({unique.data(), merged.data(), merged_values.data(), N_ROWS, N_COLUMNS}, turned_indptr.data(),
                    turned.data(), turned_values.data(), execution));
    CHECK(gather(values.data(), latest.data(), n_unique, gathered.data(), execution));
    for (const auto& part : {counts, indptr, unique, turned_indptr}) outcome.add(part);
    for (const auto& part : {merged, merged_counts, turned}) outcome.add(part);
    for (const auto& part : {merged_values, turned_values, gathered}) outcome.add(part);
    outcome.add(latest);
  });
}

void counting_sorts_and_transposes() {
  check_csr<NarrowSlot, std::uint32_t>();
  check_csr<WideSlot, std::uint64_t>();
}

void sampled_negatives() {
  const Rows rows(4000);
  std::vector<std::int32_t> pool(Rows::N_COLUMNS);
  for (std::size_t c = 0; c < pool.size(); ++c) pool[c] = static_cast<std::int32_t>(c);
  std::vector<std::int64_t> places = {0};
  for (std::int64_t r = 0; r < rows.n; ++r)
    places.push_back(places.back() + std::min<std::int64_t>(9, Rows::N_COLUMNS - rows.indptr[r + 1] + rows.indptr[r]));
  check_threads([&](const Execution& execution, Outcome& outcome) {
    std::vector<std::int32_t> sampled(places.back());
    CHECK(sample_negatives(rows.indptr.data(), rows.indices.data(), rows.n, pool.data(), Rows::N_COLUMNS, 11,
                           places.data(), sampled.data(), execution));
    outcome.add(sampled);
  });
}

// Small ints, large ints, and ints until the first text: the three ways an id column is numbered.
void tables_and_their_ids() {
  for (const std::string_view id : {"", "-900000000000", "user"}) {
    Random random{12};
    std::string text;
    for (int row = 0; row < 150'000; ++row) {  // some megabytes, in pieces of half of one
      const bool is_plain = id == "user" && row < 60'000;
      text += (is_plain ? std::string() : std::string(id)) + std::to_string(random.next() % 5000 + 1000) + "," +
              std::to_string(random.next() % 700) + "," + std::to_string(random.next() % 5) + ".5\n";
    }
    check_threads([&](const Execution& execution, Outcome& outcome) {
      EventTable table({{Role::kId, Role::kId, Role::kValue}, {IdStyle::kCell, IdStyle::kCell, IdStyle::kText}, {}},
                       true, 5);
      table.set_dialect({",", true, 3, {0, 1, 2}}, 0);
      CHECK(table.add_text(text, true, execution));
      CHECK(table.finish(execution));
      CHECK(table.n_rows == 150'000 && table.n_bad == 0);
      CHECK(table.ids[0].is_text() == (id == "user") && !table.ids[1].is_text());
      for (const std::size_t role : {0, 1}) {
        outcome.add(table.ids[role].codes().data(), table.ids[role].codes().size());
        outcome.add(table.ids[role].ints());
        outcome.add(table.ids[role].word_offsets());
        outcome.add(table.ids[role].word_bytes());
      }
      outcome.add(table.floats[2].data(), table.floats[2].size());
    });
  }
}

constexpr Test TESTS[] = {
    {"half-steps of every row solver", half_steps_of_every_row_solver},
    {"half-steps of every logistic method", half_steps_of_every_logistic_method},
    {"Gramians, norms and rotations", gramians_norms_and_rotations},
    {"neighbours of items", neighbours_of_items},
    {"products of sparse matrices", products_of_sparse_matrices},
    {"the best items and scores", the_best_items_and_scores},
    {"the best items and scores with neighbours", the_best_items_and_scores_with_neighbours},
    {"counting sorts and transposes", counting_sorts_and_transposes},
    {"sampled negatives", sampled_negatives},
    {"tables and their ids", tables_and_their_ids},
};

}  // namespace

const Tests many_thread_tests = {TESTS, sizeof TESTS / sizeof TESTS[0]};

}  // namespace ridgeback::tests
