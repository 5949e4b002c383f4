// Logistic rows: majorisation in float32, and gradient, AdaGrad and Newton in float64.
// Every step is solved for the change of u: the right side is minus half the gradient,
//   -g/2 = sum_j c_j (p_j - probability_j) / 2 * z_j - R u,
// so that rounding shrinks with the step.
#include "assemble.hpp"
#include "cholesky.hpp"
#include "logistic_kernels.hpp"
#include "logistic_link.hpp"

namespace ridgeback::RIDGEBACK_LEVEL {
namespace {

constexpr std::int64_t KEPT_BYTES = 256 << 10;  // a row whose neighbours fit is gathered once for all its passes
constexpr int MAX_HALVINGS = 40;
constexpr int MAX_NEWTON_STEPS = 100;
constexpr double GRADIENT_TOLERANCE = 1e-10;
constexpr double ROUNDING = 1e-13;
constexpr double LARGEST = 1e38;         // an optimum beyond float32, in which factors are stored, is none
constexpr float SMALLEST_PIVOT = 1e-5f;  // below it the row is solved in float64
constexpr double SMALLEST_PIVOT_DOUBLE = 2e-12;

template <class T>
std::int64_t kept_rows(const Shape& shape) {
  const std::int64_t fitting = KEPT_BYTES / static_cast<std::int64_t>(sizeof(T)) / shape.padded / BLOCK * BLOCK;
  return fitting > BLOCK ? fitting : BLOCK;
}

// The pairs of one block: what the link functions read and write.
struct Pairs {
  alignas(64) double score[BLOCK], sign[BLOCK], confidence[BLOCK], surprise[BLOCK], weight[BLOCK];
};

// Half the gradient with its sign turned, the sum of its terms' norms, and A, where they were asked for.
template <class T>
struct System {
  T *A, *b;
  double scale;
};

enum class Curvature { none, majorizing, true_one };

// One row: its pairs, read block by block, and the passes over them.
template <class T>
class Row {
 public:
  Row(const RowProblem& problem, const FixedSide& fixed, const Shape& shape, std::int64_t r, T* rows, T* weighted)
      : problem_(problem),
        fixed_(fixed),
        shape_(shape),
        r_(r),
        begin_(problem.indptr[r]),
        n_(problem.indptr[r + 1] - problem.indptr[r]),
        is_kept_(n_ <= kept_rows<T>(shape)),
        rows_(rows),
        weighted_(weighted) {
    if (is_kept_) gather<T>(fixed_, shape_, problem_.indices + begin_, n_, rows_);
  }

  // sum_j c_j cross-entropy_j at u.
  double cross_entropy(const T* u) {
    double sum = 0;
    for (std::int64_t at = 0; at < n_; at += BLOCK) {
      const int n = read_block(at, u, nullptr);
      cross_entropies(pairs_.score, pairs_.sign, BLOCK, pairs_.weight);
      for (int j = 0; j < n; ++j) sum += pairs_.confidence[j] * pairs_.weight[j];
    }
    return sum;
  }

  // u^T R u.
  template <class U>
  double penalty(const U* u) const {
    double sum = 0;
    for (int f = 0; f < shape_.size; ++f) sum += ridge(f) * (static_cast<double>(u[f]) * static_cast<double>(u[f]));
    return sum;
  }

  double loss(const T* u) { return cross_entropy(u) + penalty(u); }

  // b = -gradient / 2 at u and, unless curvature is none, A = sum_j weight_j z_j z_j^T + R.
  void assemble(const T* u, Curvature curvature, System<T>& system) {
    for (int f = 0; f < shape_.padded; ++f) system.b[f] = 0;
    system.scale = 0;
    for (std::int64_t at = 0; at < n_; at += BLOCK) {
      const T* rows = nullptr;
      const int n = read_block(at, u, &rows);
      surprises(pairs_.score, pairs_.sign, BLOCK, pairs_.surprise);
      if (curvature == Curvature::majorizing) majorizing_weights(pairs_.score, BLOCK, pairs_.weight);
      if (curvature == Curvature::true_one) newton_weights(pairs_.score, BLOCK, pairs_.weight);
      for (int j = 0; j < n; ++j) {
        const T* z = rows + static_cast<std::int64_t>(j) * shape_.padded;
        const double pull = 0.5 * pairs_.confidence[j] * pairs_.surprise[j];
        add_scaled<T>(static_cast<T>(pull), z, system.b, shape_.padded);
        if (curvature == Curvature::true_one)
          system.scale += std::fabs(pull) * std::sqrt(static_cast<double>(dot<T>(z, z, shape_.padded)));
        if (curvature == Curvature::none) continue;
        const Vec<T> root = Vec<T>::splat(std::sqrt(static_cast<T>(pairs_.confidence[j] * pairs_.weight[j])));
        for (int f = 0; f < shape_.padded; f += Vec<T>::N)
          (root * Vec<T>::load(z + f)).store(weighted_ + f * BLOCK + j * Vec<T>::N);
      }
      Ahead nothing;
      if (curvature != Curvature::none)
        add_outer_products<T>(weighted_, weighted_, BLOCK * Vec<T>::N, n, shape_.padded, at ? system.A : nullptr,
                              system.A, nothing);
    }
    if (curvature != Curvature::none) add_ridges<T>(problem_, shape_, r_, system.A);
    double ridge_square = 0;
    for (int f = 0; f < shape_.size; ++f) {
      const double pull = ridge(f) * static_cast<double>(u[f]);
      system.b[f] = static_cast<T>(static_cast<double>(system.b[f]) - pull);
      ridge_square += pull * pull;
    }
    system.scale += std::sqrt(ridge_square);
  }

  double ridge(int f) const { return f < shape_.n_factors ? problem_.ridges[r_] : problem_.bias_ridges[r_]; }

 private:
  // Fills the pairs at..at+BLOCK-1 with their scores at u; behind the row's end they weigh nothing.
  int read_block(std::int64_t at, const T* u, const T** rows_of_block) {
    const int n = static_cast<int>(n_ - at < BLOCK ? n_ - at : BLOCK);
    T* rows = is_kept_ ? rows_ + at * shape_.padded : rows_;
    if (!is_kept_) gather<T>(fixed_, shape_, problem_.indices + begin_ + at, n, rows);
    for (int j = 0; j < n; ++j) {
      const std::int64_t pair = begin_ + at + j;
      const double offset = fixed_.biases ? static_cast<double>(fixed_.biases[problem_.indices[pair]]) : 0.0;
      const T* z = rows + static_cast<std::int64_t>(j) * shape_.padded;
      pairs_.score[j] = static_cast<double>(dot<T>(z, u, shape_.padded)) + offset;
      pairs_.sign[j] = problem_.targets[pair] > 0.5f ? 1.0 : -1.0;
      pairs_.confidence[j] = problem_.confidences ? static_cast<double>(problem_.confidences[pair]) : 1.0;
    }
    for (int j = n; j < BLOCK; ++j) {
      pairs_.score[j] = pairs_.confidence[j] = 0;
      pairs_.sign[j] = 1;
    }
    if (rows_of_block) *rows_of_block = rows;
    return n;
  }

  const RowProblem& problem_;
  const FixedSide& fixed_;
  const Shape& shape_;
  const std::int64_t r_, begin_, n_;
  const bool is_kept_;
  T *rows_, *weighted_;
  Pairs pairs_;
};

// A worker's memory for one row at a time, as float32 or float64.
template <class T>
struct Memory {
  T *u, *candidate, *step, *rows, *weighted;
  Factor<T> factor;
  System<T> system;

  static Memory take(Scratch scratch, const Shape& shape) {
    Memory m;
    m.u = scratch.take<T>(shape.padded);
    m.candidate = scratch.take<T>(shape.padded);
    m.step = scratch.take<T>(shape.padded);
    m.system.b = scratch.take<T>(shape.padded);
    m.system.A = scratch.take<T>(static_cast<std::int64_t>(shape.padded) * shape.padded);
    m.factor = Factor<T>::take(scratch, shape.padded);
    m.rows = scratch.take<T>(kept_rows<T>(shape) * shape.padded);
    m.weighted = scratch.take<T>(static_cast<std::int64_t>(BLOCK) * shape.padded);
    return m;
  }
};

template <class T>
std::int64_t bytes_of(const Shape& shape) {
  const std::int64_t padded = shape.padded;
  const std::int64_t numbers = 4 * padded + padded * padded + kept_rows<T>(shape) * padded + BLOCK * padded;
  return static_cast<std::int64_t>(sizeof(T)) * (numbers + Factor<T>::n_numbers(padded)) + 7 * 64;
}

std::size_t scratch_bytes(const RowProblem& problem, const FixedSide& fixed) {
  const Shape shape = shape_of(problem, fixed);
  const std::int64_t single = bytes_of<float>(shape), full = bytes_of<double>(shape);
  return static_cast<std::size_t>(single > full ? single : full);
}

// u = [x, bias, 0 ...] of row r.
template <class T>
void read_unknown(const OwnSide& own, const Shape& shape, std::int64_t r, T* u) {
  for (int f = 0; f < shape.padded; ++f) u[f] = 0;
  for (int f = 0; f < shape.n_factors; ++f) u[f] = own.factors[r * shape.n_factors + f];
  if (shape.has_bias) u[shape.n_factors] = own.biases[r];
}

// Stores u as float32, and leaves in u what was stored.
template <class T>
void write_unknown(const OwnSide& own, const Shape& shape, std::int64_t r, T* u) {
  for (int f = 0; f < shape.n_factors; ++f) u[f] = own.factors[r * shape.n_factors + f] = static_cast<float>(u[f]);
  if (shape.has_bias) u[shape.n_factors] = own.biases[r] = static_cast<float>(u[shape.n_factors]);
}

// A row without pairs is zero.
void clear_row(const OwnSide& own, const Shape& shape, std::int64_t r) {
  for (int f = 0; f < shape.n_factors; ++f) own.factors[r * shape.n_factors + f] = 0;
  if (shape.has_bias) own.biases[r] = 0;
}

// u += A^-1 b of the majorising quadratic; false where A is singular at this precision.
template <class T>
bool majorize(Row<T>& row, const Shape& shape, T smallest_pivot, Memory<T>& m) {
  row.assemble(m.u, Curvature::majorizing, m.system);
  if (!solve_system<T>(m.system.A, m.system.b, shape.padded, smallest_pivot, m.factor, m.step)) return false;
  for (int f = 0; f < shape.size; ++f) m.u[f] += m.step[f];
  return true;
}

// u += step, the step halved until the loss of what will be stored does not rise; at most forty times.
void descend(Row<double>& row, const Shape& shape, Memory<double>& m) {
  const double before = row.loss(m.u);
  for (int f = 0; f < shape.padded; ++f) m.candidate[f] = 0;
  for (int halving = 0; halving <= MAX_HALVINGS; ++halving) {
    for (int f = 0; f < shape.size; ++f) {
      m.candidate[f] = static_cast<float>(m.u[f] + m.step[f]);
      m.step[f] *= 0.5;
    }
    if (row.loss(m.candidate) > before) continue;
    for (int f = 0; f < shape.size; ++f) m.u[f] = m.candidate[f];
    return;
  }
}

// One step on the gradient of the sum loss, with AdaGrad's scale where `squares` of the row are given.
void step_down(Row<double>& row, const Shape& shape, double step_size, double* squares, Memory<double>& m) {
  row.assemble(m.u, Curvature::none, m.system);
  for (int f = 0; f < shape.size; ++f) {
    const double gradient = -2.0 * m.system.b[f];
    double scale = 1.0;
    if (squares) {
      squares[f] += gradient * gradient;
      scale = std::sqrt(squares[f]);
    }
    m.step[f] = scale > 0 ? -step_size * gradient / scale : 0.0;
  }
  descend(row, shape, m);
}

double length(const double* v, int size) {
  double sum = 0;
  for (int f = 0; f < size; ++f) sum += v[f] * v[f];
  return std::sqrt(sum);
}

// u = the row's optimum, by Newton steps from zero that are halved until the loss falls.
LogisticRow minimize(Row<double>& row, const Shape& shape, Memory<double>& m) {
  for (int f = 0; f < shape.padded; ++f) m.u[f] = m.candidate[f] = 0;
  bool is_regularized = true;
  for (int f = 0; f < shape.size; ++f) is_regularized = is_regularized && row.ridge(f) > 0;
  const int n_steps = is_regularized ? 10 * MAX_NEWTON_STEPS : MAX_NEWTON_STEPS;
  double loss = row.loss(m.u);
  for (int step = 0; step < n_steps; ++step) {
    row.assemble(m.u, Curvature::true_one, m.system);
    if (length(m.system.b, shape.size) <= GRADIENT_TOLERANCE * m.system.scale)
      return length(m.u, shape.size) <= LARGEST ? LogisticRow::solved : LogisticRow::unbounded;
    if (!solve_system<double>(m.system.A, m.system.b, shape.padded, SMALLEST_PIVOT_DOUBLE, m.factor, m.step))
      return LogisticRow::singular;
    double lower = loss;
    for (int halving = 0; halving < MAX_HALVINGS; ++halving) {
      for (int f = 0; f < shape.size; ++f) m.candidate[f] = m.u[f] + m.step[f];
      lower = row.loss(m.candidate);
      // Near the optimum a step's gain is below the loss's own rounding: then not rising is enough.
      if (lower <= loss * (1 + ROUNDING)) break;
      for (int f = 0; f < shape.size; ++f) m.step[f] *= 0.5;
    }
    for (int f = 0; f < shape.size; ++f) m.u[f] = m.candidate[f];
    loss = lower;
  }
  return LogisticRow::unbounded;
}

// The row's step in float64, all methods; the float32 majorisation falls back on it.
LogisticRow solve_row(Row<double>& row, const OwnSide& own, const Shape& shape, const LogisticOptions& options,
                      std::int64_t r, Memory<double>& m) {
  read_unknown(own, shape, r, m.u);
  LogisticRow state = LogisticRow::solved;
  switch (options.method) {
    case LogisticMethod::measure:
      return state;
    case LogisticMethod::majorize:
      if (!majorize<double>(row, shape, SMALLEST_PIVOT_DOUBLE, m)) state = LogisticRow::singular;
      break;
    case LogisticMethod::gradient:
      step_down(row, shape, options.step_size, nullptr, m);
      break;
    case LogisticMethod::adagrad:
      step_down(row, shape, options.step_size, options.squares + r * shape.size, m);
      break;
    case LogisticMethod::newton:
      state = minimize(row, shape, m);
      break;
  }
  if (state == LogisticRow::solved) write_unknown(own, shape, r, m.u);
  return state;
}

void solve(const RowProblem& problem, const FixedSide& fixed, const OwnSide& own, const LogisticOptions& options,
           std::int64_t begin, std::int64_t end, void* scratch, LogisticTotals& totals) {
  const Shape shape = shape_of(problem, fixed);
  const Scratch memory{static_cast<char*>(scratch)};
  Memory<float> single = Memory<float>::take(memory, shape);
  Memory<double> full = Memory<double>::take(memory, shape);
  for (std::int64_t r = begin; r < end; ++r) {
    if (problem.indptr[r + 1] == problem.indptr[r]) {
      if (options.method != LogisticMethod::measure) clear_row(own, shape, r);
      continue;
    }
    if (options.method == LogisticMethod::majorize) {
      Row<float> row(problem, fixed, shape, r, single.rows, single.weighted);
      read_unknown(own, shape, r, single.u);
      if (majorize<float>(row, shape, SMALLEST_PIVOT, single)) {
        write_unknown(own, shape, r, single.u);
        totals.cross_entropy += row.cross_entropy(single.u);
        totals.penalty += row.penalty(single.u);
        continue;
      }
    }
    Row<double> row(problem, fixed, shape, r, full.rows, full.weighted);
    const LogisticRow state = solve_row(row, own, shape, options, r, full);
    if (state != LogisticRow::solved) {
      options.unsolved[r] = static_cast<std::uint8_t>(state);
      if (state == LogisticRow::singular) continue;  // the caller solves and counts it
      read_unknown(own, shape, r, full.u);
    }
    totals.cross_entropy += row.cross_entropy(full.u);
    totals.penalty += row.penalty(full.u);
  }
}

}  // namespace

extern const LogisticKernels logistic_kernels = {&scratch_bytes, &solve};

}  // namespace ridgeback::RIDGEBACK_LEVEL
