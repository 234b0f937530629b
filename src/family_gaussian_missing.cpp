#include "family_gaussian_missing.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "dense.h"
#include "numerics.h"

namespace em {

namespace {

// Factors of all patterns are kept up to so many numbers (32 MB); beyond, each is made when it is needed.
constexpr Index most_stored = 4194304;

// Numbers of a block and its responsibilities that leave room in the second level of the cache.
constexpr Index block_room = 7680;

// The first `observed` steps of a Cholesky factorisation, in the lower triangle: the columns done hold the
// factor, the rest what is left over. The matrix is known to be positive definite; a pivot lost in rounding
// is put back at the size of that rounding.
void partial_cholesky(Index d, Index observed, double* a) {
  const double lost = 4.0 * static_cast<double>(d) * std::numeric_limits<double>::epsilon();
  for (Index j = 0; j < d; ++j) {
    double* column = a + j * d;
    const double diagonal = column[j];
    for (Index i = 0; i < std::min(j, observed); ++i) {
      const double* previous = a + i * d;
      const double factor = previous[j];
      for (Index row = j; row < d; ++row) column[row] -= factor * previous[row];
    }
    if (j >= observed) continue;
    const double root = std::sqrt(std::max(column[j], lost * diagonal));
    column[j] = root;
    const double inverse = 1.0 / root;
    for (Index row = j + 1; row < d; ++row) column[row] *= inverse;
  }
}

}  // namespace

FamilyGaussianMissing::FamilyGaussianMissing(Index d, Index k, Structure structure)
    : FamilyGaussianBase(d, k, structure) {}

void FamilyGaussianMissing::bind(const Data& data) {
  FamilyGaussianBase::bind(data);
  plan_ = make_plan(x());
}

std::shared_ptr<const FamilyGaussianMissing::Plan> FamilyGaussianMissing::make_plan(const ConstMatrixMap& x) {
  auto plan = std::make_shared<Plan>();
  std::map<std::vector<bool>, std::size_t> known;
  std::vector<bool> now(static_cast<std::size_t>(x.cols()));
  std::vector<bool> before;
  for (Index i = 0; i < x.rows(); ++i) {
    for (Index j = 0; j < x.cols(); ++j) now[static_cast<std::size_t>(j)] = std::isnan(x(i, j));
    if (i > 0 && now == before) continue;
    before = now;
    const auto found = known.emplace(now, plan->patterns.size());
    if (found.second) {
      Pattern pattern{{}, 0};
      for (const bool missing : {false, true}) {
        for (Index j = 0; j < x.cols(); ++j) {
          if (now[static_cast<std::size_t>(j)] == missing) pattern.order.push_back(j);
        }
        if (!missing) pattern.observed = static_cast<Index>(pattern.order.size());
      }
      plan->patterns.push_back(pattern);
    }
    plan->runs.push_back({i, found.first->second});
  }
  plan->runs.push_back({x.rows(), 0});
  return plan;
}

// Runs are cut where blocks end, so these are longer than those of complete rows.
Index FamilyGaussianMissing::block_rows() const {
  return std::clamp<Index>(block_room / (d_ + k_) / 64 * 64, 256, 512);
}

Index FamilyGaussianMissing::n_workspace(Index block_rows) const {
  const Index exact = block_rows * (k_ + 1) * d_ + factor_size() + 2 * d_ * d_ + d_;
  return std::max(exact, fast_workspace(block_rows));
}

Index FamilyGaussianMissing::describe() {
  const Index n = data_.n;
  Vector weight = Vector::Ones(n);
  if (data_.weights) weight = ConstVectorMap(data_.weights, n);
  Vector centre = Vector::Zero(d_);
  Vector variance = Vector::Zero(d_);
  reach_ = Vector::Zero(d_);
  Matrix filled = Matrix::Zero(n, d_);
  for (Index j = 0; j < d_; ++j) {
    const ConstVectorMap column(x().data() + j * n, n);
    double mass = 0.0;
    for (Index i = 0; i < n; ++i) mass += std::isnan(column[i]) ? 0.0 : weight[i];
    if (!(mass > 0.0)) continue;  // not observed at all: as a constant column, a defect
    // About the first value seen, so that offsets cost no digits.
    Index first = 0;
    while (std::isnan(column[first])) ++first;
    const double origin = column[first];
    double away = 0.0;
    for (Index i = 0; i < n; ++i) away += std::isnan(column[i]) ? 0.0 : weight[i] * (column[i] - origin);
    centre[j] = origin + away / mass;
    VectorMap own(filled.data() + j * n, n);
    for (Index i = 0; i < n; ++i) {
      if (std::isnan(column[i])) continue;
      own[i] = std::sqrt(weight[i]) * (column[i] - centre[j]);
      reach_[j] = std::max(reach_[j], std::abs(column[i] - centre[j]));
    }
    const double square = sum_of_squares(own);
    variance[j] = square / mass;
    if (variance[j] > 0.0) divide_to(own, std::sqrt(square), own);
  }
  Matrix total = cross_product(filled, filled);
  for (Index b = 0; b < d_; ++b) {
    for (Index a = 0; a < d_; ++a)
      total(a, b) = std::sqrt(variance[a]) * total(a, b) * std::sqrt(variance[b]);
  }
  const Index defect = set_overall(centre, total);
  for (Index component = 0; component < k_; ++component) sigma(component) = own_total_;
  store_covariance();
  return defect >= 0 || structure_.diagonal() || has_prior() ? defect : collinear_column(weight);
}

// The first column that the complete rows show to be a linear combination of those before it; -1 where there
// is none, or where too few rows are complete to tell.
Index FamilyGaussianMissing::collinear_column(ConstVectorRef weight) const {
  Vector centre = Vector::Zero(d_);
  Matrix scatter = Matrix::Zero(d_, d_);
  Vector z(d_);
  for (const bool second : {false, true}) {
    double mass = 0.0;
    Index rows = 0;
    for (Index i = 0; i < data_.n; ++i) {
      bool complete = weight[i] > 0.0;
      for (Index a = 0; a < d_; ++a) {
        complete = complete && std::isfinite(x()(i, a));
        z[a] = x()(i, a) - (second ? centre[a] : centre_[a]);
      }
      if (!complete) continue;
      mass += weight[i];
      ++rows;
      if (second) {
        add_outer_product(weight[i], z, z, scatter);
      } else {
        add_scaled(weight[i], z, centre);
      }
    }
    if (rows <= d_ + 1) return -1;
    for (Index a = 0; a < d_ && !second; ++a) centre[a] = centre_[a] + centre[a] / mass;
  }
  return first_collinear(scatter);
}

Index FamilyGaussianMissing::prepare(Accuracy accuracy) {
  load_covariance();
  // Judged as complete rows would be: a density on margins exists wherever the whole one does.
  const Index defect = first_without_density();
  diagonal_ = structure_.diagonal() && all_diagonal();
  alike_ = true;
  for (Index j = 1; j < k_; ++j) {
    const double* own = covariance_.data() + j * d_ * d_;
    alike_ = alike_ && std::equal(own, own + d_ * d_, covariance_.data());
  }
  form_ = accuracy == Accuracy::fast && defect < 0 ? best_form() : Form::exact;
  shift_.resize(d_, k_);
  log_sd_.resize(d_, k_);
  for (Index j = 0; j < k_ && form_ != Form::exact; ++j) {
    for (Index a = 0; a < d_; ++a) {
      shift_(a, j) = mean_(j, a) - centre_[a];
      if (form_ == Form::diagonal) log_sd_(a, j) = 0.5 * std::log(sigma(j)(a, a));
    }
  }
  fill_store();
  return defect;
}

void FamilyGaussianMissing::fill_store() {
  const Index each = form_ == Form::exact ? n_factors() * factor_size() : parts_size();
  const Index size = static_cast<Index>(plan_->patterns.size()) * each;
  store_.resize(size <= most_stored ? size_of(size) : 0);
  if (store_.empty()) return;
  double* out = store_.data();
  if (form_ != Form::exact) return fill_parts(out);
  for (const Pattern& pattern : plan_->patterns) {
    for (Index j = 0; j < n_factors(); ++j, out += factor_size()) make_factor(pattern, j, out);
  }
}

void FamilyGaussianMissing::make_factor(const Pattern& pattern, Index component, double* out) const {
  const double* covariance = covariance_.data() + component * d_ * d_;
  for (Index j = 0; j < d_; ++j) {
    const double* column = covariance + pattern.order[static_cast<std::size_t>(j)] * d_;
    for (Index i = j; i < d_; ++i) out[j * d_ + i] = column[pattern.order[static_cast<std::size_t>(i)]];
  }
  partial_cholesky(d_, pattern.observed, out);
  double constant = -0.5 * static_cast<double>(pattern.observed) * log_two_pi;
  for (Index j = 0; j < pattern.observed; ++j) constant -= std::log(out[j * (d_ + 1)]);
  out[d_ * d_] = constant;
}

const double* FamilyGaussianMissing::factor(std::size_t pattern, Index component, double* scratch) const {
  if (store_.empty()) {
    make_factor(plan_->patterns[pattern], component, scratch);
    return scratch;
  }
  const Index at = static_cast<Index>(pattern) * n_factors() + (alike_ ? 0 : component);
  return store_.data() + at * factor_size();
}

// y = L^-1 (x_o - about_o), a column for each observed one, columns a block apart.
void FamilyGaussianMissing::pack_run(Rows rows, Rows run, const Pattern& pattern, const double* factor,
                                     ConstVectorRef about, double* out) const {
  double* first = out + (run.begin - rows.begin);
  for (Index j = 0; j < pattern.observed; ++j) {
    const Index column = pattern.order[static_cast<std::size_t>(j)];
    ArrayMap y(first + j * rows.size, run.size);
    y = ConstArrayMap(x().data() + column * data_.n + run.begin, run.size) - about[column];
    if (!diagonal_) {
      for (Index i = 0; i < j; ++i) y -= factor[i * d_ + j] * ConstArrayMap(first + i * rows.size, run.size);
    }
    y *= 1.0 / factor[j * (d_ + 1)];
  }
}

// The y of every row under every component: block rows x d for each component, of which a run uses its first
// columns. Where it is shared, those of one.
void FamilyGaussianMissing::pack(Rows rows, double* work) const {
  if (form_ != Form::exact) return fast_pack(rows, work);
  for_each_run(rows, [&](Rows run, std::size_t number) {
    for (Index component = 0; component < k_; ++component) {
      const double* l = factor(number, component, scratch(work, rows.size));
      Vector about(d_);
      for (Index a = 0; a < d_; ++a) about[a] = mean_(component, a);
      pack_run(rows, run, plan_->patterns[number], l, about, work + component * d_ * rows.size);
    }
  });
}

void FamilyGaussianMissing::log_density(Rows rows, double* work, MatrixRef out) const {
  if (form_ != Form::exact) return fast_density(rows, work, out);
  for_each_run(rows, [&](Rows run, std::size_t number) {
    const Pattern& pattern = plan_->patterns[number];
    const Index at = run.begin - rows.begin;
    for (Index component = 0; component < k_; ++component) {
      const double* l = factor(number, component, scratch(work, rows.size));
      const double* first = work + component * d_ * rows.size + at;
      ArrayMap distance(out.data() + component * out.outerStride() + at, run.size);
      distance.setZero();
      for (Index j = 0; j < pattern.observed; ++j) {
        distance += ConstArrayMap(first + j * rows.size, run.size).square();
      }
      distance = l[d_ * d_] - 0.5 * distance;
    }
  });
}

void FamilyGaussianMissing::for_each_pattern(Rows rows, double* work, const PatternVisit& visit) const {
  if (form_ != Form::exact) return fast_patterns(rows, work, visit);
  for_each_run(rows, [&](Rows run, std::size_t number) {
    for (Index component = 0; component < k_; ++component) {
      const double constant = factor(number, component, scratch(work, rows.size))[d_ * d_];
      visit(run, plan_->patterns[number].observed, component, constant);
    }
  });
}

void FamilyGaussianMissing::accumulate(Rows rows, double* work, ConstMatrixRef responsibilities,
                                       VectorRef statistics) const {
  accumulate_weighted(rows, work, responsibilities, responsibilities, statistics);
}

void FamilyGaussianMissing::accumulate_weighted(Rows rows, double* work, ConstMatrixRef weights,
                                                ConstMatrixRef responsibilities, VectorRef statistics) const {
  if (form_ != Form::exact) return fast_sums(rows, work, weights, responsibilities, statistics);
  double* const own = scratch(work, rows.size);
  double* const sums = own + factor_size();
  double* const products = sums + d_;
  double* const weighted = products + 2 * d_ * d_;
  double* const second = statistics.data() + k_ * (1 + d_);
  for_each_run(rows, [&](Rows run, std::size_t number) {
    const Pattern& pattern = plan_->patterns[number];
    if (pattern.observed == 0) return;
    const Index at = run.begin - rows.begin;
    for (Index component = 0; component < k_; ++component) {
      const ConstArrayMap r(weights.data() + component * weights.outerStride() + at, run.size);
      const double count = r.sum();
      if (!(count > 0.0)) continue;
      const double* first = work + component * d_ * rows.size + at;
      for (Index j = 0; j < pattern.observed; ++j) {
        ArrayMap ry(weighted + j * run.size, run.size);
        ry = r * ConstArrayMap(first + j * rows.size, run.size);
        sums[j] = ry.sum();
        const Index from = diagonal_ ? j : 0;
        for (Index i = from; i <= j; ++i) {
          products[i * d_ + j] =
              dot(ConstVectorMap(ry.data(), run.size), ConstVectorMap(first + i * rows.size, run.size));
        }
      }
      statistics[component] += count;
      const double* l = factor(number, component, own);
      complete_first(pattern, l, sums, statistics.data() + k_ + component * d_);
      const double* whole = responsibilities.data() + component * responsibilities.outerStride() + at;
      complete_second(pattern, l, ConstArrayMap(whole, run.size).sum(), products,
                      second + (storage_ == Storage::pooled ? 0 : component) *
                                   (storage_ == Storage::diagonal ? d_ : d_ * d_));
    }
  });
}

// Sums of y -> those of the filled rows about the mean: H sums, added to first.
void FamilyGaussianMissing::complete_first(const Pattern& pattern, const double* factor, const double* sums,
                                           double* first) const {
  const Index observed = pattern.observed;
  for (Index j = 0; j < d_; ++j) {
    const Index to = pattern.order[static_cast<std::size_t>(j)];
    if (diagonal_) {
      if (j < observed) first[to] += factor[j * (d_ + 1)] * sums[j];
      continue;
    }
    for (Index i = 0; i < std::min(j + 1, observed); ++i) first[to] += factor[i * d_ + j] * sums[i];
  }
}

// Sums of y y' (lower triangle) -> those of the filled rows about the mean: H products H' + count C, added to
// second. Behind the products there is room for as many numbers again.
void FamilyGaussianMissing::complete_second(const Pattern& pattern, const double* factor, double count,
                                            double* products, double* second) const {
  const Index observed = pattern.observed;
  const auto column = [&](Index j) { return pattern.order[static_cast<std::size_t>(j)]; };
  if (diagonal_) {
    for (Index j = 0; j < d_; ++j) {
      const double scale = factor[j * (d_ + 1)];  // a standard deviation where observed, else a variance
      const double square = j < observed ? scale * scale * products[j * (d_ + 1)] : count * scale;
      second[storage_ == Storage::diagonal ? column(j) : column(j) * (d_ + 1)] += square;
    }
    return;
  }
  double* const half = products + d_ * d_;  // H products: d x observed
  for (Index j = 0; j < observed; ++j) {
    double* const out = half + j * d_;
    std::fill_n(out, d_, 0.0);
    for (Index i = 0; i < observed; ++i) {
      const double product = i < j ? products[i * d_ + j] : products[j * d_ + i];
      for (Index row = i; row < d_; ++row) out[row] += product * factor[i * d_ + row];
    }
  }
  for (Index j = 0; j < d_; ++j) {
    const Index to = column(j);
    const Index end = storage_ == Storage::diagonal ? j + 1 : d_;
    for (Index row = j; row < end; ++row) {
      double sum = j < observed ? 0.0 : count * factor[j * d_ + row];
      for (Index i = 0; i < std::min(j + 1, observed); ++i) sum += half[i * d_ + row] * factor[i * d_ + j];
      second[storage_ == Storage::diagonal ? to : to * d_ + column(row)] += sum;
      if (row != j) second[column(row) * d_ + to] += sum;
    }
  }
}

void FamilyGaussianMissing::start_at(const std::vector<Index>& rows) {
  FamilyGaussianBase::start_at(rows);
  for (Index j = 0; j < d_; ++j) {
    for (Index component = 0; component < k_; ++component) {
      if (std::isnan(mean_(component, j))) mean_(component, j) = centre_[j];
    }
  }
}

std::unique_ptr<Family> FamilyGaussianMissing::clone() const {
  return std::make_unique<FamilyGaussianMissing>(*this);
}

}  // namespace em
